"""Taking back: what must happen before a refund of money that an institution has released.

Before the release a refund comes out of what is frozen. While it is being released the refund
waits. After it our commission goes back to the seller's account there first, and the refund is
taken from that account; what it lacks (he has it on his card) the platform advances, and gets it
with the commission of his next sales (`releasing`). That we offer to advance it is only a leave:
the institution says who paid, and that is booked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from littleshop import db
from littleshop.errors import GatewayError
from littleshop.ledger import accounts, bridging, chart
from littleshop.pay import refunds, releases, sending
from littleshop.pay.gateways import Escrow, Gateway, Reason
from littleshop.pay.payments import Payment
from littleshop.pay.refunds import Refund
from littleshop.pay.releases import Release
from littleshop.sale import refunding, releasing


async def send(
    database: db.Database,
    rail: Gateway,
    escrows: Mapping[str, Escrow],
    payment: Payment,
    refund: Refund,
    at: datetime,
) -> bool | None:
    """Have a refund sent by its rail, whoever holds the money; what `refunding.hear` is to know of
    who paid it. Raises GatewayError: retryable while pending or while the money is just being
    released, not when refused for good."""
    if payment.held_for is None:
        return await sending.send(rail, payment, refund)
    released = await _give_share_back(database, escrows, payment, refund, at)
    if not released:
        return await sending.send(rail, payment, refund)
    if await database.transaction(partial(_is_promised, payment=payment, refund=refund)):
        raise GatewayError(f"{refund.reference} waits for a payout's end", retryable=True)
    answer = await rail.refund(sending.request(payment, refund))
    lacking = answer.status == "failed" and answer.reason is Reason.SELLER_FUNDS
    if lacking and refund.advanced_at is None:
        await database.transaction(partial(refunds.advance, refund=refund, at=at))
        raise GatewayError(f"refund {refund.reference} is to be advanced", retryable=True)
    return sending.need_done(refund, answer)


async def _is_promised(conn: db.Connection, payment: Payment, refund: Refund) -> bool:
    """Whether a withdrawal is under way and leaves too little: before it is handed in, the
    institution would take the refund from it, and never have enough for the withdrawal. Also of
    one that we offer to advance: it takes what the seller has first."""
    pocket = chart.withdrawable(payment.gateway)
    leaving = chart.leaving(f"{payment.gateway}_withdraw")
    held = await accounts.lock(conn, refund.shop_id, [pocket, leaving], refund.currency)
    return held.get(leaving, 0) > 0 and held.get(pocket, 0) < refund.amount_minor


async def _give_share_back(
    database: db.Database,
    escrows: Mapping[str, Escrow],
    payment: Payment,
    refund: Refund,
    at: datetime,
) -> bool:
    """Our commission in what goes back, returned before the refund; whether it was released."""
    plan = await database.transaction(partial(_plan, payment=payment, refund=refund))
    if plan is None:
        return False
    release, planned = plan
    if planned.return_minor and planned.returned_at is None:
        escrow = escrows.get(release.gateway)
        if escrow is None:
            raise GatewayError(f"{release.gateway} holds no money for us now", retryable=True)
        assert planned.return_reference is not None
        said = await escrow.return_commission(
            releasing.held(payment),
            release.share_reference,
            planned.return_reference,
            planned.returning,
        )
        if said.status == "failed" and said.amount is not None:  # known there, and ended
            await database.transaction(partial(refunds.return_anew, refund=planned))
        if said.status != "done":
            raise GatewayError(
                f"commission of {refund.reference} is {said.status} ({said.reason})", retryable=True
            )
        await database.transaction(partial(hear_returned, payment=payment, refund=planned, at=at))
    return True


async def _plan(
    conn: db.Connection, payment: Payment, refund: Refund
) -> tuple[Release, Refund] | None:
    """The release of what goes back and what of our commission precedes it; None while it is
    frozen. Raises GatewayError(retryable) while it is just being released."""
    release = await releases.find(conn, payment.shop_id, payment.payment_id)
    if release is None or release.status == "asked":
        return None
    if release.status != "done":
        raise GatewayError(f"{payment.reference} is just being released", retryable=True)
    share = (await refunding.came_from(conn, refund)).commission
    if not share or not release.share:  # let go of by itself: our commission lies there too
        return release, refund
    return release, await refunds.plan_return(conn, refund, share)


async def hear_returned(
    conn: db.Connection, payment: Payment, refund: Refund, at: datetime
) -> bool:
    """Our commission lies at the seller's account again: book it. False when that was known."""
    if not await refunds.mark_returned(conn, refund, at):
        return False
    assert refund.return_reference is not None
    return await bridging.take_from_clearing(
        conn,
        refund.shop_id,
        gateway=payment.gateway,
        account=chart.withdrawable(payment.gateway),
        amount=refund.returning,
        kind="commission_returned",
        reference=refund.return_reference,
        order_id=refund.order_id,
        at=at,
    )
