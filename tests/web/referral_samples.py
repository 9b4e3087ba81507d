"""What the templates of referral commission are given, on a usual day."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.web.console_samples import ROOT, ago, around, yuan


def _line(state: str, **more: Any) -> dict[str, Any]:
    told = {
        "number": 1001, "level": 1, "amount": yuan(10), "lost": None, "state": state,
        "things": [{"title": "青灰釉盖碗", "base": yuan(100), "rate": "10%"}],
        "until": date(2026, 12, 1), "at": ago(hours=3), "code": "1-abcdef", "shop": "小满茶器",
    }  # fmt: skip
    return told | more


def console(locale: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """What a seller gives, and what a sharer has."""
    here, goods = around(locale, "money"), around(locale, "goods")
    wrong = "？" if locale == "zh-CN" else "?"
    below = [{"title": "青灰釉盖碗", "choice": "大", "price": yuan(80), "cost": yuan(90)}]
    rates = {"first": "10%", "second": "2%"}
    form = {
        "possible": True, "is_owner": True, "gives": True, "form": {"first": "10", "second": "2"},
        "rates": rates, "seen": "1000 200", "errors": {}, "below": [], "stopped": "",
    }  # fmt: skip
    sharer = {"name": "晓晓的小铺", "orders": 3, "coming": yuan(1), "frozen": yuan(2),
              "theirs": yuan(3), "url": f"{ROOT}/referrals/2"}  # fmt: skip
    thing = {"title": "青灰釉盖碗", **rates, "none": False, "url": f"{ROOT}/goods/1/referral"}
    page = here | form | {"sharers": [sharer], "things": [thing, thing | {"none": True}]}
    errors = {"first": wrong, "second": wrong, "form": wrong}
    own = goods | form | {
        "product": {"id": 1, "title": "青灰釉盖碗"}, "has_own": True, "usual": rates,
    }  # fmt: skip
    rows = [_line(state) for state in ("coming", "frozen", "stopped", "theirs", "back")]
    rows.append(_line("theirs", level=2, lost=yuan(1)))
    shared = here | {"name": "晓晓的小铺", "rows": rows}
    sums = {"coming": yuan(1), "frozen": yuan(2), "theirs": yuan(3)}
    return {
        "referrals": ("referrals", page),
        "referrals-none": ("referrals", page | {"gives": False, "sharers": [], "things": []}),
        "referrals-wrong": ("referrals", page | {"errors": errors}),
        "referrals-below": ("referrals", page | {"below": below}),
        "referrals-stopped": ("referrals", page | {"stopped": wrong}),
        "referrals-looked-at": ("referrals", page | {"is_owner": False}),
        "referrals-not-here": ("referrals", page | {"possible": False}),
        "referral-thing": ("referral_thing", own),
        "referral-thing-wrong": ("referral_thing", own | {"errors": errors, "below": below}),
        "referral-thing-not-here": ("referral_thing", own | {"possible": False}),
        "referral-sharer": ("referral_sharer", shared | {"older_url": ""}),
        "referral-sharer-many": ("referral_sharer", shared | {"older_url": "?"}),
        "earned": ("earned", here | {"rows": rows, "sums": sums, "older_url": ""}),
        "earned-many": ("earned", here | {"rows": rows, "sums": sums, "older_url": "?"}),
        "earned-none": ("earned", here | {"rows": [], "sums": sums, "older_url": ""}),
    }
