"""A seller's statement: every fen that moved in a span of business days, between two balances.

A line is what one fact in the books did to four pockets of the shop: held for open orders, its
balance, on the way to its card, and what it owes the platform. Opening balance plus lines is the
closing balance, for each pocket, and both are what the ledger says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import date, datetime, timedelta

import msgspec

from littleshop import db
from littleshop.clock import SHANGHAI
from littleshop.errors import Refused
from littleshop.ledger import chart

LONGEST = 366  # days of one statement
AT_A_TIME = timedelta(days=7)  # read in one go, so that a year of a large shop fits


class Pockets(msgspec.Struct, frozen=True):
    """Four sums in minor units of the shop's currency; `owed` is what the platform lent it."""

    held: int = 0
    balance: int = 0
    on_the_way: int = 0
    owed: int = 0

    def __add__(self, other: Pockets) -> Pockets:
        return Pockets(
            self.held + other.held,
            self.balance + other.balance,
            self.on_the_way + other.on_the_way,
            self.owed + other.owed,
        )

    def __bool__(self) -> bool:
        return any((self.held, self.balance, self.on_the_way, self.owed))


class Line(msgspec.Struct, frozen=True):
    """What a fact did: `kind` paid, order, fee, fee_back, margin and margin_back (of what another
    shop ships), referral and referral_back (of what another shop sold by a share), shared and
    unshared (what sharers have of an order), clawed_back, refund, own_account (an
    institution took a refund out of what it had paid him), charged_back, payout, paid_out,
    returned, loan, repaid or correction. `kept_minor` is what the last payout of a run left in the
    balance by the shop's terms (a reserve, a retained sum); `arrived_on` is the bank's day
    of a payout that arrived, which we read of later."""

    kind: str
    number: int | None
    reference: str
    value_on: date
    booked_at: datetime
    moved: Pockets
    kept_minor: int = 0
    arrived_on: date | None = None


class _Fact(msgspec.Struct, frozen=True):
    """A journal: what it moved in each pocket, in our commission, and for sharers."""

    kind: str
    reference: str
    number: int | None
    value_on: date
    booked_at: datetime
    held_minor: int
    balance_minor: int
    way_minor: int
    owed_minor: int
    fee_minor: int
    shared_minor: int
    kept_minor: int
    arrived_on: date | None


_KINDS = {
    "paid": "paid",
    "received": "order",
    "margin": "margin",
    "margin_back": "margin_back",
    "referral": "referral",
    "referral_back": "referral_back",
    "clawed_back": "clawed_back",
    "refunded": "refund",
    "paid_by_seller": "own_account",
    "charged_back": "charged_back",
    "payout": "payout",
    "paid_out": "paid_out",
    "payout_returned": "returned",
    "reversed_payout": "returned",
    "repaid": "repaid",
}


def check(first: date, last: date) -> None:
    """Raises Refused statement_span(most=) unless it is a span of days, a year at most."""
    if not 0 <= (last - first).days < LONGEST:
        raise Refused("statement_span", most=LONGEST)


async def opening(conn: db.Connection, shop_id: int, currency: str, first: date) -> Pockets:
    """The pockets as they were before a business day: as they are, less what moved since."""
    row = await conn.fetchrow(
        f"select {_sums('a.account', 'a.minor')} from ("
        " select account, credits_minor - debits_minor as minor from accounts"
        "  where shop_id = $1 and currency = $2"
        " union all"
        " select unnest(array[t.credit, t.debit]),"
        "        unnest(array[-t.amount_minor, t.amount_minor])"
        "   from journals j join transfers t"
        "     on t.shop_id = j.shop_id and t.journal_id = j.journal_id"
        "  where j.shop_id = $1 and j.value_on >= $3 and t.currency = $2) a",
        shop_id,
        currency,
        first,
    )
    assert row is not None
    return Pockets(*row)


def _sums(account: str, minor: str) -> str:
    return ", ".join(
        f"coalesce(sum({minor}) filter (where {account} = '{name}'), 0)::bigint"
        for name in (chart.ESCROW, chart.PAYABLE, chart.IN_TRANSIT, chart.DUE_TO_SHOP)
    )


async def lines(
    database: db.Database, shop_id: int, currency: str, first: date, last: date
) -> AsyncIterator[list[Line]]:
    """The lines of these business days, a week at a time, in the order of the books."""
    while first <= last:
        until = min(first + AT_A_TIME - timedelta(days=1), last)
        async with database.connection() as conn:
            facts = await _facts(conn, shop_id, currency, first, until)
        yield [line for fact in facts for line in _lines(fact)]
        first = until + timedelta(days=1)


async def total(
    database: db.Database, shop_id: int, currency: str, first: date, last: date, most: int
) -> list[Line]:
    """All lines at once. Raises Refused statement_long(most=) when there are more than that."""
    found: list[Line] = []
    async for some in lines(database, shop_id, currency, first, last):
        found += some
        if len(found) > most:
            raise Refused("statement_long", most=most)
    return found


async def days(conn: db.Connection, shop_id: int) -> tuple[date, date] | None:
    """The first and the last business day on which anything moved."""
    row = await conn.fetchrow(
        "select min(value_on), max(value_on) from journals where shop_id = $1", shop_id
    )
    assert row is not None
    return None if row[0] is None else (row[0], row[1])


def _lines(fact: _Fact) -> Iterable[Line]:
    """A fact as its parts: what happened, our fee on it, and what the platform lent for it."""
    kind = _KINDS.get(fact.kind, "correction")
    about = (fact.number, fact.reference, fact.value_on, fact.booked_at)
    owed = fact.owed_minor if kind == "repaid" else 0
    whole = fact.balance_minor + fact.fee_minor + fact.shared_minor
    main = Pockets(fact.held_minor, whole, fact.way_minor, owed)
    if main:
        arrived_on = (
            (fact.arrived_on or fact.booked_at.astimezone(SHANGHAI).date())
            if kind == "paid_out"
            else None
        )
        yield Line(kind, *about, main, fact.kept_minor, arrived_on)
    if fact.fee_minor:
        fee = "fee" if fact.fee_minor > 0 else "fee_back"
        yield Line(fee, *about, Pockets(balance=-fact.fee_minor))
    if fact.shared_minor:
        shared = "shared" if fact.shared_minor > 0 else "unshared"
        yield Line(shared, *about, Pockets(balance=-fact.shared_minor))
    if fact.owed_minor != owed:
        yield Line("loan", *about, Pockets(owed=fact.owed_minor))


async def _facts(
    conn: db.Connection, shop_id: int, currency: str, first: date, last: date
) -> list[_Fact]:
    """Our commission and what is shared are told only where the seller's balance moved with it."""
    return await db.all(
        conn,
        _Fact,
        "select * from ("
        "select j.kind, j.reference, o.number, j.value_on, j.booked_at,"
        " coalesce(sum(m.minor) filter (where m.account = $5), 0)::bigint as held_minor,"
        " coalesce(sum(m.minor) filter (where m.account = $6), 0)::bigint as balance_minor,"
        " coalesce(sum(m.minor) filter (where m.account = $7), 0)::bigint as way_minor,"
        " coalesce(sum(m.minor) filter (where m.account = $8), 0)::bigint as owed_minor,"
        " case when j.kind in ('received', 'clawed_back') then"
        "  coalesce(sum(m.minor) filter (where m.account = $9), 0)::bigint else 0 end as fee_minor,"
        " case when j.kind in ('received', 'clawed_back') then"
        "  coalesce(sum(m.minor) filter (where m.account = $10 or o.kind <> 'resale'"
        "    and m.account like 'due_from_shop:%'), 0)::bigint else 0 end as shared_minor,"
        " case when j.kind = 'payout' and not exists (select from payouts later"
        "   where later.shop_id = $1 and later.run_id = p.run_id"
        "     and later.kept_minor < p.kept_minor)"
        "  then coalesce(p.kept_minor, 0) else 0 end as kept_minor,"
        " (select max(b.booked_on) from bank_entries b where b.shop_id = 0"
        "   and b.entry_key = p.paid_entry) as arrived_on"
        "  from journals j"
        "  join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id"
        " cross join lateral (values (t.credit, t.amount_minor), (t.debit, -t.amount_minor))"
        "   as m(account, minor)"
        "  left join orders o on o.shop_id = j.shop_id and o.order_id = j.order_id"
        "  left join payouts p on p.shop_id = j.shop_id and p.reference = j.reference"
        "   and j.kind in ('payout', 'paid_out')"
        " where j.shop_id = $1 and j.value_on between $3 and $4 and t.currency = $2"
        " group by j.journal_id, j.kind, j.reference, o.number, j.value_on, j.booked_at,"
        "   p.run_id, p.kept_minor, p.paid_entry) f"
        " where (held_minor, balance_minor, way_minor, owed_minor) <> (0, 0, 0, 0)"
        " order by value_on, booked_at, kind <> 'paid', kind = 'paid_out', reference, kind",
        shop_id,
        currency,
        first,
        last,
        chart.ESCROW,
        chart.PAYABLE,
        chart.IN_TRANSIT,
        chart.DUE_TO_SHOP,
        chart.COMMISSION,
        chart.REFERRAL_HELD,
    )
