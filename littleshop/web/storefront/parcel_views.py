"""The parcels of an order that went in several, as its buyer sees them: what lies in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from uuid import UUID

from littleshop import i18n
from littleshop.trade import carriers
from littleshop.trade.deliveries import Parcel
from littleshop.trade.orders import OrderItem


def listed(
    locale: str,
    parcels: Sequence[Parcel],
    things: Sequence[OrderItem],
    packed: Mapping[UUID, Mapping[int, int]],
) -> list[SimpleNamespace]:
    """Each parcel with its pieces; none where one parcel holds all."""
    return [_one(locale, each, things, packed[each.parcel_id]) for each in parcels
            if each.parcel_id in packed]  # fmt: skip


def _one(
    locale: str, parcel: Parcel, things: Sequence[OrderItem], inside: Mapping[int, int]
) -> SimpleNamespace:
    known = carriers.CARRIERS.get(parcel.carrier)
    pieces = [(each.title, inside[each.position]) for each in things if each.position in inside]
    return SimpleNamespace(
        carrier=known.name(locale) if known else i18n.t(locale, "book.parcel.by_hand"),
        number=parcel.tracking_number,
        at=parcel.handed_over_at,
        things=i18n.t(locale, "words.comma").join(f"{title} × {n}" for title, n in pieces),
    )
