"""Resending: a refund that did not arrive goes to the buyer another way.

A rail may be unable to deliver one (the card is gone), or call it done and days later say that it
failed: then the money has come back to us and the books say so; the buyer has not got it. Either
way the refund is stuck until an operator sends it again, to another card, or pays it by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

from littleshop import db, jobs
from littleshop.clock import value_date
from littleshop.errors import GatewayError, NotFound, Refused
from littleshop.ledger import bridging, chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.pay import payments, refunds, releases, sending
from littleshop.pay.gateways import Gateway, Redirecting
from littleshop.pay.payments import Payment
from littleshop.pay.refunds import Refund
from littleshop.sale import refunding, releasing, telling
from littleshop.trade import order_events, orders

ASK = "resending.ask"  # deferred by settlement/reconciling_bills.py
UNTOUCHED, TO_US = "", "us"
ASKING = {"card": "asking_card", "us": "asking_us"}  # told the rail, and no answer noted yet
AWAY_FROM_BUYER = (TO_US, ASKING["us"])  # its end at the rail is perhaps no end for the buyer


async def get(conn: db.Connection, shop_id: int, refund_id: UUID) -> tuple[Payment, Refund]:
    """A refund with the payment that it is of. Raises NotFound."""
    refund = await refunds.get(conn, shop_id, refund_id)
    if refund is None:
        raise NotFound("refund")
    paid = await payments.of_order(conn, shop_id, refund.order_id)
    return next(one for one in paid if one.payment_id == refund.payment_id), refund


async def hear_stuck(
    conn: db.Connection,
    shop_id: int,
    refund_id: UUID,
    at: datetime,
    *,
    advanced: bool | None = None,
) -> bool:
    """The rail cannot deliver a refund that was asked for; False when that was known. `advanced`
    as in `refunding.hear`."""
    refund = await refunds.stick(conn, shop_id, refund_id, at, advanced=advanced)
    if refund is None:
        return False
    await _tell(conn, refund, at)
    return True


async def hear_failed(conn: db.Connection, shop_id: int, reference: str, at: datetime) -> bool:
    """A refund that was done has failed: its money is at the rail again, ours to send another way.

    False when that was known, or when it was not done: then whoever sends it hears of it.
    """
    known = await refunds.by_reference(conn, shop_id, reference)
    if known is None:
        return False
    order = await orders.lock(conn, shop_id, known.order_id)
    failed = await refunds.fail(conn, shop_id, known.refund_id, left="done", at=at)
    if failed is None:
        return False
    payment, _ = await get(conn, shop_id, known.refund_id)
    await _book_failed(conn, payment, failed, at)
    if failed.paid_from == chart.ESCROW:
        await orders.let_go(conn, shop_id, order.order_id, -failed.amount_minor)  # held again
    another = await refunds.replace(conn, failed, at)
    return await hear_stuck(conn, shop_id, another.refund_id, at)


async def _book_failed(conn: db.Connection, payment: Payment, failed: Refund, at: datetime) -> None:
    """It lies again where it came from. One that the platform advanced is ours at the rail, and
    what the shop was lent for it is not owed any more."""
    clearing = chart.gateway_clearing(payment.gateway)
    pocket = clearing if failed.advanced_at else await releasing.pocket(conn, payment)
    await journals.post(
        conn,
        failed.shop_id,
        kind="refund_failed",
        reference=failed.reference,
        order_id=failed.order_id,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(pocket, failed.paid_from, failed.amount)],
    )
    if failed.advanced_at:
        await bridging.undo_loan(
            conn,
            failed.shop_id,
            clearing=clearing,
            kind="refunded",
            reference=failed.reference,
            order_id=failed.order_id,
            currency=failed.currency,
            at=at,
        )


async def look_again(
    conn: db.Connection, shop_id: int, reference: str, *, told_at: datetime, at: datetime
) -> bool:
    """The rail has news (of `told_at`) of a refund: a stuck one that went out after all, at the
    rail's own desk, is asked for once more. False for any other, and for one that came to us."""
    known = await refunds.by_reference(conn, shop_id, reference)
    if known is None or known.stuck_at is None or told_at <= known.stuck_at:
        return False
    if known.redirect in AWAY_FROM_BUYER:
        return False
    if await refunds.unstick(conn, shop_id, known.refund_id) is None:
        return False
    await refunding.have_sent(conn, known, at)
    return True


async def ask(
    database: db.Database, rails: Mapping[str, Gateway], shop_id: int, reference: str, at: datetime
) -> bool:
    """A bill has a refund that is stuck here: ask the rail, which may have sent it at its own desk
    (and the notice was lost). Then it is sent for once more, which finds it done. False for any
    other. A rail that is away is asked with the next bill."""
    async with database.connection() as conn:
        known = await refunds.by_reference(conn, shop_id, reference)
        if known is None or known.status != "stuck" or known.redirect in AWAY_FROM_BUYER:
            return False
        payment, refund = await get(conn, shop_id, known.refund_id)
    try:
        answer = await rails[payment.gateway].refund_query(sending.request(payment, refund))
    except GatewayError as fault:
        if fault.retryable:
            return False
        raise
    if answer.status != "done":
        return False
    again = partial(look_again, shop_id=shop_id, reference=reference, told_at=at, at=at)
    return await database.transaction(again)


async def _tell(conn: db.Connection, refund: Refund, at: datetime) -> None:
    order = await orders.lock(conn, refund.shop_id, refund.order_id)
    await order_events.tell(
        conn, refund.shop_id, order.order_id, "refund_stuck", by="platform", at=at,
        minor=refund.amount_minor,
    )  # fmt: skip
    await telling.buyer(
        conn, order, "refund_stuck", at, occasion=refund.reference, amount=refund.amount
    )


async def send_again(
    conn: db.Connection, rail: Gateway | None, shop_id: int, refund_id: UUID, at: datetime
) -> Refund:
    """A stuck refund is sent the way it went before: under a number of its own, or, where the
    rail sends it on itself, under the old one. Raises Refused refund_moved, NotFound."""
    _, refund = await get(conn, shop_id, refund_id)
    if refund.redirect != UNTOUCHED:
        raise Refused("refund_moved")
    sent: Refund | None
    if isinstance(rail, Redirecting):
        sent = await refunds.unstick(conn, shop_id, refund_id)
    else:
        failed = await refunds.fail(conn, shop_id, refund_id, left="stuck", at=at)
        sent = None if failed is None else await refunds.replace(conn, failed, at)
    if sent is None:
        raise Refused("refund_moved")
    await refunding.have_sent(conn, sent, at)
    return sent


async def ask_redirect(conn: db.Connection, shop_id: int, refund_id: UUID, to: str) -> None:
    """Note before the rail is told where a refund goes ("card" or "us"), so that it never goes to
    both. Raises Refused refund_moved."""
    asking = ASKING[to]
    if await refunds.point(conn, shop_id, refund_id, asking, left=(UNTOUCHED, asking)) is None:
        raise Refused("refund_moved")


async def hear_redirect(
    conn: db.Connection, shop_id: int, refund_id: UUID, to: str, *, taken: bool, at: datetime
) -> bool:
    """The rail has answered; False when that was noted. Taken for the buyer's card: it is under
    way as any refund. Taken for us: a person pays the buyer. Not taken: it is where it was."""
    into = to if taken else UNTOUCHED
    moved = await refunds.point(conn, shop_id, refund_id, into, left=(ASKING[to],))
    if moved is None or not taken or to == TO_US:
        return moved is not None
    sent = await refunds.unstick(conn, shop_id, refund_id)
    assert sent is not None, refund_id
    await refunding.have_sent(conn, sent, at)
    return True


async def pay_by_hand(
    conn: db.Connection, rail: Gateway | None, shop_id: int, refund_id: UUID, at: datetime
) -> Refund:
    """The operator has paid the buyer from our bank account: the refund is done.

    What lies at the rail for it is ours. Where the rail could still send it to the buyer, it
    must have come to us first: Refused refund_take_first; refund_moved, NotFound. What lies at
    the seller's account there is not ours: refund_held while it is frozen or just being released;
    once it is his the platform has advanced it.
    """
    payment, refund = await get(conn, shop_id, refund_id)
    redirects = isinstance(rail, Redirecting)
    if redirects and refund.redirect != TO_US:
        raise Refused("refund_take_first")
    by = "rail" if redirects else "hand"  # what the rail sent to us stands in its bill
    not_ours = payment.held_for is not None and refund.redirect != TO_US
    if not_ours:
        await orders.lock(conn, shop_id, refund.order_id)
        release = await releases.find(conn, shop_id, payment.payment_id)
        if release is None or release.status != "done":
            raise Refused("refund_held")
    if await refunds.unstick(conn, shop_id, refund_id, done_by=by) is None:
        raise Refused("refund_moved")
    if not_ours:
        await refunds.advance(conn, refund, at)
    await refunding.hear(conn, shop_id, refund_id, at)
    return refund


def tasks(rails: Mapping[str, Gateway]) -> dict[str, jobs.Task]:
    """The job of this flow."""

    async def run(context: jobs.Context, *, shop_id: int, reference: str) -> None:
        await ask(context.database, rails, shop_id, reference, context.at)

    return {ASK: jobs.Task(run, attempts=3)}
