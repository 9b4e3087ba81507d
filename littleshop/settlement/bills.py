"""Bills: a rail's own account of its days, what differs from our books, and closed days."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.money import Money
from littleshop.pay.gateways import Bill
from littleshop.shop.shops import PLATFORM

_NAMES = UUID("0d9b8f3e-7c55-4b0b-8e5e-0a1e3f5d2c77")  # of difference ids
AROUND = timedelta(days=1)  # a clock of ours and one of theirs may see another day


class Row(msgspec.Struct, frozen=True):
    """A line of a bill, as it was read; `refund_reference` of a refund."""

    kind: str
    reference: str
    refund_reference: str | None
    gateway_trade_no: str
    amount_minor: int
    fee_minor: int
    currency: str
    at: datetime

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def own_reference(self) -> str:
        """Of the payment, or of the refund."""
        return self.refund_reference or self.reference


class Movement(msgspec.Struct, frozen=True):
    """What our books say a rail took or sent back; `reference` as in Row.own_reference."""

    shop_id: int
    kind: str
    reference: str
    amount_minor: int
    currency: str
    at: datetime


class Difference(msgspec.Struct, frozen=True):
    """Where bill and books do not agree. kind: missing_here, missing_there, amount_differs,
    unread. It is explained by a person, or by `books` when they agree in the end."""

    difference_id: UUID
    gateway: str
    day: date
    kind: str
    reference: str
    of_shop_id: int | None
    ours_minor: int | None
    theirs_minor: int | None
    currency: str
    words: str
    found_at: datetime
    explained_at: datetime | None
    explained_by: str
    why: str

    @property
    def suggestion(self) -> str:
        """The act that most often explains it: a key of texts."""
        if self.kind == "missing_here":
            return "ask_rail" if self.of_shop_id is not None else "not_ours"
        return {"missing_there": "ask_rail", "amount_differs": "look_at_trade"}.get(
            self.kind, "read_row"
        )


_DIFFERENCE = ", ".join(Difference.__struct_fields__)


async def days_without(conn: db.Connection, gateway: str, first: date, last: date) -> list[date]:
    """The days from `first` to `last` whose bill was not read or not compared."""
    rows = await conn.fetch(
        "select day from bills where shop_id = $1 and gateway = $2 and day between $3 and $4"
        " and compared_at is not null",
        PLATFORM,
        gateway,
        first,
        last,
    )
    done = {row["day"] for row in rows}
    span = range((last - first).days + 1)
    return [day for day in (first + timedelta(days=n) for n in span) if day not in done]


async def uncompared(conn: db.Connection, gateway: str) -> list[date]:
    """The days whose bill is kept and was never compared, however long ago."""
    rows = await conn.fetch(
        "select day from bills where shop_id = $1 and gateway = $2 and compared_at is null"
        " order by day",
        PLATFORM,
        gateway,
    )
    return [row["day"] for row in rows]


async def first_day(conn: db.Connection, gateway: str) -> datetime | None:
    """When this rail was first asked to take money for us."""
    at = await db.value(
        conn,
        "select /* all shops: the rail makes one bill for all */ min(asked_at) from payments"
        " where gateway = $1",
        gateway,
    )
    assert at is None or isinstance(at, datetime)
    return at


async def keep(conn: db.Connection, bill: Bill, at: datetime) -> bool:
    """Keep a bill with its rows; False when the same day was kept (the first reading stands)."""
    new = await db.run(
        conn,
        "insert into bills (shop_id, gateway, day, sha256, row_count, read_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict on constraint bills_pkey do nothing",
        PLATFORM,
        bill.gateway,
        bill.day,
        bill.sha256,
        len(bill.rows),
        at,
    )
    if not new:
        return False
    await conn.executemany(
        "insert into bill_rows (shop_id, gateway, day, position, kind, reference,"
        " refund_reference, gateway_trade_no, amount_minor, fee_minor, currency, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        [
            (
                PLATFORM,
                bill.gateway,
                bill.day,
                position,
                row.kind,
                row.reference,
                row.refund_reference,
                row.gateway_trade_no,
                row.amount.minor,
                row.fee.minor,
                row.amount.currency,
                row.at,
            )
            for position, row in enumerate(bill.rows)
        ],
    )
    for position, words in enumerate(bill.unread):
        await differ(conn, bill.gateway, bill.day, "unread", f"row {position}", words=words, at=at)
    return True


async def rows_of(conn: db.Connection, gateway: str, day: date) -> list[Row]:
    """The rows of a day's bill."""
    return await db.all(
        conn,
        Row,
        f"select {', '.join(Row.__struct_fields__)} from bill_rows"
        " where shop_id = $1 and gateway = $2 and day = $3 order by position",
        PLATFORM,
        gateway,
        day,
    )


async def rows_of_references(
    conn: db.Connection, gateway: str, references: list[str]
) -> dict[str, Row]:
    """Rows of any day by their own reference, among payments' or refunds'."""
    found = await db.all(
        conn,
        Row,
        f"select {', '.join(Row.__struct_fields__)} from bill_rows where shop_id = $1"
        " and gateway = $2 and coalesce(refund_reference, reference) = any ($3)",
        PLATFORM,
        gateway,
        references,
    )
    return {row.own_reference: row for row in found}


async def moved(
    conn: db.Connection, gateway: str, since: datetime, until: datetime
) -> list[Movement]:
    """What our books say this rail took and sent back in that time, in all shops."""
    return await db.all(
        conn,
        Movement,
        f"{_OURS} and p.paid_at >= $2 and p.paid_at < $3 union all"
        f" {_OURS_BACK} and r.done_at >= $2 and r.done_at < $3",
        gateway,
        since,
        until,
    )


async def moved_under(
    conn: db.Connection, gateway: str, references: list[str]
) -> dict[str, Movement]:
    """What our books say of these references, of whatever day."""
    found = await db.all(
        conn,
        Movement,
        f"{_OURS} and p.reference = any ($2) union all {_OURS_BACK} and r.reference = any ($2)",
        gateway,
        references,
    )
    return {each.reference: each for each in found}


_OURS = (
    "select /* all shops: the rail makes one bill for all */ p.shop_id, 'payment' as kind,"
    " p.reference, p.paid_minor as amount_minor, p.paid_currency as currency, p.paid_at as at"
    " from payments p where p.gateway = $1 and p.status = 'paid'"
)
_OURS_BACK = (
    "select /* all shops: the rail makes one bill for all */ r.shop_id, 'refund' as kind,"
    " r.reference, r.amount_minor, r.currency, r.done_at as at"
    " from refunds r join payments p on p.shop_id = r.shop_id and p.payment_id = r.payment_id"
    " where p.gateway = $1 and r.done_at is not null and r.done_by = 'rail'"
)


async def owner_of(conn: db.Connection, gateway: str, references: list[str]) -> dict[str, int]:
    """Whose attempts or refunds these are, paid or not."""
    rows = await conn.fetch(
        "select /* all shops: the rail makes one bill for all */ p.shop_id, p.reference"
        " from payments p where p.gateway = $1 and p.reference = any ($2)"
        " union all select r.shop_id, r.reference from refunds r where r.reference = any ($2)",
        gateway,
        references,
    )
    return {row["reference"]: row["shop_id"] for row in rows}


async def differ(
    conn: db.Connection,
    gateway: str,
    day: date,
    kind: str,
    reference: str,
    *,
    at: datetime,
    of_shop_id: int | None = None,
    ours: Money | None = None,
    theirs: Money | None = None,
    words: str = "",
) -> bool:
    """Write a difference down, once; False when it was known."""
    money = theirs or ours
    return (
        await db.run(
            conn,
            "insert into differences (shop_id, difference_id, gateway, day, kind, reference,"
            " of_shop_id, ours_minor, theirs_minor, currency, words, found_at)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
            " on conflict on constraint differences_pkey do nothing",
            PLATFORM,
            ids.derived(_NAMES, f"{gateway}:{day}:{kind}:{reference}"),
            gateway,
            day,
            kind,
            reference,
            of_shop_id,
            None if ours is None else ours.minor,
            None if theirs is None else theirs.minor,
            "" if money is None else money.currency,
            words[:500],
            at,
        )
        == 1
    )


async def get(conn: db.Connection, difference_id: UUID) -> Difference | None:
    """A difference, explained or not."""
    return await db.one(
        conn,
        Difference,
        f"select {_DIFFERENCE} from differences where shop_id = $1 and difference_id = $2",
        PLATFORM,
        difference_id,
    )


async def unexplained(
    conn: db.Connection, *, gateway: str | None = None, day: date | None = None
) -> list[Difference]:
    """The work that is left, the oldest first."""
    return await db.all(
        conn,
        Difference,
        f"select {_DIFFERENCE} from differences where shop_id = $1 and explained_at is null"
        " and ($2::text is null or gateway = $2) and ($3::date is null or day = $3)"
        " order by day, gateway, kind, reference limit 500",
        PLATFORM,
        gateway,
        day,
    )


async def late(conn: db.Connection, gateway: str, day: date) -> set[str]:
    """The rows of a day's bill that our books did not have when it was held against them."""
    rows = await conn.fetch(
        "select reference from differences where shop_id = $1 and gateway = $2 and day = $3"
        " and kind = 'missing_here'",
        PLATFORM,
        gateway,
        day,
    )
    return {row["reference"] for row in rows}


async def explain(
    conn: db.Connection, difference_id: UUID, *, by: str, why: str, at: datetime
) -> bool:
    """It is understood; False when it was."""
    return (
        await db.run(
            conn,
            "update differences set explained_at = $3, explained_by = $4, why = $5"
            " where shop_id = $1 and difference_id = $2 and explained_at is null",
            PLATFORM,
            difference_id,
            at,
            by,
            why,
        )
        == 1
    )


async def mark_compared(conn: db.Connection, gateway: str, day: date, at: datetime) -> None:
    """Everything of that day was looked at; the first time counts."""
    await db.run(
        conn,
        "update bills set compared_at = $4 where shop_id = $1 and gateway = $2 and day = $3"
        " and compared_at is null",
        PLATFORM,
        gateway,
        day,
        at,
    )


async def close_day(conn: db.Connection, day: date, by: str, at: datetime) -> bool:
    """Close a day that is explained to the end; False when it was closed."""
    return (
        await db.run(
            conn,
            "insert into closed_days (shop_id, day, closed_by, closed_at) values ($1, $2, $3, $4)"
            " on conflict on constraint closed_days_pkey do nothing",
            PLATFORM,
            day,
            by,
            at,
        )
        == 1
    )


async def compared(conn: db.Connection, first: date, last: date) -> set[tuple[str, date]]:
    """The rails and days from `first` to `last` whose bill was held against our books."""
    rows = await conn.fetch(
        "select gateway, day from bills where shop_id = $1 and day between $2 and $3"
        " and compared_at is not null",
        PLATFORM,
        first,
        last,
    )
    return {(row["gateway"], row["day"]) for row in rows}


async def closed_between(conn: db.Connection, first: date, last: date) -> set[date]:
    """The closed days from `first` to `last`."""
    rows = await conn.fetch(
        "select day from closed_days where shop_id = $1 and day between $2 and $3",
        PLATFORM,
        first,
        last,
    )
    return {row["day"] for row in rows}
