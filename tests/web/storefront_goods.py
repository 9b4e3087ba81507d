"""Things, shops and orders as handlers hand them to storefront templates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import segno

from littleshop.clock import SHANGHAI
from littleshop.money import Money
from littleshop.web.drawing import YOU

NOW = datetime(2026, 11, 22, 8, 5, tzinfo=UTC)  # Sunday, 16:05 in Shanghai
TODAY = date(2026, 11, 22)
HOST = "https://littleshop.example"


def thing(**facts: Any) -> SimpleNamespace:
    """A row struct as handlers have it."""
    return SimpleNamespace(**facts)


def picture(name: str, alt: str = "") -> SimpleNamespace:
    """A picture under the name of its still life, in place of a hash."""
    return thing(digest=name, alt=alt)


def qr(text: str) -> str:
    """A code as svg text, as handlers make it."""
    return segno.make(text, error="m").svg_inline(scale=4, border=0, omitsize=True)


def cny(text: str) -> Money:
    """Yuan written with their fen."""
    return Money(int(text.replace(".", "")), "CNY")


def days(count: int) -> timedelta:
    """A span of whole days."""
    return timedelta(days=count)


TERMS = thing(ship=days(2), refund=days(7), confirm=days(10), way=days(180), told=days(90))
XIAOMAN = thing(
    slug="xiaoman",
    name="小满茶器",
    seller="小满",
    line="景德镇一个人的小窑，烧盖碗、茶杯和一些意外。",
    place="江西景德镇",
    since=2019,
    since_month=None,
    story=("我叫林小满，在景德镇三宝村做茶器。", "路上磕了碰了，拍张照发我。"),
    picture=picture("face-xiaoman"),
    awning="moss",
    direct=False,
    paused=None,
)
ADA = thing(
    slug="ada",
    name="Ada’s Corner",
    seller="Ada",
    place="Leith, Edinburgh",
    since=2021,
    since_month=3,
    story=(),
    awning="sea",
    line="Soap, wool and stoneware from a shared workshop by the harbour.",
    picture=picture("face-ada"),
    direct=False,
    paused=None,
)
GAIWAN = thing(
    id="1",
    title="青灰釉盖碗，松木柴烧，150 毫升",
    line="手工拉坯。落灰成釉，每一只的流痕都不一样。",
    paragraphs=["松木烧三天两夜，灰落在坯上自己化成釉。盖沿修薄了，不烫手。"],
    facts=[
        thing(name="容量", value="150 毫升，八分满约 120"),
        thing(name="口径", value="9.2 厘米，重 210 克"),
    ],
    pictures=[
        picture("gaiwan-celadon", "一只青灰色盖碗"),
        picture("gaiwanSet-celadon", "盖碗和两只杯"),
        picture("gaiwanTop-celadon", "从上面看"),
    ],
    price=cny("168.00"),
    sold_out=False,
    no_return="",
    axes=[
        thing(
            name="釉色",
            options=[
                thing(value="青灰", colour="#A9B9AF", gone=False, price=None, up=False),
                thing(value="月白", colour="#EDECE3", gone=False, price=None, up=False),
                thing(value="茶末", colour="#857A45", gone=True, price=None, up=False),
            ],
        ),
        thing(
            name="配杯",
            options=[
                thing(value="只要盖碗", colour=None, gone=False, price=cny("168.00"), up=False),
                thing(value="配两只杯", colour=None, gone=False, price=cny("258.00"), up=False),
            ],
        ),
    ],
    variants=[
        thing(id="11", options=["青灰", "只要盖碗"], price=cny("168.00"), gone=False),
        thing(id="12", options=["青灰", "配两只杯"], price=cny("258.00"), gone=False),
        thing(id="13", options=["月白", "只要盖碗"], price=cny("168.00"), gone=False),
        thing(id="14", options=["月白", "配两只杯"], price=cny("258.00"), gone=True),
    ],
)
RECORD_ZH = [
    thing(figure="98%", means="近 90 天按时发货", told="近 90 天 98% 按时发货"),
    thing(figure="10 分钟", means="一般多久回话", told="10 分钟回话"),
    thing(figure="41%", means="买过又来的人", told="41% 的人买了又来"),
]
RECORD_EN = [
    thing(figure="97%", means="sent on time", told="97% sent on time"),
    thing(figure="208", means="buyers", told="208 people bought"),
]


def tile(number: int, title: str, minor: int, art: str | None, **facts: Any) -> SimpleNamespace:
    """One thing on the shelf."""
    known = {"from_price": False, "sold_out": False} | facts
    return thing(
        id=str(number),
        title=title,
        price=Money(minor, "GBP"),
        picture=picture(art) if art else None,
        **known,
    )


SHELF = [
    tile(1, "Fisherman’s jumper, undyed Shetland wool", 9600, "jumper-oat"),
    tile(2, "Half-dipped stoneware mug, 320 ml", 2200, "mug-oat"),
    tile(3, "Three soaps: rosehip, sage and oat", 1400, "soapStack"),
    tile(4, "Bud vase with an ash glaze that ran", 2600, "vase", from_price=True),
    tile(5, "Ribbed beanie in mustard", 2800, "beanie"),
    tile(6, "Nesting bowls, a set of three", 4800, "bowls"),
    tile(7, "Snowfall mittens, lined with fleece", 3400, "mittens", sold_out=True),
    tile(8, "Sea-salt soap with its own dish", 1150, None),
]
LINES = [
    thing(label="商品 2 件", amount=cny("264.00"), reason=None, good=False),
    thing(label="老顾客 95 折", amount=cny("-13.20"), reason="小满给买过三次以上的人", good=True),
    thing(label="普通快递", amount=cny("0.00"), reason=None, good=False),
]
BOUGHT = [
    thing(
        title="青灰釉盖碗，松木柴烧",
        choice="只要盖碗",
        picture=picture("gaiwan-celadon"),
        price=cny("168.00"),
        quantity=1,
        no_return="",
    ),
    thing(
        title="月白品茗杯，一对",
        choice="月白",
        picture=picture("cups-moon"),
        price=cny("96.00"),
        quantity=1,
        no_return="used",
    ),
]


def basket_item(number: int, bought: SimpleNamespace, **facts: Any) -> SimpleNamespace:
    """A line of a basket made of a bought thing."""
    known = {
        "id": str(number),
        "product_id": str(number),
        "most": 7,
        "problem": None,
        "sum": bought.price,
    }
    return thing(**vars(bought), **(known | facts))


MUG = thing(
    title="Half-dipped mug",
    choice="Oat",
    picture=picture("mug-oat"),
    price=cny("22.00"),
    quantity=1,
)
SOAP = thing(
    title="Calendula balm", choice="", picture=picture("balm"), price=cny("9.00"), quantity=4
)
FORM = thing(
    recipient="陈婉婷", phone="138 0000 204",
    province="浙江省", city="杭州市", district="西湖区", street="文三路 478 号 2 幢 301", note="",
    pasted="陈婉婷 1380000204 浙江省杭州市西湖区文三路 478 号 2 幢 301", pasted_before="",
)  # fmt: skip
DELIVERIES = [
    thing(
        code="courier",
        name="普通快递",
        promise="周四（26 日）前后到",
        fee=cny("0.00"),
        chosen=True,
    ),
    thing(
        code="by_hand",
        name="自己来取",
        promise="景德镇陶溪川，下午都在",
        fee=cny("0.00"),
        chosen=False,
    ),
]


def way_out(path: str) -> SimpleNamespace:
    """How to get out of WeChat to a page."""
    return thing(app="wechat", link=HOST + path, qr=qr("40717725"))


def checkout(**facts: Any) -> dict[str, Any]:
    """Checkout, a phone number short by one digit."""
    return {
        "shop": XIAOMAN,
        "items": BOUGHT,
        "lines": LINES,
        "total": cny("250.80"),
        "key": "k-1",
        "form": FORM,
        "problems": thing(
            form=None,
            recipient=None,
            phone="少一位：要 11 位，现在 10 位。",
            province=None,
            city=None,
            district=None,
            street=None,
            note=None,
            method=None,
            no_return="请勾选确认",
        ),
        "said": "{}",
        "asks_tick": True,
        "ticked": False,
        "provinces": [(name, name) for name in ("北京市", "浙江省", "江西省")],
        "deliveries": DELIVERIES,
        "methods": [
            thing(
                code="alipay",
                name="支付宝",
                mark="支",
                note="会打开支付宝，付完自动回来",
                way="here",
                folded=False,
                chosen=True,
            )
        ],
        "method": thing(code="alipay", name="支付宝"),
        "out": way_out("/@xiaoman/checkout"),
        "registering": False,
        "items_text": "0198c0de-0000-7000-8000-000000000011:1",
        "cart_id": "0198c0de-0000-7000-8000-0000000000c1",
    } | facts


def an_order(state: str, **facts: Any) -> SimpleNamespace:
    """Order 1042 of Ada's, as far as `state` got."""
    states = ["placed", "to_ship", "shipped", "delivered", "received"]
    far = states.index(state) if state in states else 0
    moments = [
        NOW - days(5),
        NOW - days(5) + timedelta(minutes=4),
        NOW - days(4),
        NOW - days(1),
        NOW,
    ]
    known = dict(
        zip(
            ("placed_at", "paid_at", "shipped_at", "delivered_at", "received_at"),
            (at if step <= far else None for step, at in enumerate(moments)),
            strict=True,
        )
    )
    lines = [
        thing(label="5 things", amount=cny("58.00"), reason=None, good=False),
        thing(label="Postage", amount=cny("4.00"), reason=None, good=False),
    ]
    return thing(
        **(
            {
                "token": "TOKEN",
                "number": "1042",
                "state": state,
                "handover": "courier",
                "total": cny("62.00"),
                "direct": False,
                "scanned": state in ("delivered", "received"),
                "back": cny("0.00"),
                "is_back": True,
                "left": cny("62.00"),
                "lines": lines,
                "things": [MUG, SOAP],
                "method": "Alipay",
                "ended_at": None,
                "arrived_on": None,
                "end_reason": None,
                "address": "Hangzhou, West Lake, Wensan Road ***",
                "recipient": "C***",
            }
            | known
            | facts
        )
    )


def order(
    state: str, due: str | None = None, may: tuple[str, ...] = (), **facts: Any
) -> dict[str, Any]:
    """An order page as this device sees it."""
    acts = ("pay", "confirm", "extend", "remind", "cancel", "show_code", "ask")
    about = {
        key: facts.pop(key)
        for key in list(facts)
        if key in ("handover", "ended_at", "end_reason", "paid_at", "address", "direct", "back")
    }
    sent = state in ("shipped", "delivered", "received") and about.get("handover") != "by_hand"
    step = thing(at=NOW - days(1), head="Out for delivery", words="【杭州】快递员正在派送")
    parcel = thing(
        carrier="SF Express",
        number="SF1408223100678",
        url=None,
        way=thing(state="near", note="", steps=[step, step], **vars(step)),
        scans=[
            thing(text="Delivered", at=NOW - days(1)),
            thing(text="Out for delivery", at=NOW - days(1)),
        ],
    )
    return {
        "shop": ADA,
        "order": an_order(state, people=YOU, **about),
        "parcel": parcel if sent else None,
        "due": thing(kind=due, at=NOW + days(1), extended=False) if due else None,
        "may": thing(**{act: act in may for act in acts}),
        "asked": [],
        "now": NOW,
        "zone": SHANGHAI,
        "verify": False,
        "notice": None,
    } | facts


def product(**facts: Any) -> dict[str, Any]:
    """A product page."""
    return {
        "shop": XIAOMAN,
        "record": RECORD_ZH,
        "product": GAIWAN,
        "chosen": ["青灰", "只要盖碗"],
        "sending": SimpleNamespace(fee=cny("0.00"), over=None, asks=False, rows=[]),
        "arrives_on": date(2026, 11, 26),
        "today": TODAY,
        "terms": TERMS,
        "share_code": "7Q2K",
        "resale": False,
        "team": None,
        "rating": None,
        "opinions": [],
        "host": HOST,
        "desk_qr": qr(HOST + "/s/7Q2K"),
    } | facts


def shop(**facts: Any) -> dict[str, Any]:
    """A shop page."""
    tags = [
        thing(name="Soap", count=4, chosen=False),
        thing(name="Wool", count=5, chosen=False),
        thing(name="Stoneware", count=5, chosen=False),
    ]
    return {
        "shop": ADA,
        "record": RECORD_EN,
        "tags": tags,
        "total": 14,
        "products": SHELF,
        "more": "/@ada?page=2",
        "left_more": 6,
        "host": HOST,
        "desk_qr": qr(HOST + "/@ada"),
        "share_code": None,
    } | facts
