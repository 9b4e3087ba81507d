"""Two shops: 林小满 ships what 何晓晓 sells, and everybody does his part in a transaction."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from littleshop import ids
from littleshop.catalog import products, resold
from littleshop.clock import Clock
from littleshop.jobs import Task, worker
from littleshop.ledger import accounts
from littleshop.money import Money
from littleshop.pricing import facts as pricing_facts
from littleshop.pricing.quotes import Item
from littleshop.sale import carrying, listing_resold, passing_on, reselling
from littleshop.sale.listing_resold import Ware
from littleshop.sale.placing import Placed, Placing
from littleshop.supply import resale_offers, resales
from littleshop.supply.resale_offers import Price
from littleshop.supply.resales import ResoldOrder
from littleshop.trade.orders import Delivery
from tests.cast import CNY, WANTING, Town

TOKEN = "the supplier's link"


@dataclass
class Pair:
    """A supplier, a re-seller, and the bowl between them."""

    town: Town
    supplier: int
    reseller: int
    bowl: Item
    product_id: UUID
    here: UUID | None = None  # the bowl on the re-seller's shelf

    async def offers(
        self, supply: str = "60.00", least: str = "", most: str = "", *, to_all: bool = True
    ) -> None:
        bounds = [CNY(each).minor if each else None for each in (least, most)]
        price = Price(self.bowl.variant_id, CNY(supply).minor, *bounds)
        await self.town.database.transaction(
            lambda conn: listing_resold.offer(
                conn, self.supplier, self.product_id, [price], open_to_all=to_all,
                token_hash=ids.hashed(TOKEN), at=self.town.at,
            )
        )  # fmt: skip

    async def withdraws(self) -> None:
        await self.town.database.transaction(
            lambda conn: listing_resold.withdraw(conn, self.supplier, self.product_id, self.town.at)
        )

    async def sees(self, token: str = "", shop_id: int | None = None) -> Ware:
        async with self.town.database.connection() as conn:
            return await listing_resold.ware(
                conn, shop_id or self.supplier, self.product_id, for_shop=self.reseller, token=token
            )

    async def lists(self, price: str = "80.00", token: str = "") -> Item:
        """She puts it on her shelf; the answer is one piece as her shop knows it."""
        ware, prices = await self.sees(token), {self.bowl.variant_id: CNY(price).minor}
        self.here = await self.town.database.transaction(
            lambda conn: listing_resold.put_up(conn, self.reseller, ware, prices, self.town.at)
        )
        await self.jobs_are_done()
        async with self.town.database.connection() as conn:
            (own,) = await products.variants(conn, self.reseller, self.here)
        return Item(own.variant_id, 1)

    @property
    def listed(self) -> UUID:
        assert self.here is not None
        return self.here

    async def asks(self, price: str) -> None:
        """She wants another price."""
        async with self.town.database.connection() as conn:
            listing = await resold.get(conn, self.reseller, self.listed)
            (kind,) = await resold.kinds(conn, self.reseller, self.listed)
            offer = await resale_offers.get(conn, self.supplier, self.product_id)
        assert listing is not None
        prices = {kind.variant_id: CNY(price).minor}
        await self.town.database.transaction(
            lambda conn: listing_resold.reprice(conn, listing, prices, offer)
        )
        await carrying.follow(self.town.database, listing, self.town.at)

    async def takes_up(self, thing: Item) -> None:
        """From now on it is this that he offers and she lists."""
        self.bowl = thing
        async with self.town.database.connection() as conn:
            facts = await pricing_facts.load(conn, self.supplier, [thing.variant_id])
        self.product_id = facts[thing.variant_id].product_id

    async def takes_down(self) -> None:
        """She sells it no more."""
        async with self.town.database.connection() as conn:
            listing = await resold.get(conn, self.reseller, self.listed)
        assert listing is not None
        await self.town.database.transaction(
            lambda conn: listing_resold.take_down(conn, listing, self.town.at)
        )

    async def listing(self) -> tuple[str | None, bool]:
        """Why it is off, and whether a buyer of hers can have it."""
        async with self.town.database.connection() as conn:
            found = await resold.get(conn, self.reseller, self.listed)
            variants = await products.variants(conn, self.reseller, self.listed)
        assert found is not None
        return found.why_off, any(each.spare > 0 for each in variants)

    async def status(self) -> str:
        """How it stands on her shelf."""
        async with self.town.database.connection() as conn:
            return (await products.get(conn, self.reseller, self.listed)).status

    async def places(
        self, thing: Item, total: str, who: Delivery = WANTING, key: str | None = None
    ) -> Placed:
        """Somebody orders it in her shop."""
        async with self.town.database.connection() as conn:
            found = await reselling.consignments(conn, self.reseller, [thing])
        consignment = found[self.supplier]
        wish = Placing(
            shop_id=self.supplier, items=consignment.items, way="courier", delivery=who,
            total_seen=CNY(total), key=key or secrets.token_hex(8),
            device=ids.hashed("wanting's phone"), locale="zh-CN", kind=reselling.KIND,
        )  # fmt: skip
        town = self.town
        return await reselling.place(town.database, town.keyring, wish, consignment, town.at)

    async def buys(self, thing: Item, total: str) -> Placed:
        placed = await self.places(thing, total)
        reference = await self.town.opens_cashier(placed)
        assert await self.town.money_arrives(reference, CNY(total)) == "accepted"
        return placed

    async def jobs_are_done(self, *left_out: str) -> None:
        """The worker does what waits between the two shops, but for jobs of these names."""
        known = passing_on.tasks(self.town.keyring) | carrying.tasks()
        tasks: dict[str, Task] = {
            name: task for name, task in known.items() if name not in left_out
        }
        clock = Clock()
        clock.now = lambda: self.town.at + timedelta(seconds=1)  # type: ignore[method-assign]
        await worker.drain(self.town.database, tasks, clock)

    async def mirror(self) -> ResoldOrder:
        """What she has of the last order."""
        async with self.town.database.connection() as conn:
            return (await resales.mirrored(conn, self.reseller))[0]

    async def balance(self, shop_id: int, account: str) -> Money:
        async with self.town.database.connection() as conn:
            return await accounts.balance(conn, shop_id, account, "CNY")

    async def owes(self) -> tuple[Money, Money]:
        """What the supplier and the re-seller are owed by the platform."""
        one = await self.balance(self.supplier, "payable")
        return one, await self.balance(self.reseller, "payable")

    @contextmanager
    def at_hers(self) -> Iterator[None]:
        """The town's shop is hers for a while."""
        self.town.shop_id = self.reseller
        try:
            yield
        finally:
            self.town.shop_id = self.supplier


async def pair(town: Town, pieces: int = 10) -> Pair:
    """何晓晓's shop, and 林小满's with its bowls; the town acts in the latter."""
    reseller = await town.open_shop("晓晓的小铺", "xiaoxiao", "+8613900002002")
    supplier = await town.open_shop()
    bowl = await town.stock(price=CNY("90.00"), pieces=pieces)
    async with town.database.connection() as conn:
        (row,) = await products.listing(conn, supplier)
    return Pair(town, supplier, reseller, bowl, row.product_id)


async def sell(town: Town, price: str = "80.00") -> tuple[Pair, Placed]:
    """Supply price 60, and somebody has paid `price` in her shop."""
    two = await pair(town)
    await two.offers()
    placed = await two.buys(await two.lists(price), price)
    return two, placed
