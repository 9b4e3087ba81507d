"""Where the orders of a phone are to be looked for, over all shops.

A job fills it after the fact, shop by shop up to the number that was placed last, so it may lag. It
says where to look and nothing more: what an order is and whose, its own row says each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.jobs import Context, Daily, Every, Task
from littleshop.trade import orders
from littleshop.trade.orders import Delivery, Order
from littleshop.trade.timers import Timer

JOB = "person_orders.fill"
TIMETABLE: dict[str, Every | Daily] = {JOB: Every(5)}
BATCH = 500  # orders of a shop in one transaction
SHOPS = 1000  # shops at once
PAGE = 20


class Behind(msgspec.Struct, frozen=True):
    """A shop whose orders after `number` are not entered yet; its last one has number `last`."""

    shop_id: int
    number: int
    last: int


async def behind(conn: db.Connection, most: int = SHOPS) -> list[Behind]:
    """The shops with orders that are not entered; numbers are given in the order of commits."""
    return await db.all(
        conn,
        Behind,
        "select /* all shops: the job that enters their orders */ c.shop_id,"
        "       coalesce(m.number, 0) as number, c.last_number as last"
        "  from order_counters c left join order_marks m on m.shop_id = c.shop_id"
        " where c.last_number > coalesce(m.number, 0) order by c.shop_id limit $1",
        most,
    )


class _Placed(msgspec.Struct, frozen=True):
    phone_index: bytes
    order_id: UUID
    placed_at: datetime
    number: int


async def enter(conn: db.Connection, shop: Behind, most: int = BATCH) -> bool:
    """Enter the next orders of a shop and remember how far; True while there are more. Done twice,
    or by two at once, it enters each order once."""
    placed = await db.all(
        conn,
        _Placed,
        "select phone_index, order_id, placed_at, number from orders"
        " where shop_id = $1 and number > $2 and number <= $3 order by number limit $4",
        shop.shop_id,
        shop.number,
        shop.last,
        most,
    )
    known = [each for each in placed if len(each.phone_index) == 32]
    await db.run(
        conn,
        "insert into person_orders (phone_index, shop_id, order_id, placed_at)"
        " select phone_index, $1, order_id, placed_at"
        "   from unnest($2::bytea[], $3::uuid[], $4::timestamptz[])"
        "     as p(phone_index, order_id, placed_at)"
        " on conflict (phone_index, shop_id, order_id) do nothing",
        shop.shop_id,
        [each.phone_index for each in known],
        [each.order_id for each in known],
        [each.placed_at for each in known],
    )
    more = len(placed) == most
    await db.run(
        conn,
        "insert into order_marks as m (shop_id, number) values ($1, $2)"
        " on conflict (shop_id) do update set number = excluded.number"
        " where m.number < excluded.number",
        shop.shop_id,
        placed[-1].number if more else shop.last,
    )
    return more


async def fill(database: db.Database) -> None:
    """Enter what every shop's orders lack."""
    while True:
        async with database.connection() as conn:
            late = await behind(conn)
        for shop in late:
            await database.transaction(lambda conn, shop=shop: enter(conn, shop))  # type: ignore[misc]
        if not late:
            return


class Found(msgspec.Struct, frozen=True):
    """An order of a person with its first thing and how many pieces there are."""

    order: Order
    title: str
    photo: str
    pieces: int


class _Thing(msgspec.Struct, frozen=True):
    shop_id: int
    order_id: UUID
    title: str
    photo: str
    pieces: int


async def of_phone(
    conn: db.Connection, phone_index: bytes, *, most: int = PAGE, past: int = 0
) -> list[Found]:
    """A phone's orders in all shops, the last first, `past` of them passed over; those that a new
    attempt of the buyer's own replaced are left out."""
    rows = await conn.fetch(
        "select shop_id, order_id from person_orders where phone_index = $1"
        " order by placed_at desc, order_id desc limit $2 offset $3",
        phone_index,
        most,
        past,
    )
    places = [row["shop_id"] for row in rows], [row["order_id"] for row in rows]
    columns = ", ".join(f"o.{name}" for name in Order.__struct_fields__)
    found = await db.all(
        conn,
        Order,
        f"select {columns} from unnest($1::bigint[], $2::uuid[]) as w(shop_id, order_id)"
        " join orders o on o.shop_id = w.shop_id and o.order_id = w.order_id"
        " where o.phone_index = $3 and o.replaced_by is null"
        " order by o.placed_at desc, o.order_id desc",
        *places,
        phone_index,
    )
    things = {(each.shop_id, each.order_id): each for each in await _things(conn, *places)}
    return [
        Found(order, thing.title, thing.photo, thing.pieces)
        for order in found
        if (thing := things.get((order.shop_id, order.order_id)))
    ]


async def _things(
    conn: db.Connection, shop_ids: Sequence[int], order_ids: Sequence[UUID]
) -> list[_Thing]:
    return await db.all(
        conn,
        _Thing,
        "select i.shop_id, i.order_id,"
        "       (array_agg(coalesce(i.sold_as, i.title) order by i.position))[1] as title,"
        "       (array_agg(i.photo order by i.position))[1] as photo,"
        "       sum(i.quantity)::integer as pieces"
        "  from unnest($1::bigint[], $2::uuid[]) as w(shop_id, order_id)"
        "  join order_items i on i.shop_id = w.shop_id and i.order_id = w.order_id"
        " group by i.shop_id, i.order_id",
        list(shop_ids),
        list(order_ids),
    )


class Sent(msgspec.Struct, frozen=True):
    """Where an order of a phone was sent."""

    shop_id: int
    delivery_sealed: bytes

    def to(self, keyring: Keyring) -> Delivery:
        return msgspec.json.decode(keyring.open(self.delivery_sealed), type=Delivery)


async def sent(conn: db.Connection, phone_index: bytes, most: int = 50) -> list[Sent]:
    """Where a phone's latest orders went, the last first: those that were paid, because anybody can
    order in the name of a phone, and no gifts, because the giver never learns where they go."""
    rows = await conn.fetch(
        "select shop_id, order_id from person_orders where phone_index = $1"
        " order by placed_at desc, order_id desc limit $2",
        phone_index,
        most,
    )
    return await db.all(
        conn,
        Sent,
        "select o.shop_id, o.delivery_sealed"
        "  from unnest($1::bigint[], $2::uuid[]) as w(shop_id, order_id)"
        "  join orders o on o.shop_id = w.shop_id and o.order_id = w.order_id"
        " where o.phone_index = $3 and o.paid_at is not null and o.kind <> 'gift'"
        "   and o.way = 'courier'"
        " order by o.placed_at desc, o.order_id desc",
        [row["shop_id"] for row in rows],
        [row["order_id"] for row in rows],
        phone_index,
    )


async def clocks(conn: db.Connection, found: Sequence[Found]) -> dict[UUID, list[Timer]]:
    """The clocks that run for these orders, the next one first."""
    rows = await db.all(
        conn,
        Timer,
        "select t.shop_id, t.subject, t.kind, t.due_at, t.paused_at, t.effect"
        "  from unnest($1::bigint[], $2::uuid[]) as w(shop_id, order_id)"
        "  join timers t on t.shop_id = w.shop_id and t.subject = w.order_id"
        " order by t.due_at",
        [each.order.shop_id for each in found],
        [each.order.order_id for each in found],
    )
    running: dict[UUID, list[Timer]] = {}
    for row in rows:
        running.setdefault(row.subject, []).append(row)
    return running


async def count(conn: db.Connection, phone_index: bytes) -> int:
    """How many orders are entered for a phone."""
    return int(
        await db.value(
            conn, "select count(*) from person_orders where phone_index = $1", phone_index
        )
    )


async def shops_of(conn: db.Connection, phone_index: bytes, most: int = 30) -> list[int]:
    """The shops a phone ordered in, the last one first."""
    rows = await conn.fetch(
        "select shop_id from person_orders where phone_index = $1"
        " group by shop_id order by max(placed_at) desc limit $2",
        phone_index,
        most,
    )
    return [row["shop_id"] for row in rows]


async def get(conn: db.Connection, phone_index: bytes, shop_id: int, number: int) -> Order | None:
    """An order of this phone by its number in a shop; None for anybody else's."""
    order = await orders.by_number(conn, shop_id, number)
    return order if order is not None and order.phone_index == phone_index else None


def tasks() -> dict[str, Task]:
    """The job of this table."""

    async def work(context: Context) -> None:
        await fill(context.database)

    return {JOB: Task(work, attempts=3)}
