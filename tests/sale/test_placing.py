"""Placing: stock, prices and keys decide, each order for itself."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from littleshop.errors import Conflict, Refused
from tests.cast import CNY, PRIYA, Town


async def test_an_order_holds_what_it_wants_and_gets_a_number(town: Town) -> None:
    bowl = await town.stock(pieces=3)
    placed = await town.place([bowl], CNY("168.00"))
    order = await town.order(placed)
    assert (order.number, order.status, order.total) == (1001, "placed", CNY("168.00"))
    assert order.delivery(town.keyring).name == "陈婉婷"
    await town.books_balance()


async def test_the_last_piece_goes_to_exactly_one_of_forty(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    answers = await asyncio.gather(
        *(town.place([bowl], CNY("168.00")) for _ in range(40)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(refused) == 39
    assert {answer.code for answer in refused} == {"stock_short"}
    assert {answer.details["left"] for answer in refused} == {0}
    await town.books_balance()


async def test_a_double_click_places_one_order(town: Town) -> None:
    bowl = await town.stock(pieces=5)
    twins = await asyncio.gather(
        *(town.place([bowl], CNY("168.00"), key="one page") for _ in range(3))
    )
    again = await town.place([bowl], CNY("168.00"), key="one page")
    assert {answer.number for answer in [*twins, again]} == {1001}
    assert {answer.token for answer in [*twins, again]} == {again.token}
    await town.books_balance()


async def test_the_second_press_finds_its_order_though_it_took_the_last_piece(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    first = await town.place([bowl], CNY("168.00"), key="one page")
    assert await town.place([bowl], CNY("168.00"), key="one page") == first


async def test_the_same_key_with_another_address_is_a_conflict(town: Town) -> None:
    bowl = await town.stock(pieces=5)
    await town.place([bowl], CNY("168.00"), key="one page")
    with pytest.raises(Conflict):
        await town.place([bowl], CNY("168.00"), key="one page", who=PRIYA)


async def test_a_price_that_changed_is_said_and_nothing_is_placed(town: Town) -> None:
    bowl = await town.stock()
    with pytest.raises(Refused) as no:
        await town.place([bowl], CNY("150.00"))
    assert (no.value.code, no.value.details["now"]) == ("price_changed", CNY("168.00"))
    await town.books_balance()


async def test_a_refused_order_does_not_cost_its_neighbours(town: Town) -> None:
    bowl, cup = await town.stock(pieces=1), await town.stock("月白杯", CNY("48.00"), 50)
    answers = await asyncio.gather(
        *(
            town.place([bowl if n % 2 else cup], CNY("168.00" if n % 2 else "48.00"))
            for n in range(20)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Refused) for answer in answers) == 9
    await town.books_balance()


async def test_a_new_attempt_replaces_ones_own_hold(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    cart = uuid4()
    first = await town.place([bowl], CNY("168.00"), cart_id=cart)
    second = await town.place([bowl], CNY("168.00"), cart_id=cart)
    assert (await town.order(first)).cancel_reason == "replaced"
    assert (await town.order(second)).status == "placed"
    await town.books_balance()


async def test_somebody_elses_order_cannot_be_replaced(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    cart = uuid4()
    first = await town.place([bowl], CNY("168.00"), cart_id=cart)
    with pytest.raises(Refused):
        await town.place([bowl], CNY("168.00"), cart_id=cart, who=PRIYA)
    assert (await town.order(first)).status == "placed"
    await town.books_balance()
