"""One margin for all kinds of a product, in per cent or as a sum, beside a price for each kind."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from littleshop.catalog import typed
from littleshop.errors import Refused
from littleshop.web.forms import Form

WAYS = ("percent", "sum")
FIELDS = ("more", "by")
_WHOLE = 10_000  # hundredths of a per cent
_MOST = 10 * _WHOLE


class Margin(msgspec.Struct, frozen=True):
    """`by` percent: `amount` in hundredths of one; by sum: minor units."""

    by: str
    amount: int

    def of(self, minor: int) -> int:
        """What it comes to beside this price, rounded half up."""
        if self.by == "sum":
            return self.amount
        return (2 * minor * self.amount + _WHOLE) // (2 * _WHOLE)


def read(form: Form, currency: str) -> Margin | None:
    """The margin that was typed; None where there is none. Raises Refused: margin_wrong(most=) and
    what typed.amount raises of a sum."""
    text = form.text("more", 20).strip()
    if not text:
        return None
    if form.text("by", 10) == "sum":
        return Margin("sum", typed.amount(text, currency, least=0))
    try:
        amount = typed.amount(text.replace("%", "").replace("％", ""), "CNY", least=0)
    except Refused as no:
        raise Refused("margin_wrong", most=_MOST // 100) from no
    if amount > _MOST:
        raise Refused("margin_wrong", most=_MOST // 100)
    return Margin("percent", amount)


def shown(typed_: Mapping[str, str], proposed: str = "") -> dict[str, str]:
    """The two fields as typed, or with what is proposed in per cent."""
    by = typed_.get("by", "")
    return {"more": typed_.get("more", proposed), "by": by if by in WAYS else "percent"}
