"""Settling: each business day what sellers are owed goes to their cards (T+1).

`ask` writes a shop's payouts and takes them off its balance; the payout rails carry them and hear
how they ended. Each step looks at what is written and does what is missing, so a kill anywhere and
a second pass repeat nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from littleshop import audit, db, recoveries
from littleshop.audit import Finding
from littleshop.clock import SHANGHAI, BusinessCalendar, value_date
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.jobs import Context, Daily, Every, Task
from littleshop.ledger import accounts, chart, cover, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.risk import holds
from littleshop.settlement import (
    asides,
    due,
    escrowed,
    former,
    handing_in,
    keeping_back,
    open_payouts,
    outlook,
    payouts,
    reconciling,
    runs,
)
from littleshop.settlement.desks import CURRENCY, Desk
from littleshop.settlement.due import RUN_AT
from littleshop.settlement.outlook import Expected, expected
from littleshop.settlement.payouts import Payout
from littleshop.settlement.rails import Claim, PayoutRail, held_elsewhere
from littleshop.settlement.routing import Routing
from littleshop.settlement.runs import Run
from littleshop.shop import cards, payees
from littleshop.shop.shops import PLATFORM

FEW_SHOPS = 50  # so many are proved one by one, more all at once
_log = logging.getLogger(__name__)

__all__ = ["RUN_AT", "BrokenBooks", "Desk", "Expected", "advance", "expected", "open_run"]


class BrokenBooks(Exception):
    """The books do not add up, so no money leaves."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(f"{f.rule} {f.shop_id} {f.subject}" for f in findings[:20]))
        self.findings = list(findings)


async def open_run(desk: Desk, on: date, at: datetime) -> Run:
    """Open the run of a business day, or find it.

    Raises Refused: run_not_working(on), run_too_early(on); recoveries.OnHold; BrokenBooks;
    UncoveredYear.
    """
    await _refuse_on_hold(desk)
    if not desk.calendar.is_working(on):
        raise Refused("run_not_working", on=on.isoformat())
    if on > at.astimezone(SHANGHAI).date():
        raise Refused("run_too_early", on=on.isoformat())
    async with desk.database.connection() as conn:
        known = await runs.find(conn, on)
        findings = [] if known else await audit.prove(conn)
    if known is not None:
        return known
    if broken := [one for one in findings if one.shop_id == PLATFORM]:
        raise BrokenBooks(broken)
    before = desk.calendar.counts_before(on)
    return await desk.database.transaction(
        lambda conn: runs.open(conn, desk.keyring, on, before, at)
    )


async def advance(desk: Desk, at: datetime) -> None:
    """Do for every open run whatever can be done now, after reading what the bank booked.

    What a shop's books, a payout, a file or a day of the bank's will not let be done stands
    aside (`desk.asides`) and keeps nothing else waiting. Raises recoveries.OnHold: a run that the
    backup does not know would be written anew with other sums under the same references.
    """
    await _refuse_on_hold(desk)
    await reconciling.read(desk, at)
    async with desk.database.connection() as conn:
        unfinished = await runs.unfinished(conn)
    blocked = await _blocked(desk, unfinished)
    for run in unfinished:
        with desk.apart(f"run of {run.run_on}"):
            if PLATFORM not in blocked:
                await make(desk, run, blocked, at)
                await keeping_back.repay(desk, run, at)
                await _hand_in(desk, run, blocked | await _stopped(desk), at)
            for rail in every_way(desk):
                with desk.apart(f"{rail.name} in the run of {run.run_on}"):
                    await rail.hear(desk, run, at)
            await record(desk, run, at)
    await _miss(desk, unfinished)
    for rail in every_way(desk):
        with desk.apart(f"what came back over {rail.name}"):
            await rail.look_back(desk, at)


async def prepare_known(desk: Desk, at: datetime) -> None:
    """After a restore: bring the runs whose payouts the backup knows, all of them, to where their
    files are written as they were (nothing is handed in on hold), so that the bank's answers find
    them. What is not known is not made up."""
    async with desk.database.connection() as conn:
        unfinished = [run for run in await runs.unfinished(conn) if run.done("made")]
    blocked = await _blocked(desk, unfinished)
    if PLATFORM not in blocked:
        for run in unfinished:
            with desk.apart(f"run of {run.run_on}"):
                await _hand_in(desk, run, blocked | await _stopped(desk), at)


async def _refuse_on_hold(desk: Desk) -> None:
    async with desk.database.connection() as conn:
        await recoveries.refuse_on_hold(conn)


async def _hand_in(desk: Desk, run: Run, halted: Collection[int], at: datetime) -> None:
    """Every rail brings the money for its payouts and hands them in."""
    for rail in every_way(desk):
        with desk.apart(f"{rail.name} of the run of {run.run_on}"):
            await rail.fund(desk, run, halted, at)
            await rail.hand_in(desk, run, halted, at)


async def _miss(desk: Desk, unfinished: Sequence[Run]) -> None:
    """What is open over a rail that is not set up here any more stands aside: nobody visits it, and
    its run does not close."""
    known = [rail.name for rail in every_way(desk)]
    async with desk.database.connection() as conn:
        missing = await open_payouts.open_over_others(
            conn, [run.run_id for run in unfinished], known
        )
    for rail, count in missing.items():
        desk.set_aside(f"payouts over {rail}", f"{count} are open and {rail} is not set up")


async def _blocked(desk: Desk, unfinished: Sequence[Run]) -> set[int]:
    """The shops whose books do not add up: none of their money leaves. Shop 0 stops all.

    All are proved while payouts are made; then, for as long as a payout waits for its rail, only
    the shops whose money may leave.
    """
    leaving = [run for run in unfinished if not run.done("sent")]
    async with desk.database.connection() as conn:
        concerned = await open_payouts.shops_before_leaving(conn, [run.run_id for run in leaving])
        if any(not run.done("made") for run in leaving) or len(concerned) > FEW_SHOPS:
            findings = await audit.prove(conn)
        else:
            whose = (PLATFORM, *concerned) if concerned else ()
            findings = [one for each in whose for one in await audit.prove(conn, each)]
    for one in findings:
        desk.set_aside(f"{one.rule} of shop {one.shop_id}", f"{one.subject}: {one.says}")
    return {one.shop_id for one in findings}


async def _stopped(desk: Desk) -> set[int]:
    """The shops of which somebody said that the card is not theirs: what was asked for them and is
    in no file yet waits with the rest."""
    async with desk.database.connection() as conn:
        return await holds.stopped(conn)


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


async def make(desk: Desk, run: Run, blocked: Collection[int], at: datetime) -> None:
    """Every shop's payout, a transaction each.

    A shop that could not be looked at is looked at again for the rest of the run's day; after
    that its balance waits for a later run.
    """
    if run.done("made"):
        return
    async with desk.database.connection() as conn:
        found = [shop_id for shop_id, amount in await owed(conn) if amount.currency == CURRENCY]
    missed = [shop_id for shop_id in found if shop_id in blocked]
    for shop_id in found:
        if shop_id not in blocked:
            missed.append(shop_id)
            with desk.apart(f"shop {shop_id} in the run of {run.run_on}"):
                await desk.database.transaction(
                    partial(ask, desk=desk, run=run, shop_id=shop_id, at=at)
                )
                missed.remove(shop_id)
    if not missed or at.astimezone(SHANGHAI).date() > run.run_on:
        await desk.database.transaction(lambda conn: runs.mark(conn, run.run_id, "made", at))


async def ask(
    conn: db.Connection, desk: Desk, run: Run, shop_id: int, at: datetime
) -> list[Payout]:
    """Write what a shop is paid now, a payout for each rail that carries a part of it, and take it
    off its balance; none when there is nothing to pay. What other sellers owe it waits."""
    balances = await accounts.lock_all(conn, shop_id, CURRENCY)
    left = await accounts.lock_payable(conn, shop_id, CURRENCY, before=run.counts_before)
    share = await former.share(conn, shop_id)  # who kept it before is paid first, alone
    if share is None and await outlook.blocks(conn, shop_id):
        return []
    card = await cards.active(conn, shop_id)
    if share is not None:
        card = await cards.get(conn, shop_id, share.card_id)
    # After the card was read: a new one comes in one transaction with the hold that goes with it.
    if left.minor <= 0 or card is None:
        return []
    held = await due.held(conn, shop_id, at) is not None
    if share is not None:
        held = await former.stopped(conn, shop_id, at)
    kept = await keeping_back.kept_back(conn, shop_id, CURRENCY, at)
    here = Money(balances.get(chart.PAYABLE, 0) - cover.not_here(balances), CURRENCY)
    payee = await payees.active(conn, shop_id) if desk.others and share is None else None
    waiting = await open_payouts.waiting(conn, shop_id) if desk.others else {}
    buyers = 0
    if held_elsewhere(balances):
        buyers = await escrowed.at_the_platform(conn, shop_id, CURRENCY)
    asked = []
    for rail in every_way(desk):
        if held and not rail.pays_by_itself:
            continue
        free = left if rail.pays_by_itself else min(left - kept, here)
        free = free if share is None else share.of(free)
        claim = Claim(shop_id, free, balances, waiting, payee, desk.usual, buyers)
        amount = rail.part(claim)
        if amount.minor <= 0:
            continue
        to = payee if payee is not None and payee.rail == rail.name else None
        payout = await payouts.ask(
            conn, run, shop_id, amount, card, at, kept=left - amount, rail=rail.name, payee=to
        )
        if payout is not None:
            left, here = left - amount, here - amount
            share = None if share is None else share.less(amount)
            waiting[rail.name] = waiting.get(rail.name, 0) + amount.minor
            asked.append(payout)
            await _take_off(conn, payout, at)
    return asked


async def _take_off(conn: db.Connection, payout: Payout, at: datetime) -> None:
    """A payout leaves the balance the moment it is written."""
    await journals.post(
        conn,
        payout.shop_id,
        kind="payout",
        reference=payout.reference,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(chart.PAYABLE, chart.IN_TRANSIT, payout.amount)],
    )


def every_way(desk: Desk) -> list[PayoutRail]:
    """The payout rails of this pass, in the order in which they are asked for their part."""
    return [*desk.others, *([handing_in.ByFile()] if desk.bank is not None else [])]


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
        "written": funded
        and all(one.reference in written for one in paid if one.rail == payouts.BANK),
        "sent": funded
        and all(file.sent_at is not None for file in files)
        and not any(one.status == "funded" for one in paid if one.rail != payouts.BANK),
        "answered": funded
        and all(file.answered_at is not None for file in files)
        and not any(one.under_way for one in paid if one.rail != payouts.BANK),
        "read": funded
        and not any(one.under_way for one in paid)
        and all(one.given_back_at is not None for one in paid if one.status == "rejected"),
    }
    if steps["read"] and steps["answered"]:
        concerned = {PLATFORM, *(one.shop_id for one in paid)}
        async with desk.database.connection() as conn:
            findings = [one for one in await audit.prove(conn) if one.shop_id in concerned]
        steps["closed"] = not findings
        for one in findings:
            desk.set_aside(f"{one.rule} of shop {one.shop_id}", f"{one.subject}: {one.says}")

    async def mark(conn: db.Connection) -> None:
        for step, reached in steps.items():
            if reached:
                await runs.mark(conn, run.run_id, step, at)

    await desk.database.transaction(mark)


def tasks(routing: Routing, keyring: Keyring, calendar: BusinessCalendar) -> dict[str, Task]:
    """The jobs of settling; without any payout rail they do nothing, and balances wait."""

    def desk(context: Context) -> Desk:
        return routing.desk(context.database, keyring, calendar)

    async def ready(context: Context) -> bool:
        async with context.database.connection() as conn:
            return routing.some and await recoveries.current(conn) is None

    async def run(context: Context) -> None:
        today = context.at.astimezone(SHANGHAI).date()
        if not await ready(context) or not calendar.is_working(today):
            return
        await open_run(desk(context), today, context.at)
        await _pass(desk(context), context.at)

    async def go_on(context: Context) -> None:
        if await ready(context):
            await _pass(desk(context), context.at)

    async def look_again(context: Context, *, what: str, day: str = "") -> None:
        if routing.some:  # on hold it stays a job that a person presses
            again = desk(context)
            if day:
                await reconciling.read_day(again, date.fromisoformat(day), context.at)
            await advance(again, context.at)
            asides.insist(again, what)

    return {
        "settling.run": Task(run, attempts=10, longest_wait=timedelta(minutes=30)),
        "settling.advance": Task(go_on, attempts=2),
        asides.JOB: Task(look_again, attempts=5),
    }


async def _pass(desk: Desk, at: datetime) -> None:
    await advance(desk, at)
    for problem in desk.problems:  # each is tried again by the next pass
        _log.warning("settling: %s", problem)
    await asides.hold(desk, at)


TIMETABLE: dict[str, Daily | Every] = {
    "settling.run": Daily(RUN_AT),
    "settling.advance": Every(600),
}
