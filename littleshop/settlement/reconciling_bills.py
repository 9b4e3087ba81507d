"""Reconciling bills: each rail's account of a day against our books, to the fen.

A row is matched by our reference, whatever day it stands on; what is missing here, missing there
or of another amount becomes a work item. The rail is asked about what may yet explain itself (a
lost notice, a refund that was stuck), and the next comparison sees that. The fee that a bill names
is booked, one journal per shop and day.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import NamedTuple

from littleshop import db, jobs
from littleshop.clock import SHANGHAI
from littleshop.errors import GatewayError
from littleshop.jobs import Context, Task
from littleshop.ledger import bridging, chart, journals
from littleshop.money import Money
from littleshop.pay import refunds
from littleshop.pay.gateways import BillNotReady, Gateway
from littleshop.settlement import bills
from littleshop.settlement.bills import Difference, Movement, Row

BACK = timedelta(days=14)  # bills that could not be read are asked for again so long
FEE = "rail_fee"
READ = "bills.read_rail"
NEAR_MIDNIGHT = timedelta(minutes=30)  # what moved so near the end may stand on the next bill
_log = logging.getLogger(__name__)


async def read(database: db.Database, gateway: Gateway, at: datetime) -> list[str]:
    """Read and compare every bill of the last days that is missing; what went wrong, for the log.

    A rail that is away, or has no bill yet, is asked again by the next pass. A day that cannot be
    compared keeps no other waiting, and is tried again by every pass; what is wrong with the first
    of them is raised in the end.
    """
    yesterday = at.astimezone(SHANGHAI).date() - timedelta(days=1)
    async with database.connection() as conn:
        first = await bills.first_day(conn, gateway.name)
        if first is None:
            return []
        start = max(first.astimezone(SHANGHAI).date(), yesterday - BACK)
        days = await bills.days_without(conn, gateway.name, start, yesterday)
        kept = await bills.uncompared(conn, gateway.name)
    faults: list[str] = []
    wrong: list[Exception] = []
    for day in sorted({*kept, *days}):
        if day not in kept and not await _fetch(database, gateway, day, at, faults):
            continue
        try:
            await compare(database, gateway.name, day, at)
        except Exception as fault:  # whatever it is: the other days have their own bills
            _log.exception("bill not compared: %s %s", gateway.name, day)
            wrong.append(fault)
    await look_again(database, gateway.name, at)
    if wrong:
        raise wrong[0]
    return faults


async def _fetch(
    database: db.Database, gateway: Gateway, day: date, at: datetime, faults: list[str]
) -> bool:
    """Keep the bill of a day; False when there is none yet."""
    try:
        bill = await gateway.fetch_bill(day)
    except BillNotReady:
        return False
    except GatewayError as fault:
        faults.append(f"{gateway.name} {day}: {fault}")
        return False
    await database.transaction(partial(bills.keep, bill=bill, at=at))
    return True


async def compare(database: db.Database, gateway: str, day: date, at: datetime) -> None:
    """Hold a day's bill that was kept against our books, and book its fees. May be repeated."""
    await database.transaction(partial(_compare, gateway=gateway, day=day, at=at))
    async with database.connection() as conn:
        fees = await _fees(conn, gateway, day)
    for (shop_id, held), fee in fees.kept.items():
        book = _book_held_fee if held else _book_fee
        named = f"{gateway}/{day}/held" if held else f"{gateway}/{day}"
        await database.transaction(
            partial(book, shop_id=shop_id, gateway=gateway, reference=named, fee=fee, at=at)
        )
    for ours, back in fees.back:
        await database.transaction(
            partial(_undo_loan, ours=ours, gateway=gateway, back=back, at=at)
        )
    await database.transaction(partial(bills.mark_compared, gateway=gateway, day=day, at=at))


async def _compare(conn: db.Connection, gateway: str, day: date, at: datetime) -> None:
    rows = await bills.rows_of(conn, gateway, day)
    named = [row.own_reference for row in rows]
    ours = await bills.moved_under(conn, gateway, named)
    owners = await bills.owner_of(conn, gateway, named)
    for row in rows:
        await _compare_row(conn, gateway, day, row, ours.get(row.own_reference), owners, at)
    start = datetime.combine(day, time(0), SHANGHAI)
    moved = await bills.moved(conn, gateway, start, start + timedelta(days=1) - NEAR_MIDNIGHT)
    theirs = await bills.rows_of_references(conn, gateway, [each.reference for each in moved])
    # what moved in the last half hour of the day before may stand on this day's bill
    before = await bills.moved(conn, gateway, start - NEAR_MIDNIGHT, start)
    theirs |= await bills.rows_of_references(conn, gateway, [each.reference for each in before])
    for movement in (*before, *moved):
        if movement.reference not in theirs:
            await bills.differ(
                conn, gateway, day, "missing_there", movement.reference,
                of_shop_id=movement.shop_id,
                ours=Money(movement.amount_minor, movement.currency), at=at,
            )  # fmt: skip


async def _compare_row(
    conn: db.Connection,
    gateway: str,
    day: date,
    row: Row,
    ours: Movement | None,
    owners: Mapping[str, int],
    at: datetime,
) -> None:
    """One row: matched, or a difference; what may be a lost notice is asked about."""
    shop_id = owners.get(row.own_reference)
    if ours is None:
        new = await bills.differ(
            conn, gateway, day, "missing_here", row.own_reference, of_shop_id=shop_id,
            theirs=row.amount, at=at,
        )  # fmt: skip
        if new and shop_id is not None and row.kind == "payment":
            await jobs.defer(
                conn, "paying.query", at=at, key=row.reference, shop_id=shop_id,
                reference=row.reference,
            )  # fmt: skip
    elif (ours.amount_minor, ours.currency) != (row.amount_minor, row.currency):
        await bills.differ(
            conn, gateway, day, "amount_differs", row.own_reference, of_shop_id=ours.shop_id,
            ours=Money(ours.amount_minor, ours.currency), theirs=row.amount, at=at,
        )  # fmt: skip


class _Fees(NamedTuple):
    """Of a day's bill. `kept`: what the rail kept of each shop's money, less what it gave back;
    apart (True): of money that it holds for the shop and has released. `back`: the refunds with
    which it gave such a fee back, and how much."""

    kept: dict[tuple[int, bool], Money]
    back: list[tuple[Movement, Money]]


async def _fees(conn: db.Connection, gateway: str, day: date) -> _Fees:
    """What the books have to say of a bill's fees. Of what is frozen the release tells the fee, and
    that of a row which is late comes with it (`_book_late`)."""
    rows = await bills.rows_of(conn, gateway, day)
    late = await bills.late(conn, gateway, day)
    named = [row.own_reference for row in rows]
    ours = await bills.moved_under(conn, gateway, named)
    lay_at = await journals.lay_at(conn, named)
    fees = _Fees(defaultdict(lambda: Money(0, rows[0].currency)), [])
    for row in rows:
        known, where = ours.get(row.own_reference), lay_at.get(row.own_reference, "")
        if known is None or not row.fee_minor or where == chart.held_at(gateway):
            continue
        if row.own_reference in late:
            continue
        released = where == chart.withdrawable(gateway)
        fees.kept[known.shop_id, released] += Money(row.fee_minor, row.currency)
        if released and row.fee_minor < 0:
            fees.back.append((known, Money(-row.fee_minor, row.currency)))
    return fees


async def _undo_loan(
    conn: db.Connection, ours: Movement, gateway: str, back: Money, at: datetime
) -> None:
    """A refund of what was released takes from the seller's account what its fee does not bring
    back; our books took all of it, and lent what he lacked. With the fee there is no loan left."""
    known = await journals.find(conn, ours.shop_id, "refunded", ours.reference)
    if known is not None and not await journals.find(
        conn, ours.shop_id, bridging.REPAID, ours.reference
    ):
        await bridging.undo_loan(
            conn, ours.shop_id, clearing=chart.withdrawable(gateway), kind=known.kind,
            reference=known.reference, order_id=known.order_id, currency=back.currency, most=back,
            at=at,
        )  # fmt: skip


async def _book_late(
    conn: db.Connection, one: Difference, ours: Movement, row: Row, at: datetime
) -> None:
    """The fee of a row that our books did not have when its bill was held against them."""
    lay_at = (await journals.lay_at(conn, [one.reference])).get(one.reference, "")
    if row.fee_minor and lay_at != chart.held_at(one.gateway):
        book = _book_held_fee if lay_at == chart.withdrawable(one.gateway) else _book_fee
        named = f"{one.gateway}/{one.day}/{one.reference}"
        fee = Money(row.fee_minor, row.currency)
        await book(conn, ours.shop_id, one.gateway, named, fee, at)
        if fee.minor < 0 and lay_at == chart.withdrawable(one.gateway):
            await _undo_loan(conn, ours, one.gateway, Money(-fee.minor, fee.currency), at)


async def _book_held_fee(
    conn: db.Connection, shop_id: int, gateway: str, reference: str, fee: Money, at: datetime
) -> None:
    """Refunds of what was released gave fees back to the seller's account there."""
    if fee.minor < 0:
        await bridging.give_to_clearing(
            conn, shop_id, gateway=gateway, account=chart.GATEWAY_FEE,
            amount=Money(-fee.minor, fee.currency), kind=FEE, reference=reference,
            pocket=chart.withdrawable(gateway), at=at,
        )  # fmt: skip


async def _book_fee(
    conn: db.Connection, shop_id: int, gateway: str, reference: str, fee: Money, at: datetime
) -> None:
    """The rail pays us that much less (or more, when refunds gave fees back). Our commission bears
    it; where that does not suffice the platform lends it, so that seller and buyers get theirs."""
    if fee.minor > 0:
        await bridging.bear(
            conn, shop_id, gateway=gateway, account=chart.GATEWAY_FEE, amount=fee, kind=FEE,
            reference=reference, at=at,
        )  # fmt: skip
    elif fee.minor < 0:
        await bridging.give_to_clearing(
            conn, shop_id, gateway=gateway, account=chart.GATEWAY_FEE,
            amount=Money(-fee.minor, fee.currency), kind=FEE, reference=reference, at=at,
        )  # fmt: skip


async def look_again(database: db.Database, gateway: str, at: datetime) -> int:
    """Differences that the books explain by now; how many. Refunds that the rail's bill has and
    that are stuck here are asked about: they may have gone out at its own desk."""
    async with database.connection() as conn:
        left = await bills.unexplained(conn, gateway=gateway)
        here = await bills.moved_under(conn, gateway, [one.reference for one in left])
        there = await bills.rows_of_references(conn, gateway, [one.reference for one in left])
    agreed = [one for one in left if _agrees(one, here, there)]
    for one in agreed:
        if one.kind == "missing_here":
            ours, theirs = here[one.reference], there[one.reference]
            await database.transaction(partial(_book_late, one=one, ours=ours, row=theirs, at=at))
        await database.transaction(
            partial(bills.explain, difference_id=one.difference_id, by="books", why="agrees", at=at)
        )
    for one in left:
        if one.kind == "missing_here" and one.of_shop_id is not None:
            asks = partial(_ask_stuck, shop_id=one.of_shop_id, reference=one.reference, at=at)
            await database.transaction(asks)
    return len(agreed)


async def _ask_stuck(conn: db.Connection, shop_id: int, reference: str, at: datetime) -> None:
    refund = await refunds.by_reference(conn, shop_id, reference)
    if refund is not None and refund.status == "stuck":
        await jobs.defer(
            conn, "resending.ask", at=at, key=reference, shop_id=shop_id, reference=reference
        )


def _agrees(one: Difference, here: Mapping[str, Movement], there: Mapping[str, Row]) -> bool:
    ours, theirs = here.get(one.reference), there.get(one.reference)
    if one.kind == "unread" or ours is None or theirs is None:
        return False
    return (ours.amount_minor, ours.currency) == (theirs.amount_minor, theirs.currency)


def tasks(rails: Mapping[str, Gateway]) -> dict[str, Task]:
    """The jobs of reconciling: a pass over every rail that has bills, each by itself, so that one
    that cannot be compared keeps no other waiting."""

    async def read_all(context: Context) -> None:
        for rail in rails.values():
            if rail.has_bills:
                one = partial(
                    jobs.defer, name=READ, at=context.at, key=rail.name, gateway=rail.name
                )
                await context.database.transaction(one)

    async def read_rail(context: Context, gateway: str) -> None:
        for fault in await read(context.database, rails[gateway], context.at):
            _log.warning("bill not read: %s", fault)

    return {"bills.read": Task(read_all, attempts=3), READ: Task(read_rail, attempts=3)}
