"""Referring: what of an order is those sharers' who brought its buyer.

It is fixed when the order is paid, by what held when it was placed, and never again. At receipt it
is split off into an account of its own (sharing_out.py); when the after-sale window is over it is
the sharers' shops'. A row in each of them, and their half of the books, are written by jobs.

An order that began with an invitation, that several chip in for, that another shop ships, or whose
payment an institution holds at the seller's own account brings nobody anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from littleshop import db, jobs
from littleshop.clock import value_date
from littleshop.ledger import bridging, chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.pay import payments
from littleshop.sale import sharing_out, telling_sharers
from littleshop.social import referral_terms, referrals, sharer_shops
from littleshop.social.referral_terms import LineRates
from littleshop.social.referrals import Candidate, Earned, Referral, ReferralLine
from littleshop.trade import orders
from littleshop.trade.orders import Order

MIRROR, LOOK = "referring.mirror", "referring.look"
RELEASED = "referral_released"  # the seller's journal
KINDS = ("checkout", "team", "gift", "pay_for_me")
TIMETABLE: dict[str, jobs.Every | jobs.Daily] = {LOOK: jobs.Every(300)}


async def fix(conn: db.Connection, order: Order, *, held_for: str | None, at: datetime) -> None:
    """A locked order has just been paid: write down who earns of it. Nothing is read for one that
    no share brought; `held_for`: at whose own account an institution holds the money."""
    if order.share_code is None or held_for is not None or order.kind not in KINDS:
        return
    found = await _earners(conn, order)
    if not found:
        return
    of = (conn, order.shop_id, order.order_id)
    sold = await referral_terms.of_order(*of, order.placed_at)
    bases = _bases(order, sold)
    for each in found:
        lines = [
            ReferralLine(each.level, line.position, base, line.rates.of(each.level))
            for line, base in zip(sold, bases, strict=True)
            if base > 0 and line.rates.of(each.level) > 0
        ]
        amount = sum(line.base_minor * line.rate_bps for line in lines) // 10_000
        if amount:
            base = sum(line.base_minor for line in lines)
            await referrals.write(conn, _referral(order, each, base, amount, at), lines)
            await jobs.defer(
                conn, MIRROR, at=at, from_shop_id=order.shop_id, order_id=str(order.order_id),
                level=each.level,
            )  # fmt: skip


async def _earners(conn: db.Connection, order: Order) -> list[Candidate]:
    """Whose shops earn of it, the first level first: each person and each shop once."""
    assert order.share_code is not None
    found: list[Candidate] = []
    for each in await referrals.candidates(
        conn, order.shop_id, order.order_id, code=order.share_code, placed_at=order.placed_at,
        currency=order.currency, phone_index=order.phone_index,
    ):  # fmt: skip
        again = any(
            each.person_id == one.person_id or each.earner_shop_id == one.earner_shop_id
            for one in found
        )
        if not again:
            found.append(each)
    return found


def _bases(order: Order, sold: Sequence[LineRates]) -> list[int]:
    """What the buyer pays for each line: less what is off it, and its part of what the seller
    changed of the price; the postage is nobody's merit."""
    nets = [max(line.minor, 0) for line in sold]
    paid = order.goods_now
    if paid.minor == sum(nets) or not any(nets) or paid.minor <= 0:
        return nets if paid.minor > 0 else [0] * len(nets)
    return [part.minor for part in paid.split(nets)]


def _referral(order: Order, who: Candidate, base: int, amount: int, at: datetime) -> Referral:
    return Referral(
        shop_id=order.shop_id,
        order_id=order.order_id,
        level=who.level,
        earner_shop_id=who.earner_shop_id,
        code=who.code,
        base_minor=base,
        amount_minor=amount,
        fixed_at=at,
    )


async def release(conn: db.Connection, order: Order, at: datetime) -> None:
    """The after-sale window of a locked order is over: what was frozen of it is the sharers'."""
    if order.share_code is None:
        return
    nothing, released = Money(0, order.currency), Money(order.released_minor, order.currency)
    given = (await sharing_out.of(conn, order, nothing, released)).given
    transfers = [
        Transfer(chart.REFERRAL_HELD, chart.due_to(each.referral.earner_shop_id), each.amount)
        for each in given
        if each.amount
    ]
    reference = str(order.order_id)
    if not transfers or await journals.find(conn, order.shop_id, RELEASED, reference) is not None:
        return
    transfers += await _lend(conn, order, sum((each.amount for each in given), nothing), at)
    await journals.post(
        conn,
        order.shop_id,
        kind=RELEASED,
        reference=reference,
        order_id=order.order_id,
        value_on=value_date(at),
        booked_at=at,
        transfers=transfers,
    )
    await sharing_out.tell_sharers(conn, order, given, sharing_out.REFERRED, reference, at)


async def _lend(conn: db.Connection, order: Order, amount: Money, at: datetime) -> list[Transfer]:
    """It was the sharers' while it was frozen: what of it other refunds of the seller took, the
    platform lends."""
    paid = await payments.taken_for(conn, order.shop_id, order.order_id)
    return await bridging.lend_what_lacks(
        conn, order.shop_id, gateway=paid[0].gateway, most=amount, reference=str(order.order_id),
        at=at,
    )  # fmt: skip


async def mirror(
    database: db.Database, from_shop_id: int, order_id: UUID, level: int, at: datetime
) -> None:
    """Have a sharer's shop know what it earns of an order, and hear of it; again is harmless."""
    async with database.connection() as conn:
        found = await referrals.of_order(conn, from_shop_id, order_id)
        order = await orders.get(conn, from_shop_id, order_id)
    assert order is not None, order_id
    row = next(each for each in found if each.level == level)
    earned = Earned(
        shop_id=row.earner_shop_id,
        from_shop_id=from_shop_id,
        order_id=order_id,
        level=level,
        currency=order.currency,
        amount_minor=row.amount_minor,
        fixed_at=row.fixed_at,
    )

    async def write(conn: db.Connection) -> None:
        if await referrals.mirror(conn, earned):
            await telling_sharers.coming(conn, earned.shop_id, at)

    await database.transaction(write)


def tasks() -> dict[str, jobs.Task]:
    """The jobs that write in the sharers' shops, but for their books (passing_on.py)."""

    async def run_mirror(
        context: jobs.Context, *, from_shop_id: int, order_id: str, level: int
    ) -> None:
        await mirror(context.database, from_shop_id, UUID(order_id), level, context.at)

    async def run_look(context: jobs.Context) -> None:
        await sharer_shops.look_again(context.database, context.at)

    return {MIRROR: jobs.Task(run_mirror, attempts=40), LOOK: jobs.Task(run_look, attempts=3)}
