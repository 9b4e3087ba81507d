"""Reconciling: what the bank's statement says happened, booked once per movement.

The statement (camt.053) is the truth: a payout is done when its debit stands there, it came back
when its return does, and the rails' lumps are ours when they were credited. Whatever fits nothing
waits, with the reason, for a person.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import partial

from littleshop import db
from littleshop.clock import SHANGHAI, value_date
from littleshop.errors import GatewayError
from littleshop.ledger import chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.settlement import funding, payouts, statements, telling
from littleshop.settlement.bank_answers import BankReason, Statement
from littleshop.settlement.desks import CURRENCY, Desk
from littleshop.settlement.payouts import Payout
from littleshop.settlement.statements import Entry
from littleshop.shop.shops import PLATFORM

OPENING = "bank_opening"
LUMP = "rail_lump"
TAKEN = "bank_took"
_FITS_NOT = {
    "amount_differs",
    "currency",
    "no_money",
    "not_paid_yet",
    "not_under_way",
    "unclear",
    "unknown_payout",
}
_OURS = re.compile(r"[0-9A-Z]{20}")


async def read(desk: Desk, at: datetime) -> None:
    """Read every closed day's statement that is missing, and book what stands there."""
    if desk.bank is None:
        return
    today = at.astimezone(SHANGHAI).date()
    async with desk.database.connection() as conn:
        days = await statements.unread(conn, desk.bank.debtor.account, today)
    for day in days:
        try:
            await read_day(desk, day, at)
        except GatewayError as fault:  # the bank is away: the other days would meet the same
            desk.problems.append(str(fault))
            break
    async with desk.database.connection() as conn:
        waiting = await statements.waiting(conn)
    for entry in waiting:
        with desk.apart(f"entry {entry.entry_key}"):
            await hear(desk, entry, at)


async def read_day(desk: Desk, day: date, at: datetime) -> None:
    """Keep the bank's statements of a day; a day that cannot be read stands aside.

    Raises GatewayError when the bank is away (retryable).
    """
    what = f"statement of {day}"
    try:
        found = await desk.at_bank.statements(day)
    except GatewayError as fault:
        if fault.retryable:
            raise
        desk.set_aside(what, str(fault), day)
        return
    with desk.apart(what, day):
        for statement in found:
            await desk.database.transaction(partial(_keep, statement=statement, day=day, at=at))


async def _keep(
    conn: db.Connection,
    statement: Statement,
    day: date,
    at: datetime,
) -> None:
    """Keep a statement; what lay on the account before our first one is nobody's yet."""
    opening = await statements.keep(conn, statement, day, at)
    if opening is None or opening.minor <= 0 or opening.currency != CURRENCY:
        return
    await journals.post(
        conn,
        PLATFORM,
        kind=OPENING,
        reference=statement.account[-6:],
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(chart.BANK, chart.SUSPENSE, opening)],
    )


async def hear(desk: Desk, entry: Entry, at: datetime) -> str:
    """Book a movement: paid_out, returned, lump, taken; or why it waits.

    The platform's own is booked and marked at once. A payout's books are its shop's: they come
    first and the entry's mark after, so a kill in between finds them booked.
    """
    payout = None
    if entry.reference is not None:
        async with desk.database.connection() as conn:
            payout = await payouts.by_reference(conn, entry.reference)
    if payout is None:
        return await desk.database.transaction(partial(_book_platform, entry=entry, at=at))
    said = await desk.database.transaction(partial(_book, entry=entry, payout=payout, at=at))
    await desk.database.transaction(partial(_mark, entry=entry, said=said, at=at))
    return said


async def _mark(conn: db.Connection, entry: Entry, said: str, at: datetime) -> None:
    if said in _FITS_NOT:
        await statements.leave(conn, entry, said)
    else:
        await statements.settle(conn, entry, said, at)


async def _book(conn: db.Connection, entry: Entry, payout: Payout, at: datetime) -> str:
    if entry.currency != CURRENCY:
        return "currency"
    kept = await payouts.lock(conn, payout.shop_id, payout.payout_id)
    if entry.entry_key in (kept.paid_entry, kept.return_entry):
        return "paid_out" if entry.entry_key == kept.paid_entry else "returned"
    if kept.rail != payouts.BANK:
        return "unclear"
    if entry.amount != kept.amount:
        return "amount_differs"
    if entry.direction == "debit" and not entry.returned:
        return await _book_paid(conn, entry, kept, at)
    if entry.direction == "credit" and entry.returned:
        return await _book_return(conn, entry, kept, at)
    return "unclear"


async def _book_platform(conn: db.Connection, entry: Entry, at: datetime) -> str:
    """No payout of ours: a rail's lump, or what the bank took; it is shop 0's affair."""
    said = await _post_platform(conn, entry, at)
    await _mark(conn, entry, said, at)
    return said


async def _post_platform(conn: db.Connection, entry: Entry, at: datetime) -> str:
    if entry.currency != CURRENCY:
        return "currency"
    if entry.reference is not None and _OURS.fullmatch(entry.reference):
        return "unknown_payout"  # after a restore: paid by a run that we do not remember
    credit = entry.direction == "credit"
    if not credit and not await funding.lies_there(conn, entry.amount):
        return "no_money"
    debit_to, credit_to = (chart.BANK, chart.SUSPENSE) if credit else (chart.SUSPENSE, chart.BANK)
    await journals.post(
        conn,
        PLATFORM,
        kind=LUMP if credit else TAKEN,
        reference=f"{entry.account[-6:]}/{entry.entry_key}",
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(debit_to, credit_to, entry.amount)],
    )
    return "lump" if credit else "taken"


async def _book_paid(conn: db.Connection, entry: Entry, payout: Payout, at: datetime) -> str:
    if not await payouts.mark_done(conn, payout, entry.entry_key, at):
        return "not_under_way"  # rejected, or paid a second time
    await journals.post(
        conn,
        payout.shop_id,
        kind="paid_out",
        reference=payout.reference,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(chart.IN_TRANSIT, chart.BANK, payout.amount)],
    )
    await telling.owner(conn, payout, "payout_done", at)
    return "paid_out"


async def _book_return(conn: db.Connection, entry: Entry, payout: Payout, at: datetime) -> str:
    """The money lies in the shop's bank account again and is owed again."""
    reason = entry.reason or BankReason.OTHER.value
    if not await payouts.mark_returned(conn, payout, entry.entry_key, reason, at):
        return "not_paid_yet" if payout.under_way else "not_under_way"
    await journals.post(
        conn,
        payout.shop_id,
        kind="payout_returned",
        reference=payout.reference,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(chart.BANK, chart.PAYABLE, payout.amount)],
    )
    await telling.owner(conn, payout, "payout_returned", at, reason=reason)
    return "returned"
