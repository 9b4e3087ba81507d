"""Releasing: an institution lets go of what it held, once the seller is owed it (psp_escrow).

`ask` writes the release with its references, in the transaction in which the seller is owed the
money. `send` is a job: `begin` fixes the sums, then our commission is split off, then the rest is
released under a number of its own (with the commission's number WeChat answers well and releases
nothing). Both are asynchronous and asked again until they are final.

What it has held for too long it releases by itself, whatever became of the order; we ask about that
each morning and book where the money lies.

While a request, a chargeback or a refund of the order is open nothing begins; a refund that comes
while a release is under way waits for its end (`taking_back`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from functools import partial
from uuid import UUID

from littleshop import db, jobs, recoveries
from littleshop.clock import value_date
from littleshop.errors import Conflict, GatewayError
from littleshop.ledger import accounts, chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.pay import chargebacks, payments, refunds, releases
from littleshop.pay.gateways import Escrow
from littleshop.pay.gateways.escrow import Held, ShareAnswer
from littleshop.pay.payments import Payment
from littleshop.pay.releases import Release
from littleshop.trade import cases, orders
from littleshop.trade.orders import Order

SEND, SWEEP, ALARM = "releasing.send", "releases.sweep", "releases.alarm"
SETTLES = timedelta(seconds=35)  # institutions split nothing in the first half minute (30 s)
BLOCKED = timedelta(minutes=10)  # how often we look whether the request or chargeback has ended
LOST = timedelta(hours=1)  # a job that is gone is replaced
MOST_FEE_BPS = 200  # no institution keeps more of a payment: what lacks more was not released

_log = logging.getLogger(__name__)


async def ask(conn: db.Connection, order: Order, at: datetime) -> None:
    """The seller is owed a locked order's money: have it released where it is held."""
    if order.kind == "chip_in":
        return  # its parts come to our own account: no institution splits several payments as one
    payment = await payments.accepted(conn, order.shop_id, order.order_id)
    if payment.held_for is None:
        return
    assert payment.paid_at is not None, payment.reference
    not_before = max(at, payment.paid_at + SETTLES)
    if await releases.ask(conn, payment, not_before + LOST, at) is not None:
        await _have_sent(conn, order.shop_id, payment.payment_id, not_before)


async def _have_sent(conn: db.Connection, shop_id: int, payment_id: UUID, at: datetime) -> None:
    await jobs.defer(
        conn, SEND, at=at, key=str(payment_id), shop_id=shop_id, payment_id=str(payment_id)
    )


async def begin(
    conn: db.Connection, shop_id: int, payment_id: UUID, at: datetime
) -> tuple[Release, Payment] | None:
    """The release as it stands, begun if it could be; None while it must wait, or is done."""
    asked = await releases.find(conn, shop_id, payment_id)
    assert asked is not None, payment_id
    order = await orders.lock(conn, shop_id, asked.order_id)
    release = await releases.find(conn, shop_id, payment_id)
    assert release is not None, payment_id
    payment = await payments.accepted(conn, shop_id, release.order_id)
    if release.status == "done":
        return None
    if release.status != "asked":
        return release, payment
    if await _blocked(conn, order):
        await releases.wait(conn, release, at + BLOCKED, "blocked")
        return None
    booked = [
        await journals.net(conn, shop_id, order.order_id, account, ("received", "clawed_back"))
        for account in (chart.PAYABLE, chart.COMMISSION)
    ]
    released, commission = Money(sum(booked), order.currency), Money(booked[1], order.currency)
    share = commission + await _owed(conn, order, payment, released, commission)
    begun = await releases.begin(conn, release, share, released - share, at)
    assert begun is not None, payment_id
    await releases.wait(conn, begun, at + LOST)
    return begun, payment


async def _blocked(conn: db.Connection, order: Order) -> bool:
    """Whether somebody may yet get (a part of) this order's money back out of what is frozen."""
    shop_id, order_id = order.shop_id, order.order_id
    return (
        await cases.undecided(conn, shop_id, order_id)
        or await chargebacks.open_of(conn, shop_id, order_id) is not None
        or await refunds.going_back(conn, shop_id, order_id) > 0
    )


async def _owed(
    conn: db.Connection, order: Order, payment: Payment, released: Money, commission: Money
) -> Money:
    """What the shop owes the platform for refunds that it advanced: it is taken with the
    commission, as far as the institution gives us so much and it is not the seller's."""
    names = [chart.DUE_TO_SHOP, chart.PAYABLE, chart.BANK, chart.gateway_clearing(payment.gateway)]
    held = await accounts.lock(conn, order.shop_id, names, order.currency)
    debt = held.get(chart.DUE_TO_SHOP, 0) - held.get(names[-1], 0) - held.get(chart.BANK, 0)
    owed_to_seller = max(held.get(chart.PAYABLE, 0), 0)
    most = min(
        releases.most(payment.amount).minor - commission.minor,
        released.minor - commission.minor - owed_to_seller,
    )
    return Money(max(min(debt, most), 0), order.currency)


async def send(
    database: db.Database,
    escrows: Mapping[str, Escrow],
    shop_id: int,
    payment_id: UUID,
    at: datetime,
) -> None:
    """Have a payment released, from wherever it stands. Raises GatewayError: retryable while the
    institution is away or has not done it yet."""
    async with database.connection() as conn:
        await recoveries.refuse_on_hold(conn)
    begun = await database.transaction(
        partial(begin, shop_id=shop_id, payment_id=payment_id, at=at)
    )
    if begun is None:
        return
    release, payment = begun
    escrow = escrows.get(release.gateway)
    if escrow is None:
        raise GatewayError(f"{release.gateway} holds no money for us now", retryable=True)
    where = held(payment)
    if release.status == "begun":
        await _share(database, escrow, where, release, at)
    said = ShareAnswer(status="done", amount=release.rest)
    if release.rest.minor + release.share.minor > 0:
        said = await escrow.release(where, release.release_reference, release.rest)
    if said.status != "done" or said.amount is None:
        failed = said.status == "failed"
        if failed:
            words = f"release: {said.reason}"
            await database.transaction(
                partial(releases.wait, release=release, until=at + LOST, said=words)
            )
        raise GatewayError(f"release is {said.status} ({said.reason})", retryable=not failed)
    await database.transaction(partial(hear_released, release=release, amount=said.amount, at=at))


async def _share(
    database: db.Database, escrow: Escrow, where: Held, release: Release, at: datetime
) -> None:
    """Our commission, before the rest. A commission that was closed moved nothing and is asked
    for anew by the next attempt; a plain no may be a yes to the same number later."""
    if release.share:
        said = await escrow.take_commission(where, release.share_reference, release.share)
        if said.status == "failed":
            await _hear_no(database, escrow, where, release, f"commission: {said.reason}", at)
        if said.status != "done":
            raise GatewayError(f"commission is {said.status} ({said.reason})", retryable=True)
    await database.transaction(partial(hear_shared, release=release, at=at))


async def _hear_no(
    database: db.Database, escrow: Escrow, where: Held, release: Release, said: str, at: datetime
) -> None:
    """Note why; under a new number only when the institution says that the old one is closed."""
    known = await escrow.share_query(where, release.share_reference)
    if known.status == "failed":
        await database.transaction(partial(releases.share_anew, release=release, said=said))
    else:
        await database.transaction(
            partial(releases.wait, release=release, until=at + LOST, said=said)
        )


def held(payment: Payment) -> Held:
    """How an institution is told of a payment that it holds."""
    assert payment.held_for is not None and payment.gateway_trade_no is not None
    return Held(
        reference=payment.reference,
        gateway_trade_no=payment.gateway_trade_no,
        merchant_id=payment.held_for,
        amount=payment.paid,
    )


async def hear_shared(conn: db.Connection, release: Release, at: datetime) -> bool:
    """Our commission is ours at the institution: book it. False when that was known."""
    if not await releases.mark_shared(conn, release, at):
        return False
    if release.share:
        gateway = release.gateway
        share = Transfer(chart.gateway_clearing(gateway), chart.held_at(gateway), release.share)
        await _post(conn, release, "commission_shared", release.share_reference, [share], at)
    return True


async def hear_released(conn: db.Connection, release: Release, amount: Money, at: datetime) -> bool:
    """The rest is the seller's at the institution: book it. False when that was known.

    What it kept of the rest is its fee. Raises Conflict when it released more than there was, or
    so little that it cannot be a fee.
    """
    fee = release.rest - amount
    _need_fee(release.gateway, fee, release.rest + release.share)
    if not await releases.finish(conn, release, amount, at):
        return False
    await _book_released(conn, release, amount, fee, at)
    return True


def _need_fee(gateway: str, fee: Money, of: Money) -> None:
    most = -(-of.minor * MOST_FEE_BPS // 10_000)  # rounded up
    if not 0 <= fee.minor <= most:
        raise Conflict(f"{gateway} released {fee} less than there was")


async def _book_released(
    conn: db.Connection, release: Release, amount: Money, fee: Money, at: datetime
) -> None:
    frozen = chart.held_at(release.gateway)
    parts = [(chart.withdrawable(release.gateway), amount), (chart.GATEWAY_FEE, fee)]
    transfers = [Transfer(account, frozen, part) for account, part in parts if part]
    if transfers:
        await _post(conn, release, "released", release.release_reference, transfers, at)


async def _post(
    conn: db.Connection,
    release: Release,
    kind: str,
    reference: str,
    transfers: list[Transfer],
    at: datetime,
) -> None:
    await journals.post(
        conn,
        release.shop_id,
        kind=kind,
        reference=reference,
        order_id=release.order_id,
        value_on=value_date(at),
        booked_at=at,
        transfers=transfers,
    )


async def sweep(database: db.Database, at: datetime) -> None:
    """Have every release asked (again) that is due: what was blocked, and whose job is lost."""
    async with database.connection() as conn:
        found = await releases.due(conn, at)
    for release in found:
        await database.transaction(partial(_claim, release=release, at=at))


async def _claim(conn: db.Connection, release: Release, at: datetime) -> None:
    if not await releases.claim_due(conn, release, at + LOST, at):
        return
    if not await jobs.exists(conn, SEND, payment_id=str(release.payment_id)):
        await _have_sent(conn, release.shop_id, release.payment_id, at)


async def alarm(
    database: db.Database, escrows: Mapping[str, Escrow], at: datetime
) -> list[releases.Held]:
    """What an institution soon releases by itself, whatever became of the order; also for the log.
    The operator's desk lists the same."""
    found = []
    async with database.connection() as conn:
        for name, escrow in escrows.items():
            found += await releases.held_since(
                conn, name, at - escrow.holds_for + releases.NEAR_LIMIT
            )
    for one in found:
        _log.warning(
            "%s lets go of payment %s of shop %s by itself soon: held since %s",
            one.gateway, one.reference, one.shop_id, one.paid_at,
        )  # fmt: skip
    return found


async def look_for_lapsed(
    database: db.Database, escrows: Mapping[str, Escrow], at: datetime
) -> list[releases.Held]:
    """Ask about what institutions have held for as long as they do, and book what they let go of
    by themselves; what that was. One that is away is asked tomorrow."""
    lapsed = []
    for name, escrow in escrows.items():
        async with database.connection() as conn:
            found = await releases.held_since(conn, name, at - escrow.holds_for)
        for one in found:
            try:
                if await _ask_whether_lapsed(database, escrow, one, at):
                    lapsed.append(one)
            except (Conflict, GatewayError) as fault:
                _log.warning("payment %s at its limit: %s", one.reference, fault)
    return lapsed


async def _ask_whether_lapsed(
    database: db.Database, escrow: Escrow, one: releases.Held, at: datetime
) -> bool:
    """Whether it let go of it by itself, and we had not heard of that. What we have asked for and
    it has done is the asking's to hear."""
    async with database.connection() as conn:
        payment = await payments.get(conn, one.shop_id, one.reference)
        release = await releases.find(conn, one.shop_id, one.payment_id)
    assert payment is not None, one.reference
    if payment.outcome != "accepted":
        return False
    where = held(payment)
    for asked in _asked(release):
        if (await escrow.share_query(where, asked)).status in ("pending", "done"):
            return False
    said = await escrow.lapsed(where)
    if said.status != "done":
        return False
    return await database.transaction(
        partial(hear_lapsed, payment=payment, amount=said.amount, at=at)
    )


def _asked(release: Release | None) -> list[str]:
    """The numbers under which the institution may have done a release, or be doing it."""
    if release is None or release.status == "asked":
        return []
    begun = [release.share_reference] if release.status == "begun" and release.share else []
    return [*begun, release.release_reference]


async def hear_lapsed(
    conn: db.Connection, payment: Payment, amount: Money | None, at: datetime
) -> bool:
    """The institution gave the seller's account all that was frozen, unasked: book that it lies
    there. The order stays as it is. False when that was known.

    `amount` is what the seller's account got, None where that is not told: then nothing was kept.
    Raises Conflict as `hear_released`.
    """
    shop_id = payment.shop_id
    await orders.lock(conn, shop_id, payment.order_id)
    await releases.ask(conn, payment, at, at)
    release = await releases.find(conn, shop_id, payment.payment_id)
    assert release is not None, payment.reference
    rest = await releases.frozen(conn, payment)
    fee = rest - (rest if amount is None else amount)
    _need_fee(release.gateway, fee, payment.paid)
    done = await releases.lapse(conn, release, rest, rest - fee, at)
    if done is None:
        return False
    await _book_released(conn, done, rest - fee, fee, at)
    return True


async def pocket(conn: db.Connection, payment: Payment) -> str:
    """The account of what lies at a rail of a payment. Raises GatewayError(retryable) while it is
    just being released."""
    if payment.held_for is None:
        return chart.gateway_clearing(payment.gateway)
    release = await releases.find(conn, payment.shop_id, payment.payment_id)
    if release is None or release.status == "asked":
        return chart.held_at(payment.gateway)
    if release.status == "done":
        return chart.withdrawable(payment.gateway)
    raise GatewayError(f"{payment.reference} is just being released", retryable=True)


def tasks(escrows: Mapping[str, Escrow]) -> dict[str, jobs.Task]:
    """The jobs of releasing; an institution may be away for a night."""

    async def run(context: jobs.Context, *, shop_id: int, payment_id: str) -> None:
        await send(context.database, escrows, shop_id, UUID(payment_id), context.at)

    async def sweep_all(context: jobs.Context) -> None:
        await sweep(context.database, context.at)

    async def alarm_all(context: jobs.Context) -> None:
        await look_for_lapsed(context.database, escrows, context.at)
        await alarm(context.database, escrows, context.at)

    return {
        ALARM: jobs.Task(alarm_all, attempts=3),
        SEND: jobs.Task(run, attempts=40, longest_wait=timedelta(minutes=30)),
        SWEEP: jobs.Task(sweep_all, attempts=3),
    }


TIMETABLE: dict[str, jobs.Every | jobs.Daily] = {
    SWEEP: jobs.Every(60),
    ALARM: jobs.Daily(time(8, 30)),
}
