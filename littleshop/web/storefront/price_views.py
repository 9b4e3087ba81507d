"""What a seller did to an order before it was paid, as its buyer reads it: price or end."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

from littleshop import i18n
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.trade.order_events import OrderEvent
from littleshop.trade.orders import Order


def tell(locale: str, shown: SimpleNamespace, row: Order, history: Sequence[OrderEvent]) -> None:
    """Put it on the order's page: a line of the receipt with its reason, or why it ended."""
    said = {event.kind: event for event in history if event.by_role == "seller"}
    if changed := said.get("price_changed"):
        why = i18n.t(locale, "book.buyer.why", why=changed.details["why"])
        amount = Money(row.adjusted_minor, row.currency)
        if amount:
            label, good = i18n.t(locale, "book.buyer.changed"), amount.minor < 0
            shown.lines.append(SimpleNamespace(label=label, amount=amount, reason=why, good=good))
        else:  # of the postage alone
            shown.lines[-1].reason = why
    ended = said.get("withdrawn_by_seller") or said.get("called_off")
    if ended and row.status in ("cancelled", "refunded"):
        key = "book.buyer.called_off" if row.status == "cancelled" else "book.buyer.given_back"
        shown.end_reason = i18n.t(locale, key, why=ended.details["why"])


def moved(row: Order, seen: str) -> Refused | None:
    """A page that showed another sum than the order costs now pays nothing."""
    if not (seen.isascii() and seen.isdigit() and len(seen) < 13) or int(seen) == row.total_minor:
        return None
    return Refused("price_changed", now=row.total, seen=Money(int(seen), row.currency))
