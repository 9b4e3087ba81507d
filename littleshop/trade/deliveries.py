"""Deliveries: the parcels of an order, how each was handed over, and its number at the courier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids

# The states of an order of which a parcel may be under way: the first, when a part of it left.
UNDER_WAY = ("to_ship", "shipped", "delivered")


class Parcel(msgspec.Struct, frozen=True):
    """`way`: courier (carrier code and tracking number) or pickup (by hand)."""

    parcel_id: UUID
    way: str
    carrier: str
    tracking_number: str
    handed_over_at: datetime
    delivered_at: datetime | None


_PARCEL = ", ".join(Parcel.__struct_fields__)


async def hand_over(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    *,
    way: str,
    carrier: str = "",
    tracking_number: str = "",
    at: datetime,
) -> UUID:
    """Write a parcel; its id."""
    parcel_id = ids.uuid7(at)
    await db.run(
        conn,
        "insert into parcels"
        " (shop_id, parcel_id, order_id, way, carrier, tracking_number, handed_over_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        shop_id,
        parcel_id,
        order_id,
        way,
        carrier,
        tracking_number,
        at,
    )
    return parcel_id


async def pack(
    conn: db.Connection, shop_id: int, parcel_id: UUID, pieces: Mapping[int, int]
) -> None:
    """Say what lies in a parcel: so many of each line of its order."""
    await db.run(
        conn,
        "insert into parcel_items (shop_id, parcel_id, position, quantity)"
        " select $1, $2, p.position, p.quantity"
        "   from unnest($3::smallint[], $4::integer[]) as p(position, quantity)",
        shop_id,
        parcel_id,
        list(pieces),
        list(pieces.values()),
    )


class Packed(msgspec.Struct, frozen=True):
    """Pieces of an order's line in one of its parcels."""

    parcel_id: UUID
    position: int
    quantity: int


async def packed(conn: db.Connection, shop_id: int, order_id: UUID) -> list[Packed]:
    """What lies in an order's parcels; a parcel that is not named holds all of it."""
    return await db.all(
        conn,
        Packed,
        "select i.parcel_id, i.position, i.quantity from parcel_items i"
        "  join parcels p on p.shop_id = i.shop_id and p.parcel_id = i.parcel_id"
        " where i.shop_id = $1 and p.order_id = $2 and p.taken_back_at is null"
        " order by i.parcel_id, i.position",
        shop_id,
        order_id,
    )


async def with_number(conn: db.Connection, shop_id: int, tracking_number: str) -> list[UUID]:
    """The orders that have a parcel of this number."""
    rows = await conn.fetch(
        "select distinct order_id from parcels where shop_id = $1 and tracking_number = $2"
        " and tracking_number <> '' and taken_back_at is null limit 20",
        shop_id,
        tracking_number,
    )
    return [row["order_id"] for row in rows]


class Holder(msgspec.Struct, frozen=True):
    """An order that has a parcel of this tracking number."""

    tracking: str
    order_id: UUID
    number: int
    kind: str
    phone_index: bytes


async def holders(conn: db.Connection, shop_id: int, tracking: Sequence[str]) -> list[Holder]:
    """The orders in parcels of these numbers, the first parcel first."""
    return await db.all(
        conn,
        Holder,
        "select distinct p.tracking_number as tracking, o.order_id, o.number, o.kind,"
        "       o.phone_index"
        "  from parcels p join orders o on o.shop_id = $1 and o.order_id = p.order_id"
        " where p.shop_id = $1 and p.tracking_number = any ($2) and p.tracking_number <> ''"
        "   and p.taken_back_at is null"
        " order by o.number limit $3",
        shop_id,
        list(dict.fromkeys(tracking)),
        20 * max(1, len(tracking)),
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
        " where shop_id = $1 and order_id = $2 and parcel_id = $3 and way = 'courier'"
        " and taken_back_at is null",
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
        f"select {_PARCEL} from parcels where shop_id = $1 and order_id = $2"
        " and taken_back_at is null order by handed_over_at, parcel_id",
        shop_id,
        order_id,
    )


async def get(conn: db.Connection, shop_id: int, parcel_id: UUID) -> Parcel | None:
    """A parcel that left."""
    return await db.one(
        conn,
        Parcel,
        f"select {_PARCEL} from parcels where shop_id = $1 and parcel_id = $2"
        " and taken_back_at is null",
        shop_id,
        parcel_id,
    )


async def mark_delivered(
    conn: db.Connection, shop_id: int, parcel_id: UUID, at: datetime | None
) -> None:
    """A parcel arrived, by the courier's clock; None: it did not after all."""
    await db.run(
        conn,
        "update parcels set delivered_at = $3 where shop_id = $1 and parcel_id = $2",
        shop_id,
        parcel_id,
        at,
    )


async def take_back(conn: db.Connection, shop_id: int, parcel_id: UUID, at: datetime) -> bool:
    """A parcel never left: its shipping was undone. False when that was done before."""
    return await db.changed(
        conn,
        "update parcels set taken_back_at = $3"
        " where shop_id = $1 and parcel_id = $2 and taken_back_at is null",
        shop_id,
        parcel_id,
        at,
    )
