"""Placing from two processes at once: stock, numbers and keys are given out once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from littleshop import db
from littleshop.errors import Conflict, Refused
from littleshop.money import Money
from littleshop.pay import payments
from littleshop.pricing.quotes import Item
from littleshop.sale.flushing import Flusher
from littleshop.sale.placing import Placed
from tests.cast import CNY, PRIYA, Town
from tests.sale.acts import at_shop, ends_well, neighbour, refused, strikes, withdraws
from tests.sale.gates import Gate, hold_counters, hold_order, hold_stock, race
from tests.sale.passing_by import passer_by

PRICE = CNY("168.00")


def codes(ends: Sequence[object]) -> list[str]:
    """How each request ended; what is neither placed nor a no speaks for itself."""
    return sorted(
        "placed" if isinstance(end, Placed) else end.code if isinstance(end, Refused) else repr(end)
        for end in ends
    )


async def numbers(owner: db.Connection, shop_id: int) -> list[int]:
    rows = await owner.fetch(
        "select number from orders where shop_id = $1 order by number", shop_id
    )
    return [row["number"] for row in rows]


async def expires(town: Town, placed: Placed) -> bool:
    return await strikes(town, placed, "pay_by")


async def ships(town: Town, placed: Placed) -> object:
    return await town.ships(placed)


async def pays_late(town: Town, placed: Placed) -> str:
    async with town.database.connection() as conn:
        (attempt,) = await payments.of_order(conn, town.shop_id, placed.order_id)
    return await town.money_arrives(attempt.reference, attempt.amount)


async def deadlocks(owner: db.Connection) -> int:
    """How many deadlocks the database broke, also those that a repeat hid."""
    await owner.execute("select pg_stat_force_next_flush()")
    return int(
        await owner.fetchval(
            "select deadlocks from pg_stat_database where datname = current_database()"
        )
    )


@pytest.mark.usefixtures("impatient")
async def test_two_processes_want_the_last_piece(town: Town, twin: Town, gate: Gate) -> None:
    bowl = await town.stock(pieces=1)
    await hold_stock(gate, town.shop_id)
    first, second = await race(
        gate, lambda: town.place([bowl], PRICE), lambda: twin.place([bowl], PRICE)
    )
    assert isinstance(first, Placed), first
    assert isinstance(second, Refused), second
    assert (second.code, second.details["left"]) == ("stock_short", 0)
    await town.books_balance()


async def test_the_last_pieces_go_to_exactly_three_of_forty_over_two_processes(
    town: Town, twin: Town, gate: Gate, owner: db.Connection
) -> None:
    bowl = await town.stock(pieces=3)
    await hold_stock(gate, town.shop_id)

    async def crowd(process: Town) -> list[object]:
        wishes = (process.place([bowl], PRICE) for _ in range(20))
        return await asyncio.gather(*wishes, return_exceptions=True)

    ends = await race(gate, lambda: crowd(town), lambda: crowd(twin))
    assert codes([end for ends_of_one in ends for end in ends_of_one]) == [
        *["placed"] * 3,
        *["stock_short"] * 37,
    ]
    assert await numbers(owner, town.shop_id) == [1001, 1002, 1003]
    await town.books_balance()


async def test_forty_orders_without_a_gate_are_numbered_without_gap_or_repeat(
    town: Town, twin: Town, owner: db.Connection
) -> None:
    bowl, cup = await town.stock(pieces=9), await town.stock("月白杯", CNY("48.00"), 40)

    async def one(n: int) -> Placed:
        process = twin if n % 2 else town
        thing, price = (bowl, PRICE) if n % 3 else (cup, CNY("48.00"))
        return await process.place([thing], price, **passer_by(n))

    for most in (1, 5):
        town.flusher, twin.flusher = Flusher(town.database, most), Flusher(twin.database, most)
        await asyncio.gather(*(one(n) for n in range(20)), return_exceptions=True)
    found = await numbers(owner, town.shop_id)
    assert len(found) == 9 + 14
    assert found == list(range(1001, 1001 + len(found)))
    await town.books_balance()


@pytest.mark.usefixtures("impatient")
async def test_two_processes_draw_different_numbers(
    town: Town, twin: Town, gate: Gate, owner: db.Connection
) -> None:
    bowl, cup = await town.stock(), await town.stock("月白杯", CNY("48.00"))
    await hold_counters(gate, town.shop_id)
    ends = await race(
        gate, lambda: town.place([bowl], PRICE), lambda: twin.place([cup], CNY("48.00"))
    )
    assert [end.number for end in ends] == [1001, 1002]
    await town.books_balance()


@pytest.mark.usefixtures("impatient")
async def test_a_shop_without_a_counter_gets_one_that_all_wait_for(
    town: Town, twin: Town, gate: Gate, second_gate: Gate, third_gate: Gate, owner: db.Connection
) -> None:
    """The first makes the counter, the second waited for that, the third finds it made."""
    things = [await town.stock(f"杯 {n}") for n in range(3)]
    cart = uuid4()
    replaced = await town.place([things[1]], PRICE, cart_id=cart)
    await owner.execute("delete from order_counters where shop_id = $1", town.shop_id)
    await owner.execute("update orders set number = 1 where shop_id = $1", town.shop_id)
    ada, bo = (msgspec.structs.replace(PRIYA, phone=f"+44770090011{n}") for n in range(2))

    async def meets(at: Gate, phone: str) -> None:
        await at.shut(
            "insert into customers (shop_id, phone_index, phone_sealed, locale, first_seen_at)"
            " values ($1, $2, '', 'en', $3)",
            town.shop_id,
            town.keyring.index(phone),
            town.at,
        )

    await meets(gate, ada.phone)
    await hold_order(second_gate, town, replaced)
    await meets(third_gate, bo.phone)
    racing: list[asyncio.Task[Any]] = []
    third = Town(twin.database, town.keyring, town.at, shop_id=town.shop_id)

    async def begins(process: Town, thing: Item, **more: Any) -> None:
        racing.append(asyncio.ensure_future(process.place([thing], PRICE, **more)))
        await third_gate.queue(racing)

    await begins(town, things[0], who=ada)  # made the counter, waits for its customer
    await begins(twin, things[1], cart_id=cart)  # found none, waits for the one being made
    await gate.open()
    await third_gate.queue(racing)  # now the second waits for the order that it replaces
    await begins(third, things[2], who=bo)
    await second_gate.open()
    await third_gate.queue(racing)
    await third_gate.open()
    ends = await asyncio.gather(*racing)
    assert sorted(end.number for end in ends) == [1001, 1002, 1003]
    await town.books_balance()


@pytest.mark.usefixtures("impatient")
async def test_one_page_sent_to_two_processes_is_one_order(
    town: Town, twin: Town, gate: Gate, owner: db.Connection
) -> None:
    bowl = await town.stock(pieces=5)
    await hold_stock(gate, town.shop_id)
    first, second = await race(
        gate,
        lambda: town.place([bowl], PRICE, key="one page"),
        lambda: twin.place([bowl], PRICE, key="one page"),
    )
    assert first == second
    assert await numbers(owner, town.shop_id) == [1001]
    await town.books_balance()


@pytest.mark.usefixtures("impatient")
async def test_one_key_for_two_things_in_two_processes_is_a_conflict(
    town: Town, twin: Town, gate: Gate, owner: db.Connection
) -> None:
    bowl, cup = await town.stock(), await town.stock("月白杯")
    await hold_counters(gate, town.shop_id)
    first, second = await race(
        gate,
        lambda: town.place([bowl], PRICE, key="one page"),
        lambda: twin.place([cup], PRICE, key="one page"),
    )
    assert isinstance(first, Placed), first
    assert isinstance(second, Conflict), second
    assert await numbers(owner, town.shop_id) == [1001]
    await town.books_balance()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("pieces", [1, 2])
async def test_a_cart_pressed_in_two_processes_keeps_one_unpaid_order(
    town: Town, twin: Town, gate: Gate, owner: db.Connection, pieces: int
) -> None:
    """The second waits for the first, then replaces it as the first replaced the one before."""
    bowl, cart = await town.stock(pieces=pieces), uuid4()
    old = await town.place([bowl], PRICE, cart_id=cart)
    await hold_order(gate, town, old)
    first, second = await race(
        gate,
        lambda: town.place([bowl], PRICE, cart_id=cart),
        lambda: twin.place([bowl], PRICE, cart_id=cart),
    )
    assert codes([first, second]) == ["placed", "placed"]
    chain = [await town.order(placed) for placed in (old, first, second)]
    assert [order.status for order in chain] == ["cancelled", "cancelled", "placed"]
    assert [order.replaced_by for order in chain] == [first.order_id, second.order_id, None]
    assert await owner.fetchval("select held from variants") == 1
    assert await owner.fetchval("select count(*) from timers where kind = 'pay_by'") == 1
    await town.books_balance()


@pytest.mark.usefixtures("impatient")
async def test_a_new_cart_pressed_in_two_processes_keeps_one_unpaid_order(
    town: Town, twin: Town, gate: Gate, owner: db.Connection
) -> None:
    bowl, cart = await town.stock(pieces=1), uuid4()
    await hold_stock(gate, town.shop_id)
    first, second = await race(
        gate,
        lambda: town.place([bowl], PRICE, cart_id=cart),
        lambda: twin.place([bowl], PRICE, cart_id=cart),
    )
    assert codes([first, second]) == ["placed", "placed"]
    assert (await town.order(first)).replaced_by == second.order_id
    assert await owner.fetchval("select held from variants") == 1
    await town.books_balance()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("ending", [withdraws, expires])
async def test_an_old_order_ends_as_its_cart_is_pressed_again(
    town: Town,
    twin: Town,
    gate: Gate,
    owner: db.Connection,
    ending: Callable[[Town, Placed], Awaitable[object]],
) -> None:
    """Everybody takes an order before its stock, so nobody holds what the other waits for."""
    bowl, cart = await town.stock(pieces=1), uuid4()
    old = await town.place([bowl], PRICE, cart_id=cart)
    twin.at = town.later(minutes=30)
    await hold_order(gate, town, old)
    ended, anew = await race(
        gate, lambda: ending(town, old), lambda: twin.place([bowl], PRICE, cart_id=cart)
    )
    assert ended in (True, "cancelled")
    assert isinstance(anew, Placed), anew
    assert (await town.order(old)).cancel_reason in ("withdrawn", "unpaid")
    assert await deadlocks(owner) == 0
    await ends_well(town, old, anew)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("ending", [withdraws, expires])
async def test_a_cart_is_pressed_again_as_its_old_order_ends(
    town: Town,
    twin: Town,
    gate: Gate,
    owner: db.Connection,
    ending: Callable[[Town, Placed], Awaitable[object]],
) -> None:
    """The same with the new attempt in front: it replaces the order, which then cannot end."""
    bowl, cart = await town.stock(pieces=1), uuid4()
    old = await town.place([bowl], PRICE, cart_id=cart)
    twin.at = town.later(minutes=30)
    await hold_order(gate, town, old)
    anew, ended = await race(
        gate, lambda: twin.place([bowl], PRICE, cart_id=cart), lambda: ending(town, old)
    )
    assert isinstance(anew, Placed), anew
    assert ended is False or refused(ended, "not_cancellable")
    assert (await town.order(old)).cancel_reason == "replaced"
    assert await deadlocks(owner) == 0
    await ends_well(town, old, anew)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("ending", [withdraws, expires, ships, pays_late])
async def test_an_order_of_many_things_moves_its_stock_in_the_order_of_placing(
    town: Town,
    twin: Town,
    gate: Gate,
    owner: db.Connection,
    ending: Callable[[Town, Placed], Awaitable[object]],
) -> None:
    """A buyer waits for the first thing of all; whoever moved another one before it would wait
    for him, and he for that one."""
    things = [await town.stock(f"杯 {n}", pieces=9) for n in range(12)]
    total = Money(len(things) * PRICE.minor, "CNY")
    old = await town.place(things, total)
    if ending is ships:
        assert await town.money_arrives(await town.opens_cashier(old), total) == "accepted"
    elif ending is pays_late:
        await town.opens_cashier(old)
        town.later(minutes=31)
        await town.clocks_strike()
    else:
        town.later(minutes=30)
    twin.at = town.at
    await gate.shut(
        "select from variants where (shop_id, variant_id) in (select shop_id, variant_id"
        " from variants order by shop_id, variant_id limit 1) for update"
    )
    anew, _ = await race(gate, lambda: twin.place(things, total), lambda: ending(town, old))
    assert isinstance(anew, Placed), anew
    assert await deadlocks(owner) == 0
    await ends_well(town, old, anew)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("held", [hold_stock, hold_counters], ids=["stock", "numbers"])
async def test_batches_over_the_same_shops_in_opposite_order_do_not_deadlock(
    town: Town, twin: Town, gate: Gate, second_gate: Gate, held: Callable[..., Awaitable[None]]
) -> None:
    """Were rows taken as they come, each would have one shop's and wait for the other's."""
    next_door = await neighbour(town, "隔壁", "gebi", "+8613900001002")
    here, there = await town.stock(pieces=9), await next_door.stock(pieces=9)
    cup, pot = here, there
    if held is hold_counters:
        cup, pot = await town.stock("杯"), await next_door.stock("壶")
    away = at_shop(twin, next_door.shop_id)
    racing: list[asyncio.Future[list[Placed]]] = []

    async def begins(*wishes: Awaitable[Placed]) -> None:
        racing.append(asyncio.gather(*wishes))
        await gate.queue(racing)

    await held(gate, town.shop_id)
    await held(second_gate, next_door.shop_id)
    await begins(town.place([here], PRICE), next_door.place([there], PRICE))
    await begins(away.place([pot], PRICE), twin.place([cup], PRICE))
    await second_gate.open()
    await gate.queue(racing)
    await gate.open()
    assert [len(placed) for placed in await asyncio.gather(*racing)] == [2, 2]
    await town.books_balance()
