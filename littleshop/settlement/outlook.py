"""What a seller sees ahead: what is available, held or on its way, when it comes, what lacks."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from littleshop import db
from littleshop.clock import SHANGHAI, BusinessCalendar, UncoveredYear
from littleshop.ledger import accounts, chart, cover
from littleshop.money import Money
from littleshop.risk.holds import Hold
from littleshop.settlement import due, keeping_back, payouts, runs
from littleshop.settlement.desks import CURRENCY
from littleshop.settlement.due import Coming
from littleshop.shop import cards, merchants, shops


class OnTheWay(msgspec.Struct, frozen=True):
    """A payout that has left the balance; `waits` is rail_money while the rail has not paid us,
    `to_agree` when its payee must take it first."""

    payout_id: str
    amount: Money
    arrives_on: date | None
    rail: str
    bank_code: str
    tail: str
    waits: str
    to_agree: bool = False


class Expected(msgspec.Struct, frozen=True):
    """A shop's money. `waits` are the things missing before a payout: identity, card, currency;
    `hold` keeps it back though nothing lacks; `next_on` is the run that pays next, and `next_sum`
    what of it, `arrives_on` the day the bank carries it out. `not_here` of what is available other
    sellers owe still, `owed_by` says who and how much."""

    available: Money
    held: Money
    held_orders: int
    on_the_way: tuple[OnTheWay, ...]
    kept: Money
    next_on: date | None
    next_sum: Money | None
    arrives_on: date | None
    waits: tuple[str, ...]
    not_here: Money
    owed_by: dict[int, Money]
    hold: Hold | None = None


async def blocks(conn: db.Connection, shop_id: int, currency: str = CURRENCY) -> tuple[str, ...]:
    """What must happen before a shop can be paid: identity, card, currency."""
    merchant = await merchants.find(conn, shop_id)
    card = await cards.active(conn, shop_id)
    reasons = {
        "identity": merchant is None or merchant.verdict != "matched",
        "card": card is None or card.verdict != "matched",
        "currency": currency != CURRENCY,
    }
    return tuple(name for name, missing in reasons.items() if missing)


async def expected(
    conn: db.Connection, shop_id: int, calendar: BusinessCalendar, at: datetime
) -> Expected:
    """What a shop can expect at `at`. Dates are None where the calendar knows no working days."""
    currency = (await shops.get(conn, shop_id)).currency
    balances = await accounts.balances(conn, shop_id)
    nothing = Money(0, currency)
    available = balances.get((chart.PAYABLE, currency), nothing)
    kept = await keeping_back.kept_back(conn, shop_id, currency, at)
    own = {name: sum_.minor for (name, in_), sum_ in balances.items() if in_ == currency}
    not_here = Money(cover.not_here(own), currency)
    waits = await blocks(conn, shop_id, currency)
    hold = await due.held(conn, shop_id, at)
    coming = None
    here = available - not_here
    if min(available - kept, here).minor > 0 and not waits:
        coming = await _next_run(conn, shop_id, kept, here, calendar, hold, at)
    return Expected(
        available=available,
        kept=kept,
        held=balances.get((chart.ESCROW, currency), nothing),
        held_orders=await db.value(
            conn,
            "select count(*) from orders where shop_id = $1 and held_minor > 0",
            shop_id,
        ),
        on_the_way=tuple(
            [
                _on_the_way(payout, calendar, at)
                for payout in await payouts.of_shop(conn, shop_id)
                if payout.under_way
            ]
        ),
        next_on=None if coming is None else coming.on,
        next_sum=None if coming is None else coming.amount,
        arrives_on=None if coming is None else coming.on,
        waits=waits,
        not_here=not_here,
        owed_by={other: Money(minor, currency) for other, minor in cover.owed_by(own).items()},
        hold=hold,
    )


def _on_the_way(payout: payouts.Payout, calendar: BusinessCalendar, at: datetime) -> OnTheWay:
    arrives_on, waits = payout.arrives_on, payout.state == "waits"
    if arrives_on is None and not waits:  # nobody knows when the rail will pay
        try:
            arrives_on = execution_day(calendar, payout.run_on, at)
        except UncoveredYear:
            arrives_on = None
    return OnTheWay(
        payout_id=str(payout.payout_id),
        amount=payout.amount,
        arrives_on=arrives_on,
        rail=payout.rail,
        bank_code=payout.bank_code,
        tail=payout.tail,
        waits="rail_money" if waits else "",
        to_agree=payout.confirm_sealed is not None,
    )


def execution_day(calendar: BusinessCalendar, run_on: date, at: datetime) -> date:
    """The day on which the bank shall pay: the run's, or the next working day when that is past."""
    today = at.astimezone(SHANGHAI).date()
    soonest = today if calendar.is_working(today) else calendar.next_working(today)
    return max(run_on, soonest)


async def _next_run(
    conn: db.Connection,
    shop_id: int,
    kept: Money,
    here: Money,
    calendar: BusinessCalendar,
    hold: Hold | None,
    at: datetime,
) -> Coming | None:
    """The run that pays the first part of what is available."""
    today = at.astimezone(SHANGHAI).date()
    try:
        made = await runs.find(conn, today)
        usable = calendar.is_working(today) and (made is None or not made.done("made"))
        coming = today if usable else calendar.next_working(today)
        if hold is not None:
            free_on = due.first_after(hold, calendar)
            if free_on is None:
                return None
            coming = max(coming, free_on)
        return await due.first_run(conn, shop_id, kept.currency, coming, calendar, kept, here)
    except UncoveredYear:
        return None
