"""Resales: orders that one shop ships and another sold; a row in the books of each.

The order is the supplier's. The re-seller has a mirror of it: a number of hers, who bought by name,
and her margin; neither the phone nor the address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.money import Money
from littleshop.trade import counters


class Resale(msgspec.Struct, frozen=True):
    """What an order of ours is to the shop that sold it, which its buyer knows by its name of then;
    minor units of the order's currency."""

    shop_id: int
    order_id: UUID
    sold_by_shop_id: int
    supply_minor: int
    margin_minor: int
    sold_by_name: str


class ResoldOrder(msgspec.Struct, frozen=True):
    """An order that another shop ships, as it stands in the books of who sold it: under a number of
    hers, and under that of the supplier's order, which its buyer knows."""

    shop_id: int
    from_shop_id: int
    order_id: UUID
    number: int
    order_number: int
    phone_index: bytes
    name_sealed: bytes
    currency: str
    total_minor: int
    margin_minor: int
    placed_at: datetime

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    @property
    def margin(self) -> Money:
        return Money(self.margin_minor, self.currency)


class Progress(msgspec.Struct, frozen=True):
    """What the supplier's rows say of such an order; `parcels` with carrier and tracking number,
    the first one first; `asked`: its buyer wants something back, and that is not over."""

    order_id: UUID
    status: str
    total_minor: int
    refunded_minor: int
    parcels: list[dict[str, str]]
    asked: bool


class Sold(msgspec.Struct, frozen=True):
    """How much a re-seller has sold for us: orders that were paid and not given back, and what
    they came to."""

    sold_by_shop_id: int
    orders: int
    total_minor: int


_RESALE = ", ".join(Resale.__struct_fields__)
_RESOLD = ", ".join(ResoldOrder.__struct_fields__)


async def write(conn: db.Connection, resale: Resale) -> None:
    """An order was placed that another shop sold."""
    await db.run(
        conn,
        f"insert into resales ({_RESALE}) values ($1, $2, $3, $4, $5, $6)",
        *[getattr(resale, name) for name in Resale.__struct_fields__],
    )


async def name_lines(
    conn: db.Connection, shop_id: int, order_id: UUID, titles: Mapping[UUID, str]
) -> None:
    """What lines of an order of this shop are called where they were bought, by kind."""
    await db.run(
        conn,
        "update order_items i set sold_as = w.title"
        "  from unnest($3::uuid[], $4::text[]) as w(variant_id, title)"
        " where i.shop_id = $1 and i.order_id = $2 and i.variant_id = w.variant_id",
        shop_id,
        order_id,
        list(titles),
        list(titles.values()),
    )


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> Resale | None:
    """Who sold an order of this shop; None when it did itself."""
    return await db.one(
        conn,
        Resale,
        f"select {_RESALE} from resales where shop_id = $1 and order_id = $2",
        shop_id,
        order_id,
    )


async def sellers_of(
    conn: db.Connection, places: Sequence[tuple[int, UUID]]
) -> dict[tuple[int, UUID], int]:
    """Which of these orders, of any shops, another shop sold, and which."""
    rows = await conn.fetch(
        "select /* all shops: these orders' own */ r.shop_id, r.order_id, r.sold_by_shop_id"
        "  from unnest($1::bigint[], $2::uuid[]) as w(shop_id, order_id)"
        "  join resales r on r.shop_id = w.shop_id and r.order_id = w.order_id",
        [shop_id for shop_id, _ in places],
        [order_id for _, order_id in places],
    )
    return {(row["shop_id"], row["order_id"]): row["sold_by_shop_id"] for row in rows}


async def sold_by(conn: db.Connection, shop_id: int, order_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Which of these orders of this shop another one sold, by that one's name of then."""
    rows = await conn.fetch(
        "select order_id, sold_by_name from resales where shop_id = $1 and order_id = any ($2)",
        shop_id,
        list(order_ids),
    )
    return {row["order_id"]: row["sold_by_name"] for row in rows}


async def sold(conn: db.Connection, shop_id: int) -> dict[int, Sold]:
    """What others sold for this shop, by who."""
    rows = await db.all(
        conn,
        Sold,
        "select r.sold_by_shop_id, count(*)::integer as orders,"
        "       sum(o.total_minor - o.refunded_minor)::bigint as total_minor"
        "  from resales r"
        "  join orders o on o.shop_id = r.shop_id and o.order_id = r.order_id"
        " where r.shop_id = $1 and o.paid_at is not null and o.status <> 'refunded'"
        " group by r.sold_by_shop_id",
        shop_id,
    )
    return {each.sold_by_shop_id: each for each in rows}


async def mirror(conn: db.Connection, row: ResoldOrder) -> bool:
    """Write an order that another shop ships into the books of who sold it, under her next number
    (that of `row` is not looked at); False when it stands there."""
    if await find(conn, row.shop_id, row.from_shop_id, row.order_id) is not None:
        return False
    await counters.lock(conn, row.shop_id)
    if await find(conn, row.shop_id, row.from_shop_id, row.order_id) is not None:
        return False  # by another job, while we waited for the counter
    kept = msgspec.structs.replace(row, number=await counters.draw(conn, row.shop_id))
    await db.run(
        conn,
        f"insert into resold_orders ({_RESOLD})"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *[getattr(kept, name) for name in ResoldOrder.__struct_fields__],
    )
    return True


async def find(
    conn: db.Connection, shop_id: int, from_shop_id: int, order_id: UUID
) -> ResoldOrder | None:
    """The mirror of an order."""
    return await db.one(
        conn,
        ResoldOrder,
        f"select {_RESOLD} from resold_orders"
        " where shop_id = $1 and from_shop_id = $2 and order_id = $3",
        shop_id,
        from_shop_id,
        order_id,
    )


async def mirrored(
    conn: db.Connection, shop_id: int, *, number: int | None = None, most: int = 100
) -> list[ResoldOrder]:
    """What a shop sold that others ship, the latest first; those with this number of hers or of the
    buyer's, where one is given."""
    return await db.all(
        conn,
        ResoldOrder,
        f"select {_RESOLD} from resold_orders where shop_id = $1"
        " and ($3::bigint is null or number = $3 or order_number = $3)"
        " order by placed_at desc, number desc limit $2",
        shop_id,
        most,
        number,
    )


async def of_numbers(
    conn: db.Connection, shop_id: int, numbers: Sequence[int]
) -> list[ResoldOrder]:
    """Those of what a shop sold and others ship that have these numbers of hers, the latest
    first."""
    return await db.all(
        conn,
        ResoldOrder,
        f"select {_RESOLD} from resold_orders where shop_id = $1 and number = any ($2)"
        " order by placed_at desc, number desc",
        shop_id,
        list(numbers),
    )


async def progress_of(conn: db.Connection, mirrors: Sequence[ResoldOrder]) -> dict[UUID, Progress]:
    """What became of these orders at the shops that ship them, by order."""
    found = await db.all(
        conn,
        Progress,
        "select /* all shops: these orders' own */ o.order_id, o.status, o.total_minor,"
        "       o.refunded_minor, coalesce((select jsonb_agg(jsonb_build_object("
        "         'carrier', p.carrier, 'number', p.tracking_number)"
        "         order by p.handed_over_at, p.parcel_id) from parcels p"
        "        where p.shop_id = o.shop_id and p.order_id = o.order_id and p.way = 'courier'"
        "          and p.taken_back_at is null), '[]') as parcels,"
        "       exists (select from cases c where c.shop_id = o.shop_id"
        "                  and c.order_id = o.order_id and c.ended_at is null) as asked"
        "  from unnest($1::bigint[], $2::uuid[]) as w(shop_id, order_id)"
        "  join orders o on o.shop_id = w.shop_id and o.order_id = w.order_id",
        [each.from_shop_id for each in mirrors],
        [each.order_id for each in mirrors],
    )
    return {each.order_id: each for each in found}
