"""Recovering: after a restore, ask every rail and the bank what happened since the backup.

Payments and refunds that we know are asked about one by one; what we no longer know shows in the
rails' bills as missing here, and in the bank's statements as a payout nobody asked for. Only when
all have answered, the books are proved and no difference is left, money may leave again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from littleshop import audit, db, recoveries
from littleshop.clock import SHANGHAI
from littleshop.errors import GatewayError, Refused
from littleshop.pay import payments, refunds
from littleshop.pay.gateways import BillNotReady, Gateway, PaymentState
from littleshop.pay.payments import Payment
from littleshop.recoveries import Recovery
from littleshop.sale import paying, refunding
from littleshop.sale.paying import Paid
from littleshop.settlement import (
    bills,
    handing_in,
    reconciling,
    reconciling_bills,
    runs,
    statements,
)
from littleshop.settlement.desks import Desk

BANK = "bank"
LOOK_BACK = timedelta(days=2)  # what was begun so long before the backup may have ended since


async def ask_all(
    database: db.Database,
    rails: Mapping[str, Gateway],
    desk: Desk | None,
    recovery: Recovery,
    at: datetime,
) -> list[str]:
    """Ask everybody once; what went wrong, in words. May be repeated."""
    faults = []
    for rail in rails.values():
        try:
            await ask_rail(database, rail, recovery, at)
        except GatewayError as fault:
            faults.append(f"{rail.name}: {fault}")
            continue
        await database.transaction(
            partial(recoveries.answered, recovery=recovery, asked=rail.name, at=at)
        )
    if desk is not None:
        faults += await ask_bank(desk, recovery, at)
    return faults


async def ask_rail(database: db.Database, rail: Gateway, recovery: Recovery, at: datetime) -> None:
    """What became of every open attempt and refund, and every bill since the backup.

    Raises GatewayError when the rail does not say, BillNotReady for a day that is over.
    """
    async with database.connection() as conn:
        open_ones = await payments.open_since(conn, rail.name, recovery.taken_at - LOOK_BACK)
        back = await refunds.unsent(conn, at + timedelta(days=1))
    for payment in open_ones:
        if (answer := await rail.query(payment.reference)).state is PaymentState.PAID:
            assert answer.amount is not None and answer.gateway_trade_no is not None
            paid = Paid(
                reference=payment.reference,
                amount=answer.amount,
                gateway_trade_no=answer.gateway_trade_no,
                at=answer.paid_at or at,
            )
            await database.transaction(
                partial(paying.hear, shop_id=payment.shop_id, paid=paid, at=at)
            )
    for refund in back:
        payment = await _paid_by(database, refund.shop_id, refund)
        if payment.gateway != rail.name:
            continue
        said = await rail.refund_query(refunding.request(payment, refund))
        if said.status == "done":
            await database.transaction(
                partial(refunding.hear, shop_id=refund.shop_id, refund_id=refund.refund_id, at=at)
            )
    if rail.has_bills:
        await _read_bills(database, rail, recovery, at)


async def _paid_by(database: db.Database, shop_id: int, refund: refunds.Refund) -> Payment:
    async with database.connection() as conn:
        every = await payments.of_order(conn, shop_id, refund.order_id)
    return next(one for one in every if one.payment_id == refund.payment_id)


async def _read_bills(
    database: db.Database, rail: Gateway, recovery: Recovery, at: datetime
) -> None:
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


async def ask_bank(desk: Desk, recovery: Recovery, at: datetime) -> list[str]:
    """Read its statements and its answers to every file; what went wrong, in words."""
    await reconciling.read(desk, at)
    async with desk.database.connection() as conn:
        unfinished = await runs.unfinished(conn)
    for run in unfinished:
        await handing_in.recognise(desk, run, at)
        await handing_in.query(desk, run, at)
    if desk.problems:
        return [f"{BANK}: {one}" for one in desk.problems]
    await desk.database.transaction(
        partial(recoveries.answered, recovery=recovery, asked=BANK, at=at)
    )
    return []


async def release(
    conn: db.Connection,
    rails: Mapping[str, Gateway],
    recovery: Recovery,
    *,
    with_bank: bool,
    by: str,
    at: datetime,
) -> bool:
    """Money may leave again; False when it might already.

    Raises Refused: recovery_not_asked(rail=), recovery_day_not_over, recovery_unexplained(count=),
    recovery_books(rule=).
    """
    heard = await recoveries.answers(conn, recovery)
    for name in (*rails, *([BANK] if with_bank else [])):
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
    return await recoveries.release(conn, recovery, by, at)
