"""Placing: stock, prices and keys decide, each order for itself."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from littleshop import db, i18n
from littleshop.errors import Conflict, Refused
from littleshop.pricing.quotes import Item
from littleshop.sale.placing import Placed
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


async def test_one_cart_sent_with_several_keys_at_once_keeps_one_unpaid_order(
    town: Town, owner: db.Connection
) -> None:
    bowl, cart = await town.stock(pieces=2), uuid4()
    old = await town.place([bowl], CNY("168.00"), cart_id=cart)
    presses = await asyncio.gather(
        *(town.place([bowl], CNY("168.00"), cart_id=cart) for _ in range(5))
    )
    chain = [await town.order(placed) for placed in (old, *presses)]
    assert [order.status for order in chain] == ["cancelled"] * 5 + ["placed"]
    assert [order.replaced_by for order in chain[:-1]] == [order.order_id for order in chain[1:]]
    assert await owner.fetchval("select held from variants") == 1
    await town.books_balance()


async def test_a_press_that_is_refused_leaves_the_carts_order_as_it_was(
    town: Town, owner: db.Connection
) -> None:
    """In one call: the cart's order of before, a wish for too many, then one that can be had."""
    bowl, cart = await town.stock(pieces=3), uuid4()
    old = await town.place([bowl], CNY("168.00"), cart_id=cart)
    many, two = Item(bowl.variant_id, 4), Item(bowl.variant_id, 2)
    first, second, third = await asyncio.gather(
        town.place([many], CNY("672.00"), cart_id=cart),
        town.place([two], CNY("336.00"), cart_id=cart),
        town.place([many], CNY("672.00"), cart_id=cart),
        return_exceptions=True,
    )
    for no in (first, third):
        assert isinstance(no, Refused)
        assert (no.code, no.details["left"]) == ("stock_short", 3)
    assert isinstance(second, Placed)
    assert (await town.order(old)).replaced_by == second.order_id
    assert await owner.fetchval("select held from variants") == 2
    await town.books_balance()


async def test_twins_of_a_refused_press_are_refused_alike_and_others_are_a_conflict(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=1)
    two = Item(bowl.variant_id, 2)
    first, twin, other, again = await asyncio.gather(
        town.place([two], CNY("336.00"), key="one page"),
        town.place([two], CNY("336.00"), key="one page"),
        town.place([bowl], CNY("168.00"), key="one page"),
        town.place([two], CNY("336.00"), key="one page"),
        return_exceptions=True,
    )
    for no in (first, twin, again):
        assert isinstance(no, Refused)
        assert (no.code, no.details["left"]) == ("stock_short", 1)
    assert isinstance(other, Conflict)
    await town.books_balance()


async def test_an_order_no_rail_could_take_is_not_placed(town: Town, owner: db.Connection) -> None:
    """The largest is placed; with one more fen there would be nothing to press."""
    palace = await town.stock("宫", CNY("50000000.00"), 9)
    fen = await town.stock("一分", CNY("0.01"), 9)
    two = Item(palace.variant_id, 2)
    await town.place([two], CNY("100000000.00"))
    with pytest.raises(Refused) as no:
        await town.place([two, fen], CNY("100000000.01"))
    assert (no.value.code, no.value.details["most"]) == ("too_large", CNY("100000000.00"))
    for locale in i18n.LOCALES:
        assert "100,000,000.00" in i18n.t(locale, "errors.too_large", **no.value.details)
    assert await owner.fetchval("select count(*) from orders") == 1
    await town.books_balance()


async def test_somebody_elses_order_cannot_be_replaced(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    cart = uuid4()
    first = await town.place([bowl], CNY("168.00"), cart_id=cart)
    with pytest.raises(Refused):
        await town.place([bowl], CNY("168.00"), cart_id=cart, who=PRIYA)
    assert (await town.order(first)).status == "placed"
    await town.books_balance()
