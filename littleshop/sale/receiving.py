"""Receiving: the buyer has it, or the clock says so; only then is the seller owed the money."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from littleshop import db
from littleshop.clock import value_date
from littleshop.errors import Refused
from littleshop.ledger import chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.sale import telling
from littleshop.trade import orders, timers
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

    Raises Refused("not_receivable") unless it is shipped or delivered.
    """
    before = await orders.lock(conn, shop_id, order_id)
    order = await orders.mark_received(conn, shop_id, order_id, at)
    if order is None:
        raise Refused("not_receivable", status=before.status)
    commission = order.total.bps(order.commission_bps)
    parts = [Transfer(chart.ESCROW, chart.PAYABLE, order.total - commission)]
    if commission:
        parts.append(Transfer(chart.ESCROW, chart.COMMISSION, commission))
    await journals.post(
        conn,
        shop_id,
        kind="received",
        reference=str(order_id),
        order_id=order_id,
        value_on=value_date(at),
        booked_at=at,
        transfers=parts,
    )
    await timers.cancel(conn, shop_id, order_id)
    await timers.start(conn, shop_id, order_id, "close", at + AFTER_SALE)
    await orders.tell(conn, shop_id, order_id, "received", by=by, at=at)
    await telling.seller(conn, order, "order_received", at)
    return order


async def extend(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> Order:
    """Give the buyer three more days, once. Raises Refused("not_extendable")."""
    order = await orders.extend(conn, shop_id, order_id, at)
    clocks = await timers.of(conn, shop_id, order_id)
    due = next((timer.due_at for timer in clocks if timer.kind == "confirm_by"), None)
    if order is None or due is None:
        raise Refused("not_extendable")
    await timers.start(conn, shop_id, order_id, "confirm_by", due + EXTENSION)
    await timers.start(conn, shop_id, order_id, "confirm_soon", due + EXTENSION - timedelta(days=1))
    await orders.tell(conn, shop_id, order_id, "extended", by="buyer", at=at)
    return order


async def close(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    """The after-sale window is over."""
    if await orders.close(conn, shop_id, order_id):
        await orders.tell(conn, shop_id, order_id, "closed", by="clock", at=at)
