"""Packing: the pieces of many orders that are still to be packed, read at once."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from littleshop import db


class ToPack(msgspec.Struct, frozen=True):
    """Pieces of an order's line that go into its next parcel."""

    order_id: UUID
    position: int
    title: str
    choice: str
    photo: str
    quantity: int


async def of_orders(
    conn: db.Connection, shop_id: int, order_ids: Sequence[UUID]
) -> dict[UUID, list[ToPack]]:
    """What lies in no parcel yet, by order and line; all of an order that has left, so that its
    slip may be printed again."""
    rows = await db.all(
        conn,
        ToPack,
        """
        select i.order_id, i.position, i.title, i.choice, i.photo,
               (i.quantity - coalesce(g.gone, 0))::integer as quantity
          from orders o
          join order_items i on i.shop_id = $1 and i.order_id = o.order_id
          left join lateral (
            select sum(k.quantity) as gone from parcels p
              join parcel_items k on k.shop_id = $1 and k.parcel_id = p.parcel_id
             where p.shop_id = $1 and p.order_id = o.order_id and k.position = i.position
               and p.taken_back_at is null
               and o.status = 'to_ship') g on true
         where o.shop_id = $1 and o.order_id = any ($2) and i.quantity > coalesce(g.gone, 0)
         order by i.order_id, i.position""",
        shop_id,
        list(order_ids),
    )
    found: dict[UUID, list[ToPack]] = {}
    for row in rows:
        found.setdefault(row.order_id, []).append(row)
    return found


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> list[ToPack]:
    """The same of one order."""
    return (await of_orders(conn, shop_id, [order_id])).get(order_id, [])
