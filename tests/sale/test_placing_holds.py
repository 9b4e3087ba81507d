"""What unpaid orders may hold of things that are nearly gone: a share, so that others can buy."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from littleshop import i18n
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pricing.quotes import Item
from littleshop.sale.placing import Placed
from tests.cast import CNY, WANTING, Town
from tests.sale.acts import withdraws
from tests.sale.passing_by import passer_by

PRICE = CNY("168.00")
HERE = "203.0.113.7"


async def wants(town: Town, thing: Item, pieces: int = 1, **more: Any) -> Placed:
    return await town.place([Item(thing.variant_id, pieces)], PRICE * pieces, **more)


async def no_to(town: Town, thing: Item, pieces: int = 1, **more: Any) -> Refused:
    """The refusal, in words that a person can read."""
    with pytest.raises(Refused) as no:
        await wants(town, thing, pieces, **more)
    for locale in i18n.LOCALES:
        assert "{" not in i18n.t(locale, f"errors.{no.value.code}", **no.value.details)
    return no.value


async def lapses(town: Town, thing: Item, pieces: int = 1, **more: Any) -> None:
    """Somebody holds it for the whole half hour and does not pay."""
    await wants(town, thing, pieces, **more)
    town.later(minutes=30)
    await town.clocks_strike()


async def test_one_unpaid_order_cannot_hold_a_whole_stock(town: Town) -> None:
    bowl = await town.stock(pieces=20)
    no = await no_to(town, bowl, 20, **passer_by(1))
    assert (no.code, no.details["left"], no.details["title"]) == ("hold_share", 10, "青灰釉盖碗")
    await wants(town, bowl, 10, **passer_by(1))
    await wants(town, bowl, 6, **passer_by(2))
    await town.books_balance()


async def test_who_pays_buys_as_much_as_he_likes(town: Town) -> None:
    bowl = await town.stock(pieces=20)
    for pieces in (10, 6, 4):
        await town.buys([Item(bowl.variant_id, pieces)], PRICE * pieces)
    assert (await no_to(town, bowl)).code == "stock_short"


async def test_ten_for_ten_colleagues_can_be_all_there_is(town: Town) -> None:
    await wants(town, await town.stock(pieces=10), 10)


@pytest.mark.parametrize("pieces", [1, 2, 3])
async def test_the_last_pieces_are_for_whoever_wants_them(town: Town, pieces: int) -> None:
    """He looked at other things, changed his mind twice, and a neighbour of his buys here too."""
    bowl, cup = await town.stock(pieces=pieces), await town.stock("杯", pieces=1)
    await wants(town, cup, address=HERE, **passer_by(1))
    await wants(town, cup_of_another_shelf := await town.stock("壶", pieces=9), 2, address=HERE)
    await wants(town, cup_of_another_shelf, 1, address=HERE, **passer_by(2))
    for _ in range(2):
        tried = await wants(town, bowl, pieces, address=HERE)
        town.later(minutes=8)
        await withdraws(town, tried)
    await wants(town, bowl, pieces, address=HERE)
    await town.books_balance()


async def test_of_what_is_plenty_anybody_may_order_anything(town: Town) -> None:
    bowl = await town.stock(pieces=1000)
    for _ in range(12):
        await wants(town, bowl, 40, address=HERE)


SAME = [
    ("phone", {"who": WANTING}),
    ("device", {"device": b"one phone in the hand" + bytes(11)}),
]


@pytest.mark.parametrize(("what", "kept"), SAME, ids=[what for what, _ in SAME])
async def test_a_person_is_known_by_phone_and_by_device(
    town: Town, what: str, kept: dict[str, Any]
) -> None:
    bowl = await town.stock(pieces=14)
    for n, pieces in enumerate((4, 3, 3)):
        await wants(town, bowl, pieces, **{**passer_by(n), **kept})
    no = await no_to(town, bowl, **{**passer_by(7), **kept})
    assert (no.code, no.details["left"]) == ("hold_person", 0)
    await wants(town, bowl, **passer_by(8))
    await town.books_balance()


async def test_ever_new_people_of_one_address_leave_some_to_the_rest_of_the_world(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=40)
    for n in range(30):
        await wants(town, bowl, address=HERE, **passer_by(n))
    assert (await no_to(town, bowl, address=HERE, **passer_by(31))).code == "hold_address"
    await wants(town, bowl, address="203.0.113.8", **passer_by(32))
    await wants(town, bowl, **passer_by(33))  # of whom nobody knows where he is
    await town.books_balance()


async def test_the_last_piece_is_not_for_one_who_takes_it_again_and_again(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    for _ in range(4):
        await lapses(town, bowl)
    assert (await no_to(town, bowl)).code == "hold_person"
    other = await wants(town, bowl, **passer_by(1))
    await withdraws(town, other)
    town.later(days=1)
    await wants(town, bowl)
    await town.books_balance()


async def test_withdrawing_just_in_time_is_no_way_around(town: Town) -> None:
    bowl = await town.stock(pieces=3)
    for _ in range(3):
        held = await wants(town, bowl, 3)
        town.later(minutes=29)
        await withdraws(town, held)
    assert (await no_to(town, bowl, 3)).details["left"] == 2  # one stays free for others


async def test_an_address_that_lets_all_lapse_with_ever_new_people_gets_its_share(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=4)
    for n in range(5):
        await lapses(town, bowl, 4, address=HERE, **passer_by(n))
    no = await no_to(town, bowl, 4, address=HERE, **passer_by(6))
    assert (no.code, no.details["left"]) == ("hold_share", 3)
    await wants(town, bowl, 4, address="203.0.113.8", **passer_by(7))


async def test_one_call_does_not_hold_more_than_many(town: Town) -> None:
    bowl = await town.stock(pieces=12)
    ends = await asyncio.gather(*(wants(town, bowl, 3) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(end, Placed) for end in ends) == 3
    assert {end.code for end in ends if isinstance(end, Refused)} == {"hold_share"}
    await town.books_balance()


async def shelf(town: Town, things: int) -> Sequence[Item]:
    """Single pieces, as a potter has them."""
    return [await town.stock(f"孤品 {n}", pieces=1) for n in range(things)]


async def test_one_order_cannot_take_a_whole_shelf_of_single_pieces(town: Town) -> None:
    things = await shelf(town, 11)
    with pytest.raises(Refused) as no:
        await town.place(things, PRICE * 11)
    assert (no.value.code, no.value.details["left"]) == ("hold_lines", 10)
    await town.place(things[:10], PRICE * 10)
    await town.place(things[10:], PRICE)


async def test_nor_can_many_orders_of_one_person(town: Town) -> None:
    things = await shelf(town, 6)
    for thing in things[:5]:
        await wants(town, thing)
    no = await no_to(town, things[5])
    assert (no.code, no.details["left"]) == ("hold_orders", 5)
    await wants(town, await town.stock("杯", pieces=100))
    await wants(town, things[5], who=msgspec.structs.replace(WANTING, phone="+8613800002047"),
                device=bytes(32))  # fmt: skip


async def test_ones_own_cart_pressed_again_counts_once(town: Town) -> None:
    bowl, cart = await town.stock(pieces=6), uuid4()
    for _ in range(4):
        await wants(town, bowl, 6, cart_id=cart)
    presses = await asyncio.gather(*(wants(town, bowl, 6, cart_id=cart) for _ in range(4)))
    assert (await town.order(presses[-1])).status == "placed"
    assert (await town.order(presses[-1])).total == Money(6 * PRICE.minor, "CNY")
    await town.books_balance()
