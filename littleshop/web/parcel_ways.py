"""Where parcels are, in plain words: for whoever may see the parcel, which is whoever may see the
address, because couriers' own words name people, doors and phones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import msgspec

from littleshop import db, i18n
from littleshop.crypto import Keyring
from littleshop.trade import carriers, trackings
from littleshop.trade.deliveries import Parcel
from littleshop.trade.trackings import Tracking

SILENT = timedelta(days=3)  # then we say that nothing was heard
_ENDS = ("delivered", "returned")


class Step(msgspec.Struct, frozen=True):
    """A scan: the courier's time, the state, and his own words."""

    at: datetime
    state: str
    words: str


class Way(msgspec.Struct, frozen=True):
    """How a parcel is followed and its scans, the last one first."""

    tracking: Tracking
    steps: tuple[Step, ...]


Ways = Mapping[UUID, Way]


async def read(conn: db.Connection, keyring: Keyring, shop_id: int, order_id: UUID) -> Ways:
    """The ways of an order's parcels that are followed."""
    followed = await trackings.of_order(conn, shop_id, order_id)
    if not followed:
        return {}
    steps: dict[UUID, list[Step]] = {}
    for scan in await trackings.scans_of(conn, shop_id, order_id):
        steps.setdefault(scan.parcel_id, []).append(Step(scan.at, scan.state, scan.words(keyring)))
    return {
        parcel_id: Way(tracking, tuple(steps.get(parcel_id, ())))
        for parcel_id, tracking in followed.items()
    }


def told(
    locale: str, parcel: Parcel, ways: Ways, now: datetime, *, seller: str = ""
) -> SimpleNamespace | None:
    """Where a parcel is: state and when, the courier's words, every step, and what else there is to
    say. None of a parcel that nobody was asked about. `seller` is named to a buyer."""
    way = ways.get(parcel.parcel_id)
    if way is None or parcel.way != "courier" or (way.tracking.status == "over" and not way.steps):
        return None
    last = way.steps[0] if way.steps else None
    state = last.state if last is not None else "unknown"
    note = _note(locale, parcel, way, state, now, seller)
    if state == "delivered" and way.tracking.objected_at is not None:
        state = "objected"
    return SimpleNamespace(
        state=state,
        head=i18n.t(locale, f"tracking.state.{state}"),
        at=last.at if last is not None else None,
        words=last.words if last is not None else "",
        steps=[
            SimpleNamespace(
                at=each.at, head=i18n.t(locale, f"tracking.state.{each.state}"), words=each.words
            )
            for each in way.steps
        ],
        note=note,
    )


def _note(locale: str, parcel: Parcel, way: Way, state: str, now: datetime, seller: str) -> str:
    tracking = way.tracking
    if tracking.objected_at is not None:
        key = "tracking.objected" if seller else "tracking.objected_seller"
        return i18n.t(locale, key, seller=seller)
    if tracking.status == "unfollowed":
        carrier = carriers.CARRIERS[parcel.carrier].name(locale)
        return i18n.t(locale, "tracking.unfollowed", carrier=carrier)
    if tracking.status == "over":
        return ""  # nobody waits for it any more
    heard = way.steps[0].at if way.steps else tracking.asked_at
    if state not in _ENDS and heard + SILENT < now:
        return i18n.t(locale, "tracking.late", when=i18n.when(locale, heard, now))
    return "" if way.steps else i18n.t(locale, "tracking.followed")
