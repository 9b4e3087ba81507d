"""Goods come in, are counted, run low: the pieces and what they cost, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID, uuid4

import pytest

from littleshop import db
from littleshop.clock import Clock
from littleshop.errors import Conflict, Refused
from littleshop.jobs import Context
from littleshop.notify import messages
from littleshop.supply import low, purchases, stock_items, stocktakes, suppliers
from tests.cast import CNY, Town

T = TypeVar("T")


async def does(town: Town, act: Callable[[db.Connection], Awaitable[T]]) -> T:
    return await town.database.transaction(act)


async def refusal(town: Town, act: Callable[[db.Connection], Awaitable[object]]) -> Refused:
    with pytest.raises(Refused) as no:
        await does(town, act)
    return no.value


async def item_of(town: Town, variant_id: UUID) -> stock_items.StockItem:
    return await does(town, lambda conn: stock_items.get(conn, town.shop_id, variant_id))


async def orders_from_the_kiln(town: Town, variant_id: UUID, pieces: int, cost: str) -> UUID:
    """小满 orders so many of a thing from her kiln."""
    shop_id, purchase_id, supplier_id, me = town.shop_id, uuid4(), uuid4(), town.person_id
    assert me is not None

    async def work(conn: db.Connection) -> None:
        await suppliers.write(
            conn, town.keyring, shop_id, supplier_id,
            name="龙泉窑", contact="+86 139 0000 9999", notes="", person_id=me, at=town.at,
        )  # fmt: skip
        await purchases.draft(
            conn, shop_id, purchase_id, supplier_id, expected_on=None, person_id=me, at=town.at
        )
        await purchases.put(conn, shop_id, purchase_id, variant_id, pieces, CNY(cost).minor)
        await purchases.order(conn, shop_id, purchase_id, town.at)

    await does(town, work)
    return purchase_id


def receiving(
    town: Town, purchase_id: UUID, which: UUID, key: UUID, pieces: int, *, more: bool = False
) -> Callable[[db.Connection], Awaitable[purchases.Line]]:
    me = town.person_id
    assert me is not None
    return lambda conn: purchases.receive(
        conn, town.shop_id, purchase_id, key, which, pieces, more=more, person_id=me, at=town.at
    )


async def test_two_phones_receive_the_same_purchase_and_each_piece_counts_once(
    town: Town,
) -> None:
    bowl = (await town.stock(pieces=0)).variant_id
    bought = await orders_from_the_kiln(town, bowl, 10, "30.00")
    one, other = uuid4(), uuid4()
    presses = [(one, 4), (other, 6), (one, 4), (other, 6), (one, 4)]
    await asyncio.gather(
        *(does(town, receiving(town, bought, bowl, key, pieces)) for key, pieces in presses)
    )
    item = await item_of(town, bowl)
    assert (item.on_hand, item.cost_minor) == (10, 3000)
    found = await does(town, lambda conn: purchases.get(conn, town.shop_id, bought))
    assert (found.status, found.received) == ("received", 10)
    with pytest.raises(Conflict):
        await does(town, receiving(town, bought, bowl, one, 5))
    asked = await refusal(town, receiving(town, bought, bowl, uuid4(), 1))
    assert asked.code == "more_than_ordered"
    assert (await item_of(town, bowl)).on_hand == 10
    line = await does(town, receiving(town, bought, bowl, uuid4(), 1, more=True))
    assert (line.received, line.quantity) == (11, 10)
    story = await does(town, lambda conn: stock_items.story(conn, town.shop_id, item.product_id))
    assert sorted(each.quantity for each in story) == [1, 4, 6]
    assert {(e.reason, e.person_id, e.purchase_number) for e in story} == {
        ("received", town.person_id, 1)
    }
    await town.books_balance()


async def test_what_a_piece_costs_is_the_average_rounded_half_up(town: Town) -> None:
    bowl = (await town.stock(pieces=0)).variant_id
    for pieces, cost, after in (
        (1, "0.01", 1),
        (1, "0.02", 2),
        (1, "10.00", 335),
        (7, "0.00", 101),
    ):
        bought = await orders_from_the_kiln(town, bowl, pieces, cost)
        await does(town, receiving(town, bought, bowl, uuid4(), pieces))
        assert (await item_of(town, bowl)).cost_minor == after  # (1.5, 334.67, 100.5) fen
    unknown = (await town.stock(pieces=10)).variant_id  # nobody said what those ten cost
    bought = await orders_from_the_kiln(town, unknown, 1, "8.00")
    await does(town, receiving(town, bought, unknown, uuid4(), 1))
    assert (await item_of(town, unknown)).value_minor == 11 * 800
    await town.books_balance()


async def test_a_sale_between_the_count_and_its_booking_falsifies_nothing(town: Town) -> None:
    me, shop_id = town.person_id, town.shop_id
    assert me is not None
    item = await town.stock(pieces=10)
    bowl, count = item.variant_id, uuid4()
    await does(town, lambda c: stocktakes.begin(c, shop_id, count, person_id=me, at=town.at))
    again = await does(
        town, lambda c: stocktakes.begin(c, shop_id, uuid4(), person_id=me, at=town.at)
    )
    assert again == count

    def counts(
        pieces: int, key: UUID, *, add: bool = False
    ) -> Callable[[db.Connection], Awaitable[object]]:
        return lambda conn: stocktakes.count(
            conn, shop_id, count, key, bowl, pieces, add=add, person_id=me, at=town.at
        )

    shelf = uuid4()
    await does(town, counts(5, uuid4()))
    await does(town, counts(3, shelf, add=True))
    await does(town, counts(3, shelf, add=True))  # pressed twice
    placed = await town.buys([item], CNY("168.00"))
    await town.ships(placed)
    moved = await refusal(town, counts(1, uuid4(), add=True))
    assert moved.code == "stocktake_moved"
    await town.buys([type(item)(bowl, 7)], CNY("168.00") * 7, key="seven")  # held, not shipped

    async def booking(conn: db.Connection) -> int:
        return await stocktakes.book(conn, shop_id, count, person_id=me, at=town.at)

    assert await does(town, booking) == 1
    left = await item_of(town, bowl)
    assert (left.on_hand, left.held) == (7, 7)  # 10 less 2 that were missing, less 1 shipped
    assert (await refusal(town, booking)).code == "stocktake_over"
    count = uuid4()
    await does(town, lambda c: stocktakes.begin(c, shop_id, count, person_id=me, at=town.at))
    await does(town, counts(6, uuid4()))
    promised = await refusal(town, booking)
    assert (promised.code, promised.details["held"]) == ("stocktake_promised", 7)
    assert (await item_of(town, bowl)).on_hand == 7
    await town.books_balance()


async def test_low_stock_is_told_once_until_it_is_filled_up(town: Town) -> None:
    item = await town.stock(pieces=4)
    bowl = item.variant_id
    single = await town.stock("孤品", pieces=1)  # one of its kind never runs low unsold

    async with town.database.connection() as conn:
        await conn.execute(
            "insert into push_subscriptions (shop_id, subscription_id, person_id, endpoint, p256dh,"
            " auth, locale, added_at) values ($1, $2, $3, 'https://push.test/1', $4, $5, 'en', $6)",
            *(town.shop_id, uuid4(), town.person_id, b"\x04" + bytes(64), bytes(16), town.at),
        )

    async def told() -> list[str]:
        """What a look of the worker says on her phone."""
        town.later(minutes=15)
        await low.sweep(Context(town.database, Clock(), town.at, uuid4(), 1))
        async with town.database.connection() as conn:
            rows = await conn.fetch(
                "select subject from messages where shop_id = $1 and asked_at = $2"
                " and about like 'low_stock%'",
                *(town.shop_id, town.at),
            )
            found = [each for row in rows for each in await messages.of(conn, town.shop_id, row[0])]
        return [messages.push_text(each, town.at)["title"] for each in found[-len(rows) :] if rows]

    assert await told() == []
    placed = await town.buys([item], CNY("168.00"))
    assert await told() == ["青灰釉盖碗 runs low"]
    assert await told() == []
    await town.ships(placed)
    assert await told() == []
    bought = await orders_from_the_kiln(town, bowl, 5, "30.00")
    await does(town, receiving(town, bought, bowl, uuid4(), 5))
    assert await told() == []
    await does(town, lambda conn: low.set_mark(conn, town.shop_id, bowl, 8))
    assert await told() == ["青灰釉盖碗 runs low"]
    await does(town, lambda conn: low.set_mark(conn, town.shop_id, bowl, None))
    await does(town, lambda conn: low.set_default(conn, town.shop_id, 0))
    await town.buys([single], CNY("168.00"), key="single")
    found = await does(town, lambda conn: low.listing(conn, town.shop_id))
    assert [each.title for each in found] == ["孤品"]
    assert await told() == ["孤品 runs low"]
    await town.books_balance()
