"""Forgotten payouts: after a restore, what a rail paid since the backup is found and written again.

A payout's reference comes of our keys, the run's day, the shop and the rail. So every payout that
a lost run may have made can be asked for by name, and so is every one that waited for the rail's
money; one that the rail knows gets its row and its
journal back under the same reference, and the next pass hears how it ended. Nothing is paid twice.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from littleshop import db
from littleshop.clock import SHANGHAI, value_date
from littleshop.errors import GatewayError
from littleshop.ledger import accounts, chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.recoveries import Recovery
from littleshop.settlement import payouts, runs
from littleshop.settlement.desks import CURRENCY, Desk
from littleshop.settlement.payouts import Payout
from littleshop.settlement.remitters import Remitter
from littleshop.shop import cards, payees


async def adopt(
    desk: Desk, rail: str, remitter: Remitter, recovery: Recovery, at: datetime
) -> list[str]:
    """Ask for every payout that may have left since the backup, also one that an earlier run asked
    for and that waited then; the references that were known.

    Raises GatewayError while the rail does not tell.
    """
    known = []
    async with desk.database.connection() as conn:
        shops = await remitter.shops(conn)
        waiting = await payouts.of_rail(conn, rail, "asked")
    names = {payout.payout_id: (payout.run_on, payout.shop_id) for payout in waiting}
    for on in _days(desk, recovery, at):
        run_id = runs.identity(desk.keyring, on)
        names |= {payouts.identity(run_id, shop_id, rail): (on, shop_id) for shop_id in shops}
    for payout_id, (on, shop_id) in names.items():
        async with desk.database.connection() as conn:
            written = await payouts.get(conn, shop_id, payout_id)
        if written is not None and written.status != "asked":
            continue
        if await _look(desk, remitter, on, shop_id, payout_id, at):
            known.append(payouts.reference_of(payout_id))
    return known


def _days(desk: Desk, recovery: Recovery, at: datetime) -> list[date]:
    """The working days since the one of the backup."""
    first = recovery.taken_at.astimezone(SHANGHAI).date()
    last = at.astimezone(SHANGHAI).date()
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    return [day for day in days if desk.calendar.is_working(day)]


async def _look(
    desk: Desk, remitter: Remitter, on: date, shop_id: int, payout_id: UUID, at: datetime
) -> bool:
    reference = payouts.reference_of(payout_id)
    async with desk.database.connection() as conn:
        found = await remitter.find(conn, shop_id, reference)
    if found is None:
        return False
    if found.amount is None:
        raise GatewayError(f"{remitter.name} knows {reference} and not its sum", retryable=True)
    amount = found.amount

    async def write(conn: db.Connection) -> None:
        payout = await payouts.get(conn, shop_id, payout_id)
        if payout is None:
            payout = await _write_again(conn, desk, remitter, on, shop_id, amount, at)
        if found.held_for:
            await payouts.decide_place(conn, payout, found.held_for)
        await payouts.note_heard(conn, payout, "found", at)

    await desk.database.transaction(write)
    return True


async def _write_again(
    conn: db.Connection,
    desk: Desk,
    remitter: Remitter,
    on: date,
    shop_id: int,
    amount: Money,
    at: datetime,
) -> Payout:
    """The run and the payout as they were; the balance may be below zero until what it was made of
    is known again too."""
    run = await runs.open(conn, desk.keyring, on, desk.calendar.counts_before(on), at)
    card = await cards.active(conn, shop_id)
    if card is None:
        raise LookupError(f"shop {shop_id} was paid {amount} and has no card")
    owed = await accounts.lock_payable(conn, shop_id, CURRENCY, before=run.counts_before)
    chosen = await payees.active(conn, shop_id)
    payout = await payouts.ask(
        conn,
        run,
        shop_id,
        amount,
        card,
        at,
        kept=Money(max((owed - amount).minor, 0), CURRENCY),
        rail=remitter.name,
        payee=chosen if chosen is not None and chosen.rail == remitter.name else None,
    )
    assert payout is not None, "nobody else writes on hold"
    await journals.post(
        conn,
        shop_id,
        kind="payout",
        reference=payout.reference,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(chart.PAYABLE, chart.IN_TRANSIT, amount)],
    )
    return payout
