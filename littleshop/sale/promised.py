"""Promised: what of the money at an institution a payout that was asked for is still to take, and
what a refund takes then of the seller's own."""

from __future__ import annotations

from datetime import datetime

from littleshop import db
from littleshop.clock import value_date
from littleshop.ledger import accounts, chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.pay.refunds import Refund

PAID_BY_ITSELF = "_settle"  # rails of payouts that the institution has made already


async def to_seller(conn: db.Connection, shop_id: int, gateway: str, currency: str) -> Money:
    """What the institution has paid the seller by itself and no journal has put apart yet."""
    minor = await db.value(
        conn,
        "select coalesce(sum(amount_minor), 0)::bigint from payouts where shop_id = $1"
        " and currency = $2 and rail = $3 and status = 'asked'",
        shop_id,
        currency,
        gateway + PAID_BY_ITSELF,
    )
    return Money(int(minor), currency)


async def take_from_seller(conn: db.Connection, refund: Refund, pocket: str, at: datetime) -> None:
    """An institution that has paid the seller took what is lacking out of his own account there:
    nobody lent it, and he owes that much less (or is owed that much more)."""
    names = [refund.paid_from, pocket, chart.PAYABLE, chart.DUE_TO_SHOP]
    held = await accounts.lock(conn, refund.shop_id, names, refund.currency)
    gateway = pocket.partition(":")[2]
    gone = await to_seller(conn, refund.shop_id, gateway, refund.currency)
    there = max(held.get(pocket, 0) - gone.minor, 0)
    short = Money(max(refund.amount_minor - there, 0), refund.currency)
    if short.minor > 0:
        await journals.post(
            conn,
            refund.shop_id,
            kind="paid_by_seller",
            reference=refund.reference,
            order_id=refund.order_id,
            value_on=value_date(at),
            booked_at=at,
            transfers=[Transfer(pocket, chart.PAYABLE, short)],
        )
