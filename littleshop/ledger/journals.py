"""Journals: a business fact and its transfers, posted once; a mistake is reversed, not edited."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.errors import Conflict
from littleshop.ledger import chart
from littleshop.money import Money


class Transfer(msgspec.Struct, frozen=True):
    """One debit, one credit, one positive amount."""

    debit: str
    credit: str
    amount: Money


class Journal(msgspec.Struct, frozen=True):
    """A posted fact; `reference` is unique for its kind within the shop."""

    journal_id: UUID
    kind: str
    reference: str
    order_id: UUID | None
    value_on: date
    booked_at: datetime


async def post(
    conn: db.Connection,
    shop_id: int,
    *,
    kind: str,
    reference: str,
    value_on: date,
    booked_at: datetime,
    transfers: Sequence[Transfer],
    order_id: UUID | None = None,
) -> bool:
    """Post a journal of one currency; False when the same one stood there already.

    Raises Conflict when `(kind, reference)` was posted with other transfers, and lets the
    database's CHECK speak when an account other than payable would fall below zero.
    """
    assert transfers, "a journal moves something"
    currency = transfers[0].amount.currency
    assert all(t.amount.currency == currency for t in transfers), "one currency per journal"
    assert all(t.amount.minor > 0 for t in transfers), transfers
    accounts = sorted({name for t in transfers for name in (t.debit, t.credit)})
    lines = [f"{t.debit}>{t.credit}:{t.amount.minor}{currency}" for t in transfers]
    answer = await db.value(
        conn,
        "select post_journal($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)",
        shop_id,
        ids.uuid7(booked_at),
        kind,
        reference,
        order_id,
        value_on,
        booked_at,
        hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        currency,
        [t.debit for t in transfers],
        [t.credit for t in transfers],
        [t.amount.minor for t in transfers],
        accounts,
        [chart.side(name) for name in accounts],
    )
    if answer == "conflict":
        raise Conflict(f"journal {kind} {reference} of shop {shop_id} says something else")
    return bool(answer == "posted")


async def reverse(
    conn: db.Connection,
    shop_id: int,
    *,
    kind: str,
    reference: str,
    why: str,
    value_on: date,
    booked_at: datetime,
) -> bool:
    """Post the mirror of a journal under kind `reversed_<kind>`; False when it was reversed before.

    Raises KeyError when there is no such journal.
    """
    rows = await conn.fetch(
        "select j.order_id, t.debit, t.credit, t.amount_minor, t.currency"
        "  from journals j join transfers t"
        "    on t.shop_id = j.shop_id and t.journal_id = j.journal_id"
        " where j.shop_id = $1 and j.kind = $2 and j.reference = $3 order by t.position",
        shop_id,
        kind,
        reference,
    )
    if not rows:
        raise KeyError((kind, reference, why))
    return await post(
        conn,
        shop_id,
        kind=f"reversed_{kind}",
        reference=reference,
        order_id=rows[0]["order_id"],
        value_on=value_on,
        booked_at=booked_at,
        transfers=[
            Transfer(row["credit"], row["debit"], Money(row["amount_minor"], row["currency"]))
            for row in rows
        ],
    )


async def find(conn: db.Connection, shop_id: int, kind: str, reference: str) -> Journal | None:
    """A posted fact by its kind and reference."""
    return await db.one(
        conn,
        Journal,
        "select journal_id, kind, reference, order_id, value_on, booked_at from journals"
        " where shop_id = $1 and kind = $2 and reference = $3",
        shop_id,
        kind,
        reference,
    )


async def transfers(conn: db.Connection, shop_id: int, kind: str, reference: str) -> list[Transfer]:
    """What a posted fact moved, in its order; nothing for one that was never posted."""
    rows = await conn.fetch(
        "select t.debit, t.credit, t.amount_minor, t.currency"
        "  from journals j join transfers t"
        "    on t.shop_id = j.shop_id and t.journal_id = j.journal_id"
        " where j.shop_id = $1 and j.kind = $2 and j.reference = $3 order by t.position",
        shop_id,
        kind,
        reference,
    )
    return [
        Transfer(row["debit"], row["credit"], Money(row["amount_minor"], row["currency"]))
        for row in rows
    ]


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> list[Journal]:
    """An order's journals in the order they were booked."""
    return await db.all(
        conn,
        Journal,
        "select journal_id, kind, reference, order_id, value_on, booked_at from journals"
        " where shop_id = $1 and order_id = $2 order by booked_at, journal_id",
        shop_id,
        order_id,
    )


async def net(
    conn: db.Connection, shop_id: int, order_id: UUID, account: str, kinds: Sequence[str]
) -> int:
    """What an order's journals of these kinds credited to an account less what they debited,
    minor units."""
    minor = await db.value(
        conn,
        "select coalesce(sum(case $3 when t.credit then t.amount_minor"
        "                            when t.debit then -t.amount_minor end), 0)::bigint"
        "  from journals j join transfers t"
        "    on t.shop_id = j.shop_id and t.journal_id = j.journal_id"
        " where j.shop_id = $1 and j.order_id = $2 and j.kind = any ($4)",
        shop_id,
        order_id,
        account,
        list(kinds),
    )
    return int(minor)


async def lay_at(conn: db.Connection, references: Sequence[str]) -> dict[str, str]:
    """The account of the rail that payments came into, and that refunds left, of all shops."""
    rows = await conn.fetch(
        "select /* all shops: a rail's bill is of them all */ j.reference,"
        "       case j.kind when 'refunded' then t.credit else t.debit end as account"
        "  from journals j join transfers t"
        "    on t.shop_id = j.shop_id and t.journal_id = j.journal_id and t.position = 1"
        " where j.reference = any ($1) and j.kind in ('paid', 'received_astray', 'refunded')",
        list(references),
    )
    return {row["reference"]: row["account"] for row in rows}
