"""Every storefront page with a sample context: a name, its template, what a handler hands it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from littleshop.money import Money
from tests.web import resale_samples, storefront_shares, storefront_talks
from tests.web import storefront_life as life
from tests.web.storefront_cases import case, case_new, paying, wish
from tests.web.storefront_goods import (
    ADA,
    BOUGHT,
    GAIWAN,
    LINES,
    NOW,
    TERMS,
    XIAOMAN,
    an_order,
    basket_item,
    checkout,
    cny,
    days,
    order,
    picture,
    product,
    qr,
    shop,
    thing,
    way_out,
)

Sample = tuple[str, str, dict[str, Any]]
__all__ = [
    "ADA",
    "GAIWAN",
    "TERMS",
    "checkout",
    "order",
    "paying",
    "product",
    "samples",
    "shop",
    "thing",
]


def looking() -> Iterator[Sample]:
    """Shop and product pages."""
    yield "product", "product", product(**life.REVIEWED)
    plain = thing(
        **(
            vars(GAIWAN)
            | {
                "axes": [],
                "variants": [GAIWAN.variants[0]],
                "pictures": [],
                "facts": [],
                "paragraphs": [],
            }
        )
    )
    direct = thing(
        **(vars(XIAOMAN) | {"direct": True, "paused": "回老家三天，周四再发货。", "picture": None})
    )
    yield (
        "product-plain",
        "product",
        product(product=plain, chosen=[], shop=direct, record=[], postage=cny("12.00")),
    )
    yield "shop", "shop", shop()
    yield "shop-empty", "shop", shop(products=[], tags=[], more=None, left_more=0, record=[])


def buying() -> Iterator[Sample]:
    """Basket, checkout and paying."""
    items = [basket_item(1, BOUGHT[0]), basket_item(2, BOUGHT[1], problem="只剩 1 件了", most=1)]
    basket = {
        "shop": XIAOMAN,
        "items": items,
        "lines": LINES,
        "total": cny("250.80"),
        "notice": None,
    }
    yield "basket", "basket", basket
    yield "basket-empty", "basket", basket | {"items": [], "total": None, "lines": []}
    yield "checkout", "checkout", checkout()
    outside = thing(
        code="alipay",
        name="支付宝",
        mark="支",
        note="微信里打不开，去浏览器付",
        way="outside",
        folded=False,
        chosen=True,
    )
    yield "checkout-wechat", "checkout", checkout(methods=[outside])
    yield "paying-wechat", "paying", paying("waiting", outside=way_out("/o/TOKEN"))
    for state in ("waiting", "asking", "failed", "paid", "closed"):
        yield f"paying-{state}", "paying", paying(state)


def after() -> Iterator[Sample]:
    """Orders and what follows."""
    yield "order-placed", "order", order("placed", "pay", ("pay", "cancel"))
    yield "order-to-ship", "order", order("to_ship", "ship", ("remind",))
    yield "order-shipped", "order", order("shipped", "confirm", ("confirm", "extend"))
    yield "order-delivered", "order", order("delivered", "confirm", ("confirm", "extend"))
    yield "order-friend", "order", order("delivered", "confirm", address=None, verify=True)
    yield "order-by-hand", "order", order("shipped", "confirm", ("show_code",), handover="by_hand")
    received = order("received", "payout", ("ask",), back=cny("20.00"))
    yield "order-received", "order", received | {"after": life.AFTER}
    yield "order-direct", "order", order("shipped", "confirm", ("confirm", "ask"), direct=True)
    yield from cases()
    yield (
        "order-cancelled",
        "order",
        order("cancelled", ended_at=NOW, end_reason="Not paid in time"),
    )
    yield "order-refunded", "order", order("refunded", ended_at=NOW, paid_at=NOW - days(2))
    yield (
        "pickup",
        "pickup",
        {
            "shop": XIAOMAN,
            "order": an_order("to_ship"),
            "code": "40717725",
            "qr": qr("40717725"),
            "place": "陶溪川 3 号",
        },
    )
    yield from storefront_shares.samples()
    yield from storefront_talks.samples()
    yield (
        "mine",
        "mine",
        {
            "shop": ADA,
            "basket": thing(count=2, sum=Money(3600, "GBP")),
            "left": [thing(id="1", left=2), thing(id="11", left=7)],
            "greeting": None,
            "talk": 0,
            "floating": True,
        },
    )


def cases() -> Iterator[Sample]:
    """What a buyer wanted after paying."""
    for state in ("asked", "returning", "sent_back", "replacing", "refused", "disputed"):
        yield f"order-{state}", "order", order("shipped", asked=[wish(state)])
    for state in ("refunding", "done", "exchanged", "withdrawn", "overtaken", "lapsed", "rejected"):
        yield f"case-{state}", "case", case(state)
    yield "case-asked", "case", case("asked", ("withdraw", "say"))
    yield "case-returning", "case", case("returning", ("withdraw", "say", "send_back"))
    yield "case-refused", "case", case("refused", ("withdraw", "say", "escalate"))
    yield "case-friend", "case", case("disputed", verify=True, stopped=True)
    yield "case-what", "case_new", case_new("", "")
    yield "case-why", "case_new", case_new("return", "")
    yield "case-tell", "case_new", case_new("return", "not_wanted")
    yield "case-swap", "case_new", case_new("exchange", "damaged", carried=["k1", "k2"])


def apart() -> Iterator[Sample]:
    """The front page, errors, the rules."""
    shown = [
        thing(**(vars(each) | {"shown": picture(art)}))
        for each, art in ((XIAOMAN, "gaiwan-celadon"), (ADA, "jumper-oat"))
    ]
    yield (
        "landing",
        "landing",
        {"shops": shown, "signed_in": False, "sign_in_url": "/sign-in", "console_url": "/console"},
    )
    for status, wait in (
        (404, None),
        (409, None),
        (419, None),
        (429, timedelta(minutes=10)),
        (500, None),
        (503, timedelta(seconds=5)),
    ):
        yield (
            f"error-{status}",
            "error",
            {
                "status": status,
                "message": None,
                "wait": wait,
                "home": "/",
                "home_label": None,
                "reference": "9F2C" if status == 500 else None,
            },
        )
    gone = {"home": "/@xiaoman", "home_label": "Visit shop", "sold_no_more": True}
    nothing = {"message": None, "wait": None, "reference": None}
    yield "error-sold-no-more", "error", {"status": 404, **nothing, **gone}
    photographs = [thing(title="A dahlia", author="vultilion", licence="CC BY 2.0")]
    yield "legal", "legal", {"operator": None, "terms": TERMS, "photographs": photographs}


def samples() -> Iterator[Sample]:
    """Every storefront page: a name, its template, its context."""
    for part in (looking, life.samples, buying, after, apart, resale_samples.storefront):
        yield from part()
