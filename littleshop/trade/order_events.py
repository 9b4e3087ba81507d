"""Order events: the history of an order, line by line; it only grows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids


async def tell(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    kind: str,
    *,
    by: str,
    at: datetime,
    **details: object,
) -> None:
    """Write a line of the order's history; `by`: buyer, seller, platform or clock."""
    await db.run(
        conn,
        "insert into order_events (shop_id, order_id, event_id, kind, by_role, details, at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        shop_id,
        order_id,
        ids.uuid7(at),
        kind,
        by,
        details,
        at,
    )


class OrderEvent(msgspec.Struct, frozen=True):
    """A line of the history."""

    kind: str
    by_role: str
    details: dict[str, object]
    at: datetime


async def history(conn: db.Connection, shop_id: int, order_id: UUID) -> list[OrderEvent]:
    """An order's history, oldest first."""
    return await db.all(
        conn,
        OrderEvent,
        "select kind, by_role, details, at from order_events"
        " where shop_id = $1 and order_id = $2 order by at, event_id",
        shop_id,
        order_id,
    )
