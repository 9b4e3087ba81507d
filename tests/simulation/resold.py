"""Re-sold orders: each shop's neighbour sells one of its goods at a price of her own; it is
withdrawn, offered anew and dearer, while people buy and give back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from littleshop import db, ids
from littleshop.catalog import products
from littleshop.errors import NotFound, Refused
from littleshop.sale import listing_resold
from littleshop.supply.resale_offers import Price
from tests.flows.people import Shopkeeper
from tests.simulation.buying import Buying, Wish
from tests.simulation.town import Town

OFFERED = 0  # which of a shop's goods its neighbour sells
SUPPLY, RETAIL = (12007, 13111), 18803  # minor units, and the neighbour's price
_STANDING = (
    "select /* all shops: the town's people */ p.shop_id, p.from_shop_id, v.variant_id"
    " from resold_products p join resold_variants v"
    " on v.shop_id = p.shop_id and v.product_id = p.product_id"
    " join products t on t.shop_id = p.shop_id and t.product_id = p.product_id"
    " where p.ended_at is null"
)
_LISTED = f"{_STANDING} and p.why_off is null and t.status = 'on_sale'"


def neighbours(town: Town) -> list[tuple[Shopkeeper, Shopkeeper]]:
    """Each shop, and who sells what it ships."""
    return list(zip(town.shops, [*town.shops[1:], *town.shops[:1]], strict=True))


def offer(town: Town, supplier: Shopkeeper, supply_minor: int = SUPPLY[0]) -> None:
    """A shop opens one of its goods to all others."""
    product_id = UUID(town.products[supplier.shop_id][OFFERED])

    async def write(conn: db.Connection, at: datetime) -> None:
        [variant, *_] = await products.variants(conn, supplier.shop_id, product_id)
        await listing_resold.offer(
            conn, supplier.shop_id, product_id, [Price(variant.variant_id, supply_minor)],
            open_to_all=True, token_hash=ids.hashed("nobody's"), at=at,
        )  # fmt: skip

    town.act(write)


def list_(town: Town, supplier: Shopkeeper, reseller: Shopkeeper) -> None:
    """The neighbour puts it on her shelf, unless it stands there."""
    product_id = UUID(town.products[supplier.shop_id][OFFERED])

    async def write(database: db.Database, at: datetime) -> None:
        async with database.connection() as conn:
            ware = await listing_resold.ware(
                conn, supplier.shop_id, product_id, for_shop=reseller.shop_id
            )
        prices = {each.variant_id: RETAIL for each in ware.offered}
        await database.transaction(
            lambda conn: listing_resold.put_up(conn, reseller.shop_id, ware, prices, at)
        )

    town.at_desk(write)


@dataclass
class Resold:
    """Who buys from a neighbour, and how she and the supplier change their minds."""

    buying: Buying

    @property
    def town(self) -> Town:
        return self.buying.town

    def order(self, wish: Wish) -> None:
        """Somebody orders what one shop sells and another ships."""
        slug, variant_id = self._listed()
        cashier = self.town.over_http(
            lambda: self.buying.browsers.order_resold(
                wish.rail, slug, f"{variant_id}:{wish.pieces}", phone=wish.phone
            )
        )
        if cashier is None:
            self.buying.misses(wish)
            return
        self.buying.counts(wish)
        self.buying.go_to_pay(cashier)

    def _listed(self) -> tuple[str, UUID]:
        """A thing on a neighbour's shelf: her shop and which; also one that was just withdrawn."""
        if self.buying.surely:
            self.suppliers_offer(1.0)
        slugs = {shop.shop_id: shop.slug for shop in self.town.shops}
        rows = self.town.read(_LISTED) or self.town.read(_STANDING)
        found = self.town.chance.choice(rows)
        return slugs[found["shop_id"]], found["variant_id"]

    def suppliers_offer(self, share: float = 0.5) -> None:
        """What was withdrawn is offered again, at the same price or another."""
        there = {row["from_shop_id"] for row in self.town.read(_LISTED)}
        for supplier, reseller in neighbours(self.town):
            if supplier.shop_id not in there and self.town.chance.random() < share:
                try:
                    offer(self.town, supplier, self.town.chance.choice(SUPPLY))
                    list_(self.town, supplier, reseller)
                except (Refused, NotFound):  # its job has not yet taken it off her shelf
                    continue
                self.town.happened["resale_offered"] += 1

    def suppliers_withdraw(self, share: float = 0.15) -> None:
        """A supplier withdraws what others sell for him, or asks for more."""
        for supplier, _ in neighbours(self.town):
            fate = self.town.chance.random()
            if fate < share:
                self._withdraw(supplier)
            elif fate < share * 2:
                offer(self.town, supplier, SUPPLY[1])
                self.town.happened["resale_dearer"] += 1

    def _withdraw(self, supplier: Shopkeeper) -> None:
        product_id = UUID(self.town.products[supplier.shop_id][OFFERED])

        async def withdraw(conn: db.Connection, at: datetime) -> None:
            await listing_resold.withdraw(conn, supplier.shop_id, product_id, at)

        self.town.does("resale_withdrawn", withdraw)


def counted(town: Town) -> dict[str, int]:
    """What re-sellers were given of it, and what came back from them, in fen."""
    [row] = town.read(
        "select /* all shops: the whole town */"
        " coalesce(sum(amount_minor) filter (where t.credit like 'due_to_shop:%'), 0)::bigint"
        "  as given_minor,"
        " coalesce(sum(amount_minor) filter (where t.debit like 'due_from_shop:%'), 0)::bigint"
        "  as taken_back_minor, (select count(*) from resold_products where ended_at is not null"
        "  or why_off is not null) as off"
        " from transfers t join journals j on j.shop_id = t.shop_id"
        " and j.journal_id = t.journal_id join orders o on o.shop_id = j.shop_id"
        " and o.order_id = j.order_id where o.kind = 'resale'"
    )
    return {name: int(many) for name, many in row.items()}
