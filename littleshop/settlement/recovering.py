"""Recovering: after a restore, read what bills and statements say happened since the backup.

What we no longer know shows in the rails' bills as missing here, and in the bank's statements as
a payout nobody asked for; a rail that takes payouts one by one is asked for each that may have
been made (forgotten.py). Only when all have answered, the books are proved and no difference is
left, money may leave again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import partial

from littleshop import audit, db, jobs, recoveries
from littleshop.clock import SHANGHAI
from littleshop.errors import GatewayError, Refused
from littleshop.pay.gateways import BillNotReady, Gateway
from littleshop.recoveries import Recovery
from littleshop.settlement import bills, reconciling, reconciling_bills, settling, statements
from littleshop.settlement.desks import Desk
from littleshop.settlement.due import RUN_AT
from littleshop.settlement.payouts import BANK


def asked_as(rail: str) -> str:
    """What a payout rail is called among those who must have told."""
    return rail if rail == BANK else f"payouts:{rail}"


async def read_bills(
    database: db.Database, rail: Gateway, recovery: Recovery, at: datetime
) -> None:
    """Every bill since the backup. Raises GatewayError while the rail does not give them all."""
    if not rail.has_bills:
        return
    faults = await reconciling_bills.read(database, rail, at)
    if faults:
        raise GatewayError("; ".join(faults), retryable=True)
    first = recovery.taken_at.astimezone(SHANGHAI).date()
    last = at.astimezone(SHANGHAI).date() - timedelta(days=1)
    async with database.connection() as conn:
        used = await bills.first_day(conn, rail.name)
        missing = await bills.days_without(conn, rail.name, first, last)
    if used is not None and missing:
        raise BillNotReady(rail.name, missing[0])


async def ask_payout_rails(desk: Desk, recovery: Recovery, at: datetime) -> list[str]:
    """Read the bank's statements and ask every payout rail for what left since the backup; what
    went wrong, in words."""
    await reconciling.read(desk, at)
    await settling.prepare_known(desk, at)
    faults = [f"{BANK}: {one}" for one in desk.problems]
    for rail in settling.every_way(desk):
        desk.problems.clear()
        try:
            await rail.recover(desk, recovery, at)
        except GatewayError as fault:
            desk.problems.append(str(fault))
        faults += [f"{asked_as(rail.name)}: {one}" for one in desk.problems]
        if desk.problems or (rail.name == BANK and faults):
            continue
        await desk.database.transaction(
            partial(recoveries.answered, recovery=recovery, asked=asked_as(rail.name), at=at)
        )
    return faults


async def release(
    conn: db.Connection,
    rails: Mapping[str, Gateway],
    recovery: Recovery,
    *,
    payout_rails: Collection[str],
    by: str,
    at: datetime,
) -> bool:
    """Money may leave again; False when it might already.

    Raises Refused: recovery_not_asked(rail=), recovery_day_not_over, recovery_unexplained(count=),
    recovery_books(rule=).
    """
    heard = await recoveries.answers(conn, recovery)
    for name in (*rails, *(asked_as(each) for each in payout_rails)):
        if name not in heard:
            raise Refused("recovery_not_asked", rail=name)
    if at.astimezone(SHANGHAI).date() <= recovery.restored_at.astimezone(SHANGHAI).date():
        raise Refused("recovery_day_not_over")
    left = await bills.unexplained(conn)
    waiting = await statements.waiting(conn)
    if left or waiting:
        raise Refused("recovery_unexplained", count=len(left) + len(waiting))
    if findings := await audit.prove(conn):
        raise Refused("recovery_books", rule=findings[0].rule)
    released = await recoveries.release(conn, recovery, by, at)
    if released and at.astimezone(SHANGHAI).time() >= RUN_AT:
        await jobs.defer(conn, "settling.run", at=at)  # today's was not opened on hold
    return released
