"""Stock items: variants as the stockroom sees them, found by a code, with cost, worth and story."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import NotFound, Refused

LONGEST_CODE = 40


class StockItem(msgspec.Struct, frozen=True):
    """A variant with its product's name; amounts in minor units of the shop's currency."""

    variant_id: UUID
    product_id: UUID
    title: str
    choice: str
    sku: str
    barcode: str
    price_minor: int
    cost_minor: int | None
    on_hand: int
    held: int
    withdrawn: bool

    @property
    def name(self) -> str:
        return f"{self.title} · {self.choice}" if self.choice else self.title

    @property
    def value_minor(self) -> int | None:
        """What the pieces on hand cost; None while nobody said what one does."""
        return None if self.cost_minor is None else self.cost_minor * self.on_hand

    @property
    def margin_minor(self) -> int | None:
        return None if self.cost_minor is None else self.price_minor - self.cost_minor


class Movement(msgspec.Struct, frozen=True):
    """A change of the stock: when, how many, why, by whom, for which order, purchase or count."""

    at: datetime
    choice: str
    quantity: int
    reason: str
    person_id: UUID | None
    order_number: int | None
    purchase_id: UUID | None
    purchase_number: int | None
    stocktake_id: UUID | None


_STOCK_ITEM = (
    "v.variant_id, v.product_id, p.title, array_to_string(v.choice, ' / ') as choice, v.sku,"
    " v.barcode, v.price_minor, v.cost_minor, v.on_hand, v.held, v.withdrawn"
)
_FROM = (
    " from variants v join products p on p.shop_id = v.shop_id and p.product_id = v.product_id"
    " where v.shop_id = $1 and not exists (select from resold_variants r"  # another shop's stock
    " where r.shop_id = v.shop_id and r.variant_id = v.variant_id)"
)


def code_of(text: str) -> str:
    """A code as a scanner or a thumb enters it, without blanks and in one width."""
    return "".join(unicodedata.normalize("NFKC", text[:200]).split()).replace("\x00", "")


async def listing(conn: db.Connection, shop_id: int, *, stocked: bool = False) -> list[StockItem]:
    """Every item that is sold in the shelf's order; `stocked`: also those that are not sold any
    more and still lie there."""
    return await db.all(
        conn,
        StockItem,
        f"select {_STOCK_ITEM} {_FROM} and (not v.withdrawn or $2 and v.on_hand > 0)"
        " order by p.sort_order, p.product_id, v.sort_order, v.variant_id",
        shop_id,
        stocked,
    )


async def of_product(conn: db.Connection, shop_id: int, product_id: UUID) -> list[StockItem]:
    """The items of one product that are sold or lie there."""
    return await db.all(
        conn,
        StockItem,
        f"select {_STOCK_ITEM} {_FROM} and v.product_id = $2 and (not v.withdrawn or v.on_hand > 0)"
        " order by v.sort_order, v.variant_id",
        shop_id,
        product_id,
    )


async def get(
    conn: db.Connection, shop_id: int, variant_id: UUID, *, lock: bool = False
) -> StockItem:
    """An item of this shop. Raises NotFound."""
    found = await db.one(
        conn,
        StockItem,
        f"select {_STOCK_ITEM} {_FROM} and v.variant_id = $2"
        + (" for no key update of v" if lock else ""),
        shop_id,
        variant_id,
    )
    if found is None:
        raise NotFound("variant")
    return found


async def by_code(conn: db.Connection, shop_id: int, text: str) -> StockItem:
    """The item with this barcode or article number. Raises Refused: goods_code_empty,
    goods_code_unknown(said=), goods_code_ambiguous(said=, count=)."""
    code = code_of(text)
    if not code:
        raise Refused("goods_code_empty")
    found = await db.all(
        conn,
        StockItem,
        f"select {_STOCK_ITEM} {_FROM} and not v.withdrawn"
        " and (v.barcode = $2 or v.sku <> '' and lower(v.sku) = lower($2)) limit 10",
        shop_id,
        code,
    )
    if not found:
        raise Refused("goods_code_unknown", said=code[:LONGEST_CODE])
    if len(found) > 1:
        raise Refused("goods_code_ambiguous", said=code[:LONGEST_CODE], count=len(found))
    return found[0]


async def named(conn: db.Connection, shop_id: int, which: str | UUID) -> StockItem:
    """An item by its code or itself. Raises NotFound, and what `by_code` raises."""
    if isinstance(which, UUID):
        return await get(conn, shop_id, which)
    return await by_code(conn, shop_id, which)


async def check_barcode(conn: db.Connection, shop_id: int, variant_id: UUID, code: str) -> None:
    """Raises Refused: barcode_long(most=), barcode_taken(title=) when another item has it."""
    if len(code) > LONGEST_CODE:
        raise Refused("barcode_long", most=LONGEST_CODE)
    taken = await db.value(
        conn,
        f"select p.title {_FROM} and v.variant_id <> $2 and not v.withdrawn and $3 <> ''"
        " and (v.barcode = $3 or lower(v.sku) = lower($3)) limit 1",
        shop_id,
        variant_id,
        code,
    )
    if taken is not None:
        raise Refused("barcode_taken", title=taken)


async def story(
    conn: db.Connection, shop_id: int, product_id: UUID, *, most: int = 100, skip: int = 0
) -> list[Movement]:
    """What changed the stock of a product's kinds, the newest first."""
    return await db.all(
        conn,
        Movement,
        """
        select m.at, array_to_string(v.choice, ' / ') as choice, m.quantity, m.reason,
               m.person_id, o.number as order_number, r.purchase_id, b.number as purchase_number,
               l.stocktake_id
          from variants v
          join stock_movements m on m.shop_id = v.shop_id and m.variant_id = v.variant_id
          left join orders o on o.shop_id = m.shop_id and o.order_id = m.order_id
          left join receipts r on r.shop_id = m.shop_id and r.receipt_id = m.movement_id
          left join purchases b on b.shop_id = r.shop_id and b.purchase_id = r.purchase_id
          left join stocktake_lines l on l.shop_id = m.shop_id and l.variant_id = m.variant_id
           and l.movement_id = m.movement_id
         where v.shop_id = $1 and v.product_id = $2
         order by m.at desc, m.movement_id desc limit $3 offset $4""",
        shop_id,
        product_id,
        most,
        skip,
    )


async def thing_of(conn: db.Connection, shop_id: int, barcode: str) -> str:
    """The title of a thing that has this barcode, "" for none."""
    found = await db.value(
        conn,
        "select p.title from variants v join products p on p.shop_id = $1"
        "   and p.product_id = v.product_id"
        " where v.shop_id = $1 and v.barcode = $2 and v.barcode <> '' limit 1",
        shop_id,
        barcode,
    )
    return str(found or "")
