"""Every job by name and the function that does it, and what happens again and again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from datetime import time, timedelta
from functools import partial
from uuid import UUID

import asyncpg

from littleshop import config, db, logs
from littleshop.catalog import importing, search
from littleshop.entry import admitting, crediting, handing_over, signing_in, verifying
from littleshop.errors import GatewayError
from littleshop.http import House, open_house
from littleshop.identity import codes, operators, sessions, verifier
from littleshop.insights import sales, sharing, visits
from littleshop.jobs import Context, Daily, Every, Task, Timetable, Worker
from littleshop.ledger import bridging
from littleshop.money import Money
from littleshop.notify import alerts, channels, live, messages
from littleshop.oversight import appointing
from littleshop.pay import notices, payments
from littleshop.pay.payments import Payment
from littleshop.risk import limits
from littleshop.sale import (
    carrying,
    charging_back,
    passing_on,
    paying,
    recalling,
    referring,
    releasing,
    resending,
    sending_refunds,
    telling_handover,
    telling_news,
    ticking,
    tracking,
    waiting,
)
from littleshop.sale.paying import Paid
from littleshop.settlement import reconciling_bills, reconciling_by_asking, routing, settling
from littleshop.shop import slugs
from littleshop.social import passcodes, probing, referrals, shares
from littleshop.supply import low
from littleshop.trade import carts, offline_acts, order_words, person_orders, trackings

_PATIENCE = timedelta(minutes=30)
CLOSINGS = 3  # times that a rail is asked to close an attempt before the sweep takes over
NOTICES_KEPT = timedelta(days=90)  # longer than any rail sends one again
ASK_AGAIN = timedelta(minutes=10)  # a rail that did not say about an attempt whose time is up


def _house(context: Context) -> House:
    assert isinstance(context.wires, House)
    return context.wires


async def accept_notice(context: Context, *, gateway: str, notice_id: str) -> None:
    """Act on a stored notice: a payment, a bank that takes one back, a refund that failed after it
    was done. What else became of a refund we ask ourselves; what is final changes nothing."""
    house = _house(context)
    async with context.database.connection() as conn:
        notice = await notices.get(conn, gateway, notice_id)
        assert notice is not None, notice_id
        payment = await payments.told_of(conn, notice)
    if payment is None:  # verified, and not ours: another system under the same merchant
        return
    shop_id = payment.shop_id
    paid = None
    if notice.kind == "paid":
        paid = Paid(notice.reference, notice.amount, notice.gateway_trade_no, notice.at)
        if notice.amount != payment.amount:  # sent back as told, the rest would stay at the rail
            paid = await paying.find_out(house.rails[gateway], payment)

    async def act(conn: db.Connection) -> None:
        if paid is not None:
            await paying.hear(conn, shop_id, paid, context.at)
        if notice.kind == "disputed":
            await charging_back.hear_opened(
                conn, shop_id, payment.reference, notice.amount, context.at, dispute=notice.dispute
            )
        if notice.kind in ("dispute_won", "dispute_lost"):
            won = notice.kind == "dispute_won"
            await charging_back.hear_ended(
                conn, shop_id, payment.reference, notice.amount, won=won, at=context.at,
                dispute=notice.dispute,
            )  # fmt: skip
        if notice.kind == "refund_failed" and notice.refund_reference:
            await resending.hear_failed(conn, shop_id, notice.refund_reference, context.at)
        if notice.kind == "refunded" and notice.refund_reference:
            await resending.look_again(
                conn, shop_id, notice.refund_reference, told_at=notice.at, at=context.at
            )
        await notices.handled(conn, gateway, notice_id, context.at)

    await context.database.transaction(act)


async def close_payment(context: Context, *, shop_id: int, reference: str) -> None:
    """Close an attempt to pay at its rail, or hear that the buyer was quicker."""
    payment = await _still_asked(context, shop_id, reference)
    if payment is None:
        return
    try:
        said = await paying.close(_house(context).rails[payment.gateway], payment, context.at)
    except GatewayError as fault:
        if fault.retryable and context.attempt >= CLOSINGS:
            return  # nothing for a person: the sweep has the rail asked again, later and later
        raise

    async def act(conn: db.Connection) -> None:
        if isinstance(said, Paid):
            await paying.hear(conn, shop_id, said, context.at)
        elif said:
            await payments.close(conn, shop_id, reference)

    await context.database.transaction(act)


async def query_payment(context: Context, *, shop_id: int, reference: str) -> None:
    """Ask the rail about an attempt that is not paid: a lost notice, a browser that waits, a bill
    that says otherwise, also of one that we believe to be closed."""
    async with context.database.connection() as conn:
        payment = await payments.get(conn, shop_id, reference)
    if payment is None or payment.status == "paid":
        return
    paid = await paying.find_out(_house(context).rails[payment.gateway], payment)
    if paid is not None:
        await context.database.transaction(
            lambda conn: paying.hear(conn, shop_id, paid, context.at)
        )


async def _still_asked(context: Context, shop_id: int, reference: str) -> Payment | None:
    async with context.database.connection() as conn:
        payment = await payments.get(conn, shop_id, reference)
    return payment if payment is not None and payment.status == "asked" else None


async def lend(context: Context, *, reference: str, minor: int, currency: str) -> None:
    """Book the platform's side of what it lent a shop when a rail took money."""
    await context.database.transaction(
        lambda conn: bridging.lend(conn, reference, Money(minor, currency), context.at)
    )


async def take_back(context: Context, *, reference: str, minor: int, currency: str) -> None:
    """Book the platform's side of what a shop repaid."""
    try:
        await context.database.transaction(
            lambda conn: bridging.take_back(conn, reference, Money(minor, currency), context.at)
        )
    except asyncpg.CheckViolationError as fault:  # the job that books the loan is behind
        raise GatewayError("what was lent is not booked yet", retryable=True) from fault


async def sweep_timers(context: Context) -> None:
    """Act on every timer that is due."""
    while await ticking.sweep(context.database, context.at):
        pass


async def sweep_payments(context: Context) -> None:
    """Attempts whose time is up are closed at their rail."""
    async with context.database.connection() as conn:
        overdue = await payments.overdue(conn, context.at)
    before = context.at - ASK_AGAIN
    for payment in overdue:
        await context.database.transaction(
            partial(paying.question, payment=payment, asked_before=before, at=context.at)
        )


async def retry_timer(context: Context, *, shop_id: int, subject: str, kind: str) -> None:
    """Act on a timer that was parked because it could not be acted on."""
    await ticking.retry(context.database, shop_id, UUID(subject), kind, context.at)


async def sweep_forgotten(context: Context) -> None:
    """Forget what is over: codes, sessions, limits, addresses nobody used, baskets left behind."""
    async with context.database.connection() as conn:
        await codes.sweep(conn, context.at)
        await sessions.sweep(conn, context.at)
        await operators.sweep(conn, context.at)
        await limits.sweep(conn, context.at)
        await passcodes.sweep(conn, context.at)
        await shares.forget_names(conn, context.at)
        await referrals.forget(conn, context.at)
        await slugs.sweep(conn, context.at)
        await carts.sweep(conn, context.at - carts.KEPT)
        await notices.sweep(conn, context.at - NOTICES_KEPT)
        await offline_acts.sweep(conn, context.at - offline_acts.KEPT)
        await trackings.sweep(conn, context.at - tracking.NOTICES_KEPT)
        await trackings.forget_scans(conn, context.at - trackings.SCANS_KEPT)
        await alerts.sweep(conn, context.at - alerts.KEPT)


async def fill_search(context: Context) -> None:
    """Products that were there before search was can be found too."""
    while await search.fill(context.database):
        pass


async def fold_visits(context: Context) -> None:
    """Days that are over where their shop is become counters, and what went back is corrected."""
    await visits.fold(context.database, context.at)
    await sharing.fold(context.database, context.at)
    await sales.fold(context.database, context.at)


def tasks(house: House, sent_by: channels.Channels) -> dict[str, Task]:
    """The jobs a worker of this house does."""
    return {
        "paying.accept": Task(accept_notice, attempts=40, longest_wait=_PATIENCE),
        "paying.close": Task(close_payment, attempts=CLOSINGS),
        "paying.query": Task(query_payment, attempts=3),
        bridging.TAKE_BACK: Task(take_back, attempts=40, longest_wait=_PATIENCE),
        bridging.LEND: Task(lend, attempts=40, longest_wait=_PATIENCE),
        "timers.sweep": Task(sweep_timers, attempts=3),
        "payments.sweep": Task(sweep_payments, attempts=3),
        ticking.RETRY: Task(retry_timer, attempts=3),
        "forgotten.sweep": Task(sweep_forgotten, attempts=3),
        "visits.fold": Task(fold_visits, attempts=3),
        "search.fill": Task(fill_search, attempts=3),
        **signing_in.tasks(sent_by.sms, house.keyring),
        **crediting.tasks(),
        **verifying.tasks(verifier.open(house.settings.rails), house.keyring, house.admits_at),
        **messages.tasks(sent_by, house.keyring),
        **waiting.tasks(),
        **recalling.tasks(),
        **telling_news.tasks(),
        **telling_handover.tasks(),
        **handing_over.tasks(),
        low.SWEEP: Task(low.sweep, attempts=3, longest_wait=_PATIENCE),
        **settling.tasks(
            routing.of(house.settings, house.clock, house.escrows), house.keyring, house.calendar
        ),
        **sending_refunds.tasks(house.rails, house.escrows),
        **resending.tasks(house.rails),
        **reconciling_bills.tasks(house.rails),
        **reconciling_by_asking.tasks(house.rails),
        **live.tasks(),
        **person_orders.tasks(),
        **order_words.tasks(house.keyring),
        **probing.tasks(house.keyring, house.settings),
        **tracking.tasks(house.tracker, house.keyring, house.settings.public_url),
        **admitting.tasks(house.escrows, house.keyring, house.files, house.admits_at),
        **releasing.tasks(house.escrows),
        **passing_on.tasks(house.keyring),
        **referring.tasks(),
        **importing.tasks(house.files),
        **carrying.tasks(),
    }


TIMETABLE = Timetable(
    {
        "timers.sweep": Every(2),
        "payments.sweep": Every(30),
        "bills.read": Every(1800),
        "bills.ask": Every(300),
        "forgotten.sweep": Daily(time(4, 30)),
        "visits.fold": Every(300),
        "search.fill": Every(600),
        telling_news.SWEEP: Every(120),
        low.SWEEP: Every(900),
        **sending_refunds.TIMETABLE,
        **settling.TIMETABLE,
        **admitting.TIMETABLE,
        **releasing.TIMETABLE,
        **passing_on.TIMETABLE,
        **referring.TIMETABLE,
        **importing.TIMETABLE,
        **carrying.TIMETABLE,
        **person_orders.TIMETABLE,
        **order_words.TIMETABLE,
        **probing.TIMETABLE,
    }
)


def command(arguments: list[str]) -> int:
    """Work until told to stop (SIGTERM or SIGINT): what runs is ended, what waits is left."""
    assert not arguments, arguments
    logs.start()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(work(config.read()))
    return 0


async def work(settings: config.Settings) -> None:
    """Do jobs in this process until a signal comes."""
    async with open_house(settings, name="littleshop worker") as house:
        if settings.mode == "demo":
            await house.database.transaction(
                lambda conn: appointing.appoint_stand_in(
                    conn, house.keyring, settings, house.clock.now()
                )
            )
        token = house.tickets.access_token if house.tickets is not None else None
        sent_by = channels.open_channels(settings, token)
        worker = Worker(
            house.database,
            tasks(house, sent_by),
            house.clock,
            settings=settings,
            wires=house,
            timetable=TIMETABLE,
        )
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, lambda: asyncio.ensure_future(worker.stop()))
        try:
            await worker.run()
        finally:
            await sent_by.close()
