"""Charging back: the buyer's bank takes a payment back; nothing moves until it has decided.

While it is open the order stands still. Won: it goes on. Lost: the rail has taken the money, so it
is booked as gone back, out of escrow or out of what the seller had; what had gone back before
that, by a refund, is gone twice: the platform bears it.

One of a payment that was returned (another one pays the order) stops nothing.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import db, ids
from littleshop.ledger import bridging, chart
from littleshop.money import Money
from littleshop.pay import chargebacks, payments, refunds
from littleshop.pay.chargebacks import Chargeback
from littleshop.pay.payments import Payment
from littleshop.sale import pausing, paying, refunding, telling
from littleshop.trade import cases, order_events, orders
from littleshop.trade.orders import Order


async def hear_opened(
    conn: db.Connection,
    shop_id: int,
    reference: str,
    amount: Money,
    at: datetime,
    *,
    dispute: str = "",
) -> bool:
    """The rail says that a bank takes a payment back; False when that was known. `dispute` is the
    rail's number of it, where it gives one."""
    order, payment = await _lock(conn, shop_id, reference)
    if await chargebacks.open(conn, payment, amount, at, dispute) is None:
        return False
    if payment.outcome != "accepted":
        return True
    await pausing.for_a_bank(conn, order, at)
    await order_events.tell(
        conn, shop_id, order.order_id, "charged_back", by="platform", at=at, minor=amount.minor
    )
    await telling.seller(conn, order, "charged_back", at, taken=amount)
    return True


async def hear_ended(
    conn: db.Connection,
    shop_id: int,
    reference: str,
    amount: Money,
    *,
    won: bool,
    at: datetime,
    dispute: str = "",
) -> bool:
    """The bank has decided; False when that was known. Notices may come in any order."""
    await hear_opened(conn, shop_id, reference, amount, at, dispute=dispute)
    order, payment = await _lock(conn, shop_id, reference)
    chargeback = await chargebacks.find(conn, payment, dispute)
    if chargeback is None or chargeback.status != "open":
        return False
    if won:
        await chargebacks.end(conn, chargeback, "won", 0, at)
    else:
        await _lose(conn, order, payment, chargeback, at)
    if payment.outcome != "accepted":
        return True
    await order_events.tell(
        conn, shop_id, order.order_id, "chargeback_won" if won else "chargeback_lost",
        by="platform", at=at, minor=chargeback.amount_minor,
    )  # fmt: skip
    await pausing.go_on(conn, order, at)
    await _end_pot(conn, shop_id, order.order_id, at)
    return True


async def _end_pot(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    """What several chip in for can't become full once a bank took a part: the others get theirs."""
    order = await orders.lock(conn, shop_id, order_id)
    still = await chargebacks.open_of(conn, shop_id, order_id)
    if order.status == "collecting" and order.refunded_minor and still is None:
        await paying.expire(conn, shop_id, order_id, at)


async def _lock(conn: db.Connection, shop_id: int, reference: str) -> tuple[Order, Payment]:
    known = await payments.get(conn, shop_id, reference)
    assert known is not None, reference
    order = await orders.lock(conn, shop_id, known.order_id)
    return order, await payments.lock(conn, shop_id, reference)


async def _lose(
    conn: db.Connection, order: Order, payment: Payment, chargeback: Chargeback, at: datetime
) -> None:
    """Book what the rail took, as far as it had not gone back already."""
    if payment.outcome == "accepted":
        payment = await _drop_refunds(conn, order, payment, chargeback, at)
    left = Money(0, order.currency)
    if payment.outcome == "accepted":
        left = await refunding.left_of(conn, order)
    own = left
    if payment.outcome == "accepted":  # of parts, others may have gone back instead
        own = Money(payment.paid.minor - payment.refunded_minor, payment.currency)
    booked = min(chargeback.amount, left, own, key=lambda each: each.minor)
    unbooked = Money(chargeback.amount_minor - booked.minor, chargeback.currency)
    await chargebacks.end(conn, chargeback, "lost", unbooked.minor, at)
    if unbooked:
        await _bear(conn, payment, chargeback, unbooked, at)
    if not booked:
        return
    case = await cases.open_of(conn, order.shop_id, order.order_id)
    if booked == left and case is not None and case.status != "refunding":
        await refunding.end_case(conn, case, at)
    await refunding.take(
        conn, order, payment, booked, reference=str(ids.derived(chargeback.chargeback_id, "lost")),
        at=at,
    )  # fmt: skip


async def _drop_refunds(
    conn: db.Connection, order: Order, payment: Payment, chargeback: Chargeback, at: datetime
) -> Payment:
    """The bank took all that was left of a payment: a rail sends nothing back of that, so what was
    asked to go back goes by the bank instead. One that went out after all is a difference on the
    rail's bill."""
    asked = [
        each
        for each in await refunds.of_order(conn, order.shop_id, order.order_id)
        if each.payment_id == payment.payment_id and each.status in ("asked", "stuck")
    ]
    under_way = sum(each.amount_minor for each in asked)
    left = payment.paid.minor - payment.refunded_minor + under_way
    if not asked or chargeback.amount_minor < left:
        return payment
    for refund in await refunds.drop(conn, payment, at):
        await payments.keep(conn, payment.shop_id, payment.payment_id, refund.amount)
        if refund.case_id is not None:
            case = await cases.get(conn, payment.shop_id, refund.case_id)
            assert case is not None, refund.case_id
            await refunding.end_case(conn, case, at)
    return await payments.lock(conn, payment.shop_id, payment.reference)


async def _bear(
    conn: db.Connection, payment: Payment, chargeback: Chargeback, lost: Money, at: datetime
) -> None:
    """The rail has taken what had gone back already. The seller was not the one who gave it twice:
    our commission bears it, as it bears the rail's fees."""
    await bridging.bear(
        conn,
        payment.shop_id,
        gateway=payment.gateway,
        account=chart.CHARGEBACK_LOSS,
        amount=lost,
        kind="chargeback_loss",
        reference=str(chargeback.chargeback_id),
        order_id=payment.order_id,
        at=at,
    )
