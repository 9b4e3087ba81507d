"""Requests as their seller reads them: the list, and one in each of its states."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.web.console_samples import CARRIERS, ROOT, ago, around, yuan

STATES = {  # state -> what the seller can do then
    "asked": ("agree", "refuse", "say"),
    "returning": ("say",),
    "sent_back": ("take_back", "refuse", "say"),
    "replacing": ("replace", "say"),
    "refused": ("agree", "say"),
    "disputed": ("say",),
    "refunding": (),
    "done": (),
    "exchanged": (),
    "withdrawn": (),
    "overtaken": (),
    "lapsed": (),
    "rejected": (),
}


def _row(number: int, state: str, **more: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "number": number,
        "name": "陈婉婷",
        "kind": "return",
        "reason": "damaged",
        "state": state,
        "title": "盖碗",
        "picture_url": "/town/gaiwan-celadon.svg",
        "pieces": 1,
        "amount": yuan(168),
        "due_at": ago(-20),
        "at": ago(28),
        "url": "#",
    }
    return usual | more


def cases(locale: str) -> dict[str, Any]:
    """Two to answer, one with the platform, one over."""
    return around(locale, "orders") | {
        "yours": [_row(1047, "asked"), _row(1044, "replacing", kind="exchange", amount=None)],
        "theirs": [_row(1031, "disputed", due_at=None)],
        "over": [_row(1020, "done", kind="offered", due_at=None)],
    }


def cases_none(locale: str) -> dict[str, Any]:
    """Nobody wants anything back."""
    return cases(locale) | {"yours": [], "theirs": [], "over": []}


def case(locale: str, state: str) -> dict[str, Any]:
    """One request."""
    line = SimpleNamespace(by="buyer", title="…", words=("<i>",), photos=("p1", "p2"), at=ago(2))
    told = SimpleNamespace(
        kind="return",
        reason="damaged",
        status=state,
        postage_by="seller",
        asked_while="shipped",
        agreed=None,
        tracking_number="SF1408223100671",
    )
    sources = SimpleNamespace(held=yuan(100), balance=yuan(60), commission=yuan(8))
    return around(locale, "orders") | {
        "order_number": 1047,
        "order_url": f"{ROOT}/orders/1047",
        "here": f"{ROOT}/orders/1047/cases/1",
        "name": "陈婉婷" if locale == "zh-CN" else "Ada",
        "case": told,
        "state": state,
        "goes_back": yuan(168),
        "left": yuan(168),
        "where": "林小满",
        "silence": "…",
        "stopped": state == "disputed",
        "sources": sources,
        "must_take_back": state == "asked",
        "lines": [line],
        "can": {
            act: act in STATES[state] for act in ("agree", "refuse", "take_back", "replace", "say")
        },
        "carrier_name": "SF",
        "carriers": CARRIERS,
        "errors": {"say": "x", "refuse": "y", "tracking_number": "z"},
        "form": {"words": "<b>", "tracking_number": "12", "carrier": ""},
        "carried": ["k1"],
    }
