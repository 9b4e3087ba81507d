"""What somebody has, and what becomes of it after he ordered: while he waits, pays late, or asks
somebody else to pay."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import uuid4

import msgspec
import pytest

from littleshop import db, ids
from littleshop.catalog import takedowns
from littleshop.customers import groups
from littleshop.customers.groups import Rule
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pricing import quotes
from littleshop.sale import bargaining, waiting
from littleshop.trade import timers
from tests.cast import CNY, PRIYA, WANTING, Town
from tests.sale import acts
from tests.sale.test_privileges import BOWL, anybody, gives, hers, left_of, makes_coupon, total


async def test_what_only_he_sees_can_be_asked_for_and_paid_later_unless_it_was_taken_down(
    town: Town, owner: db.Connection
) -> None:
    bowl = await town.stock(pieces=3)
    product_id = await owner.fetchval("update products set status = 'hidden' returning product_id")
    await gives(town, "exclusive", goods=[product_id])
    first = await town.place([bowl], BOWL, asker=hers(town), waits=True)
    await waiting.rail_opened(town.database, town.shop_id, town.at)
    assert await town.money_arrives(await town.opens_cashier(first), BOWL) == "accepted"
    second = await town.place([bowl], BOWL, asker=hers(town))
    lapsing = await town.opens_cashier(second)
    town.later(hours=1)
    await town.clocks_strike()
    await town.database.transaction(
        lambda conn: takedowns.take_down(
            conn, town.shop_id, product_id, uuid4(), why="a copy", by=uuid4(), at=town.at
        )
    )
    assert await town.money_arrives(lapsing, BOWL) == "returned"
    await town.books_balance()


async def test_an_order_whose_money_went_back_makes_nobody_a_regular(town: Town) -> None:
    bowl, group_id = await town.stock(), uuid4()
    await town.database.transaction(
        lambda conn: groups.make(
            conn, town.shop_id, group_id, "老客", Rule(least_orders=2), town.at
        )
    )
    await gives(town, "percent", group_id, off_bps=500)
    first = await town.buys([bowl], BOWL, asker=hers(town))
    await town.buys([bowl], BOWL, asker=hers(town))
    assert await total(town, [bowl], hers(town)) == CNY("159.60")
    await acts.calls_off(town, first)
    assert await total(town, [bowl], hers(town)) == BOWL
    async with town.database.connection() as conn:
        (group,) = await groups.listing(conn, town.shop_id, town.at)
    assert group.count == 0


async def test_a_seller_may_change_a_price_up_to_what_an_order_may_cost(town: Town) -> None:
    dear = CNY("2000000.00")
    placed = await town.place([await town.stock(price=dear)], dear)

    async def costs(goods: Money, seen: Money) -> Money:
        price = bargaining.Price(goods, CNY("0"), seen, "老客人")
        seller = town.person_id
        assert seller is not None
        changed = await town.database.transaction(
            lambda conn: bargaining.reprice(
                conn, town.shop_id, placed.order_id, price, person_id=seller, at=town.at
            )
        )
        return changed.total

    most = Money(quotes.MOST_MINOR["CNY"], "CNY")
    assert await costs(CNY("1500000.00"), dear) == CNY("1500000.00")
    assert await costs(most, CNY("1500000.00")) == most
    with pytest.raises(Refused, match="price_out_of_range"):
        await costs(most + CNY("0.01"), most)


async def test_a_price_that_changes_again_and_again_rings_a_phone_three_times(town: Town) -> None:
    placed = await town.place([await town.stock(price=CNY("100.00"))], CNY("100.00"))
    seller, seen = town.person_id, CNY("100.00")
    assert seller is not None
    for yuan in range(90, 85, -1):
        town.later(minutes=1)
        price = bargaining.Price(CNY(f"{yuan}.00"), CNY("0"), seen, "老客人")
        changed = await town.database.transaction(
            partial(
                bargaining.reprice,
                shop_id=town.shop_id,
                order_id=placed.order_id,
                price=price,
                person_id=seller,
                at=town.at,
            )
        )
        seen = changed.total
    async with town.database.connection() as conn:
        told = await db.value(
            conn,
            "select count(*) from messages where shop_id = $1 and about = 'order_repriced'",
            town.shop_id,
        )
    assert told == 3


async def test_a_letter_keeps_the_coupon_from_nobody_until_somebody_goes_to_pay_it(
    town: Town,
) -> None:
    bowl = await town.stock()
    await makes_coupon(town, "ONCE", off_minor=800, most_uses=1)
    rival, seen = anybody(town, PRIYA.phone, "ONCE"), CNY("160.00")
    letter = await town.place(
        [bowl], seen, asker=anybody(town, WANTING.phone, "ONCE"), waits=True, kind="pay_for_me"
    )
    await town.database.transaction(
        lambda conn: timers.start(
            conn, town.shop_id, letter.order_id, "pay_by", town.at + timedelta(days=1)
        )
    )
    assert await left_of(town, "coupon") == 1
    reference = await town.opens_cashier(letter)
    assert await total(town, [bowl], rival) == BOWL
    await town.books_balance()
    town.later(minutes=31)
    await town.clocks_strike()
    assert await left_of(town, "coupon") == 1
    await town.books_balance()
    await town.buys([bowl], seen, who=PRIYA, asker=rival)
    with pytest.raises(Refused, match="claim_gone"):
        await town.opens_cashier(letter)
    assert await town.money_arrives(reference, seen) == "returned"
    await town.books_balance()


async def test_a_letter_that_is_paid_has_taken_its_credit_and_gives_it_back_with_the_money(
    town: Town,
) -> None:
    bowl = await town.stock()
    await gives(town, "credit", sum_minor=2000)
    letter = await town.place(
        [bowl], CNY("148.00"), asker=hers(town), waits=True, kind="pay_for_me"
    )
    await town.money_arrives(await town.opens_cashier(letter), CNY("148.00"))
    assert await left_of(town, "credit") == 0
    await town.books_balance()
    await acts.calls_off(town, letter)
    assert await left_of(town, "credit") == 2000
    await town.books_balance()


async def test_a_letter_that_replaces_an_order_frees_what_that_held(town: Town) -> None:
    bowl, cart = await town.stock(), uuid4()
    await makes_coupon(town, "ONCE", off_minor=800, most_uses=1)
    asker, seen = anybody(town, WANTING.phone, "ONCE", cart_id=cart), CNY("160.00")
    await town.place([bowl], seen, asker=asker, cart_id=cart)
    letter = await town.place(
        [bowl], seen, asker=asker, cart_id=cart, waits=True, kind="pay_for_me"
    )
    assert await left_of(town, "coupon") == 1
    await town.place([bowl], seen, asker=asker, cart_id=cart)
    assert (await town.order(letter)).status == "cancelled"
    assert await left_of(town, "coupon") == 0
    await town.books_balance()


async def test_unpaid_orders_of_one_device_leave_a_scarce_coupon_to_others(town: Town) -> None:
    bowl = await town.stock(pieces=30)
    await makes_coupon(town, "SPRING", off_minor=800, most_uses=3)

    async def tries(device: str, last: int) -> str:
        asker = anybody(town, f"+86138000{last:05}", "SPRING")
        who = msgspec.structs.replace(WANTING, phone=f"+86138000{last:05}")
        try:
            await town.place(
                [bowl], CNY("160.00"), asker=asker, device=ids.hashed(device), who=who,
                address="10.0.0.9",
            )  # fmt: skip
        except Refused as no:
            return no.code
        return "placed"

    assert await tries("greedy", 1) == "placed"
    assert await tries("greedy", 2) == "claim_held"
    assert await tries("another", 3) == "placed"
    assert await tries("third", 4) == "placed"  # the last one is anybody's
    town.later(hours=1)
    await town.clocks_strike()  # nobody paid
    assert await left_of(town, "coupon") == 3
    await town.books_balance()
