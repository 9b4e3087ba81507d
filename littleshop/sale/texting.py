"""Texting: whose phone a press of somebody else may make ring by SMS, and how often.

A phone that somebody typed may be a stranger's. It is his who typed a code that came to it in the
same browser (any code of ours: of a sign-in, of following), or who paid an order under it from the
same device; the latter costs money but proves less, so it is worth three messages a month.
"""

from __future__ import annotations

from datetime import datetime

from littleshop import db
from littleshop.identity import codes
from littleshop.risk import limits, strangers
from littleshop.trade.conversations import Conversation
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
    if proven:
        return await limits.take(conn, "text", (phone_index, str(shop_id)), at) is None
    return await strangers.take(conn, shop_id, phone_index, at) is None


async def take_of_talk(conn: db.Connection, conversation: Conversation, at: datetime) -> bool:
    """The same for the phone that is left with a conversation: a code may have been typed on each
    of its devices, or where its order was placed."""
    shop_id, index = conversation.shop_id, conversation.phone_index
    rows = await conn.fetch(
        "select device from conversation_devices where shop_id = $1 and conversation_id = $2"
        " union select device from orders where shop_id = $1 and order_id = $3",
        shop_id,
        conversation.conversation_id,
        conversation.subject if conversation.about == "order" else None,
    )
    devices = [row["device"] for row in rows if row["device"]] or [b""]
    if index is None:  # a phone of old, not indexed: the conversation counts for it
        return await take(conn, shop_id, conversation.conversation_id.bytes, b"", at)
    for device in devices:
        if await codes.is_proven(conn, index, device, at):
            return await take(conn, shop_id, index, device, at)
    return await take(conn, shop_id, index, b"", at)


async def take_of_staff(
    conn: db.Connection, shop_id: int, phone_index: bytes, at: datetime
) -> bool:
    """The same for the phone of who works in the shop: he signed in with it."""
    return await limits.take(conn, "text", (phone_index, str(shop_id)), at) is None


async def take_of_order(conn: db.Connection, order: Order, at: datetime) -> bool:
    """The same for the phone of an order, whose code may have been typed where it was placed."""
    device = await db.value(
        conn,
        "select device from orders where shop_id = $1 and order_id = $2",
        order.shop_id,
        order.order_id,
    )
    return await take(conn, order.shop_id, order.phone_index, device or b"", at)
