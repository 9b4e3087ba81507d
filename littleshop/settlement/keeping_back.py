"""Keeping back: what a shop's terms leave in its balance, and what it owes the platform.

A reserve is a part of what was released lately, a retained sum is never paid out. What the
platform lent for a refund is repaid out of what the rails owe the shop, once that is more than
its buyers and itself are owed.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from littleshop import db, jobs
from littleshop.clock import value_date
from littleshop.ledger import accounts, bridging, chart, cover, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.settlement.desks import CURRENCY, Desk
from littleshop.settlement.runs import Run
from littleshop.shop import terms
from littleshop.shop.shops import PLATFORM


async def kept_back(conn: db.Connection, shop_id: int, currency: str, at: datetime) -> Money:
    """How much of a shop's balance stays where it is when a payout is made now."""
    agreed = await terms.get(conn, shop_id)
    kept = agreed.retained(currency)
    if agreed.reserve_bps and agreed.reserve_days:
        released = await accounts.released_since(conn, shop_id, currency, at - agreed.reserve_for)
        kept += released.bps(agreed.reserve_bps)
    return kept


async def repay(desk: Desk, run: Run, at: datetime) -> None:
    """Every shop gives back what the platform lent it, as far as it can; once per run."""
    async with desk.database.connection() as conn:
        owing = await accounts.shops_with(conn, chart.DUE_TO_SHOP, CURRENCY)
    for shop_id in owing:
        if shop_id != PLATFORM:
            with desk.apart(f"what shop {shop_id} owes"):
                await desk.database.transaction(partial(_repay, run=run, shop_id=shop_id, at=at))


async def _repay(conn: db.Connection, run: Run, shop_id: int, at: datetime) -> None:
    reference = str(run.run_id)
    if await journals.find(conn, shop_id, bridging.REPAID, reference) is not None:
        return
    held = await accounts.lock_all(conn, shop_id, CURRENCY)
    rails = {name: minor for name, minor in held.items() if name.startswith(_RAILS)}
    free = cover.lies(held) - cover.spoken_for(held)
    left = min(held.get(chart.DUE_TO_SHOP, 0), free, sum(rails.values()))
    if left <= 0:
        return
    parts, repaid = [], left
    for account, owed in sorted(rails.items(), key=lambda each: -each[1]):
        part = min(owed, left)
        if part > 0:
            parts.append(Transfer(chart.DUE_TO_SHOP, account, Money(part, CURRENCY)))
            left -= part
    await journals.post(
        conn,
        shop_id,
        kind=bridging.REPAID,
        reference=reference,
        value_on=value_date(at),
        booked_at=at,
        transfers=parts,
    )
    await jobs.defer(
        conn,
        bridging.TAKE_BACK,
        at=at,
        reference=bridging.named(shop_id, reference),
        minor=repaid,
        currency=CURRENCY,
    )


_RAILS = chart.gateway_clearing("")
