"""Deliveries: the parcels of an order, how each was handed over, and its number at the courier."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids


class Parcel(msgspec.Struct, frozen=True):
    """`way`: courier (carrier code and tracking number) or pickup (by hand)."""

    parcel_id: UUID
    way: str
    carrier: str
    tracking_number: str
    handed_over_at: datetime
    delivered_at: datetime | None


async def hand_over(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    *,
    way: str,
    carrier: str = "",
    tracking_number: str = "",
    at: datetime,
) -> None:
    """Write a parcel."""
    await db.run(
        conn,
        "insert into parcels"
        " (shop_id, parcel_id, order_id, way, carrier, tracking_number, handed_over_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        shop_id,
        ids.uuid7(at),
        order_id,
        way,
        carrier,
        tracking_number,
        at,
    )


async def correct(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    parcel_id: UUID,
    carrier: str,
    tracking_number: str,
) -> bool:
    """Put another carrier or number on a parcel; False when it is not of this order."""
    return await db.changed(
        conn,
        "update parcels set carrier = $4, tracking_number = $5"
        " where shop_id = $1 and order_id = $2 and parcel_id = $3 and way = 'courier'",
        shop_id,
        order_id,
        parcel_id,
        carrier,
        tracking_number,
    )


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> list[Parcel]:
    """An order's parcels, the first one first."""
    return await db.all(
        conn,
        Parcel,
        "select parcel_id, way, carrier, tracking_number, handed_over_at, delivered_at"
        " from parcels where shop_id = $1 and order_id = $2 order by handed_over_at, parcel_id",
        shop_id,
        order_id,
    )
