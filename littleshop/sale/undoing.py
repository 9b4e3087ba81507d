"""Undoing a shipping that was pressed a moment ago: as long as nobody was told, it never left."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import db
from littleshop.catalog import stock
from littleshop.errors import Refused
from littleshop.notify import messages
from littleshop.pay import chargebacks
from littleshop.sale import parcelling, shipping, tracking
from littleshop.trade import cases, deliveries, gifts, order_events, orders, timers, trackings
from littleshop.trade.deliveries import Parcel
from littleshop.trade.orders import Order


def may(order: Order, parcel: Parcel, at: datetime) -> bool:
    """Whether a parcel's shipping can still be undone."""
    fresh = at < parcel.handed_over_at + shipping.UNDO
    return fresh and parcel.way == "courier" and order.status in ("to_ship", "shipped")


async def undo(
    conn: db.Connection, shop_id: int, order_id: UUID, parcel_id: UUID, at: datetime
) -> Order:
    """Take a parcel back that was shipped a moment ago: its order waits to be shipped as before,
    with the time that it had, and its buyer hears nothing. Raises Refused("undo_late")."""
    order = await orders.lock(conn, shop_id, order_id)
    sent = await deliveries.of_order(conn, shop_id, order_id)
    parcel = next((each for each in sent if each.parcel_id == parcel_id), None)
    if parcel is None or not may(order, parcel, at):
        raise Refused("undo_late")
    if await cases.undecided(conn, shop_id, order_id):
        raise Refused("undo_late")
    subjects = [str(order_id), f"{order_id}:{gifts.ROLE}"]
    said = (shipping.SAID_SHIPPED, shipping.SAID_PART_SHIPPED)
    number = parcel.tracking_number
    if not await messages.take_back(conn, shop_id, subjects, said, tracking=number):
        raise Refused("undo_late")
    await deliveries.take_back(conn, shop_id, parcel_id, at)
    await trackings.settle(conn, shop_id, parcel_id, "over", "taken back")
    await timers.cancel(conn, shop_id, parcel_id, tracking.LOOK)
    if order.status == "shipped":
        order = await _to_ship_again(conn, order, at)
    await order_events.tell(
        conn, shop_id, order_id, "unshipped", by="seller", at=at, carrier=parcel.carrier,
        number=number,
    )  # fmt: skip
    return order


async def _to_ship_again(conn: db.Connection, order: Order, at: datetime) -> Order:
    """The clocks that ran before run on; what had struck by then has struck."""
    running = await timers.of(conn, order.shop_id, order.order_id)
    before = next((each.effect for each in running if each.kind == "confirm_by"), {})
    back = await orders.undo_shipped(conn, order.shop_id, order.order_id)
    assert back is not None, order.order_id
    await stock.unship(conn, order.shop_id, order.order_id, at)
    await timers.cancel(conn, order.shop_id, order.order_id)
    for kind in parcelling.SHIP_CLOCKS:
        if kind in before:
            due = datetime.fromisoformat(str(before[kind]))
            await timers.start(conn, order.shop_id, order.order_id, kind, due)
    if await chargebacks.open_of(conn, order.shop_id, order.order_id) is not None:
        await timers.pause(conn, order.shop_id, order.order_id, parcelling.SHIP_CLOCKS, at)
    return back
