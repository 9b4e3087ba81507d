"""The price of one kind of a thing, changed from what was seen."""

from __future__ import annotations

from uuid import UUID

from littleshop import db
from littleshop.shop import shops


async def lock(conn: db.Connection, shop_id: int, product_id: UUID) -> None:
    """Nobody else changes the kinds of this product until we commit; in the order of placing."""
    await db.run(
        conn,
        "select 1 from variants where shop_id = $1 and product_id = $2"
        " order by variant_id for no key update",
        shop_id,
        product_id,
    )


async def change(
    conn: db.Connection, shop_id: int, variant_id: UUID, *, seen_minor: int, to_minor: int
) -> bool:
    """Let it cost `to_minor`; False when it does not cost what was seen any more. A price that was
    struck through stays only as long as it is higher."""
    changed = await db.changed(
        conn,
        "update variants set price_minor = $4,"
        " compare_at_minor = case when compare_at_minor > $4 then compare_at_minor end"
        " where shop_id = $1 and variant_id = $2 and price_minor = $3 and not withdrawn",
        shop_id,
        variant_id,
        seen_minor,
        to_minor,
    )
    if changed:
        await shops.touch(conn, shop_id, pricing=True)
    return changed


async def is_own(conn: db.Connection, shop_id: int, product_id: UUID) -> bool:
    """Whether the shop has it itself; what another one ships has its price and stock there."""
    found = await db.value(
        conn,
        "select 1 from resold_products"
        " where shop_id = $1 and product_id = $2 and ended_at is null limit 1",
        shop_id,
        product_id,
    )
    return found is None
