"""The rest of the console's pages: goods, people, figures, shares, money, settings."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from littleshop.catalog import exceptions
from littleshop.insights.comers import Way
from littleshop.insights.sales import Thing
from littleshop.social.follows import Told
from littleshop.trade import reviews
from littleshop.web.console import drawn, spans
from littleshop.web.console.span_figures import Figures, Read
from tests.web import console_catalogue_samples as catalogue
from tests.web import console_samples as samples
from tests.web.console_samples import ROOT, ago, around, yuan

Sample = tuple[str, dict[str, Any]]


def _beside(locale: str) -> dict[str, Any]:
    """Around a thing's page: it is not taken down, and followers can be told of it."""
    return around(locale, "goods") | {"down": None, "news": Told(23, None, 287)}


def goods(locale: str) -> dict[str, Any]:
    """Four things, one hidden, one nearly gone."""
    rows = [
        ("青灰釉盖碗，松木柴烧，150 毫升", "gaiwan-celadon", 168, 258, 7, "on_sale", 38),
        ("品茗杯一对", "cups-moon", 96, None, 2, "on_sale", 12),
        ("紫砂小壶", "teapot", 320, None, 0, "on_sale", 3),
        ("老茶饼", "teacake", 168, None, 9, "hidden", 0),
    ]
    made = [
        {
            "id": number,
            "title": title,
            "picture_url": f"/town/{art}.svg",
            "price": yuan(price),
            "to_price": yuan(top) if top else None,
            "stock": stock,
            "variants": 1,
            "status": status,
            "for_sale": status == "on_sale",
            "low": stock < 3,
            "sold": sold,
            "edit_url": f"{ROOT}/goods/{number}",
            "first": number == 0,
            "last": number == 3,
        }
        for number, (title, art, price, top, stock, status, sold) in enumerate(rows)
    ]
    return (
        around(locale, "goods")
        | {
            "rows": made,
            "counts": {"on_sale": 3, "hidden": 1},
            "chosen": "all",
        }
        | catalogue.shelf()
    )


GAIWAN = {
    "title": "青灰釉盖碗，松木柴烧",
    "description": "手工拉坯。落灰成釉，每一只的流痕都不一样。",
    "price": "168.00",
    "stock": "7",
    "seen": "7",
}


def product(locale: str) -> dict[str, Any]:
    """A thing with two choices and one wrong price."""
    wrong = "0 元卖不了，至少 0.01。" if locale == "zh-CN" else "0 is no price: at least 0.01."
    kinds = ["青灰 / 只要盖碗", "青灰 / 配两只杯", "月白 / 只要盖碗", "月白 / 配两只杯"]
    variants = [
        {
            "key": str(at),
            "label": label,
            "price": "0" if at == 2 else "168.00",
            "stock": "7",
            "seen": "7",
            "price_error": wrong if at == 2 else "",
            "stock_error": "",
        }
        for at, label in enumerate(kinds)
    ]
    photos = [
        {"id": at, "url": f"/town/gaiwan-{each}.svg", "first": at == 0}
        for at, each in enumerate(("celadon", "moon", "dust"))
    ]
    dots = [
        {"value": "青灰", "text": "#9DB1AC", "colour": "#9DB1AC", "error": ""},
        {"value": "月白", "text": "moonish", "colour": "", "error": wrong},
    ]
    axes = [("釉色", "青灰，月白", dots), ("配杯", "只要盖碗，配两只杯", []), ("", "", [])]
    return _beside(locale) | {
        "mend": {"count": 1, "first": "f-variant-2-price"},
        "product": {
            "id": 7,
            "title": "青灰釉盖碗，松木柴烧",
            "status": "on_sale",
            "public_url": samples.URL,
            "photos": photos,
            "sold": 38,
        },
        "form": GAIWAN | {"no_return": "used"},
        "axes": [
            {"name": name, "choices": choices, "values": "[]", "dots": dots}
            for name, choices, dots in axes
        ],
        "variants": variants,
        "errors": {"dots": "wrong"},
        "lists": False,
        "exceptions": exceptions.KINDS,
        "confirmed": exceptions.WHEN_CONFIRMED,
        "palette": [{"name": "White", "colour": "#FFFFFF"}],
        "sign": "¥",
        "photos_left": 6,
        "showed": "{}",
    }


def product_new(locale: str) -> dict[str, Any]:
    """The empty form of a new thing."""
    form = {"title": "", "price": "", "stock": "1"}
    return around(locale, "goods") | {
        "form": form,
        "errors": {},
        "first": False,
        "sign": "¥",
        "kept": [],
    }


def people(locale: str) -> dict[str, Any]:
    """Three customers."""
    rows = [("陈婉婷", "杭州", 4, 864.8), ("周以宁", "成都", 2, 706), ("何**", "", 1, 320)]
    made = [
        {
            "name": name,
            "phone_masked": "138 **** 2046",
            "orders": orders,
            "spent": yuan(spent),
            "last_at": ago(30 * orders),
            "place": place,
            "url": "#",
        }
        for name, place, orders, spent in rows
    ]
    return around(locale, "people") | {
        "people": made,
        "followers": 23,
        "unanswered": 3,
        "unread": 2,
        "judged": reviews.Sum(126, 47),
        "total": 3,
        "again": 2,
        "q": "",
        "older_url": "",
    }


TURNOVER = [61, 118, 74, 52, 66, 41, 88, 72, 120, 95, 80, 64, 44, 52, 360, 220, 130, 60, 92, 101]
TURNOVER += [120, 96, 88, 71, 110, 99, 64, 83, 201, 231]
ORDERS = [4, 6, 5, 3, 4, 3, 6, 5, 7, 5, 4, 5, 3, 4, 12, 9, 6, 3, 4, 5, 6, 5, 5, 4, 6, 5, 3, 4, 7, 9]
VISITORS = [69, 83, 61, 66, 58, 70, 77, 92, 95, 60, 64, 58, 88, 70, 212, 139, 74, 61, 60, 66]
VISITORS += [81, 90, 92, 64, 66, 60, 74, 71, 104, 101]


def figures(locale: str) -> dict[str, Any]:
    """Thirty days with a market in the middle."""
    first = date(2026, 10, 24)
    span = spans.Span("30", first, first + timedelta(days=29), False, "days=30")
    days = [
        Figures(
            orders=orders, buyers=orders, pieces=orders, minor=each * 100, visitors=visitors,
            views=2 * visitors, looked=visitors // 2, basket=orders + 4, again=orders // 3,
        )
        for each, orders, visitors in zip(TURNOVER, ORDERS, VISITORS, strict=True)
    ]  # fmt: skip
    days[20] = msgspec.structs.replace(days[20], gone_minor=5800, backs=3, back_minor=5800)
    before = Figures(orders=118, buyers=110, minor=316_700, visitors=2210, views=5000)
    hours = [abs(12 - each) for each in range(24)]
    titles = (("半釉马克杯", 38, 836), ("三块皂", 52, 728))
    things = [Thing(uuid4(), title, "", n, n, sum_ * 100, 0, 0) for title, n, sum_ in titles]
    names = (("周六市集", 43), ("小雨的群", 28), ("工作室窗边的海报", 21))
    ways = [Way("share", "wechat_group", name, count, count * 900) for name, count in names]
    found = Read(span, "CNY", days, before, [hours, hours, hours], things, ways)
    chips = [{"name": name, "url": "#", "chosen": name == "30"} for name in ("7", "30", "90")]
    page = {"spans": chips, "span": span, "own": False, "wrong": "", "here_url": "#"}
    page |= {"since": "2026-10-24", "until": "2026-11-22", "latest": "2026-11-23"}
    page |= {"tables": [{"name": "CSV", "url": "#"}]}
    return around(locale, "today") | page | drawn.told(found, locale, ROOT)


def _brought(*counts: int, kept: int = 0, back: int = 0) -> dict[str, Any]:
    """Six figures and two sums of a share or an entrance."""
    names = ("visits", "visitors", "placed", "paid", "kept", "opened")
    sums = {"turnover": yuan(kept), "went_back": yuan(back)}
    return dict(zip(names, counts, strict=True)) | sums


NOBODY = _brought(0, 0, 0, 0, 0, 0)


def shares(locale: str, by: str = "share") -> dict[str, Any]:
    """Two shares, one of which brought people who shared on."""
    few = _brought(96, 71, 30, 29, 28, 0, kept=806, back=29)
    many = _brought(412, 341, 45, 43, 43, 2, kept=1180)
    rows = [("周六市集", many, 0, many), ("小雨的群", few, 0, None), ("客人 7F3A", few, 1, None)]
    told = [
        {
            "name": name,
            "under": ["链接", "青灰釉盖碗"],
            "code": "K7P2Q",
            "depth": depth,
            "made_at": ago(200),
            "public_url": samples.URL,
            "below": below,
        }
        | figures
        for name, figures, depth, below in rows
    ]
    return around(locale, "today") | {
        "by": by,
        "rows": told,
        "more": 2,
        "whole": many,
        "opened": [{"name": "阿蓝", "url": "/@alan", "at": ago(3), "way": "周六市集"}],
        "chosen": "7",
        "title": "青灰釉盖碗",
        "products": [{"id": "7", "title": "青灰釉盖碗"}],
        "form": {},
        "errors": {},
    }


def entrances(locale: str) -> dict[str, Any]:
    """A code on the counter."""
    row = {"name": "收银台", "under": ["柜台二维码"], "code": "7-abcde", "depth": 0}
    row |= _brought(12, 9, 2, 1, 1, 0, kept=168)
    return around(locale, "today") | {
        "rows": [row],
        "kinds": ["counter", "wallet"],
        "form": {},
        "errors": {},
    }


def entrance(locale: str) -> dict[str, Any]:
    """Its code, to print."""
    return around(locale, "today") | {
        "name": "收银台",
        "kind": "counter",
        "public_url": samples.URL,
        "qr_svg": '<svg viewBox="0 0 1 1"></svg>',
    }


def money_around(locale: str) -> dict[str, Any]:
    """What we lent, what we take and what may be taken along."""
    name = "标准" if locale == "zh-CN" else "Standard"
    then = {"on": date(2026, 12, 1), "free": False, "rows": RATES[1:]}
    return {
        "coming_more": 3,
        "lent": yuan(12.64),
        "not_here": yuan(20),
        "owed_by": [{"shop": "晓晓的小铺", "amount": yuan(20)}],
        "margins": {"ours": yuan(48), "theirs": yuan(30)},
        "taken": {"name": name, "own": False, "free": False, "rows": RATES, "then": then},
        "statement": {
            "url": "#",
            "months": [{"month": "2026-11", "csv_url": "#", "pdf_url": "#"}],
            "since": date(2026, 8, 24),
            "until": date(2026, 11, 22),
        },
    }


RATES = [
    {"rail": "alipay", "rate": "0.6% + ¥0.10, ≥ ¥0.20, ≤ ¥20.00"},
    {"rail": "", "rate": "1%"},
]


LEAVES: dict[str, Any] = {
    "amount": yuan(212), "arrives_on": date(2026, 11, 24), "waits": False, "take_url": "#",
}  # fmt: skip
WAITS: dict[str, Any] = {"amount": yuan(30), "arrives_on": None, "waits": True, "take_url": ""}


def money(locale: str) -> dict[str, Any]:
    """One payout on its way, one that came back."""
    zh = locale == "zh-CN"
    lines = [
        {"kind": "order", "number": 1047, "amount": yuan(168), "url": "#"},
        {"kind": "order", "number": 1046, "amount": yuan(58), "url": "#"},
        {"kind": "gateway_fee", "number": None, "amount": yuan(-1.36), "url": ""},
        {"kind": "refund", "number": 1031, "amount": yuan(-12.64), "url": "#"},
    ]
    reason = "户名和卡号对不上。" if zh else "The name does not belong to this card."
    known = {"bank": "招商银行" if zh else "CMB", "tail": "8814", "url": "#", "take_url": ""}
    rows = [
        ("waits", yuan(30), date(2026, 11, 24), None, ""),
        ("sent", yuan(212), date(2026, 11, 23), date(2026, 11, 24), ""),
        ("returned", yuan(96), date(2026, 11, 20), None, reason),
        ("paid", yuan(540.5), date(2026, 11, 19), date(2026, 11, 19), ""),
    ]
    return around(locale, "money") | {
        "available": yuan(96),
        "kept": yuan(12.5),
        "coming": [{"kind": "order", "number": 1050, "amount": yuan(96), "url": "#"}],
        **money_around(locale),
        "next": dict.fromkeys(("on", "arrives_on"), date(2026, 11, 24)) | {"amount": yuan(9)},
        "held": yuan(642.5),
        "held_orders": 7,
        "on_the_way": [known | LEAVES, known | WAITS],
        "waits": [],
        "hold": None,
        "waits_url": "/open",
        "card": {**known, "change_url": "#"},
        "payouts": [
            {
                "reference": "7Q2M0ZK4V9X1B8C3D5E6",
                "rail": "bank",
                "url": "#",
                "amount": amount,
                "state": state,
                "on": on,
                "arrives_on": arrives,
                "reason": why,
                "lines": lines,
                **known,
            }
            for state, amount, on, arrives, why in rows
        ],
        "older_url": "",
    }


def money_waits(locale: str) -> dict[str, Any]:
    """Nobody to pay yet: identity and card are missing."""
    nothing: dict[str, Any] = {"next": None, "on_the_way": [], "card": None, "payouts": []}
    free = {"name": "", "own": False, "free": True, "rows": [], "then": None}
    said = {"waits": ["identity", "card"], "taken": free, "statement": None}
    return money(locale) | nothing | said


def taking(locale: str) -> dict[str, Any]:
    """A payout that its owner takes inside WeChat, looked at outside of it."""
    asked = {"amount": yuan(212), "open": True, "inside": False, "invoke": "", "bridge": None}
    return around(locale, "money") | asked


def money_made_of(locale: str) -> dict[str, Any]:
    """What is kept back: two lines, and the sales that one of them is counted from."""
    zh = locale == "zh-CN"
    lines = [
        {"text": "一直留着的数额" if zh else "A sum that always stays", "amount": yuan(100)}
        | {"why": "", "url": ""},
        {"text": "最近 7 天到账的 10%" if zh else "10% of 7 days", "amount": yuan(22.6)}
        | {"why": "", "url": ""},
    ]
    sale = {"text": "订单 1047" if zh else "Order 1047", "amount": yuan(226), "url": "#"}
    behind = [sale | {"why": "归你，已减平台费" if zh else "yours, less our fee"}]
    told = {"what": "kept", "total": yuan(122.6), "lines": lines, "behind": behind}
    return around(locale, "money") | told
