"""Escrowed: what lies with the platform and is a buyer's still, beside what institutions hold.

A shop that took money while the platform was the merchant and takes it at an institution now has
both: a payout of what the institution has not released must not leave from the other buyers' money.
"""

from __future__ import annotations

from littleshop import db
from littleshop.ledger import chart


async def at_the_platform(conn: db.Connection, shop_id: int, currency: str) -> int:
    """Minor units of a shop that its orders hold, or that go back, of payments to ourselves."""
    minor = await db.value(
        conn,
        "select (coalesce((select sum(o.held_minor) from orders o where o.shop_id = $1"
        "   and o.currency = $2 and o.held_minor > 0 and exists (select from payments p"
        "     where p.shop_id = o.shop_id and p.order_id = o.order_id"
        "       and p.outcome = 'accepted' and p.held_for is null)), 0)"
        " + coalesce((select sum(r.amount_minor) from refunds r join payments p"
        "     on p.shop_id = r.shop_id and p.payment_id = r.payment_id and p.held_for is null"
        "   where r.shop_id = $1 and r.currency = $2 and r.paid_from = $3"
        "     and r.status in ('asked', 'stuck')), 0))::bigint",
        shop_id,
        currency,
        chart.SUSPENSE,
    )
    return int(minor)
