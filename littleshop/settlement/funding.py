"""Funding: the rail's lump lies in shop 0; a payout takes its part of it before it may leave.

Each shop keeps its own books, so this is two transactions: shop 0 gives, the shop takes. A kill
between them leaves money given and not taken, which the next attempt takes.

Lumps are not told apart by shop, so a payout is given only what is surely not another's (Purse).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from littleshop import db
from littleshop.clock import SHANGHAI, BusinessCalendar, UncoveredYear, value_date
from littleshop.ledger import accounts, chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.settlement import payouts
from littleshop.settlement.payouts import Payout
from littleshop.shop.shops import PLATFORM

KIND = "funded"


@dataclass
class Purse:
    """What of shop 0's money may be given to whom, minor units of one currency.

    `own` is what the rails must have paid us for each shop by now; `spare` is what lies there
    beyond all of that. It is below zero when the rails paid less than they took (a fee, a lump
    that is late): then nobody can be paid without taking it from somebody.
    """

    own: dict[int, int]
    spare: int

    def covers(self, shop_id: int, needed: Money) -> bool:
        """Whether this much can be given without touching what is another shop's."""
        return self.spare >= max(needed.minor - self.own.get(shop_id, 0), 0)

    def spend(self, shop_id: int, needed: Money) -> None:
        """So much was given."""
        own = self.own.get(shop_id, 0)
        self.own[shop_id] = max(own - needed.minor, 0)
        self.spare -= max(needed.minor - own, 0)


async def purse(conn: db.Connection, currency: str, arrived_before: date) -> Purse:
    """Look into it; what was taken before `arrived_before` (a value date) the rails have paid.

    A shop's claim is what the rails owe it less our commission, which is not the shop's. What was
    paid out of a rail's own money since, the rail will not bring: it is taken off what is fresh.
    """
    rows = await conn.fetch(_CLAIMS, currency, arrived_before, chart.COMMISSION, _TAKINGS, KIND)
    own = {row["shop_id"]: row["minor"] for row in rows if row["minor"] > 0}
    lies_there = await db.value(conn, _LIES_THERE, currency, PLATFORM, chart.BANK, chart.SUSPENSE)
    return Purse(own, lies_there - sum(own.values()))


def arrived_before(calendar: BusinessCalendar, at: datetime, otherwise: date) -> date:
    """The rails pay a day's takings the next working day, and the day after we read of it;
    `otherwise` where the calendar knows no working days."""
    try:
        return calendar.previous_working(at.astimezone(SHANGHAI).date())
    except UncoveredYear:
        return otherwise


# What came over from another seller was taken no earlier than that, for all we look at here.
_TAKINGS = ["paid", "received_astray", "commission_shared", "came_over"]
_CLAIMS = """
    select /* all shops: the rails pay for them all at once */
           held.shop_id, (held.minor - coalesce(fresh.minor, 0))::bigint as minor
      from (select shop_id, sum(debits_minor - credits_minor) as minor from accounts
             where shop_id <> 0 and currency = $1
               and (account like 'gateway_clearing:%' or account = $3) group by shop_id) held
      left join (select t.shop_id, greatest(sum(case j.kind when $5 then -t.amount_minor
                                                else t.amount_minor end), 0) as minor
                   from journals j
                   join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id
                  where j.value_on >= $2 and t.currency = $1
                    and ((j.kind = any($4) and t.debit like 'gateway_clearing:%')
                         or (j.kind = $5 and t.debit like 'leaving:%'
                             and t.credit like 'gateway_clearing:%'))
                  group by t.shop_id) fresh on fresh.shop_id = held.shop_id"""
# What was given and is not taken yet, or was taken back and not given back yet, lies there still.
_LIES_THERE = """
    select /* all shops: what is on its way between the platform and any of them */
           (coalesce((select min(minor) from (
              select account, sum(case account when $3 then debits_minor - credits_minor
                                  else credits_minor - debits_minor end) as minor
                from accounts where shop_id = $2 and currency = $1 and account in ($3, $4)
               group by account) both_sides), 0)
            + coalesce((select sum(p.need_minor) from payouts p
                         where p.currency = $1 and p.status in ('asked', 'rejected')
                           and p.rail = 'bank'
                           and p.given_back_at is null and exists (
                             select from journals j where j.shop_id = $2 and j.kind = 'funded'
                                and j.reference = p.reference)
                           and not exists (
                             select from journals j where j.shop_id = $2
                                and j.kind = 'reversed_funded'
                                and j.reference = p.reference)), 0))::bigint"""


async def fund(database: db.Database, payout: Payout, purse: Purse, at: datetime) -> bool:
    """Bring the money for a payout to where the bank will take it; False while it must wait."""
    needed = await database.transaction(lambda conn: _decide(conn, payout))
    if needed is None:
        return False
    if needed and not await database.transaction(
        lambda conn: _give(conn, payout, needed, purse, at)
    ):
        return False
    purse.spend(payout.shop_id, needed)
    return await database.transaction(lambda conn: _take(conn, payout, needed, at))


async def put_apart(conn: db.Connection, payout: Payout, source: str, at: datetime) -> bool:
    """Over another rail than the bank: take the payout's money from what the rail has of the
    shop's; False while that is short."""
    held = await accounts.lock(conn, payout.shop_id, [source], payout.currency)
    kept = await payouts.lock(conn, payout.shop_id, payout.payout_id)
    if kept.status != "asked":
        return kept.status == "funded"
    if held.get(source, 0) < payout.amount_minor:
        return False
    await payouts.decide_need(conn, payout, payout.amount)
    await payouts.mark_funded(conn, payout, at)
    return await journals.post(
        conn,
        payout.shop_id,
        kind=KIND,
        reference=payout.reference,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(chart.leaving(payout.rail), source, payout.amount)],
    )


async def give_back(database: db.Database, payout: Payout, at: datetime) -> None:
    """Shop 0 gets back what it gave for a payout that the bank rejected."""

    async def work(conn: db.Connection) -> None:
        await journals.reverse(
            conn,
            PLATFORM,
            kind=KIND,
            reference=payout.reference,
            why=payout.reason,
            value_on=value_date(at),
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
            " and rail = 'bank' and status in ('asked', 'funded', 'sent')",
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
    conn: db.Connection, payout: Payout, needed: Money, purse: Purse, at: datetime
) -> bool:
    """Shop 0 lets go of a part of the lump; False when it has not got so much of it
    that is neither another shop's nor kept by the rail."""
    known = await db.value(
        conn,
        "select 1 from journals where shop_id = $1 and kind = $2 and reference = $3",
        PLATFORM,
        KIND,
        payout.reference,
    )
    if known:
        return True
    if not purse.covers(payout.shop_id, needed):
        return False
    if not await lies_there(conn, needed):
        return False
    await journals.post(
        conn,
        PLATFORM,
        kind=KIND,
        reference=payout.reference,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(chart.SUSPENSE, chart.BANK, needed)],
    )
    return True


async def lies_there(conn: db.Connection, amount: Money) -> bool:
    """Whether so much of the rails' lumps lies in shop 0; nobody moves them until we commit."""
    sides = [chart.BANK, chart.SUSPENSE]
    held = await accounts.lock(conn, PLATFORM, sides, amount.currency)
    return all(held.get(side, 0) >= amount.minor for side in sides)


async def _take(conn: db.Connection, payout: Payout, needed: Money, at: datetime) -> bool:
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
            value_on=value_date(at),
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
