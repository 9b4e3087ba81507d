"""Stocktakes: what lies on the shelf, counted, and the stock corrected by the difference.

A count stands beside what was on hand at its moment; the correction is that difference, whatever
was sold or came between the count and the press that books it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.catalog import stock
from littleshop.catalog.drafts import MOST_STOCK
from littleshop.errors import NotFound, Refused
from littleshop.supply import stock_items
from littleshop.supply.stock_items import StockItem

_NAMES = UUID("8a2f6f0e-5a8e-4f5b-9a7c-9e8f9a0f7c55")  # of corrections


class Stocktake(msgspec.Struct, frozen=True):
    """A row of stocktakes; `off` of its `kinds` differ."""

    stocktake_id: UUID
    status: str
    opened_at: datetime
    opened_by: UUID
    ended_at: datetime | None
    ended_by: UUID | None
    kinds: int
    off: int


class Count(msgspec.Struct, frozen=True):
    """A kind as it was counted; `cost_minor` of a piece when it was booked, or by now."""

    variant_id: UUID
    title: str
    choice: str
    counted: int
    expected: int
    on_hand: int
    held: int
    cost_minor: int | None
    at: datetime
    person_id: UUID

    @property
    def name(self) -> str:
        return f"{self.title} · {self.choice}" if self.choice else self.title

    @property
    def off(self) -> int:
        return self.counted - self.expected

    @property
    def value_minor(self) -> int | None:
        return None if self.cost_minor is None else self.cost_minor * self.off


_SELECT = """
    select t.stocktake_id, t.status, t.opened_at, t.opened_by, t.ended_at, t.ended_by,
           count(l.variant_id) as kinds, count(*) filter (where l.counted <> l.expected) as off
      from stocktakes t
      left join stocktake_lines l on l.shop_id = t.shop_id and l.stocktake_id = t.stocktake_id
     where t.shop_id = $1"""
_GROUPED = " group by t.shop_id, t.stocktake_id"


async def listing(conn: db.Connection, shop_id: int) -> list[Stocktake]:
    """A shop's counts, the newest first."""
    sql = f"{_SELECT} {_GROUPED} order by t.opened_at desc, t.stocktake_id limit 60"
    return await db.all(conn, Stocktake, sql, shop_id)


async def get(conn: db.Connection, shop_id: int, stocktake_id: UUID) -> Stocktake:
    """Raises NotFound."""
    sql = f"{_SELECT} and t.stocktake_id = $2 {_GROUPED}"
    found = await db.one(conn, Stocktake, sql, shop_id, stocktake_id)
    if found is None:
        raise NotFound("stocktake")
    return found


async def counts(conn: db.Connection, shop_id: int, stocktake_id: UUID) -> list[Count]:
    """What was counted, the last first."""
    return await db.all(
        conn,
        Count,
        "select l.variant_id, p.title, array_to_string(v.choice, ' / ') as choice, l.counted,"
        " l.expected, v.on_hand, v.held, coalesce(l.cost_minor, v.cost_minor) as cost_minor,"
        " l.at, l.person_id from stocktake_lines l"
        " join variants v on v.shop_id = l.shop_id and v.variant_id = l.variant_id"
        " join products p on p.shop_id = v.shop_id and p.product_id = v.product_id"
        " where l.shop_id = $1 and l.stocktake_id = $2 order by l.at desc, l.variant_id",
        shop_id,
        stocktake_id,
    )


async def begin(
    conn: db.Connection, shop_id: int, stocktake_id: UUID, *, person_id: UUID, at: datetime
) -> UUID:
    """Open a count; the one that is open already goes on. Returns its id."""
    await db.run(
        conn,
        "insert into stocktakes (shop_id, stocktake_id, opened_at, opened_by)"
        " values ($1, $2, $3, $4) on conflict do nothing",
        shop_id,
        stocktake_id,
        at,
        person_id,
    )
    found = await db.value(
        conn, "select stocktake_id from stocktakes where shop_id = $1 and status = 'open'", shop_id
    )
    return UUID(str(found)) if found else stocktake_id


async def _lock(conn: db.Connection, shop_id: int, stocktake_id: UUID) -> None:
    """Hold the open count. Raises NotFound, Refused stocktake_over."""
    status = await db.value(
        conn,
        "select status from stocktakes where shop_id = $1 and stocktake_id = $2 for no key update",
        shop_id,
        stocktake_id,
    )
    if status is None:
        raise NotFound("stocktake")
    if status != "open":
        raise Refused("stocktake_over")


async def count(
    conn: db.Connection,
    shop_id: int,
    stocktake_id: UUID,
    count_id: UUID,
    which: str | UUID,
    pieces: int,
    *,
    add: bool = False,
    person_id: UUID,
    at: datetime,
) -> tuple[StockItem, int]:
    """So many pieces of a kind lie there; `add`: in another place too. The same `count_id` again
    counts once. Returns the kind and how many are counted of it by now.

    Raises NotFound, Refused: stocktake_over, what stock_items.named raises, stocktake_moved(title=)
    when pieces came or went between two places, stock_count(most=).
    """
    await _lock(conn, shop_id, stocktake_id)
    found = await stock_items.named(conn, shop_id, which)
    item = await stock_items.get(conn, shop_id, found.variant_id, lock=True)
    before = await conn.fetchrow(
        "select counted, expected, count_id from stocktake_lines"
        " where shop_id = $1 and stocktake_id = $2 and variant_id = $3",
        shop_id,
        stocktake_id,
        item.variant_id,
    )
    if before is not None and before["count_id"] == count_id:
        return item, before["counted"]
    if add and before is not None:
        if before["expected"] != item.on_hand:
            raise Refused("stocktake_moved", title=item.name)
        pieces += before["counted"]
    if not 0 <= pieces <= MOST_STOCK:
        raise Refused("stock_count", most=MOST_STOCK)
    await db.run(
        conn,
        "insert into stocktake_lines (shop_id, stocktake_id, variant_id, counted, expected,"
        " count_id, at, person_id) values ($1, $2, $3, $4, $5, $6, $7, $8)"
        " on conflict on constraint stocktake_lines_pkey do update set counted = excluded.counted,"
        " expected = excluded.expected, count_id = excluded.count_id, at = excluded.at,"
        " person_id = excluded.person_id",
        *(shop_id, stocktake_id, item.variant_id, pieces, item.on_hand, count_id, at, person_id),
    )
    return item, pieces


async def book(
    conn: db.Connection, shop_id: int, stocktake_id: UUID, *, person_id: UUID, at: datetime
) -> int:
    """Correct the stock of every kind that differs; how many did.

    Raises NotFound, Refused: stocktake_over, and with nothing booked
    stocktake_promised(title=, held=, left=) when fewer would be left than open orders hold.
    """
    await _lock(conn, shop_id, stocktake_id)
    off = [each for each in await counts(conn, shop_id, stocktake_id) if each.off]
    for each in sorted(off, key=lambda one: one.variant_id):  # as placing locks them
        item = await stock_items.get(conn, shop_id, each.variant_id, lock=True)
        left = item.on_hand + each.off
        if left < item.held:
            raise Refused("stocktake_promised", title=each.name, held=item.held, left=max(0, left))
        movement_id = ids.derived(_NAMES, f"{shop_id}:{stocktake_id}:{each.variant_id}")
        await stock.move(
            conn,
            shop_id,
            each.variant_id,
            each.off,
            reason="stocktake",
            at=at,
            person_id=person_id,
            movement_id=movement_id,
        )
        await db.run(
            conn,
            "update stocktake_lines set movement_id = $4, cost_minor = $5"
            " where shop_id = $1 and stocktake_id = $2 and variant_id = $3",
            *(shop_id, stocktake_id, each.variant_id, movement_id, item.cost_minor),
        )
    await _end(conn, shop_id, stocktake_id, "booked", person_id, at)
    return len(off)


async def drop(
    conn: db.Connection, shop_id: int, stocktake_id: UUID, *, person_id: UUID, at: datetime
) -> None:
    """Forget an open count; nothing is corrected. Raises NotFound, Refused stocktake_over."""
    await _lock(conn, shop_id, stocktake_id)
    await _end(conn, shop_id, stocktake_id, "dropped", person_id, at)


async def _end(
    conn: db.Connection,
    shop_id: int,
    stocktake_id: UUID,
    status: str,
    person_id: UUID,
    at: datetime,
) -> None:
    await db.run(
        conn,
        "update stocktakes set status = $3, ended_by = $4, ended_at = $5"
        " where shop_id = $1 and stocktake_id = $2",
        *(shop_id, stocktake_id, status, person_id, at),
    )
