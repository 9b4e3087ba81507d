"""What was off an order, in words: to its buyer line by line, to its seller in one."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

from littleshop import i18n
from littleshop.money import Money
from littleshop.trade.order_discounts import OrderDiscount, of_order

__all__ = ["Rows", "lines", "of_order", "postage", "told"]
Rows = Sequence[OrderDiscount]


def lines(locale: str, rows: Rows, currency: str, seller: str) -> list[SimpleNamespace]:
    """Lines of the buyer's receipt; what made the postage free has none of its own."""
    return [
        SimpleNamespace(
            label=each.label,
            amount=Money(-each.amount_minor, currency),
            reason=i18n.t(locale, f"privileges.why.{each.reason}", seller=seller),
            good=True,
        )
        for each in rows
        if each.kind != "postage"
    ]


def postage(locale: str, rows: Rows, seller: str) -> str | None:
    """Why nothing was charged for sending, where a privilege did it."""
    if not any(each.kind == "postage" for each in rows):
        return None
    return i18n.t(locale, "privileges.why.postage", seller=seller)


def told(locale: str, rows: Rows, currency: str) -> str:
    """All of it for the seller: which, how much, and whether the cost kept it from being more."""
    words = [
        i18n.t(
            locale,
            f"privileges.seller.{'postage' if each.kind == 'postage' else 'off'}"
            f"{'_floored' if each.floored else ''}",
            label=each.label,
            amount=Money(each.amount_minor, currency),
        )
        for each in rows
    ]
    return i18n.t(locale, "words.comma").join(words)
