"""Choosing: a shop's variants for a form in which its seller picks some of them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from littleshop import db


class Choosable(msgspec.Struct, frozen=True):
    """A variant with its product's title and state; the price in minor units of the shop's
    currency."""

    product_id: UUID
    variant_id: UUID
    title: str
    choice: str
    status: str
    price_minor: int


async def variants(conn: db.Connection, shop_id: int, most: int) -> list[Choosable]:
    """What a shop has on its shelf or hidden, in the order of the shelf."""
    return await db.all(
        conn,
        Choosable,
        "select p.product_id, v.variant_id, p.title, array_to_string(v.choice, ' · ') as choice,"
        "       p.status, v.price_minor"
        "  from products p join variants v on v.shop_id = $1 and v.product_id = p.product_id"
        " where p.shop_id = $1 and p.status in ('on_sale', 'hidden') and not v.withdrawn"
        " order by p.sort_order, p.product_id, v.sort_order, v.variant_id limit $2",
        shop_id,
        most,
    )


async def variants_of(conn: db.Connection, shop_id: int, product_ids: Sequence[UUID]) -> list[UUID]:
    """The variants of these products."""
    rows = await conn.fetch(
        "select v.variant_id from variants v where v.shop_id = $1 and v.product_id = any ($2)"
        " and not v.withdrawn order by v.product_id, v.sort_order, v.variant_id",
        shop_id,
        list(product_ids),
    )
    return [row["variant_id"] for row in rows]
