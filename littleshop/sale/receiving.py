"""Receiving: the buyer has it, or the clock says so; only then is the seller owed the money."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from littleshop import db
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pay import chargebacks, refunds
from littleshop.sale import referring, releasing, sharing_out, telling
from littleshop.trade import cases, order_events, orders, timers
from littleshop.trade.orders import Order

AFTER_SALE = timedelta(days=7)
EXTENSION = timedelta(days=3)


async def receive(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    *,
    by: str,
    at: datetime,
) -> Order:
    """Release an order's money to the seller, less commission. `by`: buyer or clock.

    Raises Refused: case_open while the buyer wants something back, chargeback_open while his bank
    does, not_receivable unless it is
    shipped or delivered.
    """
    before = await orders.lock(conn, shop_id, order_id)
    if await cases.undecided(conn, shop_id, order_id):
        raise Refused("case_open")
    if await chargebacks.open_of(conn, shop_id, order_id) is not None:
        raise Refused("chargeback_open")
    going_back = Money(await refunds.going_back(conn, shop_id, order_id), before.currency)
    order = await orders.mark_received(conn, shop_id, order_id, at, going_back=going_back)
    if order is None:
        raise Refused("not_receivable", status=before.status)
    await _pay_out(conn, before, order, at)
    await timers.cancel(conn, shop_id, order_id)
    await timers.start(conn, shop_id, order_id, "close", at + AFTER_SALE)
    await order_events.tell(conn, shop_id, order_id, "received", by=by, at=at)
    await telling.seller(conn, order, "order_received", at)
    return order


async def release(conn: db.Connection, order: Order, at: datetime) -> None:
    """Direct settlement: a locked order's money is the seller's when it was paid."""
    released = await orders.release(conn, order.shop_id, order.order_id)
    assert released is not None, order.order_id
    await _pay_out(conn, order, released, at)


async def _pay_out(conn: db.Connection, before: Order, after: Order, at: datetime) -> None:
    """Book what was released between the two, to whom it is due."""
    earlier, now = (Money(each.released_minor, each.currency) for each in (before, after))
    if await sharing_out.pay_out(conn, after, earlier, now, at):
        await releasing.ask(conn, after, at)


async def extend(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> Order:
    """Give the buyer three more days, once. Raises Refused("not_extendable")."""
    order = await orders.extend(conn, shop_id, order_id, at)
    clocks = await timers.of(conn, shop_id, order_id)
    due = next((timer.due_at for timer in clocks if timer.kind == "confirm_by"), None)
    if order is None or due is None:
        raise Refused("not_extendable")
    await timers.start(conn, shop_id, order_id, "confirm_by", due + EXTENSION)
    await timers.start(conn, shop_id, order_id, "confirm_soon", due + EXTENSION - timedelta(days=1))
    await order_events.tell(conn, shop_id, order_id, "extended", by="buyer", at=at)
    return order


async def close(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    """The after-sale window is over."""
    order = await orders.lock(conn, shop_id, order_id)
    if await orders.close(conn, shop_id, order_id):
        await referring.release(conn, order, at)
        await order_events.tell(conn, shop_id, order_id, "closed", by="clock", at=at)
