"""The shelf as its seller looks through it: by words, category and state, a page at a time, and
all of what was found at once."""

from __future__ import annotations

from uuid import UUID

import msgspec

from littleshop import db
from littleshop.catalog import search

PAGE = 100
MOST_CHOSEN = 5000  # products of one change


class Filter(msgspec.Struct, frozen=True):
    """Which products: all these words or a tag with them, in this category or one under it, on sale
    or not."""

    words: str = ""
    category: str = ""
    status: str = "all"


async def find(conn: db.Connection, shop_id: int, wanted: Filter) -> list[tuple[UUID, str]]:
    """What fits, in the shelf's order, each with its state."""
    terms = search.terms(wanted.words)
    rows = await conn.fetch(
        "select p.product_id, p.status from products p"
        " where p.shop_id = $1 and p.status <> 'unlisted'"
        " and ($2 = 'all' or (p.status = 'on_sale') = ($2 = 'on_sale'))"
        " and ($3 = '' or p.category = $3 or exists (select from categories c"
        "  where c.shop_id = $1 and c.name = p.category and c.parent = $3))"
        " and ($4::text[] is null or exists (select from product_words w where w.shop_id = $1"
        "  and w.product_id = p.product_id and w.words @> $4)"
        "  or position($5 in lower(array_to_string(p.tags, E'\n'))) > 0)"  # only the seller's
        " order by p.sort_order, p.product_id",
        shop_id,
        wanted.status,
        wanted.category,
        search.of_shop(shop_id, terms) if terms else None,
        wanted.words.lower(),
    )
    return [(row["product_id"], row["status"]) for row in rows]
