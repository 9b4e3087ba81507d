"""Paying and what comes after it, as handlers hand it to storefront templates."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from littleshop.clock import SHANGHAI
from tests.web.storefront_goods import ADA, NOW, XIAOMAN, an_order, cny, days, qr, thing


def wish(state: str) -> SimpleNamespace:
    """A request as the order's page lists it."""
    return thing(
        url="/o/TOKEN/cases/1",
        kind="return",
        reason="damaged",
        state=state,
        is_open=True,
        silence="If nobody acts",
        amount=cny("62.00"),
        at=NOW,
    )


def case(state: str, may: tuple[str, ...] = (), **facts: Any) -> dict[str, Any]:
    """The page of a request."""
    acts = ("withdraw", "say", "send_back", "escalate")
    lines = [
        thing(by="buyer", title="You asked", words=("<b>碎了</b>",), photos=("p1", "p2"), at=NOW),
        thing(by="seller", title="Ada said no", words=(), photos=(), at=NOW),
    ]
    known = thing(
        number=1,
        kind="return",
        reason="damaged",
        status=state,
        postage_by="seller",
        agreed=None,
        asked_while="shipped",
        carrier="",
        tracking_number="",
        asked_at=NOW,
    )
    return {
        "shop": ADA,
        "order": thing(token="TOKEN", number="1042", total=cny("62.00")),
        "now": NOW,
        "zone": SHANGHAI,
        "case": known,
        "state": state,
        "goes_back": cny("62.00"),
        "left": cny("62.00"),
        "silence": "If nobody acts",
        "where": "",
        "stopped": False,
        "lines": lines,
        "may": thing(**{act: act in may for act in acts}),
        "verify": False,
        "wrong": {"say": "x", "carrier": "y"},
        "number": "",
        "words": "",
        "carriers": [{"code": "sf", "name": "SF Express"}],
        "carried": ["k1"],
    } | facts


def case_new(kind: str, reason: str, **facts: Any) -> dict[str, Any]:
    """A step of asking."""
    return {
        "shop": ADA,
        "order": thing(token="TOKEN", number="1042", total=cny("62.00")),
        "now": NOW,
        "zone": SHANGHAI,
        "sent": True,
        "kinds": ("refund", "return", "exchange"),
        "kind": kind,
        "reasons": ("not_wanted", "not_arrived", "damaged"),
        "reason": reason,
        "most": cny("58.00"),
        "postage": cny("4.00"),
        "sheet": thing(amount="58.00", words="", key="k", wrong={"amount": "At most"}),
        "carried": [],
        "answer_by": NOW + days(2),
    } | facts


def paying(state: str, **facts: Any) -> dict[str, Any]:
    """A payment that waits."""
    return {
        "shop": XIAOMAN,
        "order": an_order("placed"),
        "giver": None,
        "amount": an_order("placed").total,
        "method": thing(code="alipay", name="支付宝"),
        "state": state,
        "outside": None,
        "methods": [
            thing(code="alipay", name="支付宝", chosen=True),
            thing(code="wechat_pay", name="微信支付", chosen=False),
        ],
        "on_screen": "alipay",
        "invoke": None,
        "bridge": None,
        "qr": qr("https://rail.example/qr/1"),
        "now": NOW,
        "zone": SHANGHAI,
        "due_at": NOW + timedelta(minutes=30),
    } | facts
