"""Texting: whose phone a seller's press may make ring by SMS, and how often.

A phone that somebody typed may be a stranger's. It is his who typed a code that came to it in the
same browser (any code of ours: of a sign-in, of following), or who paid an order under it from the
same device; the latter costs money but proves less, so it is worth three messages a month.
"""

from __future__ import annotations

from datetime import datetime

from littleshop import db
from littleshop.identity import codes
from littleshop.risk import limits
from littleshop.trade.orders import Order


async def is_own(
    conn: db.Connection, shop_id: int, phone_index: bytes, device: bytes, at: datetime
) -> bool:
    """Whether the phone is that of the person with this device: by a code, or by an order of this
    shop that was paid."""
    if await codes.is_proven(conn, phone_index, device, at):
        return True
    paid = await db.value(
        conn,
        "select true from orders where shop_id = $1 and phone_index = $2 and device = $3"
        " and paid_at is not null and kind <> 'gift' limit 1",
        shop_id,
        phone_index,
        device,
    )
    return paid is not None


async def take(
    conn: db.Connection, shop_id: int, phone_index: bytes, device: bytes, at: datetime
) -> bool:
    """Count a message to this phone, whose code may have been typed on `device`; False when it, or
    the shop, has had its share: then nothing is sent."""
    proven = await codes.is_proven(conn, phone_index, device, at)
    rule = "text" if proven else "text_unproven"
    return await limits.take(conn, rule, (phone_index, str(shop_id)), at)


async def take_of_order(conn: db.Connection, order: Order, at: datetime) -> bool:
    """The same for the phone of an order, whose code may have been typed where it was placed."""
    device = await db.value(
        conn,
        "select device from orders where shop_id = $1 and order_id = $2",
        order.shop_id,
        order.order_id,
    )
    return await take(conn, order.shop_id, order.phone_index, device or b"", at)
