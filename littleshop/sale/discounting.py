"""Discounting: what placing writes of a quote's privileges, coupons and credit."""

from __future__ import annotations

from typing import Any

from littleshop.pricing.quotes import Quote

OFF = ("privilege", "coupon", "credit")
Written = list[dict[str, Any]] | None


def of_order(quote: Quote) -> tuple[int, Written, Written]:
    """The sum that is off, its lines with their reasons, and what they take of which claims; None
    for none, so that placing does nothing for it."""
    told = [line for line in quote.lines if line.source is not None]
    lines = [
        {
            "position": place,
            "kind": line.kind if line.kind in OFF else "postage",
            "reason": line.reason,
            "label": line.label,
            "source": str(line.source),
            "minor": -line.amount.minor,
            "floored": line.floored,
        }
        for place, line in enumerate(told, start=1)
    ]
    takes = [
        {"claim": str(take.claim), "kind": take.kind, "most": take.most, "amount": take.amount}
        for take in quote.takes
    ]
    return quote.discount.minor, lines or None, takes or None
