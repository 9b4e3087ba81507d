"""Paying: ask for the money, and decide what becomes of whatever arrives.

`ask` writes the attempt, `send` speaks with the rail, `hear` decides. However notices, closings
and clocks interleave, money that arrives ends as "accepted with stock" or "refunded in full".
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids, jobs
from littleshop.catalog import stock
from littleshop.clock import value_date
from littleshop.config import EscrowMode
from littleshop.errors import GatewayError, Refused
from littleshop.ledger import chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.pay import payments, releases
from littleshop.pay.gateways import Gateway, How, PayAnswer, PaymentState, PayRequest
from littleshop.pay.payments import Payment
from littleshop.sale import gifting, referring, refunding, shipping, teaming, telling, waiting
from littleshop.shop import admissions
from littleshop.trade import claims, fees, order_events, orders, parts, timers
from littleshop.trade.orders import Order


class PartDue(msgspec.Struct, frozen=True):
    """What one of several friends gives to an order, or what somebody pays for another, under an id
    of its own."""

    part_id: UUID
    amount: Money


class Paid(msgspec.Struct, frozen=True):
    """What a rail says it took: by notice or by query, never by a browser's return."""

    reference: str
    amount: Money
    gateway_trade_no: str
    at: datetime


async def ask(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    *,
    gateway: str,
    method: str,
    escrow: EscrowMode = "merchant_of_record",
    part: PartDue | None = None,
    at: datetime,
) -> Payment:
    """Write an attempt to pay, or find the open one; an invited order holds its pieces from here.
    In psp_escrow the money goes to the seller's own account at the institution. Who chips in pays
    his `part`; who pays for another pays all, and his part tells his attempts from others'.

    Raises Refused: not_payable, part_too_large(left=), part_too_small(least=), gone_meanwhile,
    not_admitted, claim_gone, price_changed(now=, seen=).
    """
    order = await orders.lock(conn, shop_id, order_id)
    if order.status not in ("placed", "invited", "collecting"):
        raise Refused("not_payable", status=order.status)
    amount = _due(order, part)
    if part is not None and await payments.part_is_paid(conn, shop_id, part.part_id):
        raise Refused("not_payable", status="paid")
    if await _pay_by(conn, order, at) <= at:
        raise Refused("not_payable", status="late")
    if order.status == "invited":
        await waiting.hold(conn, order, at)
    pay_by = await _pay_by(conn, order, at)
    held_for = None
    if escrow == "psp_escrow":
        held_for = (await admissions.open_for(conn, shop_id)).get(gateway)
        if held_for is None:
            raise Refused("not_admitted")
    return await payments.ask(
        conn,
        shop_id,
        order_id,
        amount,
        gateway=gateway,
        method=method,
        expires_at=pay_by,
        held_for=held_for,
        part_id=part.part_id if part else None,
        at=at,
    )


def _due(order: Order, part: PartDue | None) -> Money:
    """What is to be paid now."""
    if order.kind != "chip_in":
        if part is not None and part.amount != order.total:
            raise Refused("price_changed", now=order.total, seen=part.amount)
        return order.total
    if part is None or order.refunded_minor:  # a page of another kind; a bank took a part of it
        raise Refused("not_payable", status=order.status)
    left = order.total - Money(order.held_minor, order.currency)
    if part.amount.minor > left.minor:
        raise Refused("part_too_large", left=left)
    if part.amount.minor < (least := parts.least(order.total, left)).minor:
        raise Refused("part_too_small", least=least)
    return part.amount


async def _pay_by(conn: db.Connection, order: Order, at: datetime) -> datetime:
    """Until when it can be paid: its own time, or that of its pieces."""
    clocks = await timers.of(conn, order.shop_id, order.order_id)
    return min((c.due_at for c in clocks if c.kind in ("pay_by", "hold_by")), default=at)


async def send(
    gateway: Gateway,
    payment: Payment,
    *,
    subject: str,
    return_url: str,
    notify_url: str,
    openid: str | None = None,
    client_ip: str | None = None,
) -> PayAnswer:
    """Speak with the rail; for some pages it is only a signed address. Raises GatewayError."""
    return await gateway.pay(
        PayRequest(
            reference=payment.reference,
            amount=payment.amount,
            subject=subject,
            return_url=return_url,
            notify_url=notify_url,
            expires_at=payment.expires_at,
            how=How(payment.method),
            openid=openid,
            client_ip=client_ip,
            held_for=payment.held_for,
        )
    )


async def hear(conn: db.Connection, shop_id: int, paid: Paid, at: datetime) -> str:
    """Decide what becomes of money that arrived; `known` when it was decided before.

    accepted: the order is paid and its stock is held. returned: it goes back in full, because
    the sum is wrong, the order is paid already, or it ended and its stock is gone.
    """
    known = await payments.get(conn, shop_id, paid.reference)
    assert known is not None, paid.reference
    order = await orders.lock(conn, shop_id, known.order_id)
    payment = await payments.lock(conn, shop_id, paid.reference)
    if payment.status == "paid":
        return "known"
    why = await _why_not(conn, order, payment, paid)
    done = await payments.succeed(
        conn,
        shop_id,
        payment.reference,
        outcome="returned" if why else "accepted",
        paid=paid.amount,
        gateway_trade_no=paid.gateway_trade_no,
        at=at,
    )
    assert done is not None, payment.reference
    if why:
        await _return(conn, order, done, why, at)
        return "returned"
    await _accept(conn, order, done, at)
    return "accepted"


async def _why_not(conn: db.Connection, order: Order, payment: Payment, paid: Paid) -> str | None:
    """Why this money cannot pay this order; None when it can, with its stock held."""
    old_price = order.kind != "chip_in" and paid.amount != order.total
    if paid.amount != payment.amount or old_price:
        return "wrong_amount"
    part_id = payment.part_id
    if part_id is not None and await payments.part_is_paid(conn, order.shop_id, part_id):
        return "duplicate"
    if order.status in ("placed", "collecting"):
        gone = order.held_minor + order.refunded_minor
        return "duplicate" if gone + paid.amount.minor > order.total_minor else None
    lapsed = order.status == "cancelled" and order.cancel_reason == "unpaid"
    if order.status == "invited" or (lapsed and order.kind != "chip_in"):
        return None if await _held_again(conn, order) else "late"
    return "late" if order.status in ("waiting", "cancelled") else "duplicate"


async def _held_again(conn: db.Connection, order: Order) -> bool:
    """Hold once more what a lapsed order gave back, or what an invited one never held."""
    taken = await claims.take_again(conn, order.shop_id, order.order_id)
    if taken is not None and await stock.hold_again(conn, order.shop_id, order.order_id):
        return True
    if taken:  # and nothing of what it held all the time: it can still be paid
        await claims.give_back(conn, order.shop_id, order.order_id, taken)
    return False


async def _accept(conn: db.Connection, order: Order, payment: Payment, at: datetime) -> None:
    await journals.post(
        conn,
        order.shop_id,
        kind="paid",
        reference=payment.reference,
        order_id=order.order_id,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(_arrived_at(payment), chart.ESCROW, payment.amount)],
    )
    if order.kind == "chip_in":
        await _accept_part(conn, order, payment, at)
        return
    marked = await orders.mark_paid(conn, order.shop_id, order.order_id, at)
    assert marked is not None, order.order_id
    most = releases.most(payment.amount) if payment.held_for is not None else None
    await fees.paid_over(conn, order, payment.gateway, most)
    await referring.fix(conn, marked, held_for=payment.held_for, at=at)
    await timers.cancel(conn, order.shop_id, order.order_id, "pay_by", "hold_by")
    await order_events.tell(conn, order.shop_id, order.order_id, "paid", by="buyer", at=at)
    if marked.status == "claiming":
        await gifting.paid(conn, marked, at)  # in other words than these
        return
    if marked.status == "forming":
        await telling.buyer(conn, marked, "order_confirmed", at)
        await teaming.paid(conn, marked, at)
    elif not await shipping.expect(conn, marked, at):
        await telling.buyer(conn, marked, "order_confirmed", at)


async def _accept_part(conn: db.Connection, order: Order, payment: Payment, at: datetime) -> None:
    """Somebody chipped in; with the last part the order is paid. Its fee is that of every rail."""
    marked = await orders.collect(conn, order.shop_id, order.order_id, payment.amount, at)
    assert marked is not None, order.order_id
    await timers.cancel(conn, order.shop_id, order.order_id, "hold_by")
    part = {"amount": payment.amount_minor, "part": str(payment.part_id)}
    await order_events.tell(
        conn, order.shop_id, order.order_id, "part_paid", by="buyer", at=at, **part
    )
    if marked.status == "to_ship":
        await timers.cancel(conn, order.shop_id, order.order_id, "pay_by")
        await order_events.tell(conn, order.shop_id, order.order_id, "paid", by="buyer", at=at)
        if not await shipping.expect(conn, marked, at):
            await telling.buyer(conn, marked, "order_confirmed", at)


def _arrived_at(payment: Payment) -> str:
    """The account of where a payment's money came to lie: our own pocket at the rail, or frozen
    at the seller's."""
    at_rail = chart.gateway_clearing if payment.held_for is None else chart.held_at
    return at_rail(payment.gateway)


async def _return(
    conn: db.Connection, order: Order, payment: Payment, why: str, at: datetime
) -> None:
    received = payment.paid
    await journals.post(
        conn,
        order.shop_id,
        kind="received_astray",
        reference=payment.reference,
        order_id=order.order_id,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(_arrived_at(payment), chart.SUSPENSE, received)],
    )
    await order_events.tell(
        conn, order.shop_id, order.order_id, "payment_returned", by="platform", at=at, why=why
    )
    await refunding.send_astray_back(conn, payment, reason=why, at=at)
    if payment.part_id is None:  # who came by the payer's link finds it there
        await telling.buyer(conn, order, "payment_returned", at, amount=received)


async def expire(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> bool:
    """The time to pay is over: close the order, give its stock back, have the rails closed."""
    before = await orders.lock(conn, shop_id, order_id)
    reason = "never_admitted" if before.status == "waiting" else "unpaid"
    order = await end(conn, shop_id, order_id, reason, at)
    if order is None:
        return False
    await waiting.ended(conn, order, before.status, at)
    await order_events.tell(conn, shop_id, order_id, "unpaid", by="clock", at=at)
    await close_attempts(conn, shop_id, order_id, at)
    return True


async def end(
    conn: db.Connection, shop_id: int, order_id: UUID, reason: str, at: datetime
) -> Order | None:
    """Cancel an order that is not paid: its clocks stop, what it held goes back to the shelf."""
    before = await orders.lock(conn, shop_id, order_id)
    order = await orders.cancel(conn, shop_id, order_id, reason, at)
    if order is not None:
        await claims.give_back(conn, shop_id, order_id)
        if before.status in orders.HOLDING:
            await stock.release(conn, shop_id, order_id)
        await timers.cancel(conn, shop_id, order_id)
        if order.held_minor:
            await _send_parts_back(conn, order, at)
    return order


async def _send_parts_back(conn: db.Connection, order: Order, at: datetime) -> None:
    """It never became full: each part goes back to whom it came from."""
    held = Money(order.held_minor, order.currency)
    refund_id = ids.derived(order.order_id, "not_full")
    await refunding.give_back(conn, order, held, reason="not_full", refund_id=refund_id, at=at)


async def let_go(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> bool:
    """The half hour of an invited order is over: its pieces can be had by others, the rails close
    what was begun, and its buyer may come again while the invitation stands."""
    gone = await waiting.let_go(conn, shop_id, order_id, at)
    if gone:
        await close_attempts(conn, shop_id, order_id, at)
    return gone


async def close_attempts(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    """Have every open attempt to pay an order closed at its rail."""
    for payment in await payments.of_order(conn, shop_id, order_id):
        if payment.status == "asked":
            await jobs.defer(
                conn,
                "paying.close",
                at=at,
                key=payment.reference,
                shop_id=shop_id,
                reference=payment.reference,
            )


async def withdraw(
    conn: db.Connection, shop_id: int, order_id: UUID, at: datetime, *, seller_says: str = ""
) -> Order:
    """Not wanted after all, before paying, or not sold. Raises Refused("not_cancellable")."""
    kind, by = ("withdrawn_by_seller", "seller") if seller_says else ("withdrawn", "buyer")
    order = await end(conn, shop_id, order_id, kind, at)
    if order is None:
        raise Refused("not_cancellable")
    await order_events.tell(conn, shop_id, order_id, kind, by=by, at=at, why=seller_says)
    await close_attempts(conn, shop_id, order_id, at)
    return order


async def question(
    conn: db.Connection, payment: Payment, asked_before: datetime, at: datetime
) -> None:
    """Have the rail asked about an open attempt, unless it was since `asked_before`."""
    if await payments.claim_question(conn, payment, asked_before, at):
        await jobs.defer(
            conn,
            "paying.close" if payment.expires_at <= at else "paying.query",
            at=at,
            key=payment.reference,
            shop_id=payment.shop_id,
            reference=payment.reference,
        )


async def close(gateway: Gateway, payment: Payment, at: datetime) -> Paid | bool:
    """Close an attempt at its rail: what was paid after all, or whether it is closed for good.

    An attempt the rail never heard of may still be begun until it expires, so it is closed only
    then. Raises GatewayError while the rail does not say.
    """
    state = await gateway.close(payment.reference)
    if state is PaymentState.PAID:
        paid = await find_out(gateway, payment)
        if paid is None:
            raise GatewayError("the rail says paid and not paid", retryable=True)
        return paid
    if state is PaymentState.PENDING:
        raise GatewayError("the rail does not close it yet", retryable=True)
    return state is not PaymentState.CREATED or payment.expires_at <= at


async def find_out(gateway: Gateway, payment: Payment) -> Paid | None:
    """Ask the rail what became of an attempt; None: not paid. Raises GatewayError."""
    answer = await gateway.query(payment.reference)
    if answer.state is not PaymentState.PAID:
        return None
    assert answer.amount is not None and answer.gateway_trade_no is not None
    return Paid(
        reference=payment.reference,
        amount=answer.amount,
        gateway_trade_no=answer.gateway_trade_no,
        at=answer.paid_at or payment.asked_at,
    )
