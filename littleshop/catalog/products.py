"""Products: what is sold, in which variants and at which price; photos stand beside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.catalog import exceptions, resold, search, stock
from littleshop.catalog.drafts import Option, ProductDraft, VariantDraft
from littleshop.errors import NoLongerSold, NotFound, Refused
from littleshop.money import Money
from littleshop.shop import shops


class Product(msgspec.Struct, frozen=True):
    """A row of products; `no_return_why`: a kind of catalog/exceptions.py, or ""."""

    shop_id: int
    product_id: UUID
    title: str
    description: str
    options: list[Option]
    category: str
    tags: list[str]
    status: str
    sort_order: int
    no_return_why: str
    created_at: datetime
    updated_at: datetime


class Variant(msgspec.Struct, frozen=True):
    """A row of variants that are sold; `spare` is what can be bought now."""

    variant_id: UUID
    product_id: UUID
    choice: tuple[str, ...]
    price_minor: int
    compare_at_minor: int | None
    currency: str
    sku: str
    on_hand: int
    held: int
    sort_order: int
    supplied: bool = False  # another shop ships it, and has some (catalog/resold.py)

    @property
    def price(self) -> Money:
        return Money(self.price_minor, self.currency)

    @property
    def compare_at(self) -> Money | None:
        minor = self.compare_at_minor
        return None if minor is None else Money(minor, self.currency)

    @property
    def spare(self) -> int:
        return resold.ENOUGH if self.supplied else self.on_hand - self.held


class Listed(msgspec.Struct, frozen=True):
    """A product in a list: its first picture, its lowest price, what can be bought of it."""

    product_id: UUID
    title: str
    category: str
    status: str
    sort_order: int
    photo: str
    colour: str
    photo_width: int
    price_minor: int
    most_minor: int
    compare_at_minor: int | None
    currency: str
    spare: int
    on_hand: int

    @property
    def price(self) -> Money:
        return Money(self.price_minor, self.currency)


_COLUMNS = (
    "shop_id, product_id, title, description, options, category, tags, status, sort_order,"
    " no_return_why, created_at, updated_at"
)
_DOWN = (  # an operator took it off the shelf (catalog/takedowns.py)
    "exists (select from takedowns d where d.shop_id = $1 and d.product_id = $2"
    " and d.ended_at is null)"
)
_VARIANT = (
    "v.variant_id, v.product_id, v.choice, v.price_minor, v.compare_at_minor, s.currency, v.sku,"
    " v.on_hand, v.held, v.sort_order, exists (select from resold_variants r"
    " where r.shop_id = v.shop_id and r.variant_id = v.variant_id and r.supplied) as supplied"
)


async def create(
    conn: db.Connection,
    shop_id: int,
    product_id: UUID,
    draft: ProductDraft,
    *,
    at: datetime,
    person_id: UUID | None = None,
) -> bool:
    """Write a checked draft under the form's own id; False when it was written before."""
    written = await db.changed(
        conn,
        f"insert into products ({_COLUMNS}, no_return_since)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8,"
        "  (select coalesce(min(sort_order), 0) - 1 from products where shop_id = $1),"
        "  $9, $10, $10, case when $9 <> '' then $10::timestamptz end)"
        " on conflict on constraint products_pkey do nothing",
        shop_id,
        product_id,
        *_words(draft),
        draft.no_return,
        at,
    )
    if written:
        await _write_variants(conn, shop_id, product_id, draft.variants, at, person_id)
        await search.write(conn, shop_id, product_id, draft)
        await shops.touch(conn, shop_id, pricing=True)
    return written


async def edit(
    conn: db.Connection,
    shop_id: int,
    product_id: UUID,
    draft: ProductDraft,
    *,
    at: datetime,
    person_id: UUID | None = None,
) -> None:
    """Replace a product's words and variants by a checked draft; variants no longer named are
    withdrawn and keep their stock; one that was taken down stays hidden. Raises NotFound, also for
    what another shop ships, Refused("stock_promised", held=)."""
    touched = await db.changed(
        conn,
        "update products set title = $3, description = $4, options = $5, category = $6,"
        f" tags = $7, status = case when {_DOWN} then 'hidden' else $8 end, updated_at = $9,"
        " no_return_why = $10,"
        " no_return_since = case when $10 = '' then null"
        "  when no_return_why = $10 then no_return_since else $11::timestamptz end"
        " where shop_id = $1 and product_id = $2 and not exists (select from resold_products r"
        "  where r.shop_id = $1 and r.product_id = $2 and r.ended_at is null)",
        shop_id,
        product_id,
        *_words(draft),
        at,
        draft.no_return,
        at + exceptions.A_MOMENT,
    )
    if not touched:
        raise NotFound("product")
    await db.run(  # in the order in which placing locks them
        conn,
        "select 1 from variants where shop_id = $1 and product_id = $2"
        " order by variant_id for no key update",
        shop_id,
        product_id,
    )
    gone = "update variants set withdrawn = true where shop_id = $1 and product_id = $2"
    await db.run(conn, f"{gone} and not withdrawn", shop_id, product_id)
    await _write_variants(conn, shop_id, product_id, draft.variants, at, person_id)
    await search.write(conn, shop_id, product_id, draft)
    await shops.touch(conn, shop_id, pricing=True)


def _words(draft: ProductDraft) -> tuple[object, ...]:
    """title, description, options, category, tags, status"""
    options = msgspec.to_builtins(draft.options)
    return draft.title, draft.description, options, draft.category, list(draft.tags), draft.status


async def _write_variants(
    conn: db.Connection,
    shop_id: int,
    product_id: UUID,
    variants: Sequence[VariantDraft],
    at: datetime,
    person_id: UUID | None,
) -> None:
    for order, variant in enumerate(variants):
        row = await conn.fetchrow(
            "insert into variants (shop_id, variant_id, product_id, choice, price_minor,"
            " compare_at_minor, sku, sort_order) values ($1, $2, $3, $4, $5, $6, $7, $8)"
            " on conflict on constraint variants_choice_once do update"
            " set price_minor = excluded.price_minor,"
            " compare_at_minor = excluded.compare_at_minor, sku = excluded.sku,"
            " sort_order = excluded.sort_order, withdrawn = false"
            " returning variant_id, on_hand",
            shop_id,
            ids.uuid7(at),
            product_id,
            list(variant.choice),
            variant.price_minor,
            variant.compare_at_minor,
            variant.sku,
            order,
        )
        assert row is not None
        if variant.stock != row["on_hand"]:
            await stock.move(
                conn,
                shop_id,
                row["variant_id"],
                variant.stock - row["on_hand"],
                reason="counted" if row["on_hand"] else "received",
                at=at,
                person_id=person_id,
            )


async def get(conn: db.Connection, shop_id: int, product_id: UUID) -> Product:
    """A product of this shop, whatever its status. Raises NotFound."""
    found = f"select {_COLUMNS} from products where shop_id = $1 and product_id = $2"
    row = await conn.fetchrow(found, shop_id, product_id)
    if row is None:
        raise NotFound("product")
    return Product(**{**row, "options": msgspec.convert(row["options"], list[Option])})


async def lock(conn: db.Connection, shop_id: int, product_id: UUID) -> None:
    """Nobody else says what this product is until we are done. Raises NotFound."""
    held = "select 1 from products where shop_id = $1 and product_id = $2 for no key update"
    if await db.value(conn, held, shop_id, product_id) is None:
        raise NotFound("product")


async def on_sale(conn: db.Connection, shop_id: int, product_id: UUID) -> Product:
    """A product that everybody may see. Raises NoLongerSold for one that is hidden, NotFound."""
    product = await get(conn, shop_id, product_id)
    if product.status == "hidden":
        raise NoLongerSold("product")
    if product.status != "on_sale":
        raise NotFound("product")
    return product


async def chosen(
    conn: db.Connection, shop_id: int, product_id: UUID, choice: Sequence[str]
) -> Variant:
    """The variant with these values, axis by axis.

    Raises Refused("variant_gone", title=) when it is not sold any more, NotFound.
    """
    product = await get(conn, shop_id, product_id)
    if product.status == "on_sale":
        for variant in await variants(conn, shop_id, product_id):
            if variant.choice == tuple(choice):
                return variant
    raise Refused("variant_gone", title=product.title)


async def variants(conn: db.Connection, shop_id: int, product_id: UUID) -> list[Variant]:
    """A product's variants that are sold, in their order."""
    rows = await conn.fetch(
        f"select {_VARIANT} from variants v join shops s on s.shop_id = v.shop_id"
        " where v.shop_id = $1 and v.product_id = $2 and not v.withdrawn order by v.sort_order",
        shop_id,
        product_id,
    )
    return [Variant(**{**row, "choice": tuple(row["choice"])}) for row in rows]


async def listing(
    conn: db.Connection,
    shop_id: int,
    *,
    category: str | None = None,
    all_states: bool = False,
    only: Sequence[UUID] | None = None,
    most: int = 200,
    skip: int = 0,
) -> list[Listed]:
    """A shop's products in its order: those on sale, or all for its staff; or `only` these."""
    return await db.all(
        conn,
        Listed,
        """
        select p.product_id, p.title, p.category, p.status, p.sort_order,
               coalesce(f.file, '') as photo, coalesce(f.colour, '') as colour,
               coalesce(f.width, 0) as photo_width, v.price_minor, v.most_minor,
               v.compare_at_minor, s.currency, v.spare, v.on_hand
          from products p
          join shops s on s.shop_id = p.shop_id
          join lateral (select min(price_minor) as price_minor, max(price_minor) as most_minor,
                               min(compare_at_minor) as compare_at_minor,
                               (sum(v.on_hand - v.held) + 999 * count(r.shop_id))::integer as spare,
                               sum(on_hand)::integer as on_hand
                          from variants v
                          left join resold_variants r on r.shop_id = v.shop_id
                           and r.variant_id = v.variant_id and r.supplied
                         where v.shop_id = $1 and v.product_id = p.product_id
                           and not v.withdrawn having count(*) > 0) v on true
          left join lateral (select file, colour, width from photos f
                              where f.shop_id = $1 and f.product_id = p.product_id
                              order by f.sort_order, f.photo_id limit 1) f on true
         where p.shop_id = $1 and ($2 and p.status <> 'unlisted' or p.status = 'on_sale')
           and ($3::text is null or p.category = $3 or exists (select from categories c
                 where c.shop_id = $1 and c.name = p.category and c.parent = $3))
           and ($6::uuid[] is null or p.product_id = any ($6))
         order by p.sort_order, p.product_id limit $4 offset $5""",
        shop_id,
        all_states,
        category,
        most,
        skip,
        None if only is None else list(only),
    )


async def nearly_gone(conn: db.Connection, shop_id: int, most: int) -> tuple[tuple[UUID, int], ...]:
    """What is on sale and of which 1 to `most` pieces can still be bought, and how many."""
    rows = await conn.fetch(
        "select v.product_id, sum(v.on_hand - v.held)::integer as spare from variants v"
        " join products p on p.shop_id = v.shop_id and p.product_id = v.product_id"
        " where v.shop_id = $1 and not v.withdrawn and p.status = 'on_sale'"
        " group by v.product_id having sum(v.on_hand - v.held) between 1 and $2"
        " order by v.product_id",
        shop_id,
        most,
    )
    return tuple((row["product_id"], row["spare"]) for row in rows)


async def few_left(
    conn: db.Connection, shop_id: int, product_id: UUID, most: int
) -> tuple[tuple[UUID, int], ...]:
    """The same for the variants of one product; none when it is hidden or unknown."""
    rows = await conn.fetch(
        "select v.variant_id, v.on_hand - v.held as spare from variants v"
        " join products p on p.shop_id = v.shop_id and p.product_id = v.product_id"
        " where v.shop_id = $1 and v.product_id = $2 and not v.withdrawn"
        " and p.status = 'on_sale' and v.on_hand - v.held between 1 and $3"
        " order by v.sort_order",
        shop_id,
        product_id,
        most,
    )
    return tuple((row["variant_id"], row["spare"]) for row in rows)


async def set_status(
    conn: db.Connection, shop_id: int, product_id: UUID, status: str, at: datetime
) -> None:
    """Put on sale or hide. Raises NotFound, Refused: product_status, product_taken_down."""
    if status not in ("on_sale", "hidden"):
        raise Refused("product_status")
    if not await db.changed(
        conn,
        "update products set status = $3, updated_at = $4 where shop_id = $1 and product_id = $2"
        f" and ($3 = 'hidden' or not {_DOWN})",
        shop_id,
        product_id,
        status,
        at,
    ):
        await get(conn, shop_id, product_id)
        raise Refused("product_taken_down")
    await shops.touch(conn, shop_id, pricing=True)


async def move(conn: db.Connection, shop_id: int, product_id: UUID, steps: int) -> None:
    """Move a product up (negative) or down the shelf; at an end nothing happens."""
    order = [
        row["product_id"]
        for row in await conn.fetch(
            "select product_id from products where shop_id = $1"
            " order by sort_order, product_id for no key update",
            shop_id,
        )
    ]
    if product_id not in order:
        raise NotFound("product")
    place = order.index(product_id)
    order.insert(max(0, min(len(order) - 1, place + steps)), order.pop(place))
    await db.run(
        conn,
        "update products p set sort_order = o.place"
        "  from unnest($2::uuid[]) with ordinality as o(product_id, place)"
        " where p.shop_id = $1 and p.product_id = o.product_id and p.sort_order <> o.place",
        shop_id,
        order,
    )
    await shops.touch(conn, shop_id)
