"""Refunding: money goes back to the payment it came from, asked once, sent until it is done."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import db, jobs
from littleshop.catalog import stock
from littleshop.clock import value_date
from littleshop.errors import GatewayError, Refused
from littleshop.ledger import chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.pay import payments, refunds
from littleshop.pay.gateways import Gateway, Reason, RefundRequest
from littleshop.pay.payments import Payment
from littleshop.pay.refunds import Refund
from littleshop.sale import telling
from littleshop.trade import orders, timers
from littleshop.trade.orders import Order

# A no that may be a yes tomorrow: our balance at the rail, or something nobody named.
MENDS_ITSELF = frozenset({None, Reason.SELLER_FUNDS, Reason.UNKNOWN, Reason.OTHER})


async def ask(
    conn: db.Connection, payment: Payment, *, reason: str, paid_from: str, at: datetime
) -> Refund:
    """Write the refund and have it sent."""
    refund = await refunds.ask(conn, payment, reason=reason, paid_from=paid_from, at=at)
    await have_sent(conn, refund, at)
    return refund


async def have_sent(conn: db.Connection, refund: Refund, at: datetime) -> None:
    """Have a refund sent (again); its reference makes a repeat harmless."""
    await jobs.defer(
        conn,
        "refunding.send",
        at=at,
        key=str(refund.refund_id),
        shop_id=refund.shop_id,
        refund_id=str(refund.refund_id),
    )


async def call_off(
    conn: db.Connection, shop_id: int, order_id: UUID, *, by: str, reason: str, at: datetime
) -> Order:
    """A paid order that was not shipped ends: stock comes back, the money returns in full.

    `by` is buyer, seller or clock; the buyer may only once the seller is late. Raises
    Refused("not_cancellable") in any other state.
    """
    await orders.lock(conn, shop_id, order_id)
    clocks = await timers.of(conn, shop_id, order_id)
    if by == "buyer" and any(timer.kind == "ship_by" for timer in clocks):
        raise Refused("not_cancellable")
    order = await orders.mark_refunded(conn, shop_id, order_id, at)
    if order is None:
        raise Refused("not_cancellable")
    await stock.release(conn, shop_id, order_id)
    await timers.cancel(conn, shop_id, order_id)
    accepted = [
        payment
        for payment in await payments.of_order(conn, shop_id, order_id)
        if payment.outcome == "accepted"
    ]
    assert len(accepted) == 1, order_id
    await ask(conn, accepted[0], reason=reason, paid_from=chart.ESCROW, at=at)
    await orders.tell(conn, shop_id, order_id, "called_off", by=by, at=at, why=reason)
    await telling.buyer(conn, order, "order_cancelled", at, amount=order.total)
    return order


async def send(gateway: Gateway, payment: Payment, refund: Refund) -> None:
    """Ask the rail for it, again and again with one reference, until it says done.

    Raises GatewayError: retryable while pending, not when the rail refuses for good.
    """
    assert payment.paid_minor is not None
    answer = await gateway.refund(
        RefundRequest(
            reference=payment.reference,
            refund_reference=refund.reference,
            amount=refund.amount,
            paid=Money(payment.paid_minor, payment.currency),
            reason=refund.reason,
        )
    )
    if answer.status != "done":
        raise GatewayError(
            f"refund {refund.reference} is {answer.status} ({answer.reason})",
            retryable=answer.status == "pending" or answer.reason in MENDS_ITSELF,
        )


async def hear(conn: db.Connection, shop_id: int, refund_id: UUID, at: datetime) -> bool:
    """The rail has sent it back: book it. False when that was known."""
    refund = await refunds.get(conn, shop_id, refund_id)
    assert refund is not None, refund_id
    order = await orders.lock(conn, shop_id, refund.order_id)
    done = await refunds.finish(conn, shop_id, refund_id, at)
    if done is None:
        return False
    payment = next(
        payment
        for payment in await payments.of_order(conn, shop_id, refund.order_id)
        if payment.payment_id == refund.payment_id
    )
    await journals.post(
        conn,
        shop_id,
        kind="refunded",
        reference=refund.reference,
        order_id=refund.order_id,
        value_on=value_date(at),
        booked_at=at,
        transfers=[
            Transfer(refund.paid_from, chart.gateway_clearing(payment.gateway), refund.amount)
        ],
    )
    if refund.paid_from == chart.ESCROW:
        await orders.let_go(conn, shop_id, refund.order_id, refund.amount_minor)
    await orders.tell(conn, shop_id, refund.order_id, "refund_done", by="platform", at=at)
    await telling.buyer(conn, order, "refund_done", at, amount=refund.amount)
    return True
