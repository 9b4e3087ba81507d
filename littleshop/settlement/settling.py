"""Settling: each business day what sellers are owed goes to their cards (T+1).

`ask` writes a shop's payout and takes it off its balance; `send` hands the day's file to the
bank; `hear_report` and `hear_entry` act on its answers. Each step looks at what is written and
does what is missing, so a kill anywhere and a second pass repeat nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import partial

from littleshop import audit, db
from littleshop.audit import Finding
from littleshop.clock import SHANGHAI, BusinessCalendar
from littleshop.crypto import Keyring
from littleshop.errors import Conflict, GatewayError, Refused
from littleshop.jobs import Context, Daily, Every, Task
from littleshop.ledger import accounts, chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.settlement import funding, outlook, payouts, reconciling, runs, telling
from littleshop.settlement.bank_answers import BankReason, StatusReport
from littleshop.settlement.bank_files import PayoutBatch, PayoutInstruction
from littleshop.settlement.banks import Bank
from littleshop.settlement.desks import CURRENCY, Desk
from littleshop.settlement.outlook import Expected, expected
from littleshop.settlement.payouts import Payout
from littleshop.settlement.runs import BankFile, Run
from littleshop.shop import cards
from littleshop.shop.shops import PLATFORM

RUN_AT = time(7, 30)  # after the rails' lumps of the night, before the bank opens
MOST_PER_FILE = 1000
_log = logging.getLogger(__name__)

__all__ = ["BrokenBooks", "Desk", "Expected", "advance", "expected", "open_run", "tasks"]


class BrokenBooks(Exception):
    """The books do not add up, so no money leaves."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(f"{f.rule} {f.shop_id} {f.subject}" for f in findings[:20]))
        self.findings = list(findings)


async def open_run(desk: Desk, on: date, at: datetime) -> Run:
    """Open the run of a business day, or find it.

    Raises Refused: run_not_working(on), run_too_early(on); BrokenBooks; UncoveredYear.
    """
    if not desk.calendar.is_working(on):
        raise Refused("run_not_working", on=on.isoformat())
    if on > at.astimezone(SHANGHAI).date():
        raise Refused("run_too_early", on=on.isoformat())
    async with desk.database.connection() as conn:
        known = await runs.find(conn, on)
        findings = [] if known else await audit.prove(conn)
    if known is not None:
        return known
    if findings:
        raise BrokenBooks(findings)
    return await desk.database.transaction(lambda conn: runs.open(conn, desk.keyring, on, at))


async def advance(desk: Desk, at: datetime) -> None:
    """Do for every open run whatever can be done now, after reading what the bank booked."""
    await reconciling.read(desk, at)
    async with desk.database.connection() as conn:
        unfinished = await runs.unfinished(conn)
    for run in unfinished:
        await make(desk, run, at)
        await fund(desk, run, at)
        while await write(desk, run, at):
            pass
        await send(desk, run, at)
        await query(desk, run, at)
        await give_back(desk, run, at)
        await record(desk, run, at)


async def owed(conn: db.Connection) -> list[tuple[int, Money]]:
    """Every shop that is owed something and how much, in the order of their numbers."""
    rows = await conn.fetch(
        "select /* all shops: the run visits them one by one */ shop_id, currency,"
        " credits_minor - debits_minor as minor from accounts"
        " where account = $1 and credits_minor > debits_minor and shop_id <> $2"
        " order by shop_id, currency",
        chart.PAYABLE,
        PLATFORM,
    )
    return [(row["shop_id"], Money(row["minor"], row["currency"])) for row in rows]


async def make(desk: Desk, run: Run, at: datetime) -> None:
    """Every shop's payout, a transaction each."""
    if run.done("made"):
        return
    async with desk.database.connection() as conn:
        found = [shop_id for shop_id, amount in await owed(conn) if amount.currency == CURRENCY]
    for shop_id in found:
        await desk.database.transaction(
            partial(ask, run=run, shop_id=shop_id, calendar=desk.calendar, at=at)
        )
    await desk.database.transaction(lambda conn: runs.mark(conn, run.run_id, "made", at))


async def ask(
    conn: db.Connection, run: Run, shop_id: int, calendar: BusinessCalendar, at: datetime
) -> Payout | None:
    """Write a shop's payout and take it off its balance; None when there is nothing to pay now."""
    if await outlook.blocks(conn, shop_id):
        return None
    due = await accounts.lock_payable(conn, shop_id, CURRENCY, before=run.run_on)
    card = await cards.active(conn, shop_id)
    if due.minor <= 0 or card is None:
        return None
    payout = await payouts.ask(conn, run, shop_id, due, card, at)
    if payout is None:
        return None
    await journals.post(
        conn,
        shop_id,
        kind="payout",
        reference=payout.reference,
        value_on=calendar.business_date(at),
        booked_at=at,
        transfers=[Transfer(chart.PAYABLE, chart.IN_TRANSIT, due)],
    )
    return payout


async def _of(desk: Desk, run: Run, *status: str) -> list[Payout]:
    async with desk.database.connection() as conn:
        return [one for one in await payouts.of_run(conn, run.run_id) if one.status in status]


async def fund(desk: Desk, run: Run, at: datetime) -> None:
    """Bring the rail's money for what was asked; what it does not reach waits for more."""
    for payout in await _of(desk, run, "asked"):
        await funding.fund(desk.database, payout, desk.calendar, at)


async def write(desk: Desk, run: Run, at: datetime) -> bool:
    """Keep one more file of what is funded and stands in none; False when there is nothing."""

    async def keep(conn: db.Connection) -> bool:
        await runs.lock(conn, run.run_id)
        files = await runs.files(conn, run.run_id)
        written = {reference for file in files for reference in file.payout_references}
        ready = [
            payout
            for payout in await payouts.of_run(conn, run.run_id)
            if payout.status == "funded" and payout.reference not in written
        ][:MOST_PER_FILE]
        if not ready:
            return False
        number = len(files) + 1
        batch = PayoutBatch(
            message_id=runs.message_id(run, number),
            created_at=at.replace(microsecond=0),
            execute_on=outlook.execution_day(desk.calendar, run.run_on, at),
            debtor=desk.bank.debtor,
            instructions=tuple([await _instruction(conn, desk.keyring, one) for one in ready]),
        )
        await runs.keep_file(conn, desk.keyring, run.run_id, number, batch)
        return True

    return await desk.database.transaction(keep)


async def _instruction(conn: db.Connection, keyring: Keyring, payout: Payout) -> PayoutInstruction:
    card = await cards.get(conn, payout.shop_id, payout.card_id)
    assert card is not None, payout.payout_id
    bank = cards.bank(card.bank_code)
    return PayoutInstruction(
        reference=payout.reference,
        amount=payout.amount,
        name=keyring.open(card.holder_sealed),
        account=keyring.open(card.number_sealed),
        cnaps=bank.cnaps if bank else None,
        remark=f"littleshop {payout.run_on:%Y-%m-%d}",
    )


async def send(desk: Desk, run: Run, at: datetime) -> None:
    """Hand in what the bank has not got, under the same id and with the same bytes each time."""
    async with desk.database.connection() as conn:
        files = await runs.files(conn, run.run_id)
    for file in files:
        if file.sent_at is None and not await _submit(desk, file, at):
            continue
        for payout in await _of(desk, run, "funded"):
            if payout.reference in file.payout_references:
                await desk.database.transaction(
                    partial(payouts.mark_sent, payout=payout, arrives_on=file.execute_on, at=at)
                )


async def _submit(desk: Desk, file: BankFile, at: datetime) -> bool:
    """The wire call; what went wrong is kept with the file and tried again by a later pass."""
    try:
        await desk.bank.submit(runs.batch_of(desk.keyring, file))
    except (GatewayError, Conflict) as fault:
        said = str(fault)
        desk.problems.append(said)
        await desk.database.transaction(lambda conn: runs.note_fault(conn, file.message_id, said))
        return False
    await desk.database.transaction(lambda conn: runs.mark_sent(conn, file.message_id, at))
    return True


async def query(desk: Desk, run: Run, at: datetime) -> None:
    """Ask the bank how the files stand that have no final answer."""
    async with desk.database.connection() as conn:
        files = await runs.files(conn, run.run_id)
    for file in files:
        if file.sent_at is None or file.answered_at is not None:
            continue
        try:
            report = await desk.bank.report(file.message_id)
        except GatewayError as fault:
            desk.problems.append(str(fault))
            continue
        if report is not None:
            await hear_report(desk, run, file, report, at)


async def hear_report(
    desk: Desk, run: Run, file: BankFile, report: StatusReport, at: datetime
) -> None:
    """pain.002: a rejection gives the money back; "done" is news, the statement is the truth."""
    final = True
    for payout in await _of(desk, run, "funded", "sent"):
        if payout.reference not in file.payout_references:
            continue
        if payout.status == "funded":  # its file is with the bank; the next pass marks it sent
            final = False
            continue
        status = report.of(payout.reference)
        if status is not None and status.outcome == "rejected":
            reason = status.reason or BankReason.OTHER
            await desk.database.transaction(
                partial(
                    reject,
                    payout=payout,
                    code=status.code,
                    reason=reason,
                    calendar=desk.calendar,
                    at=at,
                )
            )
            continue
        final = final and status is not None and status.outcome == "done"
        if status is not None and status.code != payout.bank_says:
            await desk.database.transaction(
                partial(payouts.note_answer, payout=payout, code=status.code)
            )
    if final:
        await desk.database.transaction(lambda conn: runs.mark_answered(conn, file.message_id, at))


async def reject(
    conn: db.Connection,
    payout: Payout,
    code: str,
    reason: BankReason,
    calendar: BusinessCalendar,
    at: datetime,
) -> bool:
    """The bank will not pay it: all of it is the shop's balance again, and the seller hears why."""
    if not await payouts.mark_rejected(conn, payout, code, reason.value, at):
        return False
    for kind in (funding.KIND, "payout") if payout.need else ("payout",):
        await journals.reverse(
            conn,
            payout.shop_id,
            kind=kind,
            reference=payout.reference,
            why=reason.value,
            value_on=calendar.business_date(at),
            booked_at=at,
        )
    await telling.owner(conn, payout, "payout_returned", at, reason=reason.value)
    return True


async def give_back(desk: Desk, run: Run, at: datetime) -> None:
    """Shop 0 gets back what it gave for payouts that were rejected."""
    for payout in await _of(desk, run, "rejected"):
        if payout.given_back_at is None:
            await funding.give_back(desk.database, payout, desk.calendar, at)


async def record(desk: Desk, run: Run, at: datetime) -> None:
    """Write down which steps are done for all of a run; it closes on books that were proved."""
    async with desk.database.connection() as conn:
        made = (await runs.get(conn, run.run_id)).done("made")
        files = await runs.files(conn, run.run_id)
        paid = await payouts.of_run(conn, run.run_id)
    written = {reference for file in files for reference in file.payout_references}
    funded = made and all(one.status != "asked" for one in paid)
    steps: dict[runs.Step, bool] = {
        "funded": funded,
        "written": funded and all(one.reference in written for one in paid),
        "sent": funded and all(file.sent_at is not None for file in files),
        "answered": funded and all(file.answered_at is not None for file in files),
        "read": funded
        and not any(one.under_way for one in paid)
        and all(one.given_back_at is not None for one in paid if one.status == "rejected"),
    }
    if steps["read"] and steps["answered"]:
        async with desk.database.connection() as conn:
            findings = await audit.prove(conn)
        steps["closed"] = not findings
        desk.problems.extend(f"{one.rule}: {one.subject}" for one in findings)

    async def mark(conn: db.Connection) -> None:
        for step, reached in steps.items():
            if reached:
                await runs.mark(conn, run.run_id, step, at)

    await desk.database.transaction(mark)


def tasks(bank: Bank | None, keyring: Keyring, calendar: BusinessCalendar) -> dict[str, Task]:
    """The jobs of settling; without a bank they do nothing, and balances wait."""

    async def run(context: Context) -> None:
        today = context.at.astimezone(SHANGHAI).date()
        if bank is None or not calendar.is_working(today):
            return
        desk = Desk(context.database, bank, keyring, calendar)
        await open_run(desk, today, context.at)
        await _pass(desk, context.at)

    async def go_on(context: Context) -> None:
        if bank is not None:
            await _pass(Desk(context.database, bank, keyring, calendar), context.at)

    return {
        "settling.run": Task(run, attempts=10, longest_wait=timedelta(minutes=30)),
        "settling.advance": Task(go_on, attempts=2),
    }


async def _pass(desk: Desk, at: datetime) -> None:
    await advance(desk, at)
    for problem in desk.problems:  # each is tried again by the next pass
        _log.warning("settling: %s", problem)


TIMETABLE: dict[str, Daily | Every] = {
    "settling.run": Daily(RUN_AT),
    "settling.advance": Every(600),
}
