"""Handing out: what nobody carries is its buyer's the moment it is paid.

All lines of an order or none: where codes have run out it waits, its seller is told, and the next
codes that are put in go to it first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from littleshop import db
from littleshop.catalog import virtual
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.pay import chargebacks
from littleshop.sale import parcelling, refunding, telling
from littleshop.trade import cases, deliveries, handed_out, order_events, orders
from littleshop.trade.handed_out import HandedOut, Wanted
from littleshop.trade.orders import Order


class _Short(Exception):
    """Fewer codes are left than were sold."""


async def is_virtual(conn: db.Connection, order: Order) -> bool:
    """Whether all of an order is handed out."""
    if order.way != "none":
        return False
    lines = await handed_out.wanted(conn, order.shop_id, order.order_id)
    return bool(lines) and all(line.kind for line in lines)


async def now(conn: db.Connection, order: Order, at: datetime) -> bool:
    """Hand out a locked order that has just become one to ship, if it is one to hand out; False
    when nothing was."""
    shop_id, order_id = order.shop_id, order.order_id
    if not await is_virtual(conn, order):
        return False
    if await cases.undecided(conn, shop_id, order_id):
        return False
    if await chargebacks.open_of(conn, shop_id, order_id) is not None:
        return False
    lines = await handed_out.wanted(conn, shop_id, order_id)
    try:
        async with conn.transaction():
            for line in lines:
                await _give(conn, order, line, at)
    except _Short:
        await telling.seller(conn, order, "codes_short", at)
        return False
    gone = await parcelling.leave(conn, order, at)
    await deliveries.hand_over(conn, shop_id, order_id, way="none", at=at)
    await order_events.tell(conn, shop_id, order_id, "done", by="clock", at=at)
    await telling.buyer(conn, gone, "goods_ready", at)
    return True


async def _give(conn: db.Connection, order: Order, line: Wanted, at: datetime) -> None:
    if line.kind == "codes":
        found = await virtual.give(
            conn, order.shop_id, line.variant_id, line.quantity, order_id=order.order_id,
            position=line.position, at=at,
        )  # fmt: skip
        assert found <= line.quantity, order.order_id
        if found < line.quantity:
            raise _Short
    await handed_out.write(conn, order.shop_id, order.order_id, line, at)


async def kept_closed(conn: db.Connection, order: Order) -> str | None:
    """Why what nobody opened stays closed: all its money went back or is on its way, or a bank
    claims it (goods_given_back), or its buyer asks for it just now (goods_asked_back). None: it
    does not; who had a part given back keeps the goods, but for whole codes (codes_shown)."""
    if order.status in ("refunded", "cancelled"):
        return "goods_given_back"
    if order.total_minor and not await refunding.left_of(conn, order):
        return "goods_given_back"
    if await chargebacks.open_of(conn, order.shop_id, order.order_id) is not None:
        return "goods_given_back"
    if await cases.undecided(conn, order.shop_id, order.order_id):
        return "goods_asked_back"
    return None


async def open_(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    """Its buyer looks; the first time is kept. What was opened before stays open to him.

    Raises Refused: goods_given_back, goods_asked_back for what nobody opened before.
    """
    order = await orders.lock(conn, shop_id, order_id)
    given = await handed_out.of_order(conn, shop_id, order_id)
    if any(each.opened_at for each in given):
        return
    if (why := await kept_closed(conn, order)) is not None:
        raise Refused(why)
    await handed_out.open_(conn, shop_id, order_id, at)


async def codes_shown(
    conn: db.Connection, keyring: Keyring, order: Order, given: Sequence[HandedOut]
) -> tuple[dict[int, list[str]], int]:
    """The codes of an opened order by line, and how many of them stay closed. Of several codes of
    one kind whoever asked for the money of some, and had it before he opened any, has as many as
    what is left pays for, in whole codes upwards. What a seller gives unasked closes none."""
    codes = await virtual.given(conn, keyring, order.shop_id, order.order_id)
    if len(given) != 1 or given[0].opened_at is None or not order.total_minor:
        return codes, 0
    opened_at, line = given[0].opened_at, codes.get(given[0].position, [])
    back = sum(
        case.agreed_minor or 0
        for case in await cases.of_order(conn, order.shop_id, order.order_id)
        if case.reason != cases.OFFERED and case.asked_at < opened_at
    )
    closed = min(back * len(line) // order.total_minor, max(len(line) - 1, 0))
    return {given[0].position: line[: len(line) - closed]}, closed


async def catch_up(database: db.Database, shop_id: int, product_id: UUID, at: datetime) -> int:
    """Hand out what waited for codes of a product; how many orders were. Each order in a
    transaction of its own: one that holds many orders' rows would wait for who waits for it."""
    async with database.connection() as conn:
        waiting = await handed_out.waiting(conn, shop_id, product_id)

    async def one(conn: db.Connection, order_id: UUID) -> bool:
        order = await orders.lock(conn, shop_id, order_id)
        return order.status == "to_ship" and await now(conn, order, at)

    done = 0
    for order_id in waiting:
        done += await database.transaction(partial(one, order_id=order_id))
    return done
