"""Handing in: the day's files to the bank, under one id until it has them, and what it answers.

`send` hands in what was kept; `hear_report` acts on a pain.002. A payout that cannot be written
or heard stands aside and keeps no other from leaving. `ByFile` is all of it as a payout rail.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from functools import partial

import msgspec

from littleshop import db, recoveries
from littleshop.clock import UncoveredYear
from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.recoveries import Recovery
from littleshop.settlement import (
    bank_files,
    custody,
    funding,
    hearing,
    outlook,
    payouts,
    rails,
    runs,
)
from littleshop.settlement.bank_answers import BankReason, StatusReport
from littleshop.settlement.bank_files import PayoutBatch, PayoutInstruction
from littleshop.settlement.desks import CURRENCY, Desk
from littleshop.settlement.payouts import Payout
from littleshop.settlement.rails import Claim
from littleshop.settlement.runs import BankFile, Run
from littleshop.shop import cards

MOST_PER_FILE = 1000


async def of_run(desk: Desk, run: Run, *status: str) -> list[Payout]:
    """The payouts of a run that the bank carries, in one of these states."""
    async with desk.database.connection() as conn:
        found = await payouts.of_run(conn, run.run_id)
    return [one for one in found if one.rail == payouts.BANK and one.status in status]


async def write(desk: Desk, run: Run, blocked: Collection[int], at: datetime) -> None:
    """Keep files of what is funded and stands in none; what cannot be written stands aside."""
    instructions: dict[str, PayoutInstruction] = {}
    async with desk.database.connection() as conn:
        ready = [one for one in await _unwritten(conn, run) if one.shop_id not in blocked]
        for payout in ready:
            with desk.apart(f"payout {payout.reference}"):
                instruction = await _instruction(conn, desk, payout)
                bank_files.check(instruction)
                instructions[payout.reference] = instruction
    if not instructions:
        return
    try:
        execute_on = outlook.execution_day(desk.calendar, run.run_on, at)
    except UncoveredYear as fault:
        desk.set_aside(f"files of the run of {run.run_on}", f"no calendar of {fault}")
        return
    while await _keep(desk, run, instructions, execute_on, at):
        pass


async def _unwritten(conn: db.Connection, run: Run) -> list[Payout]:
    files = await runs.files(conn, run.run_id)
    written = {reference for file in files for reference in file.payout_references}
    return [
        payout
        for payout in await payouts.of_run(conn, run.run_id)
        if payout.rail == payouts.BANK
        and payout.status == "funded"
        and payout.reference not in written
    ]


async def _keep(
    desk: Desk,
    run: Run,
    instructions: dict[str, PayoutInstruction],
    execute_on: date,
    at: datetime,
) -> bool:
    """Keep one more file; False when nothing is left. What stands in it is read under the lock."""

    async def keep(conn: db.Connection) -> bool:
        await runs.lock(conn, run.run_id)
        unwritten = [one.reference for one in await _unwritten(conn, run)]
        ready = [instructions[one] for one in unwritten if one in instructions][:MOST_PER_FILE]
        if not ready:
            return False
        number = len(await runs.files(conn, run.run_id)) + 1
        batch = PayoutBatch(
            message_id=runs.message_id(run, number),
            created_at=at.replace(microsecond=0),
            execute_on=execute_on,
            debtor=desk.at_bank.debtor,
            instructions=tuple(ready),
        )
        await runs.keep_file(conn, desk.keyring, run.run_id, number, batch)
        return True

    return await desk.database.transaction(keep)


async def _instruction(conn: db.Connection, desk: Desk, payout: Payout) -> PayoutInstruction:
    keyring = desk.keyring
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
        owner=await custody.owner(conn, payout.shop_id) if desk.custody else None,
    )


async def send(desk: Desk, run: Run, at: datetime) -> None:
    """Hand in what the bank has not got, under the same id and with the same bytes each time.

    A database that was restored hands in nothing before it is released.
    """
    async with desk.database.connection() as conn:
        if await recoveries.current(conn) is not None:
            return
        files = await runs.files(conn, run.run_id)
    for file in files:
        with desk.apart(f"file {file.message_id}"):
            await _send(desk, run, file, at)


async def _send(desk: Desk, run: Run, file: BankFile, at: datetime) -> None:
    if file.sent_at is None and not await _submit(desk, file, at):
        return
    for payout in await of_run(desk, run, "funded"):
        if payout.reference in file.payout_references:
            await desk.database.transaction(
                partial(payouts.mark_sent, payout=payout, arrives_on=file.execute_on, at=at)
            )


async def _submit(desk: Desk, file: BankFile, at: datetime) -> bool:
    """The wire call; what went wrong is kept with the file and tried again by a later pass."""
    try:
        await desk.at_bank.submit(runs.batch_of(desk.keyring, file))
    except (GatewayError, Conflict) as fault:
        said = str(fault)
        desk.problems.append(said)
        await desk.database.transaction(lambda conn: runs.note_fault(conn, file.message_id, said))
        return False
    await desk.database.transaction(lambda conn: runs.mark_sent(conn, file.message_id, at))
    return True


async def recognise(desk: Desk, run: Run, at: datetime) -> None:
    """After a restore the bank may have files that we do not know we handed in: it says so."""
    async with desk.database.connection() as conn:
        files = await runs.files(conn, run.run_id)
    for file in files:
        with desk.apart(f"file {file.message_id}"):
            if file.sent_at is None and await desk.at_bank.report(file.message_id) is not None:
                await desk.database.transaction(
                    partial(runs.mark_sent, message_id=file.message_id, at=at)
                )
                await _send(desk, run, msgspec.structs.replace(file, sent_at=at), at)


async def query(desk: Desk, run: Run, at: datetime) -> None:
    """Ask the bank how the files stand that have no final answer."""
    async with desk.database.connection() as conn:
        files = await runs.files(conn, run.run_id)
    for file in files:
        if file.sent_at is None or file.answered_at is not None:
            continue
        with desk.apart(f"answer to {file.message_id}"):
            try:
                report = await desk.at_bank.report(file.message_id)
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
    for payout in await of_run(desk, run, "funded", "sent"):
        if payout.reference in file.payout_references:
            heard = False
            with desk.apart(f"payout {payout.reference}"):
                heard = await _hear(desk, payout, report, at)
            final = final and heard
    if final:
        await desk.database.transaction(lambda conn: runs.mark_answered(conn, file.message_id, at))


async def _hear(desk: Desk, payout: Payout, report: StatusReport, at: datetime) -> bool:
    """Act on what is said of one payout; whether that is the bank's last word in a pain.002."""
    if payout.status == "funded":  # its file is with the bank; the next pass marks it sent
        return False
    status = report.of(payout.reference)
    if status is None:
        return False
    if status.outcome == "rejected" and status.reason is BankReason.DUPLICATE:
        # the bank has paid this reference before: the statement tells, nothing is given back
        desk.set_aside(f"payout {payout.reference}", "the bank calls it a duplicate")
        return False
    if status.outcome == "rejected":
        reason = status.reason or BankReason.OTHER
        await desk.database.transaction(
            partial(hearing.reject, payout=payout, code=status.code, reason=reason, at=at)
        )
        return True
    if status.code != payout.bank_says:
        await desk.database.transaction(
            partial(payouts.note_answer, payout=payout, code=status.code)
        )
    return status.outcome == "done"


async def give_back(desk: Desk, run: Run, at: datetime) -> None:
    """Shop 0 gets back what it gave for payouts that were rejected."""
    for payout in await of_run(desk, run, "rejected"):
        if payout.given_back_at is None:
            with desk.apart(f"payout {payout.reference}"):
                await funding.give_back(desk.database, payout, at)


class ByFile:
    """The bank as a payout rail (rails.PayoutRail); its statements say how payouts ended."""

    name = payouts.BANK
    pays_by_itself = False

    def part(self, claim: Claim) -> Money:
        """All, or what does not lie at an institution."""
        return rails.part_of_bank(claim)

    async def fund(self, desk: Desk, run: Run, halted: Collection[int], at: datetime) -> None:
        """Bring the rails' money for what was asked."""
        asked = await of_run(desk, run, "asked")
        if not asked:
            return
        async with desk.database.connection() as conn:
            before = funding.arrived_before(desk.calendar, at, run.run_on)
            purse = await funding.purse(conn, CURRENCY, before)
        for payout in asked:
            if payout.shop_id not in halted:
                with desk.apart(f"payout {payout.reference}"):
                    await funding.fund(desk.database, payout, purse, at)

    async def hand_in(self, desk: Desk, run: Run, halted: Collection[int], at: datetime) -> None:
        """Write what stands in no file, and hand in what the bank has not got."""
        if desk.custody and not await custody.hand_over(desk, at):
            return  # the bank pays for a shop what its sub-balance covers, so it must know it
        await write(desk, run, halted, at)
        await send(desk, run, at)

    async def hear(self, desk: Desk, run: Run, at: datetime) -> None:
        """Read pain.002, and give back to shop 0 what was rejected."""
        await query(desk, run, at)
        await give_back(desk, run, at)

    async def look_back(self, desk: Desk, at: datetime) -> None:
        """Its statements tell what came back."""

    async def recover(self, desk: Desk, recovery: Recovery, at: datetime) -> None:
        """Its answers to every file; what it paid since stands in its statements."""
        async with desk.database.connection() as conn:
            unfinished = await runs.unfinished(conn)
        for run in unfinished:
            await recognise(desk, run, at)
            await query(desk, run, at)
