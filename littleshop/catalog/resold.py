"""Resold: products on a shop's shelf that another shop ships, in which kinds and from whom.

Such a product has no stock of its own: that is the supplier's. Whether there is any, and what a
piece costs her, is written here by a job, so that her pages need not ask another shop.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db

ENOUGH = 999  # pieces that a page reckons with while the supplier has any


class Listing(msgspec.Struct, frozen=True):
    """A product that this shop re-sells; `why_off`: withdrawn, gone, below_supply or out_of_bounds
    while it cannot be sold; `seen_version` of the supplier's pages when it was last looked at;
    `own_title` and `own_description` are the re-seller's words, "" where the supplier's stand."""

    shop_id: int
    product_id: UUID
    from_shop_id: int
    from_product_id: UUID
    listed_at: datetime
    why_off: str | None
    ended_at: datetime | None
    seen_version: int
    own_title: str = ""
    own_description: str = ""


class ResoldVariant(msgspec.Struct, frozen=True):
    """A variant of it; `supply_minor`: what a piece costs the re-seller, as she was told last."""

    shop_id: int
    variant_id: UUID
    product_id: UUID
    from_shop_id: int
    from_variant_id: UUID
    supply_minor: int
    supplied: bool


_LISTING = ", ".join(Listing.__struct_fields__)
_KIND = ", ".join(f"k.{name}" for name in ResoldVariant.__struct_fields__)


async def get(conn: db.Connection, shop_id: int, product_id: UUID) -> Listing | None:
    """The listing of a product; None for the shop's own and for what it re-sells no more."""
    return await db.one(
        conn,
        Listing,
        f"select {_LISTING} from resold_products"
        " where shop_id = $1 and product_id = $2 and ended_at is null",
        shop_id,
        product_id,
    )


async def listed(conn: db.Connection, shop_id: int, products: Sequence[UUID]) -> set[UUID]:
    """Which of these products the shop re-sells now."""
    rows = await conn.fetch(
        "select product_id from resold_products"
        " where shop_id = $1 and product_id = any ($2) and ended_at is null",
        shop_id,
        list(products),
    )
    return {row["product_id"] for row in rows}


async def of_supplier(
    conn: db.Connection, shop_id: int, from_shop_id: int, from_product_id: UUID
) -> Listing | None:
    """How this shop lists a supplier's product, or did once."""
    return await db.one(
        conn,
        Listing,
        f"select {_LISTING} from resold_products"
        " where shop_id = $1 and from_shop_id = $2 and from_product_id = $3",
        shop_id,
        from_shop_id,
        from_product_id,
    )


async def listings(conn: db.Connection, shop_id: int) -> list[Listing]:
    """What a shop re-sells, the latest first."""
    return await db.all(
        conn,
        Listing,
        f"select {_LISTING} from resold_products where shop_id = $1 and ended_at is null"
        " order by listed_at desc, product_id limit 500",
        shop_id,
    )


async def kinds(conn: db.Connection, shop_id: int, product_id: UUID) -> list[ResoldVariant]:
    """The kinds of a re-sold product."""
    return await db.all(
        conn,
        ResoldVariant,
        f"select {_KIND} from resold_variants k where k.shop_id = $1 and k.product_id = $2"
        " order by k.variant_id",
        shop_id,
        product_id,
    )


async def among(
    conn: db.Connection, shop_id: int, variants: Sequence[UUID]
) -> dict[UUID, ResoldVariant]:
    """Which of these kinds other shops ship, by kind."""
    found = await db.all(
        conn,
        ResoldVariant,
        f"select {_KIND} from resold_variants k where k.shop_id = $1 and k.variant_id = any ($2)",
        shop_id,
        list(variants),
    )
    return {each.variant_id: each for each in found}


async def list_(conn: db.Connection, listing: Listing, kinds: Sequence[ResoldVariant]) -> None:
    """Put a product up as a supplier's; it is in the shop's catalogue already. A listing that
    ended begins again under the product it had."""
    await db.run(
        conn,
        f"insert into resold_products ({_LISTING}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " on conflict on constraint resold_products_pkey do update"
        " set listed_at = excluded.listed_at, why_off = excluded.why_off, ended_at = null,"
        " seen_version = excluded.seen_version, own_title = excluded.own_title,"
        " own_description = excluded.own_description",
        *[getattr(listing, name) for name in Listing.__struct_fields__],
    )
    for each in kinds:
        await db.run(
            conn,
            "insert into resold_variants (shop_id, variant_id, product_id, from_shop_id,"
            " from_variant_id, supply_minor, supplied) values ($1, $2, $3, $4, $5, $6, $7)"
            " on conflict on constraint resold_variants_pkey do update"
            " set supply_minor = excluded.supply_minor, supplied = excluded.supplied",
            *[getattr(each, name) for name in ResoldVariant.__struct_fields__],
        )


async def note(
    conn: db.Connection, shop_id: int, product_id: UUID, why_off: str | None, version: int
) -> bool:
    """What was found when the supplier was looked at; whether that is another than before."""
    changed = await db.run(
        conn,
        "update resold_products set why_off = $3 where shop_id = $1 and product_id = $2"
        " and why_off is distinct from $3",
        shop_id,
        product_id,
        why_off,
    )
    await db.run(
        conn,
        "update resold_products set seen_version = $3 where shop_id = $1 and product_id = $2"
        " and seen_version <> $3",
        shop_id,
        product_id,
        version,
    )
    return changed == 1


async def supply(
    conn: db.Connection, kind: ResoldVariant, supply_minor: int, *, supplied: bool
) -> bool:
    """What a piece costs now and whether there is any; whether that is another than before."""
    return (
        await db.run(
            conn,
            "update resold_variants set supply_minor = $3, supplied = $4"
            " where shop_id = $1 and variant_id = $2"
            " and (supply_minor, supplied) is distinct from ($3, $4)",
            kind.shop_id,
            kind.variant_id,
            supply_minor,
            supplied,
        )
        == 1
    )


async def reprice(conn: db.Connection, shop_id: int, variant_id: UUID, price_minor: int) -> None:
    """What the re-seller wants for a piece of it from now on."""
    await db.run(
        conn,
        "update variants set price_minor = $3, compare_at_minor = null"
        " where shop_id = $1 and variant_id = $2",
        shop_id,
        variant_id,
        price_minor,
    )


async def reword(conn: db.Connection, listing: Listing, title: str, description: str) -> None:
    """The re-seller's own checked words from now on; "": the supplier's."""
    await db.run(
        conn,
        "update resold_products set own_title = $3, own_description = $4"
        " where shop_id = $1 and product_id = $2",
        listing.shop_id,
        listing.product_id,
        title,
        description,
    )


async def end(conn: db.Connection, shop_id: int, product_id: UUID, at: datetime) -> bool:
    """The shop re-sells it no more; False when that was so."""
    return (
        await db.run(
            conn,
            "update resold_products set ended_at = $3 where shop_id = $1 and product_id = $2"
            " and ended_at is null",
            shop_id,
            product_id,
            at,
        )
        == 1
    )


async def suppliers(conn: db.Connection) -> list[int]:
    """The shops whose products others list."""
    rows = await conn.fetch(
        "select /* all shops: a sweep looks whether a supplier changed */ distinct from_shop_id"
        " from resold_products where ended_at is null order by from_shop_id"
    )
    return [row["from_shop_id"] for row in rows]


async def behind(
    conn: db.Connection,
    from_shop_id: int,
    version: int,
    *,
    after: tuple[int, UUID] | None = None,
    most: int = 200,
) -> list[Listing]:
    """The listings that were not looked at since the supplier's pages have this version, by shop
    and product, `after` one of them."""
    shop_id, product_id = after or (0, UUID(int=0))
    return await db.all(
        conn,
        Listing,
        f"select /* all shops: they list one supplier */ {_LISTING} from resold_products"
        " where from_shop_id = $1 and ended_at is null and seen_version <> $2"
        " and (shop_id, product_id) > ($3, $4) order by shop_id, product_id limit $5",
        from_shop_id,
        version,
        shop_id,
        product_id,
        most,
    )
