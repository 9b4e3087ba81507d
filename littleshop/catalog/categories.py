"""Categories of a shop: their order, and which stands under which, one level deep.

A product carries its category's name; a name that products carry and nobody put in order stands
behind the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from littleshop import db
from littleshop.catalog import drafts, search
from littleshop.catalog.drafts import Option, ProductDraft
from littleshop.errors import NotFound, Refused
from littleshop.shop import shops

MOST = 200
LENGTH = 40


class Category(msgspec.Struct, frozen=True):
    """A category with how many products carry its name, whatever their state."""

    name: str
    parent: str | None
    products: int


async def listing(conn: db.Connection, shop_id: int) -> list[Category]:
    """Every category in its order, each followed by those under it."""
    found = await db.all(
        conn,
        Category,
        "select coalesce(c.name, u.category) as name, c.parent, coalesce(u.products, 0) as products"
        " from (select name, parent, sort_order from categories where shop_id = $1) c"
        " full join (select category, count(*)::integer as products from products"
        "  where shop_id = $1 and category <> '' and status <> 'unlisted' group by category) u"
        "  on u.category = c.name"
        " order by c.sort_order nulls last, u.products desc, name",
        shop_id,
    )
    under: dict[str, list[Category]] = {}
    for each in found:
        if each.parent is not None:
            under.setdefault(each.parent, []).append(each)
    tops = [each for each in found if each.parent is None]
    return [one for top in tops for one in (top, *under.get(top.name, ()))]


async def on_sale(conn: db.Connection, shop_id: int) -> list[tuple[str, int]]:
    """The categories on sale with how many products each has, those under it too: in the seller's
    order, then the fullest first."""
    rows = await conn.fetch(
        "select coalesce(c.parent, p.category) as name, count(*)::integer as products"
        " from products p left join categories c on c.shop_id = $1 and c.name = p.category"
        " left join categories t on t.shop_id = $1 and t.name = coalesce(c.parent, p.category)"
        " where p.shop_id = $1 and p.status = 'on_sale' and p.category <> ''"
        " group by 1, t.sort_order order by t.sort_order nulls last, count(*) desc, 1",
        shop_id,
    )
    return [(row["name"], row["products"]) for row in rows]


async def add(conn: db.Connection, shop_id: int, typed: str) -> str:
    """A new one behind the others; its tidied name. Raises Refused: category_empty,
    category_length, category_taken, categories_too_many."""
    name = _name(typed)
    known = await _adopted(conn, shop_id)
    if name in {each.name for each in known}:
        raise Refused("category_taken", name=name)
    await _keep(conn, shop_id, [*known, Category(name, None, 0)])
    return name


def _name(typed: str) -> str:
    name = drafts.tidy(typed)
    if not name:
        raise Refused("category_empty")
    if len(name) > LENGTH:
        raise Refused("category_length", most=LENGTH)
    return name


async def _adopted(conn: db.Connection, shop_id: int) -> list[Category]:
    """All of them, and nobody else changes them until we are done."""
    await shops.touch(conn, shop_id)
    return await listing(conn, shop_id)


async def _keep(conn: db.Connection, shop_id: int, order: Sequence[Category]) -> None:
    """Write all in this order; parents first, whose names the others point to."""
    if len(order) > MOST:
        raise Refused("categories_too_many", most=MOST)
    places = {each.name: place for place, each in enumerate(order)}
    for each in sorted(order, key=lambda one: one.parent is not None):
        await db.run(
            conn,
            "insert into categories (shop_id, name, parent, sort_order) values ($1, $2, $3, $4)"
            " on conflict on constraint categories_pkey do update"
            " set parent = excluded.parent, sort_order = excluded.sort_order",
            shop_id,
            each.name,
            each.parent,
            places[each.name],
        )


def _find(known: Sequence[Category], name: str) -> Category:
    for each in known:
        if each.name == name:
            return each
    raise NotFound("category")


async def move(conn: db.Connection, shop_id: int, name: str, steps: int) -> None:
    """Up (negative) or down among those it stands with. Raises NotFound."""
    known = await _adopted(conn, shop_id)
    moved = _find(known, name)
    beside = [each for each in known if each.parent == moved.parent]
    at = beside.index(moved)
    beside.insert(max(0, min(len(beside) - 1, at + steps)), beside.pop(at))
    others = [each for each in known if each.parent != moved.parent]
    await _keep(conn, shop_id, [*beside, *others])


async def put_under(conn: db.Connection, shop_id: int, name: str, parent: str) -> None:
    """Have it stand under another, "" for none. Raises NotFound, Refused category_nested: one level
    is what a small shop needs."""
    known = await _adopted(conn, shop_id)
    moved = _find(known, name)
    if parent:
        above = _find(known, parent)
        has_some = any(each.parent == name for each in known)
        if above.parent is not None or has_some or parent == name:
            raise Refused("category_nested")
    placed = msgspec.structs.replace(moved, parent=parent or None)
    await _keep(conn, shop_id, [placed if each.name == name else each for each in known])


async def remove(conn: db.Connection, shop_id: int, name: str) -> list[str]:
    """Take one away, when no product carries its name; what stood under it stands by itself.
    Raises NotFound, Refused category_used(count=)."""
    known = await _adopted(conn, shop_id)
    gone = _find(known, name)
    if gone.products:
        raise Refused("category_used", count=gone.products)
    left = [each for each in known if each.name != name]
    freed = [
        msgspec.structs.replace(e, parent=None if e.parent == name else e.parent) for e in left
    ]
    await _keep(conn, shop_id, freed)
    await _drop(conn, shop_id, name)
    return [each.name for each in freed]


async def _drop(conn: db.Connection, shop_id: int, name: str) -> None:
    gone = "delete from categories where shop_id = $1 and name = $2"
    await db.run(conn, gone, shop_id, name)


async def rename(conn: db.Connection, shop_id: int, name: str, typed: str) -> str:
    """Call it otherwise, on its products too. Raises NotFound, Refused as `add`."""
    new = _name(typed)
    known = await _adopted(conn, shop_id)
    _find(known, name)
    if new == name:
        return new
    if new in {each.name for each in known}:
        raise Refused("category_taken", name=new)
    called = [
        Category(
            new if each.name == name else each.name,
            new if each.parent == name else each.parent,
            each.products,
        )
        for each in known
    ]
    await _keep(conn, shop_id, called)
    await _drop(conn, shop_id, name)
    await products_renamed(conn, shop_id, name, new)
    return new


async def products_renamed(conn: db.Connection, shop_id: int, name: str, new: str) -> None:
    """The products of a category carry its new name, and are found by it."""
    rows = await conn.fetch(
        "update products set category = $3 where shop_id = $1 and category = $2"
        " returning product_id, title, description, options",
        shop_id,
        name,
        new,
    )
    found = [
        (
            row["product_id"],
            ProductDraft(
                row["title"], (), row["description"],
                msgspec.convert(row["options"], tuple[Option, ...]), new,
            ),
        )
        for row in rows
    ]  # fmt: skip
    await search.write_many(conn, shop_id, found)
