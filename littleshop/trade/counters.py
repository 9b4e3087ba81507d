"""The small row from which a shop's order numbers are drawn (`place_orders` moves it)."""

from __future__ import annotations

from littleshop import db
from littleshop.db import Connection


async def begin(conn: Connection, shop_id: int) -> None:
    """Give a new shop its counter, without which no order can be placed; repeatable."""
    await db.run(
        conn,
        "insert into order_counters (shop_id) values ($1) on conflict (shop_id) do nothing",
        shop_id,
    )


async def draw(conn: Connection, shop_id: int) -> int:
    """The shop's next number, for an order that another shop keeps."""
    await begin(conn, shop_id)
    number = await db.value(
        conn,
        "update order_counters set last_number = last_number + 1 where shop_id = $1"
        " returning last_number",
        shop_id,
    )
    return int(number)


async def lock(conn: Connection, shop_id: int) -> None:
    """Nobody places an order in this shop until the transaction ends."""
    await begin(conn, shop_id)
    await conn.execute("select from order_counters where shop_id = $1 for update", shop_id)
