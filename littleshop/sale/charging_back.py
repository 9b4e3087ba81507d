"""Charging back: the buyer's bank takes a payment back; nothing moves until it has decided.

While it is open the order stands still. Won: it goes on. Lost: the rail has taken the money, so it
is booked as gone back, out of escrow or out of what the seller had; what had gone back before
that, by a refund, is gone twice: the platform bears it. Of a refund that is under way only the rail
knows whether it went before: it is asked first, and what it refuses has gone by the bank instead.

One of a payment that was returned (another one pays the order) stops nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from littleshop import db, ids, jobs
from littleshop.ledger import bridging, chart
from littleshop.money import Money
from littleshop.pay import chargebacks, payments, refunds
from littleshop.pay.chargebacks import Chargeback
from littleshop.pay.payments import Payment
from littleshop.pay.refunds import Refund
from littleshop.sale import pausing, paying, refunding, telling
from littleshop.trade import cases, order_events, orders
from littleshop.trade.orders import Order

LOSE = "charging_back.lose"


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
    """The bank has decided; False when that was known. Notices may come in any order. A loss that
    meets refunds under way ends when the rail was asked about them (`lose`)."""
    await hear_opened(conn, shop_id, reference, amount, at, dispute=dispute)
    order, payment = await _lock(conn, shop_id, reference)
    chargeback = await chargebacks.find(conn, payment, dispute)
    if chargeback is None or chargeback.status != "open":
        return False
    if not won and await under_way(conn, payment):
        await jobs.defer(
            conn, LOSE, at=at, key=str(chargeback.chargeback_id), shop_id=shop_id,
            reference=reference, dispute=dispute,
        )  # fmt: skip
        return True
    if won:
        await chargebacks.end(conn, chargeback, "won", 0, at)
        for refund in await under_way(conn, payment):
            await refunding.have_sent(conn, refund, at)
    else:
        await _lose(conn, order, payment, chargeback, at)
    await _go_on(conn, order, payment, chargeback, won, at)
    return True


async def under_way(conn: db.Connection, payment: Payment) -> list[Refund]:
    """Refunds of a payment that pays an order of which the rail has said nothing yet."""
    if payment.outcome != "accepted":
        return []
    every = await refunds.of_order(conn, payment.shop_id, payment.order_id)
    of_it = [each for each in every if each.payment_id == payment.payment_id]
    return [each for each in of_it if each.status == "asked" and each.done_by == "rail"]


async def lose(
    conn: db.Connection,
    shop_id: int,
    reference: str,
    dispute: str,
    refused: Collection[UUID],
    at: datetime,
) -> bool:
    """The bank has decided against us, and the rail has said what became of the refunds that were
    under way: `refused` are those that it has not made. What it says nothing of is taken for gone,
    until it does (`hear_refused`). False when it ended meanwhile."""
    order, payment = await _lock(conn, shop_id, reference)
    chargeback = await chargebacks.find(conn, payment, dispute)
    if chargeback is None or chargeback.status != "open":
        return False
    dropped = await refunds.drop(conn, payment, refused, at)
    for refund in dropped:
        await payments.keep(conn, shop_id, payment.payment_id, refund.amount)
    payment = await payments.lock(conn, shop_id, reference)
    booked = await _lose(conn, order, payment, chargeback, at)
    await _ask_rest(conn, dropped, booked, at)
    await _go_on(conn, order, payment, chargeback, False, at)
    return True


async def hear_refused(conn: db.Connection, shop_id: int, refund_id: UUID, at: datetime) -> bool:
    """The rail says that it never made a refund, after a bank's loss was booked as if it had: it
    has gone by the bank, and the platform bears that no more. One that cannot be dropped waits for
    a person. False for a refund that met no such loss."""
    known = await refunds.get(conn, shop_id, refund_id)
    assert known is not None, refund_id
    every = await payments.of_order(conn, shop_id, known.order_id)
    [reference] = [each.reference for each in every if each.payment_id == known.payment_id]
    order, payment = await _lock(conn, shop_id, reference)
    lost = await chargebacks.lost_after(conn, payment, known.asked_at)
    taken = sum((each.amount for each in lost), Money(0, known.currency))
    by_bank = min(taken - await refunds.given_up(conn, payment), known.amount)
    if payment.outcome != "accepted" or by_bank.minor <= 0:
        return False
    dropped = await refunds.drop(conn, payment, [refund_id], at)
    if not dropped:
        await refunds.stick(conn, shop_id, refund_id, at)
        return True
    await payments.keep(conn, shop_id, payment.payment_id, known.amount)
    payment = await payments.lock(conn, shop_id, reference)
    found = await chargebacks.find_loss(conn, lost, by_bank)
    if found:
        await _book_found(conn, order, payment, found, refund_id, at)
    await _ask_rest(conn, dropped, by_bank, at)
    await _end_pot(conn, shop_id, order.order_id, at)
    return True


async def _book_found(
    conn: db.Connection, order: Order, payment: Payment, found: Money, refund_id: UUID, at: datetime
) -> None:
    """What we bore is what was to go back: out of escrow, as any that a bank took."""
    await bridging.give_to_clearing(
        conn, order.shop_id, gateway=payment.gateway, account=chart.CHARGEBACK_LOSS, amount=found,
        kind="loss_found", reference=str(refund_id), order_id=order.order_id, at=at,
    )  # fmt: skip
    own = str(ids.derived(refund_id, "lost"))
    await refunding.take(conn, order, payment, found, reference=own, at=at)


async def _ask_rest(
    conn: db.Connection, dropped: Sequence[Refund], taken: Money, at: datetime
) -> None:
    """What went by the bank was part of what was to go back; what that leaves is asked anew."""
    for refund in dropped:
        by_bank = min(taken, refund.amount)
        taken, rest = taken - by_bank, refund.amount - by_bank
        if rest:
            await refunding.ask_anew(conn, refund, rest, at)
        elif refund.case_id is not None:
            case = await cases.get(conn, refund.shop_id, refund.case_id)
            assert case is not None, refund.case_id
            await refunding.end_case(conn, case, at)


async def _go_on(
    conn: db.Connection,
    order: Order,
    payment: Payment,
    chargeback: Chargeback,
    won: bool,
    at: datetime,
) -> None:
    """It is over: tell the order's history, and let its clocks go on."""
    shop_id = order.shop_id
    if payment.outcome != "accepted":
        return
    await order_events.tell(
        conn, shop_id, order.order_id, "chargeback_won" if won else "chargeback_lost",
        by="platform", at=at, minor=chargeback.amount_minor,
    )  # fmt: skip
    await pausing.go_on(conn, order, at)
    await _end_pot(conn, shop_id, order.order_id, at)


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
) -> Money:
    """Book what the rail took, as far as it had not gone back already; how much that was. What a
    refund under way may be, it is taken for first: the seller pays no loss that may be none."""
    left = Money(0, order.currency)
    if payment.outcome == "accepted":
        left = await refunding.left_of(conn, order)
    own = left
    if payment.outcome == "accepted":  # of parts, others may have gone back instead
        own = Money(payment.paid.minor - payment.refunded_minor, payment.currency)
    unsaid = sum((each.amount for each in await under_way(conn, payment)), Money(0, order.currency))
    booked = min(max(chargeback.amount - unsaid, Money(0, order.currency)), left, own)
    unbooked = Money(chargeback.amount_minor - booked.minor, chargeback.currency)
    await chargebacks.end(conn, chargeback, "lost", unbooked.minor, at)
    if unbooked:
        await _bear(conn, payment, chargeback, unbooked, at)
    if not booked:
        return booked
    case = await cases.open_of(conn, order.shop_id, order.order_id)
    if booked == left and case is not None and case.status != "refunding":
        await refunding.end_case(conn, case, at)
    await refunding.take(
        conn, order, payment, booked, reference=str(ids.derived(chargeback.chargeback_id, "lost")),
        at=at,
    )  # fmt: skip
    return booked


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
