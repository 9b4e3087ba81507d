"""Funding: the rail's lump lies in shop 0; a payout takes its part of it before it may leave.

Each shop keeps its own books, so this is two transactions: shop 0 gives, the shop takes. A kill
between them leaves money given and not taken, which the next attempt takes.
"""

from __future__ import annotations

from datetime import datetime

from littleshop import db
from littleshop.clock import BusinessCalendar
from littleshop.ledger import accounts, chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.settlement import payouts
from littleshop.settlement.payouts import Payout
from littleshop.shop.shops import PLATFORM

KIND = "funded"


async def fund(
    database: db.Database, payout: Payout, calendar: BusinessCalendar, at: datetime
) -> bool:
    """Bring the money for a payout to where the bank will take it; False while it must wait."""
    needed = await database.transaction(lambda conn: _decide(conn, payout))
    if needed is None:
        return False
    if needed and not await database.transaction(
        lambda conn: _give(conn, payout, needed, calendar, at)
    ):
        return False
    return await database.transaction(lambda conn: _take(conn, payout, needed, calendar, at))


async def give_back(
    database: db.Database, payout: Payout, calendar: BusinessCalendar, at: datetime
) -> None:
    """Shop 0 gets back what it gave for a payout that the bank rejected."""

    async def work(conn: db.Connection) -> None:
        await journals.reverse(
            conn,
            PLATFORM,
            kind=KIND,
            reference=payout.reference,
            why=payout.reason,
            value_on=calendar.business_date(at),
            booked_at=at,
        )

    if payout.need:
        await database.transaction(work)
    await database.transaction(lambda conn: payouts.mark_given_back(conn, payout, at))


async def _decide(conn: db.Connection, payout: Payout) -> Money | None:
    """How much the rail's money must bring; None while the shop's share of it is short.

    What came back from the bank earlier lies in the shop's own bank account and is used first.
    The answer is written down, so that a repeat asks shop 0 for the same sum.
    """
    held = await _lock(conn, payout)
    kept = await payouts.lock(conn, payout.shop_id, payout.payout_id)
    if kept.need_minor is None:
        spoken_for = await db.value(
            conn,
            "select coalesce(sum(case when status = 'asked' then amount_minor - need_minor"
            " else amount_minor end), 0)::bigint from payouts"
            " where shop_id = $1 and currency = $2 and need_minor is not null"
            " and status in ('asked', 'funded', 'sent')",
            payout.shop_id,
            payout.currency,
        )
        free = max(held.get(chart.BANK, 0) - spoken_for, 0)
        need = Money(max(payout.amount_minor - free, 0), payout.currency)
        await payouts.decide_need(conn, payout, need)
    else:
        need = kept.need
    return need if _with_rails(held) >= need.minor else None


async def _give(
    conn: db.Connection, payout: Payout, needed: Money, calendar: BusinessCalendar, at: datetime
) -> bool:
    """Shop 0 lets go of a part of the lump; False when it has not got so much."""
    known = await db.value(
        conn,
        "select 1 from journals where shop_id = $1 and kind = $2 and reference = $3",
        PLATFORM,
        KIND,
        payout.reference,
    )
    if known:
        return True
    await db.run(
        conn,
        "select 1 from accounts where shop_id = $1 and account = any($2) and currency = $3"
        " order by account for update",
        PLATFORM,
        [chart.BANK, chart.SUSPENSE],
        needed.currency,
    )
    for account in (chart.BANK, chart.SUSPENSE):
        if await accounts.balance(conn, PLATFORM, account, needed.currency) < needed:
            return False
    await journals.post(
        conn,
        PLATFORM,
        kind=KIND,
        reference=payout.reference,
        value_on=calendar.business_date(at),
        booked_at=at,
        transfers=[Transfer(chart.SUSPENSE, chart.BANK, needed)],
    )
    return True


async def _take(
    conn: db.Connection, payout: Payout, needed: Money, calendar: BusinessCalendar, at: datetime
) -> bool:
    """The shop takes what shop 0 gave: the rails have paid it this much."""
    held = await _lock(conn, payout)
    if _with_rails(held) < needed.minor:
        return False
    moved = await payouts.mark_funded(conn, payout, at)
    if moved and needed:
        await journals.post(
            conn,
            payout.shop_id,
            kind=KIND,
            reference=payout.reference,
            value_on=calendar.business_date(at),
            booked_at=at,
            transfers=_from_rails(held, needed),
        )
    return True


async def _lock(conn: db.Connection, payout: Payout) -> dict[str, int]:
    """The shop's bank account and what each rail owes it, minor units, locked in their order."""
    rows = await conn.fetch(
        "select account, debits_minor - credits_minor as minor from accounts"
        " where shop_id = $1 and currency = $2 and (account = $3 or account like $4)"
        " order by account for update",
        payout.shop_id,
        payout.currency,
        chart.BANK,
        f"{chart.gateway_clearing('')}%",
    )
    return {row["account"]: row["minor"] for row in rows}


def _with_rails(held: dict[str, int]) -> int:
    return sum(minor for account, minor in held.items() if account != chart.BANK)


def _from_rails(held: dict[str, int], needed: Money) -> list[Transfer]:
    """From which rails' money it comes: the largest first."""
    parts, left = [], needed.minor
    rails = sorted((-minor, account) for account, minor in held.items() if account != chart.BANK)
    for owed, account in rails:
        part = min(-owed, left)
        if part > 0:
            parts.append(Transfer(chart.BANK, account, Money(part, needed.currency)))
            left -= part
    assert left == 0, held
    return parts
