"""Team prices: seats are taken by people, one each; nothing ships before the team is full."""

from __future__ import annotations

import asyncio
import secrets
from uuid import UUID

import pytest

from littleshop import db, ids
from littleshop.errors import Refused
from littleshop.ledger import chart
from littleshop.money import Money
from littleshop.pay import refunds
from littleshop.pricing.quotes import Item
from littleshop.sale import charging_back, refunding, teaming
from littleshop.sale.placing import Placed, Placing
from littleshop.trade import claims, teams
from littleshop.trade.orders import Delivery
from littleshop.trade.teams import Team
from tests.cast import CNY, Town

SEAT = CNY("138.00")


def somebody(number: int) -> Delivery:
    return Delivery("林", f"+86139{number:08d}", "浙江省", "杭州市", "西湖区", "文三路 1 号")


async def offers(town: Town, pieces: int = 9, seats: int = 3) -> Item:
    bowl = await town.stock(pieces=pieces)

    async def work(conn: db.Connection) -> None:
        product_id = await conn.fetchval("select product_id from products")
        prices = {bowl.variant_id: SEAT.minor}
        await teams.offer(conn, town.shop_id, product_id, seats, prices, town.at)

    await town.database.transaction(work)
    return bowl


def wish(town: Town, bowl: Item, who: Delivery, total: Money = SEAT) -> Placing:
    return Placing(
        shop_id=town.shop_id,
        items=(bowl,),
        way="courier",
        delivery=who,
        total_seen=total,
        key=secrets.token_hex(8),
        device=ids.hashed(who.phone),
        locale="zh-CN",
        kind="team",
    )


async def begins(town: Town, bowl: Item, number: int = 1) -> tuple[Placed, Team]:
    asked = wish(town, bowl, somebody(number))

    async def work(conn: db.Connection) -> tuple[Placed, Team]:
        product_id: UUID = await conn.fetchval("select product_id from products")
        placed = await teaming.begin(conn, town.keyring, asked, product_id, town.at)
        team = await teams.of_order(conn, town.shop_id, placed.order_id)
        assert team is not None
        return placed, team

    return await town.database.transaction(work)


async def presses(town: Town, asked: Placing) -> Placed:
    """The button of a page that opens a team."""

    async def work(conn: db.Connection) -> Placed:
        product_id: UUID = await conn.fetchval("select product_id from products")
        return await teaming.begin(conn, town.keyring, asked, product_id, town.at)

    return await town.database.transaction(work)


async def joins(town: Town, bowl: Item, team: Team, number: int) -> Placed:
    asked = wish(town, bowl, somebody(number))
    return await town.database.transaction(
        lambda conn: teaming.join(conn, town.keyring, asked, team, town.at)
    )


async def pays(town: Town, placed: Placed) -> str:
    return await town.money_arrives(await town.opens_cashier(placed), SEAT)


async def states(town: Town, *placed: Placed) -> list[str]:
    return [(await town.order(each)).status for each in placed]


async def test_nothing_is_to_ship_before_the_last_seat_is_paid_and_then_everything_is(
    town: Town,
) -> None:
    bowl = await offers(town)
    first, team = await begins(town, bowl)
    rest = [await joins(town, bowl, team, number) for number in (2, 3)]
    for placed in (first, rest[0]):
        assert await pays(town, placed) == "accepted"
    assert await states(town, first, *rest) == ["forming", "forming", "placed"]
    with pytest.raises(Refused, match="not_to_ship"):
        await town.ships(first)
    await town.books_balance()
    assert await pays(town, rest[1]) == "accepted"
    assert await states(town, first, *rest) == ["to_ship"] * 3
    with pytest.raises(Refused, match="team_over"):
        await joins(town, bowl, team, 4)
    await town.ships(first)
    await town.receives(first)
    await town.books_balance()


async def test_two_hundred_people_press_for_the_last_seat_and_exactly_one_gets_it(
    town: Town, twin: Town
) -> None:
    bowl = await offers(town, pieces=300)
    _, team = await begins(town, bowl)
    await joins(town, bowl, team, 2)
    pressed = [joins((town, twin)[n % 2], bowl, team, n) for n in range(100, 300)]
    ended = await asyncio.gather(*pressed, return_exceptions=True)
    assert sum(isinstance(each, Placed) for each in ended) == 1
    refused = [each for each in ended if isinstance(each, Refused)]
    assert [each.code for each in refused] == ["team_full"] * 199
    async with town.database.connection() as conn:
        assert (await claims.get(conn, town.shop_id, team.team_id)).taken == 3
    await town.books_balance()


async def test_the_last_two_pay_in_two_processes_at_once_and_the_team_is_full(
    town: Town, twin: Town
) -> None:
    bowl = await offers(town)
    first, team = await begins(town, bowl)
    rest = [await joins(town, bowl, team, number) for number in (2, 3)]
    await pays(town, first)
    references = [await town.opens_cashier(each) for each in rest]
    arrived = [
        each.money_arrives(reference, SEAT)
        for each, reference in zip((town, twin), references, strict=True)
    ]
    assert await asyncio.gather(*arrived) == ["accepted", "accepted"]
    assert await states(town, first, *rest) == ["to_ship"] * 3
    await town.books_balance()


async def test_a_team_that_is_not_full_in_a_day_gives_everybody_everything_back(
    town: Town,
) -> None:
    bowl = await offers(town)
    first, team = await begins(town, bowl)
    second = await joins(town, bowl, team, 2)
    unpaid = await joins(town, bowl, team, 3)
    await pays(town, first)
    await pays(town, second)
    late = await town.opens_cashier(unpaid)
    town.later(hours=25)
    await town.clocks_strike()
    assert await states(town, first, second, unpaid) == ["refunded", "refunded", "cancelled"]
    await town.books_balance()
    assert await town.money_arrives(late, SEAT) == "returned"  # its seat is nobody's any more
    for placed in (first, second, unpaid):
        await sent_back(town, placed)
    assert await town.balance(chart.ESCROW) == CNY("0.00")
    await town.books_balance()


async def sent_back(town: Town, placed: Placed) -> None:
    async with town.database.connection() as conn:
        asked = await refunds.of_order(conn, town.shop_id, placed.order_id)
    for each in asked:
        refund_id = each.refund_id

        async def hear(conn: db.Connection, refund_id: UUID = refund_id) -> None:
            await refunding.hear(conn, town.shop_id, refund_id, town.at)

        await town.database.transaction(hear)


async def test_an_unpaid_seat_is_free_again_and_so_is_that_of_somebody_who_leaves(
    town: Town,
) -> None:
    bowl = await offers(town, seats=2)
    first, team = await begins(town, bowl)
    await pays(town, first)
    await joins(town, bowl, team, 2)
    with pytest.raises(Refused, match="team_full"):
        await joins(town, bowl, team, 3)
    town.later(minutes=11)
    await town.clocks_strike()
    third = await joins(town, bowl, team, 3)
    await town.database.transaction(
        lambda conn: teaming.leave(conn, town.shop_id, first.order_id, town.at)
    )
    fourth = await joins(town, bowl, team, 4)
    await pays(town, third)
    await pays(town, fourth)
    assert await states(town, first, third, fourth) == ["refunded", "to_ship", "to_ship"]
    await town.books_balance()


async def test_a_team_that_nobody_paid_ends_by_its_own_clock(town: Town) -> None:
    bowl = await offers(town)
    first, team = await begins(town, bowl)
    town.later(hours=25)
    await town.clocks_strike()
    async with town.database.connection() as conn:
        ended = await teams.of_order(conn, town.shop_id, first.order_id)
        assert (await claims.get(conn, town.shop_id, team.team_id)).shut
    assert ended is not None and ended.status == "failed"
    await town.books_balance()


async def test_nobody_sits_twice_nobody_of_the_shop_sits_and_a_seat_is_one_piece(
    town: Town,
) -> None:
    bowl = await offers(town)
    _, team = await begins(town, bowl)
    with pytest.raises(Refused, match="team_already_in"):
        await joins(town, bowl, team, 1)
    with pytest.raises(Refused, match="team_one_piece"):
        await joins(town, Item(bowl.variant_id, 2), team, 2)
    with pytest.raises(Refused, match="price_changed"):
        asked = wish(town, bowl, somebody(2), CNY("168.00"))
        await town.database.transaction(
            lambda conn: teaming.join(conn, town.keyring, asked, team, town.at)
        )
    await town.books_balance()


async def test_the_same_press_twice_is_one_seat(town: Town) -> None:
    bowl = await offers(town)
    asked = wish(town, bowl, somebody(1))

    pressed = [await presses(town, asked) for _ in range(2)]
    assert pressed[0] == pressed[1]
    await town.books_balance()


async def test_a_member_whose_bank_takes_the_money_back_waits_for_it_while_the_others_go_on(
    town: Town,
) -> None:
    bowl = await offers(town)
    first, team = await begins(town, bowl)
    second = await joins(town, bowl, team, 2)
    await pays(town, second)
    reference = await town.opens_cashier(first)
    await town.money_arrives(reference, SEAT)
    await town.database.transaction(
        lambda conn: charging_back.hear_opened(conn, town.shop_id, reference, SEAT, town.at)
    )
    town.later(hours=30)
    await town.clocks_strike()
    assert await states(town, first, second) == ["forming", "refunded"]
    await town.database.transaction(
        lambda conn: charging_back.hear_ended(
            conn, town.shop_id, reference, SEAT, won=True, at=town.at
        )
    )
    town.later(hours=30)
    await town.clocks_strike()
    assert await states(town, first, second) == ["refunded", "refunded"]
    await town.books_balance()
