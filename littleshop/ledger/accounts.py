"""Accounts: balances, derived once per transfer and proved by the audit."""

from __future__ import annotations

from datetime import date

from littleshop import db
from littleshop.ledger import chart
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


async def lock_payable(conn: db.Connection, shop_id: int, currency: str, before: date) -> Money:
    """What of `payable` has a value date before `before`, less what left it since; row locked.

    Money that left (payouts, claw-backs) counts whatever its date, so the sum is never too large.
    """
    await db.run(
        conn,
        "select 1 from accounts where shop_id = $1 and account = $2 and currency = $3 for update",
        shop_id,
        chart.PAYABLE,
        currency,
    )
    minor = await db.value(
        conn,
        "select coalesce(sum(case when t.credit = $2 and j.value_on < $4 then t.amount_minor"
        "                         when t.debit = $2 then -t.amount_minor else 0 end), 0)::bigint"
        "  from transfers t join journals j"
        "    on j.shop_id = t.shop_id and j.journal_id = t.journal_id"
        " where t.shop_id = $1 and t.currency = $3 and (t.credit = $2 or t.debit = $2)",
        shop_id,
        chart.PAYABLE,
        currency,
        before,
    )
    return Money(minor, currency)
