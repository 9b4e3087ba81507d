"""The parcels of an order that went in several, as its buyer sees them: what lies in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from uuid import UUID

from littleshop import i18n
from littleshop.trade import carriers, roles
from littleshop.trade.deliveries import Parcel
from littleshop.trade.order_events import OrderEvent
from littleshop.trade.order_links import Seen
from littleshop.trade.orders import OrderItem
from littleshop.web import parcel_ways
from littleshop.web.parcel_ways import Ways
from littleshop.web.storefront import price_views

Sent = tuple[Sequence[Parcel], Sequence[OrderItem], Mapping[UUID, Mapping[int, int]]]
Where = tuple[Ways, datetime, str]  # where parcels are, now, and who sent them


def tell(
    locale: str,
    shown: SimpleNamespace,
    seen: Seen,
    history: Sequence[OrderEvent],
    sent: Sent,
    where: Where,
) -> None:
    """What the seller did to an order, on its page: its price, its end, its parcels."""
    price_views.tell(locale, shown, seen.order, history)
    shown.scanned = _scanned(seen, where[0])
    shown.parcels = listed(locale, *sent, where) if seen.may(roles.SEE_PARCEL) else []


def _scanned(seen: Seen, ways: Ways) -> bool:
    """Whether anybody but its seller says that an order was sent, as far as whoever looks may know
    it: a courier, or who has it."""
    row = seen.order
    if row.delivered_at or row.received_at:
        return True
    return seen.may(roles.SEE_PARCEL) and any(way.steps for way in ways.values())


def listed(
    locale: str,
    parcels: Sequence[Parcel],
    things: Sequence[OrderItem],
    packed: Mapping[UUID, Mapping[int, int]],
    where: Where,
) -> list[SimpleNamespace]:
    """Each parcel with its pieces and where it is; none where one parcel holds all."""
    return [_one(locale, each, things, packed[each.parcel_id], where) for each in parcels
            if each.parcel_id in packed]  # fmt: skip


def _one(
    locale: str,
    parcel: Parcel,
    things: Sequence[OrderItem],
    inside: Mapping[int, int],
    where: Where,
) -> SimpleNamespace:
    known = carriers.CARRIERS.get(parcel.carrier)
    pieces = [(each.called, inside[each.position]) for each in things if each.position in inside]
    ways, now, seller = where
    return SimpleNamespace(
        way=parcel_ways.told(locale, parcel, ways, now, seller=seller),
        carrier=known.name(locale) if known else i18n.t(locale, "book.parcel.by_hand"),
        number=parcel.tracking_number,
        at=parcel.handed_over_at,
        things=i18n.t(locale, "words.comma").join(f"{title} × {n}" for title, n in pieces),
    )
