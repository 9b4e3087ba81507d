"""What a run pays, when, and for which orders: one rule for the run, for what is told ahead and
for the pages that explain a payout line by line.

A payout takes what was credited to `payable` with a value date before the run's bound and not
taken by an earlier payout, less what left `payable` otherwise until it was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.clock import SHANGHAI, BusinessCalendar
from littleshop.ledger import accounts, chart
from littleshop.money import Money
from littleshop.risk import holds
from littleshop.risk.holds import Hold
from littleshop.settlement.payouts import Payout

RUN_AT = time(7, 30)  # after the rails' lumps of the night, before the bank opens


class Span(msgspec.Struct, frozen=True):
    """How far a payout reaches: value dates before `before`, of what was booked up to `until`, and
    of orders that an institution held only those that lay where it pays from."""

    before: date
    until: datetime
    held_by: str = ""  # the institution that it pays from


class Line(msgspec.Struct, frozen=True):
    """What a payout is made of: `kind` order, fee, shared (what sharers have of an order), refund,
    margin or margin_back (of what another shop ships), referral or referral_back (of what another
    shop sold by a share), returned, correction, kept (it stays in the balance) or kept_before (it
    stayed there)."""

    kind: str
    order_id: UUID | None
    number: int | None
    amount: Money


class Coming(msgspec.Struct, frozen=True):
    """The run that pays next, and how much of what is available now goes with it."""

    on: date
    amount: Money


class _Movement(msgspec.Struct, frozen=True):
    """A journal that moved `payable`: up for more, down for less. `held_by` is the institution that
    held the order's money, "" for none, None without an order."""

    kind: str
    order_id: UUID | None
    number: int | None
    value_on: date
    booked_at: datetime
    held_by: str | None
    minor: int
    fee_minor: int
    shared_minor: int

    def within(self, span: Span) -> bool:
        if span.held_by and self.held_by not in (None, span.held_by):
            return False
        return self.booked_at <= span.until and (self.minor < 0 or self.value_on < span.before)


def span(payout: Payout) -> Span:
    """How far this payout reached."""
    return Span(payout.counts_before, payout.asked_at, payout.held_by)


def pays_on(calendar: BusinessCalendar, value_on: date) -> date:
    """The day of the run that pays what has this value date. Raises UncoveredYear."""
    counted = value_on if calendar.is_working(value_on) else calendar.next_working(value_on)
    return calendar.next_working(counted)


async def held(conn: db.Connection, shop_id: int, at: datetime) -> Hold | None:
    """What keeps a run at `at` from paying this shop, though all that a payout needs is there."""
    return await holds.current(conn, shop_id, at)


def first_after(hold: Hold, calendar: BusinessCalendar) -> date | None:
    """The day of the first run that this hold does not keep back, None while nobody lifts it.

    Raises UncoveredYear.
    """
    if hold.until_at is None:
        return None
    over = hold.until_at.astimezone(SHANGHAI)
    in_time = over.time() <= RUN_AT and calendar.is_working(over.date())
    return over.date() if in_time else calendar.next_working(over.date())


async def first_run(
    conn: db.Connection,
    shop_id: int,
    currency: str,
    coming: date,
    calendar: BusinessCalendar,
    kept: Money,
    here: Money,
) -> Coming | None:
    """The run, on the day `coming` or later, that pays the first part of what is available, not
    `kept` back and `here` by now.

    None when nothing is. Raises UncoveredYear.
    """
    before = calendar.counts_before(coming)
    due = await accounts.payable_before(conn, shop_id, currency, before) - kept
    if due.minor > 0:
        return Coming(coming, min(due, here))
    found: Coming | None = None
    later = await accounts.payable_from(conn, shop_id, currency, before)
    for value_on, amount in later.items():
        due, on = due + amount, pays_on(calendar, value_on)
        if found is not None and on != found.on:
            break
        if due.minor > 0:
            found = Coming(on, min(due, here))
    return found


async def lines(
    conn: db.Connection,
    shop_id: int,
    currency: str,
    spans: Sequence[Span],
    *,
    after: date | None,
    until: datetime,
) -> list[list[Line]]:
    """The lines of payouts with these spans, oldest first, and last of what none of them took.

    `after` is the bound of the payout before them, None when there was none: all that they can
    have taken was booked with a value date from there on. A sale is two lines, the order and the
    platform's fee.
    """
    shares: list[list[Line]] = [[] for _ in range(len(spans) + 1)]
    for moved in await _movements(conn, shop_id, currency, after, until):
        taken = (place for place, reach in enumerate(spans) if moved.within(reach))
        shares[next(taken, len(spans))] += _lines(moved, currency)
    return shares


def with_kept(lines: Sequence[Line], kept: Money, kept_before: Money) -> list[Line]:
    """A payout's lines with what the one before it left in the balance, and what it left itself."""
    told = list(lines)
    if kept_before:
        told.append(Line("kept_before", None, None, kept_before))
    if kept:
        told.append(Line("kept", None, None, -kept))
    return told


def that_sum_to(
    amount: Money, lines: Sequence[Line], kept: Money, kept_before: Money
) -> list[Line]:
    """As `with_kept`; of payouts from several institutions the rest, so that they are the sum."""
    told, zero = with_kept(lines, kept, kept_before), Money(0, amount.currency)
    if sum(each.amount.minor for each in told) == amount.minor:
        return told
    rest = amount - Money(sum(each.amount.minor for each in lines), amount.currency)
    return with_kept(lines, -rest, zero) if rest.minor < 0 else with_kept(lines, zero, rest)


def _lines(moved: _Movement, currency: str) -> list[Line]:
    kind, whole = _KINDS.get(moved.kind, "correction"), moved.minor
    parts = (("fee", moved.fee_minor), ("shared", moved.shared_minor))
    for _, minor in parts:
        whole += minor
    told = [Line(kind, moved.order_id, moved.number, Money(whole, currency))]
    return told + [Line(one, None, None, Money(-minor, currency)) for one, minor in parts if minor]


_KINDS = {
    "received": "order",
    "refunded": "refund",
    "clawed_back": "refund",
    "margin": "margin",
    "margin_back": "margin_back",
    "referral": "referral",
    "referral_back": "referral_back",
    "paid_by_seller": "refund",
    "payout_returned": "returned",
    "reversed_payout": "returned",
}


async def _movements(
    conn: db.Connection, shop_id: int, currency: str, after: date | None, until: datetime
) -> list[_Movement]:
    """What moved `payable`, oldest first; payouts themselves are not told."""
    return await db.all(
        conn,
        _Movement,
        "select j.kind, j.order_id, o.number, j.value_on, j.booked_at,"
        " coalesce(max(p.gateway), case when j.order_id is not null then '' end) as held_by,"
        " sum(case when t.credit = $2 then t.amount_minor"
        "          when t.debit = $2 then -t.amount_minor else 0 end)::bigint as minor,"
        " sum(case when t.credit = $3 then t.amount_minor else 0 end)::bigint as fee_minor,"
        " sum(case when t.credit = $7 then t.amount_minor else 0 end)::bigint as shared_minor"
        "  from journals j"
        "  join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id"
        "  left join orders o on o.shop_id = j.shop_id and o.order_id = j.order_id"
        "  left join payments p on p.shop_id = j.shop_id and p.order_id = j.order_id"
        "   and p.outcome = 'accepted' and p.held_for is not null"
        " where j.shop_id = $1 and t.currency = $4 and j.kind <> 'payout' and j.booked_at <= $5"
        "   and ($6::date is null or j.value_on >= $6)"
        " group by j.journal_id, j.kind, j.order_id, o.number, j.value_on, j.booked_at"
        " having bool_or($2 in (t.credit, t.debit)) order by j.booked_at",
        shop_id,
        chart.PAYABLE,
        chart.COMMISSION,
        currency,
        until,
        after,
        chart.REFERRAL_HELD,
    )
