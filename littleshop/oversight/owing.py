"""Owing: which shops owe something, to whom, how much and since when; those that closed first.

What a seller had on his card and gave back since stands in his balance, below zero, and his next
sales make up for it. Of it other shops wait for their parts, and the platform for what it lent.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from littleshop import db
from littleshop.ledger import chart, debts
from littleshop.ledger.debts import Debt
from littleshop.money import Money
from littleshop.shop import shops


class Owing(msgspec.Struct, frozen=True):
    """A shop that owes: `below` is what its balance is below zero, `debts` to whom it owes."""

    shop_id: int
    name: str
    below: Money
    closed_at: datetime | None
    debts: tuple[Debt, ...]

    @property
    def since(self) -> datetime | None:
        return min((each.since for each in self.debts), default=self.closed_at)


class _Below(msgspec.Struct, frozen=True):
    shop_id: int
    currency: str
    minor: int


async def listed(conn: db.Connection, most: int = 100) -> list[Owing]:
    """Who owes: closed shops first, then whose debt is the oldest."""
    found: dict[tuple[int, str], list[Debt]] = {}
    for debt in await debts.listed(conn):
        found.setdefault((debt.shop_id, debt.currency), []).append(debt)
    below = {(each.shop_id, each.currency): each.minor for each in await _below(conn)}
    keys = {*found, *below}
    names = await shops.names(conn, [shop_id for shop_id, _ in keys])
    closed = await _closed(conn, [shop_id for shop_id, _ in keys])
    rows = [
        Owing(
            shop_id=key[0],
            name=names[key[0]],
            below=Money(below.get(key, 0), key[1]),
            closed_at=closed.get(key[0]),
            debts=tuple(found.get(key, ())),
        )
        for key in keys
    ]
    return sorted(rows, key=lambda row: (row.closed_at is None, row.since is None,
                                         row.since, row.shop_id))[:most]  # fmt: skip


async def gone(conn: db.Connection) -> tuple[int, datetime | None]:
    """How many closed shops owe something, and when the first of them closed."""
    row = await conn.fetchrow(
        "select /* all shops: the operator's desk */ count(*) as count, min(c.closed_at) as since"
        "  from shops s"
        "  join accounts a on a.shop_id = s.shop_id and a.account = $1"
        "   and a.credits_minor < a.debits_minor"
        "  left join shop_closings c on c.shop_id = s.shop_id and c.reopened_at is null"
        " where s.status = 'closed'",
        chart.PAYABLE,
    )
    assert row is not None
    return int(row["count"]), row["since"]


async def _below(conn: db.Connection) -> list[_Below]:
    return await db.all(
        conn,
        _Below,
        "select /* all shops: whose balance is below zero */ shop_id, currency,"
        " (debits_minor - credits_minor)::bigint as minor from accounts"
        " where account = $1 and credits_minor < debits_minor and shop_id <> 0",
        chart.PAYABLE,
    )


async def _closed(conn: db.Connection, shop_ids: list[int]) -> dict[int, datetime]:
    rows = await conn.fetch(
        "select /* all shops: those that owe */ shop_id, closed_at from shop_closings"
        " where shop_id = any ($1) and reopened_at is null",
        shop_ids,
    )
    return {row["shop_id"]: row["closed_at"] for row in rows}
