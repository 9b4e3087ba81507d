"""Resale offers: which products other shops may sell, for how much, and which do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import Refused
from littleshop.money import Money

Place = tuple[int, UUID]  # a product of a shop


class Price(msgspec.Struct, frozen=True):
    """What a piece of a kind costs the re-seller, and between which prices she may sell it (None:
    as she likes); minor units."""

    variant_id: UUID
    supply_minor: int
    least_minor: int | None = None
    most_minor: int | None = None

    def why_not(self, retail_minor: int) -> str | None:
        """Why she cannot sell it at this price: below_supply, out_of_bounds; None when she can."""
        if retail_minor < self.supply_minor:
            return "below_supply"
        least, most = self.least_minor or 0, self.most_minor or retail_minor
        return None if least <= retail_minor <= most else "out_of_bounds"


class Offer(msgspec.Struct, frozen=True):
    """A product that others may sell; `prices` by kind. Not `open_to_all`: only with its link.
    `opened_at`: since when it stands without a break; who listed it before does so no more."""

    shop_id: int
    product_id: UUID
    open_to_all: bool
    token_hash: bytes
    opened_at: datetime
    changed_at: datetime
    withdrawn_at: datetime | None
    prices: dict[UUID, Price] = {}

    @property
    def stands(self) -> bool:
        return self.withdrawn_at is None


class Reseller(msgspec.Struct, frozen=True):
    """A shop that lists a product, or did."""

    shop_id: int
    product_id: UUID
    reseller_shop_id: int
    listed_at: datetime
    ended_at: datetime | None


class Partner(msgspec.Struct, frozen=True):
    """A shop that sells or ships for another, as that one may go and look at it; `seller`: who
    keeps it."""

    shop_id: int
    name: str
    slug: str | None
    picture: str | None
    seller: str


class _Row(msgspec.Struct, frozen=True):
    shop_id: int
    product_id: UUID
    open_to_all: bool
    token_hash: bytes
    opened_at: datetime
    changed_at: datetime
    withdrawn_at: datetime | None


class _OfProduct(Price, frozen=True):
    shop_id: int = 0
    product_id: UUID = UUID(int=0)


_ROW = ", ".join(_Row.__struct_fields__)
_RESELLER = ", ".join(Reseller.__struct_fields__)


def check(price: Price, currency: str) -> Price:
    """Raises Refused: resale_supply_missing, resale_least(least=), resale_most(least=)."""
    if price.supply_minor < 1:
        raise Refused("resale_supply_missing")
    if price.least_minor is not None and price.least_minor < price.supply_minor:
        raise Refused("resale_least", least=Money(price.supply_minor, currency))
    low = price.least_minor or price.supply_minor
    if price.most_minor is not None and price.most_minor < low:
        raise Refused("resale_most", least=Money(low, currency))
    return price


async def get(
    conn: db.Connection, shop_id: int, product_id: UUID, *, lock: bool = False
) -> Offer | None:
    """The offer of a product, also one that was withdrawn; with `lock` nobody changes it until we
    commit."""
    return (await of_products(conn, shop_id, [product_id], lock=lock)).get(product_id)


async def of_products(
    conn: db.Connection, shop_id: int, products: Sequence[UUID], *, lock: bool = False
) -> dict[UUID, Offer]:
    """The offers of these products, as `get`; those locked are locked in the products' order."""
    rows = await db.all(
        conn,
        _Row,
        f"select {_ROW} from resale_offers where shop_id = $1 and product_id = any ($2)"
        " order by product_id" + (" for share" if lock else ""),
        shop_id,
        list(products),
    )
    if not rows:
        return {}
    found = await db.all(
        conn,
        _OfProduct,
        "select shop_id, product_id, variant_id, supply_minor, least_minor, most_minor"
        " from resale_prices where shop_id = $1 and product_id = any ($2) order by variant_id",
        shop_id,
        [row.product_id for row in rows],
    )
    return {key: each for (_, key), each in _priced(rows, found).items()}


def _priced(rows: Sequence[_Row], found: Sequence[_OfProduct]) -> dict[Place, Offer]:
    prices: dict[Place, dict[UUID, Price]] = {}
    for each in found:
        prices.setdefault((each.shop_id, each.product_id), {})[each.variant_id] = each
    places = [(row.shop_id, row.product_id) for row in rows]
    return {
        place: Offer(**msgspec.structs.asdict(row), prices=prices.get(place, {}))
        for place, row in zip(places, rows, strict=True)
    }


async def of_places(conn: db.Connection, places: Sequence[Place]) -> dict[Place, Offer]:
    """The offers of products of several shops, as `get`."""
    asked = [shop_id for shop_id, _ in places], [product_id for _, product_id in places]
    rows = await db.all(
        conn,
        _Row,
        f"select /* all shops: of a basket */ {_ROW} from resale_offers"
        " join unnest($1::bigint[], $2::uuid[]) as w(shop_id, product_id)"
        " using (shop_id, product_id)",
        *asked,
    )
    found = await db.all(
        conn,
        _OfProduct,
        "select /* all shops: of a basket */ shop_id, product_id, variant_id, supply_minor,"
        " least_minor, most_minor from resale_prices"
        " join unnest($1::bigint[], $2::uuid[]) as w(shop_id, product_id)"
        " using (shop_id, product_id)",
        *asked,
    )
    return _priced(rows, found)


async def taken_of(
    conn: db.Connection, places: Sequence[Place], reseller_shop_id: int
) -> set[Place]:
    """Which of these products of several shops that shop lists, as `taken`."""
    rows = await conn.fetch(
        "select /* all shops: of a basket */ r.shop_id, r.product_id from resellers r"
        " join unnest($1::bigint[], $2::uuid[]) as w(shop_id, product_id)"
        "   on w.shop_id = r.shop_id and w.product_id = r.product_id"
        " join resale_offers o on o.shop_id = r.shop_id and o.product_id = r.product_id"
        " where r.reseller_shop_id = $3 and r.ended_at is null and r.listed_at >= o.opened_at",
        [shop_id for shop_id, _ in places],
        [product_id for _, product_id in places],
        reseller_shop_id,
    )
    return {(row["shop_id"], row["product_id"]) for row in rows}


async def offered(conn: db.Connection, shop_id: int) -> list[UUID]:
    """The products that others may sell now or could once, the latest first."""
    rows = await conn.fetch(
        "select product_id from resale_offers where shop_id = $1"
        " order by withdrawn_at is not null, changed_at desc limit 500",
        shop_id,
    )
    return [row["product_id"] for row in rows]


async def is_open(conn: db.Connection, shop_id: int, product_id: UUID) -> bool:
    """Whether everybody may sell this product."""
    found = await db.value(
        conn,
        "select true from resale_offers where shop_id = $1 and product_id = $2 and open_to_all"
        " and withdrawn_at is null",
        shop_id,
        product_id,
    )
    return bool(found)


async def offer(
    conn: db.Connection,
    shop_id: int,
    product_id: UUID,
    prices: Sequence[Price],
    *,
    open_to_all: bool,
    token_hash: bytes,
    at: datetime,
) -> None:
    """Let others sell a product, or change for how much; what is not priced is not offered. What
    was withdrawn begins anew."""
    await db.run(
        conn,
        "insert into resale_offers (shop_id, product_id, open_to_all, token_hash, opened_at,"
        " changed_at) values ($1, $2, $3, $4, $5, $5)"
        " on conflict on constraint resale_offers_pkey do update"
        " set open_to_all = excluded.open_to_all, token_hash = excluded.token_hash,"
        " changed_at = excluded.changed_at, withdrawn_at = null,"
        " opened_at = case when resale_offers.withdrawn_at is null then resale_offers.opened_at"
        "                  else excluded.opened_at end",
        shop_id,
        product_id,
        open_to_all,
        token_hash,
        at,
    )
    await db.run(
        conn,
        "delete from resale_prices where shop_id = $1 and product_id = $2"
        " and variant_id <> all ($3)",
        shop_id,
        product_id,
        [each.variant_id for each in prices],
    )
    for each in prices:
        await db.run(
            conn,
            "insert into resale_prices (shop_id, variant_id, product_id, supply_minor,"
            " least_minor, most_minor) values ($1, $2, $3, $4, $5, $6)"
            " on conflict on constraint resale_prices_pkey do update"
            " set supply_minor = excluded.supply_minor, least_minor = excluded.least_minor,"
            " most_minor = excluded.most_minor",
            shop_id,
            each.variant_id,
            product_id,
            each.supply_minor,
            each.least_minor,
            each.most_minor,
        )


async def withdraw(conn: db.Connection, shop_id: int, product_id: UUID, at: datetime) -> bool:
    """Nobody sells it for us any more; False when that was so."""
    changed = await db.run(
        conn,
        "update resale_offers set withdrawn_at = $3, changed_at = $3"
        " where shop_id = $1 and product_id = $2 and withdrawn_at is null",
        shop_id,
        product_id,
        at,
    )
    await db.run(
        conn,
        "update resellers set ended_at = $3 where shop_id = $1 and product_id = $2"
        " and ended_at is null",
        shop_id,
        product_id,
        at,
    )
    return changed == 1


async def take(
    conn: db.Connection, shop_id: int, product_id: UUID, reseller_shop_id: int, at: datetime
) -> None:
    """Another shop lists it since then."""
    await db.run(
        conn,
        f"insert into resellers ({_RESELLER}) values ($1, $2, $3, $4, null)"
        " on conflict on constraint resellers_pkey do update"
        " set listed_at = greatest(resellers.listed_at, excluded.listed_at),"
        " ended_at = case when resellers.ended_at > excluded.listed_at then resellers.ended_at"
        "            end",
        shop_id,
        product_id,
        reseller_shop_id,
        at,
    )


async def leave(
    conn: db.Connection, shop_id: int, product_id: UUID, reseller_shop_id: int, at: datetime
) -> None:
    """Another shop lists it no more."""
    await db.run(
        conn,
        "update resellers set ended_at = $4 where shop_id = $1 and product_id = $2"
        " and reseller_shop_id = $3 and ended_at is null",
        shop_id,
        product_id,
        reseller_shop_id,
        at,
    )


async def is_taken(
    conn: db.Connection, shop_id: int, product_id: UUID, reseller_shop_id: int
) -> bool:
    """Whether that shop lists it now."""
    return product_id in await taken(conn, shop_id, [product_id], reseller_shop_id)


async def taken(
    conn: db.Connection, shop_id: int, products: Sequence[UUID], reseller_shop_id: int
) -> set[UUID]:
    """Which of these products that shop lists since they are offered as they are now."""
    rows = await conn.fetch(
        "select r.product_id from resellers r join resale_offers o on o.shop_id = $1"
        " and o.product_id = r.product_id where r.shop_id = $1 and r.product_id = any ($2)"
        " and r.reseller_shop_id = $3 and r.ended_at is null and r.listed_at >= o.opened_at",
        shop_id,
        list(products),
        reseller_shop_id,
    )
    return {row["product_id"] for row in rows}


async def resellers(
    conn: db.Connection, shop_id: int, product_id: UUID | None = None
) -> list[Reseller]:
    """Who lists a product, or any, or did; the latest first."""
    return await db.all(
        conn,
        Reseller,
        f"select {_RESELLER} from resellers where shop_id = $1"
        " and ($2::uuid is null or product_id = $2)"
        " order by ended_at is not null, listed_at desc limit 1000",
        shop_id,
        product_id,
    )


async def partners(conn: db.Connection, shop_ids: Sequence[int]) -> list[Partner]:
    """The shops with these numbers."""
    return await db.all(
        conn,
        Partner,
        "select /* all shops: these few */ shop_id, name, slug, picture, seller from shops"
        " where shop_id = any ($1) order by shop_id",
        list(shop_ids),
    )
