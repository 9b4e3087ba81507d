"""Accounts: balances, derived once per transfer and proved by the audit."""

from __future__ import annotations

from datetime import date, datetime

from littleshop import db
from littleshop.ledger.chart import DUE_TO_SHOP, PAYABLE
from littleshop.money import Money


async def balance(conn: db.Connection, shop_id: int, account: str, currency: str) -> Money:
    """The balance on the account's own side; zero when nothing was ever booked."""
    minor = await db.value(
        conn,
        "select case side when 'debit' then debits_minor - credits_minor"
        " else credits_minor - debits_minor end from accounts"
        " where shop_id = $1 and account = $2 and currency = $3",
        shop_id,
        account,
        currency,
    )
    return Money(minor or 0, currency)


async def balances(conn: db.Connection, shop_id: int) -> dict[tuple[str, str], Money]:
    """Every balance of a shop by (account, currency)."""
    rows = await conn.fetch(
        "select account, currency, case side when 'debit' then debits_minor - credits_minor"
        " else credits_minor - debits_minor end as minor from accounts where shop_id = $1",
        shop_id,
    )
    return {(r["account"], r["currency"]): Money(r["minor"], r["currency"]) for r in rows}


async def lock(
    conn: db.Connection, shop_id: int, names: list[str], currency: str
) -> dict[str, int]:
    """Balances on the accounts' own sides, minor units, which nobody moves until we commit."""
    rows = await conn.fetch(
        "select account, case side when 'debit' then debits_minor - credits_minor"
        " else credits_minor - debits_minor end as minor from accounts"
        " where shop_id = $1 and account = any ($2) and currency = $3 order by account for update",
        shop_id,
        names,
        currency,
    )
    return {row["account"]: row["minor"] for row in rows}


async def lock_all(conn: db.Connection, shop_id: int, currency: str) -> dict[str, int]:
    """Every balance of a shop on its own side, minor units, which nobody moves until we commit."""
    rows = await conn.fetch(
        "select account, case side when 'debit' then debits_minor - credits_minor"
        " else credits_minor - debits_minor end as minor from accounts"
        " where shop_id = $1 and currency = $2 order by account for update",
        shop_id,
        currency,
    )
    return {row["account"]: row["minor"] for row in rows}


async def shops_with(conn: db.Connection, account: str, currency: str) -> list[int]:
    """The shops in which something stands on this account."""
    rows = await conn.fetch(
        "select /* all shops: the run visits them one by one */ shop_id from accounts"
        " where account = $1 and currency = $2 and debits_minor <> credits_minor order by shop_id",
        account,
        currency,
    )
    return [row["shop_id"] for row in rows]


async def owed_between(conn: db.Connection) -> list[tuple[int, int, str]]:
    """Who owes whom something, of sellers: (shop, other shop, currency)."""
    rows = await conn.fetch(
        "select /* all shops: what they owe one another */ shop_id, account, currency"
        " from accounts where account like $1 and credits_minor > debits_minor"
        " order by shop_id, account",
        f"{DUE_TO_SHOP}:%",
    )
    return [
        (row["shop_id"], int(row["account"].partition(":")[2]), row["currency"]) for row in rows
    ]


async def released_since(
    conn: db.Connection, shop_id: int, currency: str, since: datetime
) -> Money:
    """What became the seller's since then, less what was clawed back of it."""
    minor = await db.value(
        conn,
        "select coalesce(sum(case $2 when t.credit then t.amount_minor"
        "                            when t.debit then -t.amount_minor end), 0)::bigint"
        "  from journals j join transfers t"
        "    on t.shop_id = j.shop_id and t.journal_id = j.journal_id"
        " where j.shop_id = $1 and j.booked_at > $4 and t.currency = $3"
        "   and j.kind in ('received', 'clawed_back', 'margin', 'margin_back',"
        "                  'referral', 'referral_back')",
        shop_id,
        PAYABLE,
        currency,
        since,
    )
    return Money(max(int(minor), 0), currency)


async def payable_before(conn: db.Connection, shop_id: int, currency: str, before: date) -> Money:
    """What of `payable` has a value date before `before`, less everything that left it.

    It is the balance less what counts later, so only the latest journals are looked at. Money
    that left (payouts, claw-backs) counts whatever its date, so the sum is never too large.
    """
    minor = await db.value(
        conn,
        "select coalesce((select credits_minor - debits_minor from accounts"
        "                  where shop_id = $1 and account = $2 and currency = $3), 0)"
        "     - coalesce((select sum(t.amount_minor)::bigint from journals j join transfers t"
        "                     on t.shop_id = j.shop_id and t.journal_id = j.journal_id"
        "                  where j.shop_id = $1 and j.value_on >= $4"
        "                    and t.credit = $2 and t.currency = $3), 0)",
        shop_id,
        PAYABLE,
        currency,
        before,
    )
    return Money(minor, currency)


async def payable_from(
    conn: db.Connection, shop_id: int, currency: str, first: date
) -> dict[date, Money]:
    """What was credited to `payable` with a value date from `first` on, by that date."""
    rows = await conn.fetch(
        "select j.value_on, sum(t.amount_minor)::bigint as minor"
        "  from journals j join transfers t"
        "    on t.shop_id = j.shop_id and t.journal_id = j.journal_id"
        " where j.shop_id = $1 and j.value_on >= $4 and t.credit = $2 and t.currency = $3"
        " group by j.value_on order by j.value_on",
        shop_id,
        PAYABLE,
        currency,
        first,
    )
    return {row["value_on"]: Money(row["minor"], currency) for row in rows}


async def lock_payable(conn: db.Connection, shop_id: int, currency: str, before: date) -> Money:
    """`payable_before`, and nobody moves the account until we commit."""
    await db.run(
        conn,
        "select 1 from accounts where shop_id = $1 and account = $2 and currency = $3 for update",
        shop_id,
        PAYABLE,
        currency,
    )
    return await payable_before(conn, shop_id, currency, before)
