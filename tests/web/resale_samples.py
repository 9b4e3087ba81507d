"""What the templates of re-selling are given, on a usual day."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from littleshop.web.drawing import People
from tests.web import storefront_goods as goods
from tests.web.console_samples import ROOT, ago, around, yuan

HERS = "晓晓的小铺"
OFF = ("withdrawn", "gone", "below_supply", "out_of_bounds")
GLAZES, PERCENT = ("青灰", "月白", "天目"), {"more": "30", "by": "percent"}
THING = {"id": 1, "title": "青灰釉盖碗", "status": "on_sale", "url": "/@xiaoman/p/1",
         "picture_url": "/town/gaiwan-celadon.svg"}  # fmt: skip


def _price(place: int, label: str) -> dict[str, Any]:
    return {
        "name": f"price-{place}",
        "label": label,
        "value": "150.00",
        "supply": yuan(100),
        "gain": None if label else yuan(50),
        "loss": None,
        "asks": None,
        "least": yuan(120),
        "most": yuan(200) if place else None,
        "elsewhere": yuan(168),
        "left": (None, 5, 0)[place],
    }


def _kind(label: str, place: int) -> dict[str, Any]:
    names = {name: f"{name}-{place}" for name in ("supply", "least", "most")}
    values = {"supply": "100.00", "least": "", "most": ""}
    return {
        "label": label, "alone": yuan(168), "names": names, "values": values,
        "asks": yuan(100) if place else None, "kind": f"kind-{place}", "offered": place != 2,
    }  # fmt: skip


def _order(state: str, **more: Any) -> dict[str, Any]:
    told = {
        "number": 1001, "order_number": 1044, "name": "陈婉婷", "total": yuan(150),
        "margin": yuan(50), "back": yuan(0), "asked": False,
        "placed_at": ago(hours=3), "state": state, "supplier": "小满茶器",
        "parcels": ["顺丰速运 SF1408223001001"],
        "expected": {"amount": yuan(48), "by": ago(-9 * 24) if state == "shipped" else None},
    }  # fmt: skip
    return told | more


def _listed(why_off: str | None, state: str = "on_sale") -> dict[str, Any]:
    return {
        "title": "青灰釉盖碗", "picture_url": "/town/gaiwan-celadon.svg", "price": yuan(150),
        "url": f"{ROOT}/goods/1/resold", "supplier": "小满茶器", "why_off": why_off,
        "state": state,
    }  # fmt: skip


def _shelf(here: dict[str, Any], wrong: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """The forms of who ships and of who sells."""
    offer = here | {
        "product": THING, "rows": [_kind("", 0)], "open_to": "all", "stands": False, "takers": 0,
        "link": "https://shop.test/@xiaoman/p/1/resale?with=abc", "errors": {}, "sign": "¥",
        "margin": None, "showed": "{}",
    }  # fmt: skip
    kinds = offer | {"rows": [_kind(each, at) for at, each in enumerate(GLAZES)], "margin": PERCENT}
    sell = here | {
        "product": THING, "supplier": "小满茶器", "rows": [_price(0, "")],
        "action": f"{ROOT}/resell/1/1", "errors": {}, "sign": "¥", "margin": None,
        "words": {"title": "", "description": ""},
    }  # fmt: skip
    several = sell | {"rows": [_price(at, name) for at, name in enumerate(GLAZES)],
                      "margin": PERCENT}  # fmt: skip
    hers = _price(0, "") | {"asks": yuan(150), "elsewhere": None}
    one = sell | {"why_off": None, "sold_out": False, "again_url": "", "theirs": "青灰釉盖碗",
                  "rows": [hers]}  # fmt: skip
    listed = [_price(at, name) | {"asks": yuan(150)} for at, name in enumerate(GLAZES)]
    own = {"title": "晓晓家的盖碗", "description": "每天都用的一只。"}
    lost = {"rows": [hers | {"gain": None, "loss": yuan(5)}], "why_off": "below_supply"}
    return {
        "resale": ("resale", offer),
        "resale-kinds": ("resale", kinds),
        "resale-wrong": ("resale", kinds | {"stands": True, "takers": 1, "open_to": "link",
                                            "errors": {"least-1": wrong}}),
        "resell": ("resell", sell),
        "resell-kinds": ("resell", several),
        "resell-wrong": ("resell", several | {"words": own,
                                              "errors": {"price-0": wrong, "more": wrong}}),
        "resold-one": ("resold_one", one),
        "resold-one-lost": ("resold_one", one | lost),
        "resold-one-kinds": ("resold_one", one | {"margin": PERCENT | {"more": ""}, "words": own,
                                                  "rows": listed}),
        "resold-one-again": ("resold_one", one | {"again_url": "#"}),
        "resold-one-gone": ("resold_one", one | {"sold_out": True}),
        **{f"resold-one-{why}": ("resold_one", one | {"why_off": why}) for why in OFF},
    }  # fmt: skip


def console(locale: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Pages of who ships and of who sells."""
    here = around(locale, "goods")
    seller = {
        "name": HERS, "face_url": "", "url": "/@xiaoxiao", "listed": 1, "orders": 3,
        "sold": yuan(450), "expected": yuan(30), "owed": yuan(50), "owes": yuan(10),
    }  # fmt: skip
    offered = {"title": "青灰釉盖碗", "picture_url": "", "url": "#", "stands": True,
               "open_to_all": True, "takers": 1}  # fmt: skip
    listed = here | {"things": [], "rows": [], "q": "", "ahead": None}
    ahead = {"count": 2, "where": "part", "packed": 1, "sent": 1, "amount": yuan(96),
             "by": ago(-9 * 24)}  # fmt: skip
    rows = [_order("to_ship", parcels=[]), _order("part_sent"), _order("shipped", asked=True),
            _order("refunded", back=yuan(150), margin=yuan(0), expected=None)]  # fmt: skip
    return {
        **_shelf(here, "？" if locale == "zh-CN" else "?"),
        "resellers": ("resellers", here | {"things": [offered, offered | {"stands": False}],
                                           "rows": [seller]}),
        "resellers-nobody": ("resellers", here | {"things": [offered], "rows": []}),
        "resellers-none": ("resellers", here | {"things": [], "rows": []}),
        "resold": ("resold", listed | {"things": [_listed(None), _listed(None, "sold_out"),
                                                  *[_listed(why) for why in OFF]],
                                       "rows": rows, "ahead": ahead}),
        "resold-found": ("resold", listed | {"rows": rows[:1], "q": "1044", "ahead": ahead}),
        "resold-nothing-found": ("resold", listed | {"q": "9"}),
        "resold-first": ("resold", listed | {"things": [_listed(None)]}),
        "resold-none": ("resold", listed),
    }  # fmt: skip


def storefront() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The door to a shop's own shelf, a basket that ships from two shops, a checkout of one."""
    door = {"shop": goods.XIAOMAN, "title": "青灰釉盖碗", "product_id": "1", "known": False,
            "picture": None, "mine": [], "sign_in": "/sign-in"}  # fmt: skip
    yield "resale-door", "resale", door
    into = [SimpleNamespace(name=HERS, go="#"), SimpleNamespace(name="乙店", go="#")]
    yield "resale-door-shops", "resale", door | {"known": True, "mine": into}
    thing = goods.basket_item(1, goods.BOUGHT[0])
    part = SimpleNamespace(
        ships="小满茶器", items=[thing], lines=goods.LINES, total=goods.cny("150.00"),
        depends=False, go="#",
    )  # fmt: skip
    gone = SimpleNamespace(**(vars(part) | {"lines": [], "total": None}))
    basket = {"shop": goods.XIAOMAN, "lines": goods.LINES, "notice": None, "bad": False}
    mixed = {"items": [thing], "total": goods.cny("150.00"), "parts": [part, gone], "go": "#"}
    yield "basket-two-shops", "basket", basket | mixed
    yield "basket-resold", "basket", basket | {"items": [], "total": None, "parts": [part]}
    left = SimpleNamespace(
        **(vars(gone) | {"items": [SimpleNamespace(**(vars(thing) | {"most": 0}))]})
    )
    stuck = {"items": [], "total": None, "parts": [left], "stuck": "买不到了"}
    yield "basket-withdrawn", "basket", basket | stuck
    yield "checkout-resold", "checkout", goods.checkout(ships="小满茶器", action="#")
    record = [SimpleNamespace(name=each, figure="98%", means="") for each in ("on_time", "again")]
    yield "product-resold", "product", goods.product(ships="小满茶器（林小满）", record=record)
    direct = SimpleNamespace(seller="林小满", direct=True)
    its = {"ships": "小满茶器（林小满）", "shipper": direct, "shipped": "98%"}
    yield "product-resold-direct", "product", goods.product(record=record, **its)
    for state, due, held in (
        ("to_ship", "ship", True), ("shipped", "confirm", True), ("received", "payout", True),
        ("received", None, True), ("shipped", "confirm", False), ("received", None, False),
    ):  # fmt: skip
        page = goods.order(state, due, may=("confirm", "ask", "remind"), direct=not held)
        page["order"].people = People(shipper="林小满")
        name = f"order-resold-{state}-{due}" + ("" if held else "-direct")
        yield name, "order", page | {"ships": "小满茶器（林小满）"}
    asked = {"order": page["order"], "things": [], "amount": goods.cny("150.00"), "gift": False}
    yield "receipt-resold", "receipt", {"shop": goods.XIAOMAN, "shipper": "林小满", **asked}
    yield "product-open-to-all", "product", goods.product(resale=True)
