"""Bringing: the seller is on the way with an order himself, and is shown its code at the door."""

from __future__ import annotations

import hmac
from datetime import datetime
from uuid import UUID

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.pay import chargebacks
from littleshop.sale import parcelling, receiving, shipping, telling
from littleshop.trade import cases, deliveries, order_events, orders
from littleshop.trade.orders import Order


def is_brought(keyring: Keyring, order: Order) -> bool:
    """Whether what is handed over by hand is brought to where its buyer lives."""
    return order.way == "pickup" and bool(order.delivery(keyring).street)


async def leave(
    conn: db.Connection, keyring: Keyring, shop_id: int, order_id: UUID, at: datetime
) -> Order:
    """The seller sets out; the buyer is told to have the code ready.

    Raises Refused: not_to_ship, case_open, chargeback_open.
    """
    order = await orders.lock(conn, shop_id, order_id)
    if not is_brought(keyring, order):
        raise Refused("not_to_ship")
    if await cases.undecided(conn, shop_id, order_id):
        raise Refused("case_open")
    if await chargebacks.open_of(conn, shop_id, order_id) is not None:
        raise Refused("chargeback_open")
    gone = await parcelling.leave(conn, order, at)
    await deliveries.hand_over(conn, shop_id, order_id, way="pickup", at=at)
    await order_events.tell(conn, shop_id, order_id, "handed_over", by="seller", at=at)
    await telling.buyer(conn, gone, "order_out", at)
    return gone


async def arrive(
    conn: db.Connection, keyring: Keyring, shop_id: int, order_id: UUID, code: str, at: datetime
) -> Order:
    """The code at the door is the receipt.

    Raises Refused: pickup_code, and as receiving.receive.
    """
    if not hmac.compare_digest(code, shipping.pickup_code(keyring, shop_id, order_id)):
        raise Refused("pickup_code")
    return await receiving.receive(conn, shop_id, order_id, by="buyer", at=at)
