"""An order that holds nothing while it waits cannot keep a thing from others, half an hour at a
time, all day long."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from littleshop import db, ids
from littleshop.errors import Refused
from littleshop.pricing.quotes import Item
from littleshop.sale import asking_a_payer
from littleshop.sale.placing import Placed
from littleshop.trade.letters import Letter
from littleshop.trade.orders import Delivery
from tests.cast import CNY, PRIYA, WANTING, Town
from tests.sale.test_kinds_of_orders import wish

BOWL = CNY("168.00")
WORDS = Letter("婉婷", "小雨", "生日想要这个", datetime(2026, 11, 1, tzinfo=UTC))


async def asks_a_payer(town: Town, bowl: Item, who: Delivery = WANTING, device: str = "") -> Placed:
    asked = wish(town, [bowl], BOWL * bowl.quantity, "pay_for_me", who)
    if device:
        asked = msgspec.structs.replace(asked, device=ids.hashed(device))

    async def work(conn: db.Connection) -> Placed:
        return await asking_a_payer.place(conn, town.keyring, asked, WORDS, town.at)

    return await town.database.transaction(work)


async def goes_to_pay_and_does_not(town: Town, placed: Placed) -> None:
    await town.opens_cashier(placed)
    assert (await town.order(placed)).status == "placed"
    town.later(minutes=31)
    await town.clocks_strike()
    assert (await town.order(placed)).status == "invited"


async def no_to(town: Town, placed: Placed) -> Refused:
    with pytest.raises(Refused) as no:
        await town.opens_cashier(placed)
    assert (await town.order(placed)).status == "invited"  # nothing was held, nothing asked
    return no.value


async def test_one_order_holds_its_pieces_four_times_in_a_while_and_is_paid_later(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=90)  # plenty: this is about the order itself
    placed = await asks_a_payer(town, bowl)
    for _ in range(4):
        await goes_to_pay_and_does_not(town, placed)
    no = await no_to(town, placed)
    assert (no.code, no.details) == ("held_too_often", {"most": 4})
    town.later(hours=4)  # six hours after the first time
    reference = await town.opens_cashier(placed)
    assert await town.money_arrives(reference, BOWL) == "accepted"
    await town.books_balance()


async def test_who_writes_order_after_order_keeps_the_last_piece_for_two_hours_and_no_longer(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=1)
    first, second = await asks_a_payer(town, bowl), await asks_a_payer(town, bowl)
    for _ in range(2):
        await goes_to_pay_and_does_not(town, first)
        await goes_to_pay_and_does_not(town, second)
    third = await asks_a_payer(town, bowl)
    no = await no_to(town, third)
    assert (no.code, no.details["title"]) == ("held_enough", "青灰釉盖碗")
    another_phone = await asks_a_payer(town, bowl, PRIYA, device=WANTING.phone)
    assert (await no_to(town, another_phone)).code == "held_enough"  # his device, her number
    honest = await asks_a_payer(town, bowl, PRIYA)
    reference = await town.opens_cashier(honest)
    assert await town.money_arrives(reference, BOWL) == "accepted"
    await town.books_balance()


async def test_ten_payers_of_one_buyer_at_the_same_second_hold_no_more_than_his_share(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=14)
    asked = [await asks_a_payer(town, bowl) for _ in range(14)]
    ends = await asyncio.gather(
        *(town.opens_cashier(each) for each in asked), return_exceptions=True
    )
    assert sum(isinstance(end, str) for end in ends) == 10
    assert {end.code for end in ends if isinstance(end, Refused)} == {"held_enough"}
    town.later(minutes=int(timedelta(hours=25) / timedelta(minutes=1)))
    await town.clocks_strike()
    await town.books_balance()
