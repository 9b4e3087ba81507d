"""Sending refunds: the jobs that have a rail send them, and hear what became of them.

A bank may take the payment back meanwhile. While it decides, what the rail refuses is nobody's
work; once it has decided against us, the rail's word on each refund says whether the buyer has
that money twice (sale/charging_back.py books it).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time, timedelta
from functools import partial
from uuid import UUID

from littleshop import jobs, recoveries
from littleshop.errors import Conflict, GatewayError
from littleshop.jobs import Context, Task
from littleshop.pay import chargebacks, payments, refunds, sending
from littleshop.pay.gateways import Escrow, Gateway
from littleshop.sale import charging_back, refunding, resending, taking_back

Rails = Mapping[str, Gateway]
Escrows = Mapping[str, Escrow]
SWEEP = "refunds.sweep"
PATIENCE = timedelta(minutes=30)
# How often a rail is asked about the refunds that a lost dispute met: about half a day. What the
# bank took is in the books then, whatever the rail goes on to say of them.
ASKS = 30


async def send(
    rails: Rails, escrows: Escrows, context: Context, *, shop_id: int, refund_id: str
) -> None:
    """Send a refund to its rail until it is done, and book it. One that the rail refuses while the
    buyer's bank takes the payment back is nobody's work: the end of the dispute decides. One that
    it refuses for good after the bank has decided has gone by the bank."""
    try:
        await _send_alone(rails, escrows, context, shop_id, refund_id)
    except GatewayError as no:
        of = (shop_id, UUID(refund_id))
        async with context.database.connection() as conn:
            disputed = await chargebacks.open_for_refund(conn, *of)
        if disputed and not no.retryable:
            return
        by_bank = partial(charging_back.hear_refused, at=context.at)
        if not isinstance(no, sending.NotMade) or not await context.database.transaction(
            lambda conn: by_bank(conn, *of)
        ):
            raise


async def _send_alone(
    rails: Rails, escrows: Escrows, context: Context, shop_id: int, refund_id: str
) -> None:
    """Several jobs may be for one refund (the sweep has it sent again): one asks at a time, and
    reads what the last one has written."""
    if refund_id in _sending:
        raise GatewayError(f"refund {refund_id} is being sent by another job", retryable=True)
    _sending.add(refund_id)
    try:
        await _send(rails, escrows, context, shop_id, UUID(refund_id))
    finally:
        _sending.discard(refund_id)


_sending: set[str] = set()  # refunds of which this process asks a rail


async def _send(
    rails: Rails, escrows: Escrows, context: Context, shop_id: int, refund_id: UUID
) -> None:
    async with context.database.connection() as conn:
        await recoveries.refuse_on_hold(conn)
        refund = await refunds.get(conn, shop_id, refund_id)
        assert refund is not None, refund_id
        if refund.status != "asked":
            return
        paid = await payments.of_order(conn, shop_id, refund.order_id)
    payment = next(one for one in paid if one.payment_id == refund.payment_id)
    try:
        by_us = await taking_back.send(
            context.database, rails[payment.gateway], escrows, payment, refund, context.at
        )
    except sending.Undeliverable as no:
        stuck = partial(resending.hear_stuck, advanced=no.advanced)
        await context.database.transaction(lambda conn: stuck(conn, shop_id, refund_id, context.at))
        return
    await context.database.transaction(
        lambda conn: refunding.hear(conn, shop_id, refund_id, context.at, advanced=by_us)
    )


async def lose_chargeback(
    rails: Rails, escrows: Escrows, context: Context, *, shop_id: int, reference: str, dispute: str
) -> None:
    """Ask the rail what became of the refunds that a lost dispute met under way, then book it.

    Only a no about the refund itself says that it was not made: a wrong key or a silent rail says
    nothing of it, and a refund that is given up for one that goes out later is gone twice, unsaid.
    What stays unsaid after ASKS tries is booked as gone, the platform bears it, and the refund is
    sent on: the rail's word on it sets that right (`send`).
    """
    async with context.database.connection() as conn:
        await recoveries.refuse_on_hold(conn)
        payment = await payments.get(conn, shop_id, reference)
        assert payment is not None, reference
        asked = await charging_back.under_way(conn, payment)
    refused, unsaid = [], ""
    for refund in asked:
        try:
            await _send_alone(rails, escrows, context, shop_id, str(refund.refund_id))
        except sending.NotMade:
            refused.append(refund.refund_id)
        except (GatewayError, Conflict) as no:
            unsaid = str(no)
    if unsaid and context.attempt < ASKS:
        raise GatewayError(unsaid, retryable=True)
    lose = partial(charging_back.lose, refused=refused, at=context.at)
    await context.database.transaction(lambda conn: lose(conn, shop_id, reference, dispute))


async def sweep(context: Context) -> None:
    """Refunds that are not done after a day are sent again, whatever was said of them."""
    async with context.database.connection() as conn:
        for refund in await refunds.unsent(conn, context.at - timedelta(days=1)):
            await refunding.have_sent(conn, refund, context.at)


def tasks(rails: Rails, escrows: Escrows) -> dict[str, Task]:
    """The jobs of this flow."""
    patiently = partial(Task, attempts=40, longest_wait=PATIENCE)
    return {
        refunding.SEND: patiently(partial(send, rails, escrows)),
        charging_back.LOSE: patiently(partial(lose_chargeback, rails, escrows)),
        SWEEP: Task(sweep, attempts=3),
    }


TIMETABLE: dict[str, jobs.Every | jobs.Daily] = {SWEEP: jobs.Daily(time(5, 0))}
