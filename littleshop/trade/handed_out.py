"""Handed out: what the lines of an order were given of virtual goods, as it was then."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db


class Wanted(msgspec.Struct, frozen=True):
    """A line of an order and what its product hands out; `kind` None: it is carried."""

    position: int
    variant_id: UUID
    quantity: int
    kind: str | None
    text_sealed: bytes | None
    file: str | None
    file_name: str


class HandedOut(msgspec.Struct, frozen=True):
    """A row; `opened_at` when its buyer first looked."""

    position: int
    title: str
    choice: str
    kind: str
    text_sealed: bytes | None
    file: str | None
    file_name: str
    at: datetime
    opened_at: datetime | None


async def wanted(conn: db.Connection, shop_id: int, order_id: UUID) -> list[Wanted]:
    """The lines of an order with what their products are now."""
    return await db.all(
        conn,
        Wanted,
        "select i.position, i.variant_id, i.quantity, p.virtual_kind as kind, g.text_sealed,"
        "       g.file, coalesce(g.file_name, '') as file_name"
        "  from order_items i"
        "  join products p on p.shop_id = i.shop_id and p.product_id = i.product_id"
        "  left join virtual_goods g on g.shop_id = i.shop_id and g.product_id = i.product_id"
        " where i.shop_id = $1 and i.order_id = $2 order by i.position",
        shop_id,
        order_id,
    )


async def write(
    conn: db.Connection, shop_id: int, order_id: UUID, line: Wanted, at: datetime
) -> None:
    """Say what a line was given."""
    await db.run(
        conn,
        "insert into handed_out"
        " (shop_id, order_id, position, kind, text_sealed, file, file_name, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        shop_id,
        order_id,
        line.position,
        line.kind,
        line.text_sealed,
        line.file,
        line.file_name,
        at,
    )


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> list[HandedOut]:
    """What an order was given, line by line."""
    return await db.all(
        conn,
        HandedOut,
        "select h.position, i.title, i.choice, h.kind, h.text_sealed, h.file, h.file_name, h.at,"
        "       h.opened_at from handed_out h join order_items i"
        "    on i.shop_id = h.shop_id and i.order_id = h.order_id and i.position = h.position"
        " where h.shop_id = $1 and h.order_id = $2 order by h.position",
        shop_id,
        order_id,
    )


async def open_(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    """Its buyer looks; the first time is kept."""
    await db.run(
        conn,
        "update handed_out set opened_at = $3"
        " where shop_id = $1 and order_id = $2 and opened_at is null",
        shop_id,
        order_id,
        at,
    )


async def waiting(conn: db.Connection, shop_id: int, product_id: UUID) -> list[UUID]:
    """Paid orders of a product that nobody carries, which have not been given it: the oldest
    first."""
    rows = await conn.fetch(
        "select distinct o.order_id, o.paid_at from orders o"
        "  join order_items i on i.shop_id = o.shop_id and i.order_id = o.order_id"
        " where o.shop_id = $1 and o.status = 'to_ship' and o.way = 'none' and i.product_id = $2"
        " order by o.paid_at, o.order_id",
        shop_id,
        product_id,
    )
    return [row["order_id"] for row in rows]
