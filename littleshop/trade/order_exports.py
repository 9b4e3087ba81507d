"""Orders to take along when a shop ends: what was bought, when and for how much; whose it was and
where it went stays on the order pages."""

from __future__ import annotations

from datetime import datetime

import msgspec

from littleshop import db
from littleshop.trade.orders import PAID, UNPAID

PAGE = 500


class Line(msgspec.Struct, frozen=True):
    """An order as a row of a table; sums are in minor units of `currency`."""

    number: int
    status: str
    things: str
    pieces: int
    currency: str
    goods_minor: int
    shipping_minor: int
    total_minor: int
    placed_at: datetime
    paid_at: datetime | None
    shipped_at: datetime | None
    received_at: datetime | None
    refunded_at: datetime | None


class Running(msgspec.Struct, frozen=True):
    """What of a shop has not come to its end; `held_minor` lies safe for buyers."""

    unpaid: int
    paid: int
    cases: int
    held_minor: int


async def running(conn: db.Connection, shop_id: int) -> Running:
    """What runs on to its end whatever becomes of the shop."""
    return await db.the_one(
        conn,
        Running,
        "select count(*) filter (where status = any ($2)) as unpaid,"
        " count(*) filter (where status = any ($3)) as paid,"
        " (select count(*) from cases c where c.shop_id = $1 and c.ended_at is null) as cases,"
        " coalesce(sum(held_minor), 0)::bigint as held_minor"
        " from orders where shop_id = $1 and (status = any ($2) or status = any ($3))",
        shop_id,
        list(UNPAID),
        list(PAID),
    )


async def lines(conn: db.Connection, shop_id: int, after: int) -> list[Line]:
    """The next PAGE orders after this number."""
    return await db.all(
        conn,
        Line,
        "select o.number, o.status, coalesce(i.things, '') as things,"
        " coalesce(i.pieces, 0) as pieces, o.currency, o.goods_minor, o.shipping_minor,"
        " o.total_minor, o.placed_at, o.paid_at, o.shipped_at, o.received_at, o.refunded_at"
        "  from orders o left join lateral ("
        "   select string_agg(i.title || ' x' || i.quantity, '; ' order by i.position) as things,"
        "          sum(i.quantity)::integer as pieces from order_items i"
        "    where i.shop_id = $1 and i.order_id = o.order_id) i on true"
        " where o.shop_id = $1 and o.number > $2 order by o.number limit $3",
        shop_id,
        after,
        PAGE,
    )
