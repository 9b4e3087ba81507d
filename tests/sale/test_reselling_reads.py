"""Re-selling reads many as it reads one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from littleshop import db
from littleshop.sale import reselling, telling_resellers
from littleshop.sale.reselling import Supplied
from littleshop.supply import low, resale_offers, resales
from tests.cast import CNY, Town
from tests.sale.resold import TOKEN, pair
from tests.sale.test_alerting import hired


async def reads(town: Town, work: Callable[[db.Connection], Awaitable[object]]) -> int:
    """How many statements this asks of the database."""
    asked: list[str] = []
    async with town.database.connection() as conn:
        with conn.query_logger(lambda record: asked.append(record.query)):
            await work(conn)
    return sum("select" in each for each in asked)


async def test_four_things_of_a_supplier_are_read_as_one_is(town: Town) -> None:
    """On the supplier's list, in a basket, and when it is looked whether she sells them."""
    two = await pair(town)
    basket, counted = [], []
    for title in ("茶杯", "茶盘", "公道杯", "茶巾"):
        await two.offers(to_all=False)
        basket.append(await two.lists(token=TOKEN))
        async with town.database.connection() as conn:
            found = await reselling.consignments(conn, two.reseller, basket)
            products = await resale_offers.offered(conn, two.supplier)
        consignment = found[two.supplier]
        assert len(consignment.items) == len(products) == len(basket)
        counted.append(
            [
                await reads(town, partial(reselling.look, consignment=consignment)),
                await reads(town, partial(reselling.need_sold, consignment=consignment)),
                await reads(
                    town,
                    partial(resale_offers.of_products, shop_id=two.supplier, products=products),
                ),
            ]
        )
        async with town.database.connection() as conn:
            shelf = await reselling.look(conn, consignment)
        assert len(reselling.there(consignment, shelf)) == len(basket)
        await two.takes_up(await town.stock(title, CNY("90.00")))
    assert counted == [[4, 2, 2]] * 4


def said(shelves: Mapping[int, Supplied]) -> object:
    """What suppliers say, wherever in a read it stood."""
    return {
        supplier: (
            shelf.terms,
            {key: (fact.title, fact.spare) for key, fact in shelf.facts.items()},
        )
        for supplier, shelf in shelves.items()
    }


async def test_a_basket_of_three_suppliers_is_read_as_one_of_one(town: Town) -> None:
    """What each of them says is what he says alone."""
    two = await pair(town)
    await two.offers(to_all=False)
    basket, counted = [await two.lists(token=TOKEN)], []
    for at, name in enumerate(("乙店", "丙店", "丁店")):
        async with town.database.connection() as conn:
            found = await reselling.consignments(conn, two.reseller, basket)
            together = await reselling.look_at_all(conn, found)
            alone = {key: await reselling.look(conn, each) for key, each in found.items()}
        assert len(together) == at + 1 and said(together) == said(alone)
        assert all(reselling.there(found[key], shelf) for key, shelf in together.items())
        counted.append(await reads(town, partial(reselling.look_at_all, found=found)))
        if at < 2:
            two.supplier = await town.open_shop(name, f"shop-{at}", f"+861390000300{at}")
            await two.takes_up(await town.stock("茶杯", CNY("90.00")))
            await two.offers(to_all=False)
            basket.append(await two.lists(token=TOKEN))
    assert counted == [4, 4, 4]


async def test_what_became_of_three_orders_is_read_as_of_one(town: Town) -> None:
    two = await pair(town)
    await two.offers()
    thing = await two.lists()
    counted: list[int] = []
    for _ in range(3):
        await town.ships(await two.buys(thing, "80.00"))
        await two.jobs_are_done()
        async with town.database.connection() as conn:
            mirrors = await resales.mirrored(conn, two.reseller)
            told = await resales.progress_of(conn, mirrors)
        assert {(each.status, len(each.parcels)) for each in told.values()} == {("shipped", 1)}
        assert len(told) == len(mirrors) == len(counted) + 1
        counted.append(await reads(town, partial(resales.progress_of, mirrors=mirrors)))
    assert counted == [1, 1, 1]
    await town.books_balance()


async def test_a_crew_of_eight_is_told_in_as_many_reads_as_one_of_two(town: Town) -> None:
    """Of what cannot be sold any more, and of what runs low."""
    bowl = await town.stock(price=CNY("90.00"), pieces=2)
    await town.buys([bowl], CNY("90.00"))
    counted = []
    for crew in (2, 8):
        await hired(town, crew)
        off = partial(
            telling_resellers.off, shop_id=town.shop_id, product_id=bowl.variant_id, title="碗",
            why="gone", at=town.at,
        )  # fmt: skip
        counted.append((await reads(town, off), await reads(town, low_again(town))))
    assert counted[0] == counted[1]
    assert min(counted[0]) > 3


def low_again(town: Town) -> Callable[[db.Connection], Awaitable[int]]:
    """Tell what runs low, as if nobody had been told."""

    async def work(conn: db.Connection) -> int:
        await db.run(conn, "update low_marks set told_at = null where shop_id = $1", town.shop_id)
        told = await low.tell(conn, town.shop_id, town.at)
        assert told == 1
        return told

    return work
