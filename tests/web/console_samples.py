"""A shop at twenty past two on a Monday: one context per page of templates/console."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import segno

from littleshop.money import Money
from littleshop.web.console import charts, proportions

NOW = datetime(2026, 11, 23, 6, 20, tzinfo=UTC)  # 14:20 in Shanghai, a Monday
ROOT = "/console/xiaoman"
URL = "https://shop.example/@xiaoman"


def yuan(amount: float) -> Money:
    """168.5 -> ¥168.50"""
    return Money(round(amount * 100), "CNY")


def ago(hours: float) -> datetime:
    """So many hours before NOW; below zero: after it."""
    return NOW - timedelta(hours=hours)


def around(locale: str, tab: str) -> dict[str, Any]:
    """What every page of the console has."""
    return {
        "shop": {
            "name": "小满茶器" if locale == "zh-CN" else "Ada’s Corner",
            "slug": "xiaoman",
            "face_url": "/town/face-xiaoman.svg" if locale == "zh-CN" else "/town/face-ada.svg",
            "awning": "moss",
            "public_url": URL,
            "state": "open",
        },
        "root": ROOT,
        "tab": tab,
        "waiting": 3,
        "said": "",
        "refused": "",
        "now": NOW,
        "form_key": "k1",
    }


def figures_now() -> dict[str, Any]:
    """Today against yesterday."""
    before = [(492, 1400), (582, 6100), (666, 8300), (744, 10550), (816, 14250), (966, 16850)]
    before += [(1104, 19050), (1218, 23100)]
    today = [(534, 2600), (612, 7400), (708, 11000), (786, 15000), (851, 18600)]
    return {
        "so_far": yuan(186),
        "ahead": yuan(43.5),
        "yesterday": yuan(231),
        "chart": charts.through_the_day(today, before, 860),
        "now_text": "14:20",
        "visitors": 61,
        "visitors_then": 58,
        "orders": 5,
        "orders_then": 5,
        "bought": proportions.permille(5, 61),
        "bought_then": proportions.permille(5, 58),
    }


def _todo(kind: str, count: int, **more: Any) -> dict[str, Any]:
    blank: dict[str, Any] = {
        "title": "",
        "number": None,
        "amount": None,
        "by": None,
        "waits": False,
        "then": "",
    }
    return blank | {"kind": kind, "count": count, "url": f"{ROOT}/orders"} | more


def _happened(kind: str, hours: float, **more: Any) -> dict[str, Any]:
    blank: dict[str, Any] = {"number": None, "title": "", "picture_url": "", "amount": None}
    blank |= {"share_name": "", "url": ""}
    return blank | {"kind": kind, "at": ago(hours)} | more


def today(locale: str) -> dict[str, Any]:
    """A usual afternoon."""
    soap = {"title": "三块皂", "picture_url": "/town/soapStack.svg"}
    note = "周六市集" if locale == "zh-CN" else "your market note"
    return around(locale, "today") | {
        "viewers": 4,
        "urgent": {"kind": "ship", "count": 3, "by": ago(-3.67), "url": f"{ROOT}/orders"},
        "todos": [
            _todo(
                "case", 1, number=1047, by=ago(-20), amount=yuan(22), then="case.refund", waits=True
            ),
            _todo("reminded", 1, number=1047, by=ago(-20), waits=True),
            _todo("pick_up", 2),
            _todo(
                "resold",
                2,
                then="resold_part_by",
                amount=yuan(96),
                by=ago(-9 * 24),
                packed=1,
                sent=1,
            ),
            _todo("low", 3, title="燕麦皂" if locale == "zh-CN" else "oat soap"),
            _todo("returned", 1, amount=yuan(212)),
        ],
        "figures": figures_now(),
        "happened": [
            _happened("paid", 0.15, number=1051, amount=yuan(36), share_name=note, url="#", **soap),
            _happened("basket", 0.2, title="马克杯", picture_url="/town/mug-oat.svg"),
        ],
        "purse": {"next": yuan(212), "next_on": date(2026, 11, 24), "held": yuan(642.5)},
    }


def first_day(locale: str) -> dict[str, Any]:
    """The shop has just opened: nothing sold, nothing on the shelf."""
    empty = charts.through_the_day([], [], 860)
    nothing: dict[str, Any] = {
        "so_far": yuan(0),
        "ahead": yuan(0),
        "yesterday": yuan(0),
        "chart": empty,
    }
    zeros = dict.fromkeys(("visitors", "visitors_then", "orders", "orders_then", "bought"), 0)
    return today(locale) | {
        "waiting": 0,
        "viewers": 0,
        "urgent": {"kind": "no_goods", "count": 0, "by": None, "url": f"{ROOT}/goods/new"},
        "todos": [_todo("identity", 1, waits=True)],
        "figures": {**nothing, **zeros, "bought_then": 0, "now_text": "14:20"},
        "happened": [],
        "purse": {"next": yuan(0), "next_on": None, "held": yuan(0)},
    }


def _order(number: int, name: str, place: str, art: str, total: float, **more: Any) -> Any:
    blank: dict[str, Any] = {
        "title": "盖碗",
        "pieces": 1,
        "state": "to_ship",
        "paid_at": ago(16.7),
        "due_at": None,
        "url": f"{ROOT}/orders/{number}",
        "picture_url": f"/town/{art}.svg",
    }
    return blank | {"number": number, "name": name, "place": place, "total": yuan(total)} | more


CARRIERS = [
    {"code": "sf", "name": "顺丰"},
    {"code": "zto", "name": "中通"},
    {"code": "yto", "name": "圆通"},
    {"code": "jd", "name": "京东"},
    {"code": "other", "name": "别家"},
]


def shipping(**more: Any) -> dict[str, Any]:
    """The ship form, half filled in."""
    usual: dict[str, Any] = {
        "tracking_number": "SF1408223100671",
        "carrier": "sf",
        "guessed": "顺丰",
    }
    usual |= {"next_number": 1052, "left": 1, "total": 3, "errors": {}, "form_key": "k2"}
    return {"ship": usual | more, "carriers": CARRIERS}


def _filters(chosen: str) -> list[dict[str, Any]]:
    counts = {"to_ship": 3, "placed": 2, "shipped": 11, "done": None, "ended": 1, "all": None}
    return [
        {"state": state, "count": count, "url": f"?state={state}", "chosen": state == chosen}
        for state, count in counts.items()
    ]


def orders(locale: str) -> dict[str, Any]:
    """Three to ship, one just shipped."""
    first: dict[str, Any] = {
        "number": 1051,
        "name": "陈婉婷",
        "place": "杭州",
        "titles": "青灰盖碗，品茗杯一对",
        "pictures": ["/town/gaiwan-celadon.svg", "/town/cups-moon.svg"],
    }
    shipped = _order(1050, "沈**", "泉州", "teacake", 168) | {
        "carrier_name": "中通",
        "tracking_number": "753011864402",
        "undo_url": "#",
    }
    rows = [
        _order(1052, "周以宁", "成都，武侯区", "caddy", 386, pieces=2),
        _order(1053, "何**", "送人，地址对方刚填好", "teapot", 320, paid_at=ago(6)),
    ]
    page: dict[str, Any] = {
        "filters": _filters("to_ship"),
        "state": "to_ship",
        "q": "",
        "older_url": "",
    }
    page |= {"first": first, "rows": rows, "due_at": ago(-3.67), "shipped_now": [shipped]}
    return around(locale, "orders") | page | shipping()


def orders_empty(locale: str) -> dict[str, Any]:
    """Nothing to ship."""
    nothing: dict[str, Any] = {
        "first": None,
        "rows": [],
        "shipped_now": [],
        "due_at": None,
        "waiting": 0,
    }
    return orders(locale) | nothing


def _step(name: str, state: str, hours: float | None = None, why: str = "") -> dict[str, Any]:
    return {"name": name, "state": state, "at": None if hours is None else ago(hours), "why": why}


def _to_ship() -> dict[str, Any]:
    """The order itself."""
    line = {"options": "青灰，只要盖碗", "quantity": 1, "url": "#"}
    bought = [
        line
        | {
            "title": "青灰釉盖碗",
            "total": yuan(168),
            "picture_url": "/town/gaiwan-celadon.svg",
            "position": 1,
        },
        line
        | {
            "position": 2,
            "title": "品茗杯",
            "quantity": 2,
            "total": yuan(96),
            "picture_url": "/town/cups-moon.svg",
        },
    ]
    return {
        "number": 1051,
        "state": "to_ship",
        "name": "陈婉婷",
        "phone": "13800002046",
        "place": "杭州",
        "address": "浙江省 杭州市 西湖区\n文三路 478 号 2 幢 301",
        "note": "请多包一层，谢谢。",
        "orders_before": 2,
        "titles": "青灰盖碗，品茗杯一对",
        "pictures": ["/town/gaiwan-celadon.svg", "/town/cups-moon.svg"],
        "handover": "courier",
        "lines": bought,
        "goods": yuan(264),
        "postage": yuan(0),
        "total": yuan(250.8),
        "privilege": yuan(-13.2),
        "privilege_why": "老客人 95 折",
        "fee": yuan(-1.5),
        "yours": yuan(249.3),
        "share_name": "周六市集",
        "placed_at": ago(17),
        "reminded_at": ago(1),
        "refunded": None,
        "money": "held",
    }


_BOOK: dict[str, Any] = {
    "note": "送一包茶",
    "notes": [{"text": "送一包茶", "who": "你", "at": ago(2)}] * 2,
    "changes": [{"before": yuan(264), "now": yuan(250.8), "why": "老客人", "at": ago(18)}],
    "price": {"goods": yuan(250.8), "postage": yuan(0), "seen": 25080},
    "withdraw": True,
    "parcels": [
        {
            "carrier": "顺丰",
            "number": "SF1408223100671",
            "at": ago(3),
            "things": [{"title": "品茗杯", "pieces": 1}],
            "way": None,
        }
    ],
    "pieces": [{"position": 2, "title": "品茗杯", "options": "", "left": 1}],
}  # what a seller writes on an order, and how he packs it


def order(locale: str) -> dict[str, Any]:
    """Paid, to be shipped today; the buyer has asked once."""
    steps = [
        _step("paid", "done", 16.7, "平台保管着"),
        _step("shipped", "now", -3.67),
        _step("delivered", "next"),
        _step("received", "next"),
        _step("paid_out", "next"),
    ]
    can = {"ship": True, "hand_over": True, "check_code": False, "cancel": True, "refund": True}
    page: dict[str, Any] = {
        "order": _to_ship(),
        "head": "ship",
        "due_at": ago(-3.67),
        "timer": {"kind": "cancel_allowed", "at": ago(-3.67), "amount": yuan(250.8)},
        "steps": steps,
        "parcel": None,
        "can": can,
        "asked": [],
        "left": yuan(250.8),
        **_BOOK,
        "errors": {},
        "form": {},
        "receipt_url": "#",
    }
    return around(locale, "orders") | page | shipping(next_number=None, total=0)


def _way() -> dict[str, Any]:
    """Where the parcel is."""
    steps = [
        {"at": ago(2), "head": "在路上", "words": "到达杭州转运中心"},
        {"at": ago(19), "head": "快递收走了", "words": "已揽收"},
    ]
    return {"state": "in_transit", "note": "", "steps": steps, **steps[0]}


def order_shipped(locale: str) -> dict[str, Any]:
    """On its way; the clock runs for the buyer."""
    base = order(locale)
    quiet = {"ship": False, "hand_over": False, "check_code": False, "cancel": False}
    parcel = {
        "carrier_name": "顺丰",
        "carrier": "sf",
        "tracking_number": "SF1408223100671",
        "shipped_at": ago(20),
        "way": _way(),
        "correct_url": "#",
        "undo_url": "",
    }
    steps = [_step("paid", "done", 40), _step("shipped", "done", 20), _step("delivered", "now")]
    asked = {"url": "#", "kind": "refund", "reason": "damaged", "state": "asked", "is_open": True}
    asked |= {"silence": "…", "amount": yuan(20), "at": ago(3)}
    return base | {
        "asked": [asked, asked | {"kind": "offered", "state": "done", "is_open": False}],
        "order": base["order"] | {"reminded_at": None, "refunded": yuan(20)},
        "head": "on_the_way",
        "timer": {"kind": "auto_confirm", "at": ago(-190), "amount": yuan(249.3)},
        "can": quiet | {"refund": True},
        "parcel": parcel,
        "steps": [*steps, _step("received", "next"), _step("paid_out", "next")],
    }


def order_pick_up(locale: str) -> dict[str, Any]:
    """To be handed over against a code; a wrong one was typed."""
    base = order(locale)
    can = {"ship": False, "hand_over": False, "check_code": True, "cancel": True, "refund": True}
    return base | {
        "order": base["order"] | {"handover": "pick_up", "address": "", "reminded_at": None},
        "head": "pick_up",
        "timer": None,
        "can": can,
        "errors": {"code": "码不对，再看一眼。" if locale == "zh-CN" else "Not that code."},
        "form": {"code": "118204"},
    }


def share_page() -> str:
    """A QR code as the share page wants it."""
    return str(segno.make(URL).svg_inline(border=0, omitsize=True))
