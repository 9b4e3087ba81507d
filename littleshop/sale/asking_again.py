"""Asking again: after a restore a rail is asked what became of all that we know of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from littleshop import db
from littleshop.pay import payments, refunds, sending
from littleshop.pay.gateways import Gateway
from littleshop.pay.refunds import Refund
from littleshop.sale import paying, refunding

LOOK_BACK = timedelta(days=2)  # what was begun so long before the backup may have ended since


async def ask_rail(database: db.Database, rail: Gateway, since: datetime, at: datetime) -> None:
    """What became of every open attempt and of every refund that is not done.

    May be repeated. Raises GatewayError when the rail does not say.
    """
    async with database.connection() as conn:
        open_ones = await payments.open_since(conn, rail.name, since - LOOK_BACK)
        back = await refunds.unsent(conn, at + timedelta(days=1))
    for payment in open_ones:
        paid = await paying.find_out(rail, payment)
        if paid is not None:
            await database.transaction(
                partial(paying.hear, shop_id=payment.shop_id, paid=paid, at=at)
            )
    for refund in back:
        await _ask_refund(database, rail, refund, at)


async def _ask_refund(database: db.Database, rail: Gateway, refund: Refund, at: datetime) -> None:
    async with database.connection() as conn:
        every = await payments.of_order(conn, refund.shop_id, refund.order_id)
    payment = next(one for one in every if one.payment_id == refund.payment_id)
    if payment.gateway != rail.name:
        return
    said = await rail.refund_query(sending.request(payment, refund))
    if said.status == "done":
        await database.transaction(
            partial(
                refunding.hear,
                shop_id=refund.shop_id,
                refund_id=refund.refund_id,
                at=at,
                advanced=said.advanced,
            )
        )
