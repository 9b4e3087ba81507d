"""Delivering: what couriers say of an order's parcels, and what that does to its clock.

Two times stand with every scan: the courier's, by which scans are put in order however they come,
and ours, by which clocks run. When the last parcel is there, its buyer has two days left instead of
the ten from shipping; when it is not there after all, he has the ten again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.pay import chargebacks
from littleshop.sale import receiving, telling
from littleshop.trade import cases, deliveries, order_events, orders, timers, trackings
from littleshop.trade.orders import Order
from littleshop.trade.trackers import Scan, Told
from littleshop.trade.trackings import Tracking

ON_ITS_WAY = timedelta(days=10)  # by express; silence then pays the seller
CONFIRM_BY = timedelta(days=2)  # the same after the couriers say that all of it is there
LOOK_AGAIN = timedelta(days=3)  # at least, after "it did not come"
EARLIER = timedelta(days=3)  # a slip may be printed before, a number be somebody's of last year
AHEAD = timedelta(hours=1)  # couriers' clocks
_TELLS_SELLER = ("problem", "returning", "returned")
_OVER = ("delivered", "returned")


async def hear(
    conn: db.Connection, keyring: Keyring, tracking: Tracking, told: Told, at: datetime
) -> None:
    """What a service told of a parcel, for every order that lies in it. What is known already,
    comes late or is of another number changes nothing."""
    for each in await trackings.beside(conn, tracking):
        await _hear(conn, keyring, each, told, at)


async def _hear(
    conn: db.Connection, keyring: Keyring, tracking: Tracking, told: Told, at: datetime
) -> None:
    order = await orders.lock(conn, tracking.shop_id, tracking.order_id)
    parcel = await deliveries.get(conn, tracking.shop_id, tracking.parcel_id)
    before = await trackings.get(conn, tracking.shop_id, tracking.parcel_id)
    if parcel is None or before is None or _bare(told.number) != _bare(parcel.tracking_number):
        return
    scans = [each for each in told.scans if _is_of(each, parcel.handed_over_at, at)]
    await trackings.add(conn, keyring, before, scans, at)
    last = await trackings.latest(conn, before.shop_id, before.parcel_id)
    state, state_at = (last.state, last.at) if last is not None else ("unknown", None)
    await trackings.hear(conn, before, state, state_at, at)
    if told.over and state in _OVER:
        await trackings.settle(conn, before.shop_id, before.parcel_id, "over")
    there = state == "delivered" and state_at is not None and state_at >= parcel.handed_over_at
    if there and parcel.delivered_at is None and before.objected_at is None:
        arrived = min(state_at or at, at)
        await deliveries.mark_delivered(conn, order.shop_id, parcel.parcel_id, arrived)
        await look(conn, order, at)
    elif state != "delivered" and parcel.delivered_at is not None:
        await deliveries.mark_delivered(conn, order.shop_id, parcel.parcel_id, None)
        await _not_there(conn, order, at)
    if state != before.state and state in _TELLS_SELLER:
        occasion = f"{parcel.parcel_id}:{state}"
        await telling.seller(conn, order, f"parcel_{state}", at, occasion=occasion)


def _bare(number: str) -> str:
    return "".join(sign for sign in number.upper() if sign.isalnum())


def _is_of(scan: Scan, handed_over_at: datetime, at: datetime) -> bool:
    """Numbers are used again: what is older than the parcel is of another one. What has not
    happened yet has not happened. A word of arrival from before the parcel left is shown, and
    starts no clock: a seller may have typed the number of a parcel that is there long since."""
    return handed_over_at - EARLIER <= scan.at <= at + AHEAD


async def look(conn: db.Connection, order: Order, at: datetime) -> None:
    """A locked order whose parcels are all there by their couriers' word: its buyer has two days
    to say otherwise, and is told so. A part that has not left yet is waited for."""
    parcels = await deliveries.of_order(conn, order.shop_id, order.order_id)
    sent = [each for each in parcels if each.way == "courier"]
    arrived = [each.delivered_at for each in sent if each.delivered_at is not None]
    if order.status != "shipped" or not arrived or len(arrived) < len(sent):
        return
    there = await orders.deliver(conn, order.shop_id, order.order_id, max(arrived))
    assert there is not None, order.order_id
    due = at + CONFIRM_BY + (receiving.EXTENSION if order.extended_at else timedelta())
    runs = await _wind(conn, there, due, at)
    await timers.cancel(conn, order.shop_id, order.order_id, "confirm_soon")  # this is the reminder
    await order_events.tell(conn, order.shop_id, order.order_id, "delivered", by="platform", at=at)
    if runs:
        await telling.buyer(conn, there, "order_delivered", at, when=due, occasion=str(due.date()))


async def object_to(conn: db.Connection, order: Order, at: datetime) -> Order:
    """'It did not come', says who should have it: the couriers' word counts no more, and the clock
    is that of a parcel under way. Raises Refused("not_there_yet")."""
    current = await orders.lock(conn, order.shop_id, order.order_id)
    if current.status != "delivered":
        raise Refused("not_there_yet")
    await trackings.object_to(conn, order.shop_id, order.order_id, at)
    for parcel in await deliveries.of_order(conn, order.shop_id, order.order_id):
        if parcel.way == "courier":
            await deliveries.mark_delivered(conn, order.shop_id, parcel.parcel_id, None)
    back = await _not_there(conn, current, at)
    await order_events.tell(conn, order.shop_id, order.order_id, "not_arrived", by="buyer", at=at)
    await telling.seller(conn, back, "parcel_not_arrived", at)
    return back


async def start_over(conn: db.Connection, order: Order, parcel_id: UUID, at: datetime) -> None:
    """A parcel has another number: what was said of the wrong one is not true of it."""
    await deliveries.mark_delivered(conn, order.shop_id, parcel_id, None)
    await _not_there(conn, order, at)


async def _not_there(conn: db.Connection, order: Order, at: datetime) -> Order:
    """Delivered, and yet not: the ten days from shipping again, and some more if they are over."""
    back = await orders.deliver(conn, order.shop_id, order.order_id, None)
    if back is None:
        return order  # not all of it had been there
    assert back.shipped_at is not None, order.order_id
    due = back.shipped_at + ON_ITS_WAY
    due += receiving.EXTENSION if back.extended_at else timedelta()
    due = max(due, at + LOOK_AGAIN)
    soon = due - timedelta(days=1)
    await timers.start(conn, order.shop_id, order.order_id, "confirm_soon", soon)
    await _wind(conn, back, due, at)
    return back


async def _wind(conn: db.Connection, order: Order, due: datetime, at: datetime) -> bool:
    """Set an order's clock; while something else is open it stands still from the start (False)."""
    of = (conn, order.shop_id, order.order_id)
    await timers.start(*of, "confirm_by", due)
    stands = await cases.undecided(*of) or await chargebacks.open_of(*of) is not None
    if stands:
        await timers.pause(*of, ("confirm_soon", "confirm_by"), at)
    return not stands
