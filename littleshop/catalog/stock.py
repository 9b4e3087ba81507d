"""Stock: on hand changes only by a movement with a reason; held is promised to open orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from littleshop import db, ids
from littleshop.errors import Refused
from littleshop.shop import shops

_LEDGER_SQL = (
    "insert into stock_movements"
    " (shop_id, movement_id, variant_id, quantity, reason, order_id, person_id, at)"
    " values ($1, $2, $3, $4, $5, $6, $7, $8)"
)

_ANY_CODES = (
    "select exists (select from variants v join products p"
    "    on p.shop_id = v.shop_id and p.product_id = v.product_id"
    " where v.shop_id = $1 and v.variant_id = any ($2) and p.virtual_kind = 'codes')"
)


async def move(
    conn: db.Connection,
    shop_id: int,
    variant_id: UUID,
    quantity: int,
    *,
    reason: str,
    at: datetime,
    person_id: UUID | None = None,
    order_id: UUID | None = None,
    movement_id: UUID | None = None,
    of_codes: bool = False,
) -> int:
    """Add `quantity` pieces (negative: take away); returns the new number on hand. A row of a
    purchase or a stocktake names it by `movement_id`; `of_codes`: codes were put in or counted.

    Raises Refused: stock_promised(held=), stock_too_large, stock_is_codes, variant_gone."""
    try:
        async with conn.transaction():
            on_hand = await db.value(
                conn,
                "update variants set on_hand = on_hand + $3"
                " where shop_id = $1 and variant_id = $2 returning on_hand",
                shop_id,
                variant_id,
                quantity,
            )
    except asyncpg.CheckViolationError as fault:
        held = await db.value(
            conn,
            "select held from variants where shop_id = $1 and variant_id = $2",
            shop_id,
            variant_id,
        )
        if fault.constraint_name == "variants_stock_sane":
            raise Refused("stock_too_large") from fault
        raise Refused("stock_promised", held=held) from fault
    if on_hand is None:
        raise Refused("variant_gone", title="")
    if not of_codes:
        await _not_codes(conn, shop_id, [variant_id])
    await db.run(
        conn,
        _LEDGER_SQL,
        *(shop_id, movement_id or ids.uuid7(at), variant_id, quantity, reason, order_id),
        *(person_id, at),
    )
    await shops.touch(conn, shop_id)
    return int(on_hand)


async def move_many(
    conn: db.Connection,
    shop_id: int,
    moves: Sequence[tuple[UUID, int, str]],
    *,
    at: datetime,
    person_id: UUID,
) -> None:
    """Movements of locked variants: which, how many pieces, why. The caller has seen that no fewer
    are left than open orders hold, and tells the shop's pages. Raises Refused stock_is_codes."""
    await _not_codes(conn, shop_id, [variant_id for variant_id, _, _ in moves])
    await db.run(
        conn,
        "update variants v set on_hand = v.on_hand + m.quantity"
        " from unnest($2::uuid[], $3::integer[]) as m(variant_id, quantity)"
        " where v.shop_id = $1 and v.variant_id = m.variant_id",
        shop_id,
        [variant_id for variant_id, _, _ in moves],
        [quantity for _, quantity, _ in moves],
    )
    rows = [(shop_id, ids.uuid7(at), *move, None, person_id, at) for move in moves]
    await conn.executemany(_LEDGER_SQL, rows)


async def _not_codes(conn: db.Connection, shop_id: int, variants: Sequence[UUID]) -> None:
    """A piece that no code stands for would be sold and never given. Asked once the variants are
    locked: who makes codes of them counts after us. Raises Refused stock_is_codes."""
    if await db.value(conn, _ANY_CODES, shop_id, list(variants)):
        raise Refused("stock_is_codes")


async def receive(
    conn: db.Connection,
    shop_id: int,
    variant_id: UUID,
    quantity: int,
    cost_minor: int,
    *,
    movement_id: UUID,
    at: datetime,
    person_id: UUID,
) -> None:
    """Add bought pieces; what a piece costs becomes the average of what was there and what came,
    half up (docs/decisions/0046-stock-and-cost.md). Raises Refused as `move` does."""
    await db.run(
        conn,
        "update variants set cost_minor = case when on_hand = 0 or cost_minor is null then $4"
        " else (2 * (on_hand * cost_minor + $3::bigint * $4::bigint) + on_hand + $3::bigint)"
        " / (2 * (on_hand + $3::bigint)) end where shop_id = $1 and variant_id = $2",
        shop_id,
        variant_id,
        quantity,
        cost_minor,
    )
    await move(
        conn, shop_id, variant_id, quantity, reason="received", at=at, person_id=person_id,
        movement_id=movement_id,
    )  # fmt: skip
    await shops.touch(conn, shop_id, pricing=True)  # a price below cost is seen against it


async def note(
    conn: db.Connection, shop_id: int, variant_id: UUID, *, barcode: str, cost_minor: int | None
) -> None:
    """Write what a piece costs and the code that is printed on it."""
    await db.run(
        conn,
        "update variants set barcode = $3, cost_minor = $4 where shop_id = $1 and variant_id = $2",
        shop_id,
        variant_id,
        barcode,
        cost_minor,
    )
    await shops.touch(conn, shop_id, pricing=True)


async def release(conn: db.Connection, shop_id: int, order_id: UUID) -> None:
    """Give back what an order held; the caller has just moved the order out of a holding state."""
    lines = await _lock(conn, shop_id, order_id)
    await _change(conn, shop_id, lines, held=-1)
    if any(line.spare == 0 for line in lines):
        await shops.touch(conn, shop_id)  # a visitor sees that it can be had again


async def hold_again(conn: db.Connection, shop_id: int, order_id: UUID) -> bool:
    """Hold an order's pieces once more, all or none; False when something is gone."""
    lines = await _lock(conn, shop_id, order_id)
    if not lines or not all(line.sold and line.spare >= line.quantity for line in lines):
        return False
    await _change(conn, shop_id, lines, held=+1)
    if any(line.spare == line.quantity for line in lines):
        await shops.touch(conn, shop_id)  # a visitor sees that the last one is gone
    return True


async def keep(conn: db.Connection, shop_id: int, pieces: Mapping[UUID, int]) -> None:
    """Hold pieces for an open invitation, all or none; its row says that it holds them.

    Raises Refused: variant_gone(title=), stock_short(left=, title=).
    """
    lines = await _lock_these(conn, shop_id, pieces)
    for line in lines:
        if line.spare < line.quantity:
            title = await _title(conn, shop_id, line.variant_id)
            raise Refused("stock_short", left=max(0, line.spare), title=title)
    if len(lines) < len(pieces) or not all(line.sold for line in lines):
        raise Refused("variant_gone", title="")
    await _change(conn, shop_id, lines, held=+1)
    if any(line.spare == line.quantity for line in lines):
        await shops.touch(conn, shop_id)


async def let_go(conn: db.Connection, shop_id: int, pieces: Mapping[UUID, int]) -> None:
    """Give back what `keep` held: to whoever comes, or to the order placed in this transaction."""
    lines = await _lock_these(conn, shop_id, pieces)
    await _change(conn, shop_id, lines, held=-1)
    if any(line.spare == 0 for line in lines):
        await shops.touch(conn, shop_id)


async def move_hold(conn: db.Connection, shop_id: int, pieces: Mapping[UUID, int]) -> None:
    """What an order holds becomes other variants: so many more (or, below zero, fewer) of each.

    Raises Refused: variant_gone(title=), stock_short(left=, title=).
    """
    lines = await _lock_these(conn, shop_id, pieces)
    for line in lines:
        if line.quantity > max(0, line.spare):
            title = await _title(conn, shop_id, line.variant_id)
            raise Refused("stock_short", left=max(0, line.spare), title=title)
    if len(lines) < len(pieces) or not all(line.sold or line.quantity < 0 for line in lines):
        raise Refused("variant_gone", title="")
    await _change(conn, shop_id, lines, held=+1)
    await shops.touch(conn, shop_id)  # a visitor may see that one is gone, or there again


async def _lock_these(conn: db.Connection, shop_id: int, pieces: Mapping[UUID, int]) -> list[_Line]:
    """Variants with the pieces wanted of each, locked as placing locks them."""
    return await db.all(
        conn,
        _Line,
        "select v.variant_id, w.quantity, v.on_hand - v.held as spare, not v.withdrawn as sold"
        "  from unnest($2::uuid[], $3::integer[]) as w(variant_id, quantity)"
        "  join variants v on v.shop_id = $1 and v.variant_id = w.variant_id"
        " order by v.variant_id for no key update of v",
        shop_id,
        list(pieces),
        list(pieces.values()),
    )


async def _title(conn: db.Connection, shop_id: int, variant_id: UUID) -> str:
    found = await db.value(
        conn,
        "select p.title from variants v join products p on p.shop_id = v.shop_id"
        " and p.product_id = v.product_id where v.shop_id = $1 and v.variant_id = $2",
        shop_id,
        variant_id,
    )
    return str(found or "")


async def ship(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    """Take an order's held pieces off the shelf, a movement per variant."""
    lines = await _lock(conn, shop_id, order_id)
    await _change(conn, shop_id, lines, held=-1, on_hand=-1)
    undone = "select exists (select from stock_movements where shop_id = $1 and order_id = $2"
    undone += " and reason = 'unshipped')"
    again = await db.value(conn, undone, shop_id, order_id)
    await _write(conn, shop_id, order_id, lines, -1, "reshipped" if again else "shipped", at)


async def unship(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    """Put back on the shelf what never left, held for its order as before."""
    lines = await _lock(conn, shop_id, order_id)
    await _change(conn, shop_id, lines, held=+1, on_hand=+1)
    await _write(conn, shop_id, order_id, lines, +1, "unshipped", at)


async def _write(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    lines: Sequence[_Line],
    sign: int,
    reason: str,
    at: datetime,
) -> None:
    """A movement for each line of an order."""
    rows = [
        (shop_id, ids.uuid7(at), each.variant_id, sign * each.quantity, reason, order_id, None, at)
        for each in lines
    ]
    await conn.executemany(_LEDGER_SQL, rows)


class _Line(msgspec.Struct, frozen=True):
    """A variant of an order, how many pieces of it, and what can be bought of it now. `sold`: the
    order may have it, hidden from others or not; what an operator took down nobody may."""

    variant_id: UUID
    quantity: int
    spare: int
    sold: bool


async def _lock(conn: db.Connection, shop_id: int, order_id: UUID) -> list[_Line]:
    """An order's variants, locked by their ids: as placing locks them, so that nobody deadlocks."""
    return await db.all(
        conn,
        _Line,
        "select v.variant_id, v.on_hand - v.held as spare,"
        "       not v.withdrawn and not exists (select from takedowns d where d.shop_id = $1"
        "         and d.product_id = v.product_id and d.ended_at is null) as sold,"
        "       (select sum(i.quantity)::integer from order_items i"
        "         where i.shop_id = $1 and i.order_id = $2"
        "           and i.variant_id = v.variant_id) as quantity"
        "  from variants v where v.shop_id = $1 and v.variant_id in"
        "       (select variant_id from order_items where shop_id = $1 and order_id = $2)"
        " order by v.variant_id for no key update of v",
        shop_id,
        order_id,
    )


async def _change(
    conn: db.Connection, shop_id: int, lines: Sequence[_Line], *, held: int, on_hand: int = 0
) -> None:
    """Move the counts of locked variants by their lines' pieces: +1 adds, -1 takes away."""
    await db.run(
        conn,
        "update variants v set held = v.held + $4 * i.quantity,"
        " on_hand = v.on_hand + $5 * i.quantity"
        "  from unnest($2::uuid[], $3::integer[]) as i(variant_id, quantity)"
        " where v.shop_id = $1 and v.variant_id = i.variant_id",
        shop_id,
        [line.variant_id for line in lines],
        [line.quantity for line in lines],
        held,
        on_hand,
    )


async def take_back(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    """What an order shipped is on the shelf again, a movement per variant: no more of it than is
    still with the buyer, however often its goods are said to come back. A code that was given
    stays given: who had it may have seen it."""
    for variant_id, pieces in await away(conn, shop_id, order_id):
        if pieces > 0 and not await db.value(conn, _ANY_CODES, shop_id, [variant_id]):
            await move(
                conn, shop_id, variant_id, pieces, reason="returned", order_id=order_id, at=at
            )


async def send_again(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    """Take an order's pieces off the shelf once more, for an exchange.

    Raises Refused: stock_promised(held=) when other orders hold what is there, stock_is_codes.
    """
    lines = await conn.fetch(
        "select variant_id, sum(quantity)::integer as quantity from order_items"
        " where shop_id = $1 and order_id = $2 group by variant_id order by variant_id",
        shop_id,
        order_id,
    )
    await _not_codes(conn, shop_id, [line["variant_id"] for line in lines])
    for line in lines:
        await move(
            conn,
            shop_id,
            line["variant_id"],
            -line["quantity"],
            reason="exchanged",
            order_id=order_id,
            at=at,
        )


async def away(conn: db.Connection, shop_id: int, order_id: UUID) -> list[tuple[UUID, int]]:
    """How many pieces of each variant of an order a buyer can send back: what left the shelf for it
    and did not come back, and no more than he ordered (a broken one is replaced)."""
    rows = await conn.fetch(
        "select i.variant_id,"
        "       least(i.quantity, coalesce(-sum(m.quantity), 0))::integer as pieces"
        "  from (select shop_id, order_id, variant_id, sum(quantity) as quantity from order_items"
        "         where shop_id = $1 and order_id = $2"
        "         group by shop_id, order_id, variant_id) i"
        "  left join stock_movements m on m.shop_id = i.shop_id and m.variant_id = i.variant_id"
        "   and m.order_id = i.order_id"
        " group by i.variant_id, i.quantity order by i.variant_id",
        shop_id,
        order_id,
    )
    return [(row["variant_id"], row["pieces"]) for row in rows]


async def spare(conn: db.Connection, shop_id: int, variants: Sequence[UUID]) -> dict[UUID, int]:
    """How many pieces of each variant can be bought now."""
    rows = await conn.fetch(
        "select variant_id, on_hand - held as spare from variants"
        " where shop_id = $1 and variant_id = any ($2)",
        shop_id,
        list(variants),
    )
    return {row["variant_id"]: row["spare"] for row in rows}


async def shipped_since(conn: db.Connection, shop_id: int, since: datetime) -> dict[UUID, int]:
    """How many pieces of each product left the shelf for buyers since then."""
    rows = await conn.fetch(
        "select v.product_id, -sum(m.quantity)::integer as pieces from stock_movements m"
        " join variants v on v.shop_id = m.shop_id and v.variant_id = m.variant_id"
        " where m.shop_id = $1 and m.reason in ('shipped', 'unshipped', 'reshipped')"
        "   and m.at >= $2 group by v.product_id",
        shop_id,
        since,
    )
    return {row["product_id"]: row["pieces"] for row in rows}
