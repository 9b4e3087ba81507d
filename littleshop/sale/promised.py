"""Promised: what of the money at an institution a payout that was asked for is still to take."""

from __future__ import annotations

from littleshop import db
from littleshop.money import Money

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
