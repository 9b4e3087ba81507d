"""Refunding: money goes back to the payment it came from, asked once, sent until it is done."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids, jobs
from littleshop.catalog import stock
from littleshop.errors import Refused
from littleshop.ledger import bridging, chart, journals
from littleshop.money import Money
from littleshop.pay import chargebacks, payments, refunds
from littleshop.pay.gateways import PAY_SELLERS
from littleshop.pay.payments import Payment
from littleshop.pay.refunds import Refund
from littleshop.sale import promised, releasing, sharing_out, telling
from littleshop.social import referrals
from littleshop.trade import cases, claims, order_events, orders, timers
from littleshop.trade.cases import Case
from littleshop.trade.orders import Order

SEND = "refunding.send"


async def send_astray_back(
    conn: db.Connection, payment: Payment, *, reason: str, at: datetime
) -> Refund:
    """All of a payment that pays nothing goes back, from suspense."""
    return await _ask(
        conn, payment, payment.paid, refund_id=ids.derived(payment.payment_id, reason),
        reason=reason, paid_from=chart.SUSPENSE, at=at,
    )  # fmt: skip


async def give_back(
    conn: db.Connection,
    order: Order,
    amount: Money,
    *,
    reason: str,
    refund_id: UUID,
    case_id: UUID | None = None,
    at: datetime,
) -> Refund:
    """Give a part of a locked, paid order's money back, or all of it.

    What the seller has already is clawed back first. Raises Refused("refund_too_large", left=)
    when less is left of what was paid, chargeback_open while the buyer's bank takes it back.
    """
    known = await refunds.get(conn, order.shop_id, refund_id)
    if known is not None:
        return known
    if await chargebacks.open_of(conn, order.shop_id, order.order_id) is not None:
        raise Refused("chargeback_open")  # it may be gone already
    left = await left_of(conn, order)
    if amount.minor > left.minor:
        raise Refused("refund_too_large", left=left)
    asked: list[Refund] = []
    for payment, part in await _payments_for(conn, order, amount):
        own_id = ids.derived(refund_id, payment.reference) if asked else refund_id
        now = await orders.lock(conn, order.shop_id, order.order_id)
        await _hold(conn, now, part, str(own_id), at)
        asked.append(
            await _ask(
                conn, payment, part, refund_id=own_id, reason=reason, paid_from=chart.ESCROW,
                case_id=case_id, at=at,
            )
        )  # fmt: skip
    if await _is_all(conn, order, left - amount, case_id):
        await claims.give_back_privileges(conn, order.shop_id, order.order_id)
    return asked[0]


async def _is_all(conn: db.Connection, order: Order, rest: Money, case_id: UUID | None) -> bool:
    """Whether all went back, or all the goods did and no more than the postage is kept."""
    case = await cases.get(conn, order.shop_id, case_id) if case_id and rest else None
    goods_came = case is not None and case.kind == "return"
    return not rest or (goods_came and rest.minor <= order.shipping_minor)


async def _payments_for(
    conn: db.Connection, order: Order, amount: Money
) -> list[tuple[Payment, Money]]:
    """To which payments an amount goes back: the one that there is; of parts, the last first."""
    taken = await payments.taken_for(conn, order.shop_id, order.order_id)
    if len(taken) == 1:
        return [(taken[0], amount)]
    shares = []
    for payment in taken:
        part = min(amount.minor, payment.paid.minor - payment.refunded_minor)
        if part:
            shares.append((payment, Money(part, amount.currency)))
            amount -= Money(part, amount.currency)
    assert not amount, order.order_id
    return shares


async def _hold(
    conn: db.Connection, order: Order, amount: Money, reference: str, at: datetime
) -> None:
    """See that escrow holds this much which is not spoken for; the rest is clawed back."""
    pending = await refunds.going_back(conn, order.shop_id, order.order_id)
    short = amount.minor - (order.held_minor - pending)
    if short > 0:
        await _claw_back(conn, order, Money(short, order.currency), reference, at)


class Sources(msgspec.Struct, frozen=True):
    """Where money that goes back comes from: what escrow holds, the seller's balance, our
    commission on that part, the margin of who sold it for him, and what sharers had of it."""

    held: Money
    balance: Money
    commission: Money
    margin: Money
    referred: Money


async def sources(conn: db.Connection, order: Order, amount: Money) -> Sources:
    """Where this much of an order would come from, were it to go back now."""
    pending = await refunds.going_back(conn, order.shop_id, order.order_id)
    short = Money(max(0, amount.minor - (order.held_minor - pending)), order.currency)
    parts = await sharing_out.in_released(conn, order, short)
    return Sources(amount - short, parts.seller, parts.commission, parts.margin, parts.referred)


async def came_from(conn: db.Connection, refund: Refund) -> Sources:
    """Where a refund that was asked for came from."""
    of = (conn, refund.shop_id)
    clawed: dict[str, Money] = {}
    for part in await journals.transfers(*of, "clawed_back", str(refund.refund_id)):
        head = part.debit.partition(":")[0]
        clawed[head] = clawed.get(head, Money(0, refund.currency)) + part.amount
    accounts = (chart.PAYABLE, chart.COMMISSION, chart.DUE_FROM_SHOP, chart.REFERRAL_HELD)
    balance, commission, owed, frozen = (
        clawed.get(account, Money(0, refund.currency)) for account in accounts
    )
    held = refund.amount - balance - commission - owed - frozen
    if await referrals.of_order(*of, refund.order_id):
        return Sources(held, balance, commission, Money(0, refund.currency), owed + frozen)
    return Sources(held, balance, commission, owed, frozen)


async def left_of(conn: db.Connection, order: Order) -> Money:
    """What of a paid order neither went back nor was asked to."""
    pending = await refunds.going_back(conn, order.shop_id, order.order_id)
    return Money(order.held_minor + order.released_minor - pending, order.currency)


async def _ask(
    conn: db.Connection,
    payment: Payment,
    amount: Money,
    *,
    refund_id: UUID,
    reason: str,
    paid_from: str,
    case_id: UUID | None = None,
    at: datetime,
) -> Refund:
    known = await refunds.get(conn, payment.shop_id, refund_id)
    if known is not None:
        return known
    if not await payments.give_back(conn, payment.shop_id, payment.payment_id, amount):
        raise Refused("refund_too_large", left=Money(0, amount.currency))
    refund = await refunds.ask(
        conn,
        payment,
        amount,
        refund_id=refund_id,
        reason=reason,
        paid_from=paid_from,
        case_id=case_id,
        at=at,
    )
    await have_sent(conn, refund, at)
    return refund


async def ask_anew(conn: db.Connection, dropped: Refund, rest: Money, at: datetime) -> Refund:
    """Of a refund that its rail refused for good, escrow still holds so much for the buyer."""
    went = await payments.give_back(conn, dropped.shop_id, dropped.payment_id, rest)
    assert went, dropped.reference
    refund = await refunds.replace(conn, dropped, at, amount=rest)
    await have_sent(conn, refund, at)
    return refund


async def _claw_back(
    conn: db.Connection, order: Order, amount: Money, reference: str, at: datetime
) -> None:
    """Whoever had a part of it gives it back."""
    await orders.hold_released(conn, order.shop_id, order.order_id, amount)
    await sharing_out.claw_back(conn, order, amount, reference, at)


async def have_sent(conn: db.Connection, refund: Refund, at: datetime) -> None:
    """Have a refund sent (again); its reference makes a repeat harmless."""
    await jobs.defer(
        conn,
        SEND,
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
    order = await orders.lock(conn, shop_id, order_id)
    clocks = await timers.of(conn, shop_id, order_id)
    late = not any(timer.kind == "ship_by" for timer in clocks)
    if order.status != "to_ship" or (by == "buyer" and not late):
        raise Refused("not_cancellable")
    asked = await cases.open_of(conn, shop_id, order_id)
    if asked is not None and asked.status != "refunding":
        await end_case(conn, asked, at)
    left = await left_of(conn, order)
    ended = await end(conn, order, reason=reason, refund_id=ids.derived(order_id, reason), at=at)
    await order_events.tell(conn, shop_id, order_id, "called_off", by=by, at=at, why=reason)
    await telling.buyer(conn, order, "order_cancelled", at, amount=left)
    return ended


async def end(
    conn: db.Connection,
    order: Order,
    *,
    reason: str,
    refund_id: UUID,
    case_id: UUID | None = None,
    at: datetime,
) -> Order:
    """A locked order that is paid and not received ends: all that is left goes back, and what
    was not shipped can be sold again."""
    left = await left_of(conn, order)
    await give_back(conn, order, left, reason=reason, refund_id=refund_id, case_id=case_id, at=at)
    return await _stop(conn, order, at)


async def _stop(conn: db.Connection, order: Order, at: datetime) -> Order:
    moved = await orders.mark_refunded(conn, order.shop_id, order.order_id, at)
    assert moved is not None, order.order_id
    if order.status == "forming":  # its seat is somebody else's to take
        await claims.give_back(conn, order.shop_id, order.order_id)
    if order.status in orders.HOLDING:
        await stock.release(conn, order.shop_id, order.order_id)
    await timers.cancel(conn, order.shop_id, order.order_id)
    return moved


async def take(
    conn: db.Connection,
    order: Order,
    payment: Payment,
    amount: Money,
    *,
    reference: str,
    at: datetime,
) -> None:
    """The rail has taken a part of a locked order's money, or all of it, without being asked.
    Raises GatewayError(retryable) while that money is just being released."""
    pocket = await releasing.pocket(conn, payment)
    everything = amount == await left_of(conn, order)
    await _hold(conn, order, amount, reference, at)
    went = await payments.give_back(conn, order.shop_id, payment.payment_id, amount)
    assert went, payment.reference
    if everything and order.status in orders.PAID:
        await _stop(conn, order, at)
    if everything:
        await claims.give_back_privileges(conn, order.shop_id, order.order_id)
    await orders.let_go(conn, order.shop_id, order.order_id, amount.minor)
    await bridging.take_from_clearing(
        conn,
        order.shop_id,
        gateway=payment.gateway,
        account=chart.ESCROW,
        amount=amount,
        kind="charged_back",
        reference=reference,
        order_id=order.order_id,
        pocket=pocket,
        at=at,
    )


async def end_case(conn: db.Connection, case: Case, at: datetime) -> None:
    """What was asked for comes true another way."""
    await cases.end(conn, case.shop_id, case.case_id, "withdrawn", at)


async def hear(
    conn: db.Connection,
    shop_id: int,
    refund_id: UUID,
    at: datetime,
    *,
    advanced: bool | None = None,
) -> bool:
    """The rail has sent it back: book it. False when that was known.

    `advanced` is what the rail says of who paid: of two requests that crossed, one of which
    allowed it to take our money, we cannot know which came first. None: as we asked.
    """
    refund = await refunds.get(conn, shop_id, refund_id)
    assert refund is not None, refund_id
    order = await orders.lock(conn, shop_id, refund.order_id)
    done = await refunds.finish(conn, shop_id, refund_id, at, advanced=advanced)
    if done is None:
        return False
    payment = next(
        payment
        for payment in await payments.of_order(conn, shop_id, refund.order_id)
        if payment.payment_id == refund.payment_id
    )
    pocket = None if done.advanced_at else await releasing.pocket(conn, payment)
    if pocket == chart.withdrawable(payment.gateway) and payment.gateway in PAY_SELLERS:
        await promised.take_from_seller(conn, refund, pocket, at)
    await bridging.take_from_clearing(
        conn,
        shop_id,
        gateway=payment.gateway,
        account=refund.paid_from,
        amount=refund.amount,
        kind="refunded",
        reference=refund.reference,
        order_id=refund.order_id,
        pocket=pocket,
        at=at,
    )
    if refund.paid_from == chart.ESCROW:
        await orders.let_go(conn, shop_id, refund.order_id, refund.amount_minor)
    await order_events.tell(conn, shop_id, refund.order_id, "refund_done", by="platform", at=at)
    if payment.part_id is None:  # who paid by a payer's link finds it there
        await telling.buyer(
            conn, order, "refund_done", at, occasion=refund.reference, amount=refund.amount
        )
    if refund.case_id is not None and not await refunds.more_of_case(conn, refund):
        await cases.end(conn, shop_id, refund.case_id, "done", at)
    return True
