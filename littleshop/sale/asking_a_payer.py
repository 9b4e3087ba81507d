"""Asking a payer: a filled cart that somebody else pays, or several friends (代付, chip in).

The order begins as invited: it holds nothing until somebody goes to pay. Whoever has the payer's
link sees goods, sum and words, never the address or the phone. A letter that was sent ends by its
sender or its day alone: buying the same again is another order beside it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from littleshop import db, ids
from littleshop.crypto import Keyring
from littleshop.sale import placing
from littleshop.sale.placing import Placed, Placing
from littleshop.trade import letters, order_events, order_links, orders
from littleshop.trade.letters import Letter

PAYER = "payer"
PAY_WITHIN = {"pay_for_me": timedelta(hours=24), "chip_in": timedelta(hours=72)}


async def place(
    conn: db.Connection, keyring: Keyring, placing_: Placing, letter: Letter, at: datetime
) -> Placed:
    """Place the cart for others to pay, with the letter that they are sent. A second press finds
    the first one's. Raises what placing.place_within raises.
    """
    assert placing_.kind in PAY_WITHIN and placing_.waits, placing_.kind
    placed, new = await placing.place_within(
        conn, keyring, placing_, pay_within=PAY_WITHIN[placing_.kind], at=at
    )
    if new:
        await send(conn, keyring, placing_.shop_id, placed.order_id, letter, at)
    return placed


async def send(
    conn: db.Connection,
    keyring: Keyring,
    shop_id: int,
    order_id: UUID,
    letter: Letter,
    at: datetime,
) -> None:
    """Lay the letter beside an order that was just placed, with a link for whoever pays; no later
    attempt of its buyer takes its place."""
    await letters.send(conn, shop_id, order_id, letter)
    await orders.leave_cart(conn, shop_id, order_id)
    token = placing.link(keyring, shop_id, order_id, PAYER)
    await order_links.add(conn, shop_id, order_id, PAYER, ids.hashed(token))
    await order_events.tell(conn, shop_id, order_id, "payer_asked", by="buyer", at=at)


def asked_as(kind: str) -> str:
    """How others pay an order of this kind: pay_for_me (also what a seller's letter names) or
    chip_in; "" when nobody else can be asked."""
    return "pay_for_me" if kind == "invitation" else kind if kind in PAY_WITHIN else ""
