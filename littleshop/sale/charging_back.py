"""Charging back: the buyer's bank takes a payment back; nothing moves until it has decided.

While it is open the order stands still. Won: it goes on. Lost: the rail has taken the money, so it
is booked as gone back, out of escrow or out of what the seller had.
"""

from __future__ import annotations

from datetime import datetime

from littleshop import db, ids
from littleshop.money import Money
from littleshop.pay import chargebacks, payments
from littleshop.pay.chargebacks import Chargeback
from littleshop.pay.payments import Payment
from littleshop.sale import pausing, refunding, telling
from littleshop.trade import cases, orders
from littleshop.trade.orders import Order


async def hear_opened(
    conn: db.Connection, shop_id: int, reference: str, amount: Money, at: datetime
) -> bool:
    """The rail says that a bank takes a payment back; False when that was known."""
    order, payment = await _lock(conn, shop_id, reference)
    if await chargebacks.open(conn, payment, amount, at) is None:
        return False
    await pausing.for_a_bank(conn, order, at)
    await orders.tell(
        conn, shop_id, order.order_id, "charged_back", by="platform", at=at, minor=amount.minor
    )
    await telling.seller(conn, order, "charged_back", at, taken=amount)
    return True


async def hear_ended(
    conn: db.Connection, shop_id: int, reference: str, amount: Money, *, won: bool, at: datetime
) -> bool:
    """The bank has decided; False when that was known. Notices may come in any order."""
    await hear_opened(conn, shop_id, reference, amount, at)
    order, payment = await _lock(conn, shop_id, reference)
    chargeback = await chargebacks.open_of(conn, shop_id, order.order_id)
    if chargeback is None or chargeback.payment_id != payment.payment_id:
        return False
    if won:
        await chargebacks.end(conn, chargeback, "won", 0, at)
    else:
        await _lose(conn, order, payment, chargeback, at)
    await orders.tell(
        conn, shop_id, order.order_id, "chargeback_won" if won else "chargeback_lost",
        by="platform", at=at, minor=chargeback.amount_minor,
    )  # fmt: skip
    await pausing.go_on(conn, order, at)
    return True


async def _lock(conn: db.Connection, shop_id: int, reference: str) -> tuple[Order, Payment]:
    known = await payments.get(conn, shop_id, reference)
    assert known is not None, reference
    order = await orders.lock(conn, shop_id, known.order_id)
    return order, await payments.lock(conn, shop_id, reference)


async def _lose(
    conn: db.Connection, order: Order, payment: Payment, chargeback: Chargeback, at: datetime
) -> None:
    """Book what the rail took, as far as it had not gone back already."""
    left = Money(0, order.currency)
    if payment.outcome == "accepted":
        left = await refunding.left_of(conn, order)
    booked = min(chargeback.amount, left, key=lambda each: each.minor)
    unbooked = chargeback.amount_minor - booked.minor
    await chargebacks.end(conn, chargeback, "lost", unbooked, at)
    if not booked:
        return
    case = await cases.open_of(conn, order.shop_id, order.order_id)
    if booked == left and case is not None and case.status != "refunding":
        await refunding.end_case(conn, case, at)
    await refunding.take(
        conn, order, payment, booked, reference=str(ids.derived(payment.payment_id, "lost")), at=at
    )
