"""Wares: products whole, with all their kinds, read and written many at a time.

What a sheet or a change of many brings is a Ware beside the one that is there; writing a batch is a
handful of statements however many products it holds, and the shop's pages move once for all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.catalog import drafts, exceptions, search, stock
from littleshop.catalog.drafts import Option, ProductDraft, VariantDraft
from littleshop.errors import Refused
from littleshop.shop import shops

MOST_GRAMS = 1_000_000
BARCODE_LENGTH = 40


class WareVariant(msgspec.Struct, frozen=True):
    """A variant of a product; amounts in minor units, 0 for no compare-at price; `cost_minor` None
    where nobody said it. `held` pieces are promised to open orders."""

    choice: tuple[str, ...]
    price_minor: int
    on_hand: int
    compare_at_minor: int = 0
    cost_minor: int | None = None
    sku: str = ""
    barcode: str = ""
    grams: int = 0
    variant_id: UUID | None = None
    held: int = 0


class Ware(msgspec.Struct, frozen=True):
    """A product with its kinds that are sold, in their order."""

    product_id: UUID
    title: str
    kinds: tuple[WareVariant, ...]
    description: str = ""
    options: tuple[Option, ...] = ()
    category: str = ""
    status: str = "on_sale"
    no_return: str = ""
    tags: tuple[str, ...] = ()
    handle: str = ""
    down: bool = False  # an operator took it off the shelf
    resold: bool = False  # another shop ships it

    def same(self, other: Ware) -> bool:
        """Whether writing one over the other would change nothing."""
        return _facts(self) == _facts(other)


def _facts(ware: Ware) -> object:
    kinds = [msgspec.structs.replace(each, variant_id=None, held=0) for each in ware.kinds]
    status = "hidden" if ware.down else ware.status
    return msgspec.structs.replace(
        ware, kinds=tuple(kinds), status=status, handle="", down=False, resold=False
    )


def check(ware: Ware) -> Ware:
    """The ware tidied. Raises Refused: as drafts.check, cost_wrong, weight_wrong(most=)."""
    for each in ware.kinds:
        if each.cost_minor is not None and not 0 <= each.cost_minor <= drafts.MOST_MINOR:
            raise Refused("cost_wrong")
        if not 0 <= each.grams <= MOST_GRAMS:
            raise Refused("weight_wrong", most=MOST_GRAMS // 1000)
    draft = drafts.check(draft_of(ware))
    kinds = tuple(
        msgspec.structs.replace(
            each,
            choice=checked.choice,
            sku=checked.sku,
            barcode=drafts.tidy(each.barcode)[:BARCODE_LENGTH],
        )
        for each, checked in zip(ware.kinds, draft.variants, strict=True)
    )
    return msgspec.structs.replace(
        ware, title=draft.title, description=draft.description, options=draft.options,
        category=draft.category, kinds=kinds, tags=draft.tags,
    )  # fmt: skip


def draft_of(ware: Ware) -> ProductDraft:
    """The ware as a form would have brought it."""
    return ProductDraft(
        title=ware.title,
        variants=tuple(
            VariantDraft(
                each.choice, each.price_minor, each.on_hand, each.compare_at_minor or None, each.sku
            )
            for each in ware.kinds
        ),
        description=ware.description,
        options=ware.options,
        category=ware.category,
        status=ware.status,
        no_return=ware.no_return,
        tags=ware.tags,
    )


_READ = """
select p.product_id, p.title, p.description, p.options, p.category, p.status,
       p.no_return_why as no_return, p.tags, coalesce(h.handle, '') as handle,
       exists (select from takedowns d where d.shop_id = $1 and d.product_id = p.product_id
                and d.ended_at is null) as down,
       exists (select from resold_products r where r.shop_id = $1
                and r.product_id = p.product_id and r.ended_at is null) as resold
  from products p
  left join product_handles h on h.shop_id = $1 and h.product_id = p.product_id
 where p.shop_id = $1 and p.status <> 'unlisted' and p.product_id = any ($2)
 order by p.sort_order, p.product_id"""
_KINDS = """
select product_id, choice, price_minor, on_hand, coalesce(compare_at_minor, 0) as compare_at_minor,
       cost_minor, sku, barcode, weight_grams as grams, variant_id, held
  from variants where shop_id = $1 and product_id = any ($2) and not withdrawn
 order by product_id, sort_order, variant_id"""


async def of(conn: db.Connection, shop_id: int, products: Sequence[UUID]) -> dict[UUID, Ware]:
    """Those of these products that are in the shop's catalogue, in the shelf's order."""
    kinds: dict[UUID, list[WareVariant]] = {}
    for row in await conn.fetch(_KINDS, shop_id, list(products)):
        told = dict(row)
        told["choice"] = tuple(told["choice"])
        kinds.setdefault(told.pop("product_id"), []).append(WareVariant(**told))
    found = {}
    for row in await conn.fetch(_READ, shop_id, list(products)):
        told = dict(row)
        told["options"] = msgspec.convert(told["options"], tuple[Option, ...])
        told["tags"] = tuple(told["tags"])
        product_id = told["product_id"]
        found[product_id] = Ware(kinds=tuple(kinds.get(product_id, ())), **told)
    return found


async def lock(conn: db.Connection, shop_id: int, products: Sequence[UUID]) -> None:
    """Nobody orders or changes these until we are done; locked in the order placing does."""
    await db.run(
        conn,
        "select 1 from variants where shop_id = $1 and product_id = any ($2)"
        " order by variant_id for no key update",
        shop_id,
        list(products),
    )


async def write(
    conn: db.Connection,
    shop_id: int,
    wares: Sequence[Ware],
    before: Mapping[UUID, Ware],
    *,
    at: datetime,
    person_id: UUID,
    reason: str = "",
) -> None:
    """Write checked wares; `before` are those of them that are there, read under `lock`. Kinds no
    longer named are withdrawn and keep their stock; `reason`: why there are more or fewer pieces.
    The caller has seen to it that no fewer are left than open orders hold."""
    if not wares:
        return
    new = [each for each in wares if each.product_id not in before]
    await _insert(conn, shop_id, new, at)
    await _update(conn, shop_id, [each for each in wares if each.product_id in before], at)
    await _write_kinds(conn, shop_id, wares, at)
    await _count(conn, shop_id, wares, at, person_id, reason)
    worded = [
        (each.product_id, draft_of(each))
        for each in wares
        if each.product_id not in before or _worded(before[each.product_id]) != _worded(each)
    ]
    await search.write_many(conn, shop_id, worded)
    await shops.touch(conn, shop_id, pricing=True)


async def reword(
    conn: db.Connection, shop_id: int, product_id: UUID, title: str, description: str, at: datetime
) -> bool:
    """Other checked words on a product; False when it has them."""
    changed = await db.run(
        conn,
        "update products set title = $3, description = $4, updated_at = $5"
        " where shop_id = $1 and product_id = $2"
        " and (title, description) is distinct from ($3, $4)",
        shop_id,
        product_id,
        title,
        description,
        at,
    )
    if not changed:
        return False
    found = await of(conn, shop_id, [product_id])
    await search.write_many(conn, shop_id, [(key, draft_of(each)) for key, each in found.items()])
    await shops.touch(conn, shop_id)
    return True


def _worded(ware: Ware) -> tuple[object, ...]:
    return ware.title, ware.description, ware.category, ware.options


def _columns(wares: Sequence[Ware]) -> tuple[list[object], ...]:
    """id, title, description, options, category, status, no_return, tags: a list of each."""
    return (
        [each.product_id for each in wares],
        [each.title for each in wares],
        [each.description for each in wares],
        [msgspec.to_builtins(each.options) for each in wares],
        [each.category for each in wares],
        ["hidden" if each.down else each.status for each in wares],
        [each.no_return for each in wares],
        [msgspec.json.encode(each.tags).decode() for each in wares],
    )


_OF_ROWS = (
    " from unnest($2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::text[],"
    " $8::text[], $9::text[]) with ordinality"
    " as w(product_id, title, description, options, category, status, no_return, tags, place)"
)
_TAGS = "array(select jsonb_array_elements_text(w.tags::jsonb))"


async def _insert(conn: db.Connection, shop_id: int, wares: Sequence[Ware], at: datetime) -> None:
    """New products stand before what is there, in the order in which they came."""
    if not wares:
        return
    await db.run(
        conn,
        "insert into products (shop_id, product_id, title, description, options, category, status,"
        " no_return_why, tags, sort_order, no_return_since, created_at, updated_at)"
        " select $1::bigint, w.product_id, w.title, w.description, w.options, w.category, w.status,"
        f" w.no_return, {_TAGS}, w.place - $11 - 1 + (select coalesce(min(p.sort_order), 0)"
        "  from products p where p.shop_id = $1),"
        " case when w.no_return <> '' then $10::timestamptz end, $10, $10" + _OF_ROWS,
        shop_id,
        *_columns(wares),
        at,
        len(wares),
    )


async def _update(conn: db.Connection, shop_id: int, wares: Sequence[Ware], at: datetime) -> None:
    if not wares:
        return
    await db.run(
        conn,
        "update products p set title = w.title, description = w.description, options = w.options,"
        f" category = w.category, status = w.status, tags = {_TAGS}, updated_at = $10,"
        " no_return_why = w.no_return, no_return_since = case when w.no_return = '' then null"
        "  when p.no_return_why = w.no_return then p.no_return_since else $11::timestamptz end"
        + _OF_ROWS
        + " where p.shop_id = $1 and p.product_id = w.product_id",
        shop_id,
        *_columns(wares),
        at,
        at + exceptions.A_MOMENT,
    )
    await db.run(
        conn,
        "update variants set withdrawn = true where shop_id = $1 and product_id = any ($2)"
        " and not withdrawn",
        shop_id,
        [each.product_id for each in wares],
    )


async def _write_kinds(
    conn: db.Connection, shop_id: int, wares: Sequence[Ware], at: datetime
) -> None:
    rows = [
        (each.product_id, kind, place) for each in wares for place, kind in enumerate(each.kinds)
    ]
    await db.run(
        conn,
        "insert into variants (shop_id, variant_id, product_id, choice, price_minor,"
        " compare_at_minor, cost_minor, sku, barcode, weight_grams, sort_order)"
        " select $1::bigint, w.variant_id, w.product_id,"
        "  array(select jsonb_array_elements_text(w.choice::jsonb)), w.price,"
        "  nullif(w.compare_at, 0), w.cost, w.sku, w.barcode, w.grams, w.place"
        " from unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],"
        "  $8::text[], $9::text[], $10::integer[], $11::integer[])"
        "  as w(variant_id, product_id, choice, price, compare_at, cost, sku, barcode,"
        "  grams, place)"
        " on conflict on constraint variants_choice_once do update"
        " set price_minor = excluded.price_minor, compare_at_minor = excluded.compare_at_minor,"
        " cost_minor = excluded.cost_minor, sku = excluded.sku, barcode = excluded.barcode,"
        " weight_grams = excluded.weight_grams, sort_order = excluded.sort_order,"
        " withdrawn = false",
        shop_id,
        [ids.uuid7(at) for _ in rows],
        [product_id for product_id, _, _ in rows],
        [msgspec.json.encode(kind.choice).decode() for _, kind, _ in rows],
        [kind.price_minor for _, kind, _ in rows],
        [kind.compare_at_minor for _, kind, _ in rows],
        [kind.cost_minor for _, kind, _ in rows],
        [kind.sku for _, kind, _ in rows],
        [kind.barcode for _, kind, _ in rows],
        [kind.grams for _, kind, _ in rows],
        [place for _, _, place in rows],
    )


async def _count(
    conn: db.Connection,
    shop_id: int,
    wares: Sequence[Ware],
    at: datetime,
    person_id: UUID,
    why: str,
) -> None:
    """Bring what is on hand to what was said, by movements."""
    wanted = {(each.product_id, kind.choice): kind for each in wares for kind in each.kinds}
    rows = await conn.fetch(
        "select variant_id, product_id, choice, on_hand from variants"
        " where shop_id = $1 and product_id = any ($2) and not withdrawn order by variant_id",
        shop_id,
        [each.product_id for each in wares],
    )
    moves = []
    for row in rows:
        kind = wanted[row["product_id"], tuple(row["choice"])]
        if kind.on_hand != row["on_hand"]:
            reason = why or ("counted" if row["on_hand"] else "received")
            moves.append((row["variant_id"], kind.on_hand - row["on_hand"], reason))
    await stock.move_many(conn, shop_id, moves, at=at, person_id=person_id)
