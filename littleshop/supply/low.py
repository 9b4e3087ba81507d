"""What runs low: from how many pieces on, and that the seller was told so once until a refill."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import Refused
from littleshop.jobs import Context
from littleshop.notify import messages
from littleshop.shop import shops, staff

SWEEP = "low_stock.sweep"
DEFAULT = 3  # while a shop said nothing else
MOST = 1_000_000


class Low(msgspec.Struct, frozen=True):
    """A kind of which no more can be bought than its mark says."""

    variant_id: UUID
    product_id: UUID
    title: str
    choice: str
    spare: int
    mark: int

    @property
    def name(self) -> str:
        return f"{self.title} · {self.choice}" if self.choice else self.title


_MARK = f"coalesce(m.pieces, d.pieces, {DEFAULT})"
_FROM = """
  from variants v
  join products p on p.shop_id = v.shop_id and p.product_id = v.product_id
  left join low_marks m on m.shop_id = v.shop_id and m.variant_id = v.variant_id
  left join low_defaults d on d.shop_id = v.shop_id"""
# What never lost a piece does not run low: a shop of single things is not told of each.
_IS_LOW = (
    " and not v.withdrawn and p.status in ('on_sale', 'unlisted')"
    f" and v.on_hand - v.held <= {_MARK} and not exists (select from resold_variants r"
    " where r.shop_id = v.shop_id and r.variant_id = v.variant_id)"
    " and (v.held > 0 or exists (select from stock_movements s where s.shop_id = v.shop_id"
    " and s.variant_id = v.variant_id and s.quantity < 0))"
)
_REFILLED = f" and m.told_at is not null and v.on_hand - v.held > {_MARK}"


async def listing(conn: db.Connection, shop_id: int) -> list[Low]:
    """What runs low in a shop, the least first."""
    return await db.all(
        conn,
        Low,
        "select v.variant_id, v.product_id, p.title, array_to_string(v.choice, ' / ') as choice,"
        f" v.on_hand - v.held as spare, {_MARK} as mark {_FROM}"
        f" where v.shop_id = $1 {_IS_LOW} order by 5, p.sort_order, v.sort_order limit 500",
        shop_id,
    )


async def left(conn: db.Connection, shop_id: int, product_id: UUID) -> dict[UUID, int | None]:
    """How many pieces of each kind of a product can be bought, where that is no more than its mark
    says; None for plenty."""
    rows = await conn.fetch(
        f"select v.variant_id, v.on_hand - v.held as spare, {_MARK} as mark {_FROM}"
        " where v.shop_id = $1 and v.product_id = $2 and not v.withdrawn",
        shop_id,
        product_id,
    )
    return {
        row["variant_id"]: None if row["spare"] > row["mark"] else max(row["spare"], 0)
        for row in rows
    }


async def default(conn: db.Connection, shop_id: int) -> int:
    """From how many pieces on a shop's things run low."""
    found = await db.value(conn, "select pieces from low_defaults where shop_id = $1", shop_id)
    return DEFAULT if found is None else int(found)


async def set_default(conn: db.Connection, shop_id: int, pieces: int) -> None:
    """Raises Refused low_mark(most=)."""
    _check(pieces)
    await db.run(
        conn,
        "insert into low_defaults (shop_id, pieces) values ($1, $2)"
        " on conflict on constraint low_defaults_pkey do update set pieces = excluded.pieces",
        shop_id,
        pieces,
    )


async def marks(conn: db.Connection, shop_id: int, product_id: UUID) -> dict[UUID, int]:
    """The kinds of a product that have a number of their own, and which."""
    rows = await conn.fetch(
        "select m.variant_id, m.pieces from low_marks m"
        " join variants v on v.shop_id = m.shop_id and v.variant_id = m.variant_id"
        " where m.shop_id = $1 and v.product_id = $2 and m.pieces is not null",
        shop_id,
        product_id,
    )
    return {row["variant_id"]: row["pieces"] for row in rows}


async def set_mark(conn: db.Connection, shop_id: int, variant_id: UUID, pieces: int | None) -> None:
    """A kind's own number; None: the shop's. Raises Refused low_mark(most=)."""
    _check(pieces or 0)
    await db.run(
        conn,
        "insert into low_marks (shop_id, variant_id, pieces) values ($1, $2, $3)"
        " on conflict on constraint low_marks_pkey do update set pieces = excluded.pieces",
        shop_id,
        variant_id,
        pieces,
    )


def _check(pieces: int) -> None:
    if not 0 <= pieces <= MOST:
        raise Refused("low_mark", most=MOST)


async def sweep(context: Context) -> None:
    """Tell every shop of what runs low since it was last looked at."""
    async with context.database.connection() as conn:
        rows = await conn.fetch(
            f"select distinct /* all shops: a sweep */ v.shop_id {_FROM} where true"
            f" and ((m.told_at is null {_IS_LOW}) or (true {_REFILLED})) order by v.shop_id"
        )
    for row in rows:
        shop_id = int(row["shop_id"])
        await context.database.transaction(
            lambda conn, shop_id=shop_id: tell(conn, shop_id, context.at)  # type: ignore[misc]
        )


async def tell(conn: db.Connection, shop_id: int, at: datetime) -> int:
    """Tell a shop's people in one message what runs low and was not told; how many kinds."""
    await db.run(
        conn,
        f"update low_marks t set told_at = null {_FROM}"
        f" where t.shop_id = $1 and v.shop_id = $1 and t.variant_id = v.variant_id {_REFILLED}",
        shop_id,
    )
    told = {
        row["variant_id"]
        for row in await conn.fetch(
            "select variant_id from low_marks where shop_id = $1 and told_at is not null", shop_id
        )
    }
    found = [each for each in await listing(conn, shop_id) if each.variant_id not in told]
    if not found:
        return 0
    await db.run(
        conn,
        "insert into low_marks (shop_id, variant_id, told_at)"
        " select $1, variant_id, $3 from unnest($2::uuid[]) as n(variant_id)"
        " on conflict on constraint low_marks_pkey do update set told_at = excluded.told_at",
        shop_id,
        [each.variant_id for each in found],
        at,
    )
    await _send(conn, shop_id, found, at)
    return len(found)


async def _send(conn: db.Connection, shop_id: int, found: list[Low], at: datetime) -> None:
    shop = await shops.get(conn, shop_id)
    await messages.send(
        conn,
        shop_id,
        await staff.recipients(conn, shop_id),
        about="low_stock" if len(found) == 1 else "low_stocks",
        subject=found[0].variant_id,
        occasion=at.isoformat(),
        at=at,
        shop=shop.name,
        title=found[0].name,
        left=found[0].spare,
        others=len(found) - 1,
        url=f"/console/{shop_id}/stock/low",
    )
