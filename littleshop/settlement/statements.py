"""The bank's statements: every movement it told us, once, and what became of it in the books."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import msgspec

from littleshop import db
from littleshop.money import Money
from littleshop.settlement.bank_answers import Statement, StatementEntry
from littleshop.shop.shops import PLATFORM

LOOK_BACK = 14  # days for which a late statement is still asked
LONGEST = 60  # days that one pass catches up


class Entry(msgspec.Struct, frozen=True):
    """A booked movement of our account; `outcome` paid_out, returned, lump, taken, or None while
    it waits (`waits` says for what)."""

    account: str
    entry_key: str
    direction: str
    amount_minor: int
    currency: str
    booked_on: date
    value_on: date
    reference: str | None
    returned: bool
    reason: str | None
    words: str
    outcome: str | None
    waits: str

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


_ENTRY = ", ".join(Entry.__struct_fields__)


async def unread(conn: db.Connection, account: str, today: date) -> list[date]:
    """The days whose statement is missing, oldest first, up to yesterday."""
    read = await conn.fetch(
        "select distinct day from bank_statements where shop_id = $1 and account = $2",
        PLATFORM,
        account,
    )
    known = {row["day"] for row in read}
    first = today - timedelta(days=LOOK_BACK)
    if known:
        first = min(first, max(known) + timedelta(days=1))
    days = [first + timedelta(days=ahead) for ahead in range((today - first).days)]
    return [day for day in days if day not in known][:LONGEST]


async def keep(conn: db.Connection, statement: Statement, day: date, at: datetime) -> Money | None:
    """Keep a statement and its entries once. The opening balance when it is our first one."""
    earlier = await db.value(
        conn,
        "select count(*) from bank_statements where shop_id = $1 and account = $2",
        PLATFORM,
        statement.account,
    )
    kept = await db.run(
        conn,
        "insert into bank_statements (shop_id, account, statement_id, day, opening_minor,"
        " closing_minor, is_first, read_at) values ($1, $2, $3, $4, $5, $6, $7, $8)"
        " on conflict on constraint bank_statements_pkey do nothing",
        PLATFORM,
        statement.account,
        statement.statement_id,
        day,
        statement.opening.minor if statement.opening else None,
        statement.closing.minor if statement.closing else None,
        earlier == 0,
        at,
    )
    for position, entry in enumerate(statement.entries):
        await _keep_entry(conn, statement, entry, position, at)
    return statement.opening if kept and earlier == 0 else None


async def _keep_entry(
    conn: db.Connection, statement: Statement, entry: StatementEntry, position: int, at: datetime
) -> None:
    strangers = entry.direction == "credit" and entry.reference is None
    words = f"{entry.counterparty} {entry.text}".strip() if strangers else ""
    await db.run(
        conn,
        "insert into bank_entries (shop_id, account, entry_key, statement_id, position, direction,"
        " amount_minor, currency, booked_on, value_on, reference, returned, reason, words, read_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
        " on conflict on constraint bank_entries_pkey do nothing",
        PLATFORM,
        statement.account,
        entry.key,
        statement.statement_id,
        position,
        entry.direction,
        entry.amount.minor,
        entry.amount.currency,
        entry.booked_on,
        entry.value_on,
        entry.reference,
        entry.returned,
        entry.reason.value if entry.reason else None,
        words,
        at,
    )


async def closing(conn: db.Connection, account: str) -> tuple[date, int] | None:
    """The day and the closing balance, minor units, of the latest statement that told it."""
    row = await conn.fetchrow(
        "select day, closing_minor from bank_statements where shop_id = $1 and account = $2"
        " and closing_minor is not null order by day desc limit 1",
        PLATFORM,
        account,
    )
    return None if row is None else (row["day"], row["closing_minor"])


async def booked_days(conn: db.Connection, keys: Iterable[str]) -> dict[str, date]:
    """The day on which the bank booked each of these movements."""
    rows = await conn.fetch(
        "select entry_key, booked_on from bank_entries where shop_id = $1 and entry_key = any($2)",
        PLATFORM,
        list(keys),
    )
    return {row["entry_key"]: row["booked_on"] for row in rows}


async def waiting(conn: db.Connection) -> list[Entry]:
    """Movements that are not in the books yet, in the order in which they happened."""
    return await db.all(
        conn,
        Entry,
        f"select {_ENTRY} from bank_entries where shop_id = $1 and outcome is null"
        " order by booked_on, statement_id, position",
        PLATFORM,
    )


async def settle(conn: db.Connection, entry: Entry, outcome: str, at: datetime) -> None:
    """Write what the movement was; the first time counts."""
    await db.run(
        conn,
        "update bank_entries set outcome = $4, booked_at = $5, waits = ''"
        " where shop_id = $1 and account = $2 and entry_key = $3 and outcome is null",
        PLATFORM,
        entry.account,
        entry.entry_key,
        outcome,
        at,
    )


async def leave(conn: db.Connection, entry: Entry, waits: str) -> None:
    """It cannot be booked now; why, for a person to see."""
    await db.run(
        conn,
        "update bank_entries set waits = $4 where shop_id = $1 and account = $2"
        " and entry_key = $3 and outcome is null and waits <> $4",
        PLATFORM,
        entry.account,
        entry.entry_key,
        waits,
    )
