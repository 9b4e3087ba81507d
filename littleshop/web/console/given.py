"""A gift as its seller sees it: who paid, and whether somebody has said where it goes."""

from __future__ import annotations

import msgspec

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.customers import customers
from littleshop.trade import gifts, letters
from littleshop.trade.orders import Order


class Given(msgspec.Struct, frozen=True):
    """Who gave it, as he signed, and his phone; `claimed`: the order's address is the
    recipient's."""

    name: str
    phone: str
    claimed: bool


async def of(conn: db.Connection, keyring: Keyring, order: Order) -> Given | None:
    """Of a gift; None for any other order."""
    if order.kind != "gift":
        return None
    letter = await letters.of_order(conn, order.shop_id, order.order_id)
    customer = await customers.get(conn, order.shop_id, order.phone_index)
    assert letter is not None and customer is not None, order.order_id
    return Given(
        letter.from_name,
        keyring.open(customer.phone_sealed).removeprefix("+86"),
        await gifts.of_order(conn, order.shop_id, order.order_id) is not None,
    )
