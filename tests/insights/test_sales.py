"""What a shop sold by its days: the same before and after a day is folded, whatever goes back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest

from littleshop import db
from littleshop.insights import comers, sales, sharing, takings
from littleshop.sale import charging_back
from littleshop.social import shares
from littleshop.social.shares import Share
from tests.cast import CNY, Town
from tests.sale.after_sale import AfterSale
from tests.sale.test_charging_back import reference, shipped

SHANGHAI = "Asia/Shanghai"
FIRST, SECOND, THIRD = date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 2)
PRICE = CNY("100.00")
ZONES = [
    "Asia/Shanghai",
    "Europe/London",
    "America/New_York",
    "Africa/Cairo",  # its clocks jump over midnight
    "America/Santiago",  # its clocks go back at midnight
    "Asia/Beirut",
    "Pacific/Chatham",
    "Asia/Kathmandu",
]


async def read(town: Town, first: date = FIRST, last: date = THIRD) -> dict[str, Any]:
    """All that a page says of a span."""
    async with town.database.connection() as conn:
        reach = await sales.reach(conn, town.shop_id, SHANGHAI, first, last)
        things = await sales.things(conn, reach, 9)
        return {
            "days": await sales.days(conn, reach),
            "things": things,
            "one": [await sales.thing_days(conn, reach, each.product_id) for each in things],
            "ways": await comers.ways(conn, reach),
        }


async def late(town: Town) -> list[date]:
    async with town.database.connection() as conn:
        return (await sales.reach(conn, town.shop_id, SHANGHAI, FIRST, THIRD)).late


async def test_a_day_says_the_same_before_and_after_it_is_folded(town: Town) -> None:
    cup = await town.stock("品茗杯", PRICE)
    two = msgspec.structs.replace(cup, quantity=2)
    town.at = datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC)  # a second before December
    first = await town.buys([cup], PRICE, device=b"a" * 32)
    town.later(seconds=1)
    await town.buys([two], PRICE * 2, device=b"a" * 32)
    town.later(hours=30)
    asked = await read(town)
    days = asked["days"]
    assert {day: (each.orders, each.again, each.pieces, each.minor) for day, each in days.items()}\
        == {FIRST: (1, 0, 1, 100_00), SECOND: (1, 1, 2, 200_00)}  # fmt: skip
    assert (days[FIRST].hours[23], days[SECOND].hours[0]) == (1, 1)
    assert days[SECOND].hours_minor[0] == 200_00
    assert await sales.fold(town.database, town.at) == 1
    assert await read(town) == asked
    assert await sales.fold(town.database, town.at) == 0  # the day is over once

    sale = AfterSale(town, first)
    await town.ships(first)
    await sale.asks("refund", "30.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    assert await late(town) == [FIRST]
    before = await read(town)
    assert before["days"][FIRST].gone_minor == 30_00
    assert [(each.minor, each.gone_minor) for each in before["things"]] == [(300_00, 30_00)]
    assert [each.gone_minor for each in before["one"][0]] == [30_00, 0]
    async with town.database.connection() as conn:
        [back] = await takings.gave_back(conn, town.shop_id, SHANGHAI, FIRST, THIRD)
    assert (back.day, back.count, back.minor) == (THIRD, 1, 30_00)  # when the money left
    town.later(days=1)
    assert await sales.fold(town.database, town.at) == 1
    assert (await late(town), await read(town)) == ([], before)
    wide = await read(town, date(2026, 10, 1), THIRD)  # November is read as a month
    assert wide["things"] == before["things"]
    town.later(days=40)
    await sales.fold(town.database, town.at)
    wide = await read(town, date(2025, 1, 1), date(2026, 12, 31))
    assert wide["things"] == before["things"]
    assert (await read(town, SECOND, date(2026, 12, 31)))["things"][0].minor == 200_00
    await town.books_balance()


async def test_figures_of_another_shop_are_not_in_these(town: Town) -> None:
    cup = await town.stock(price=PRICE)
    await town.buys([cup], PRICE)
    mine = town.shop_id
    await town.open_shop("Charlie", "charlie", "+8613900001002")
    town.later(days=1)
    await sales.fold(town.database, town.at)
    day = town.at.date()
    assert (await read(town, day - timedelta(days=9), day))["things"] == []
    town.shop_id = mine
    assert len((await read(town, day - timedelta(days=9), day))["things"]) == 1


async def test_ways_say_the_same_by_days_and_by_months_and_nothing_after_the_last_day(
    town: Town,
) -> None:
    cup = await town.stock(price=PRICE, pieces=9)
    share = await town.database.transaction(partial(_share, town))
    for moment in [
        datetime(2026, 9, 30, 15, 59, 59, tzinfo=UTC),  # a second before October
        datetime(2026, 9, 30, 16, tzinfo=UTC),
        datetime(2026, 10, 31, 15, 59, 59, tzinfo=UTC),
        datetime(2026, 10, 31, 16, tzinfo=UTC),  # November
        datetime(2026, 11, 30, 16, tzinfo=UTC),  # December
    ]:
        town.at = moment
        await town.buys([cup], PRICE, share_code=share.code, device=moment.isoformat().encode())
    spans = [
        (date(2026, 9, 30), date(2026, 12, 1), 5),
        (date(2026, 10, 1), date(2026, 10, 31), 2),  # a month and nothing else
        (date(2026, 10, 2), date(2026, 11, 30), 2),
        (date(2026, 10, 1), date(2026, 11, 1), 3),
        (date(2026, 9, 30), date(2026, 10, 30), 2),
        (date(2026, 9, 30), date(2026, 9, 30), 1),
    ]
    town.later(days=1, hours=1)
    for _ in range(3):  # nothing folded, then all but what people come by, then that too
        for first, last, orders in spans:
            [way] = (await read(town, first, last))["ways"]
            assert (way.label, way.orders, way.minor) == ("周六市集", orders, orders * 100_00)
        done = await sales.fold(town.database, town.at)
        if not done:
            await sharing.fold(town.database, town.at)
    assert await town.database.statement(_months) == [1, 2, 1, 1]
    await town.books_balance()


async def _share(town: Town, conn: db.Connection) -> Share:
    return await shares.make(
        conn,
        town.shop_id,
        product_id=None,
        channel="link",
        label="周六市集",
        device=None,
        person_id=town.person_id,
        at=town.at,
    )


async def _months(conn: db.Connection) -> list[int]:
    rows = await conn.fetch(
        "select sum(paid)::int as n from share_months group by month order by month"
    )
    return [row["n"] for row in rows]


async def test_money_that_went_back_around_midnight_counts_on_the_day_it_left(
    town: Town, owner: db.Connection
) -> None:
    town.at = datetime(2026, 11, 29, tzinfo=UTC)
    await shipped(town)
    taken = await reference(owner)
    for moment in [
        datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC),
        datetime(2026, 11, 30, 16, tzinfo=UTC),  # December
    ]:
        town.at = moment
        sale = await shipped(town)
        await sale.asks("refund", "30.00")
        await sale.seller_agrees()
        await sale.rail_sends_all_back()
    await town.database.transaction(partial(_bank_takes_back, town, taken))
    async with town.database.connection() as conn:
        back = await takings.gave_back(conn, town.shop_id, SHANGHAI, FIRST, THIRD)
        none = await takings.gave_back(conn, town.shop_id, SHANGHAI, THIRD, THIRD)
    assert back == [takings.Back(FIRST, 1, 30_00), takings.Back(SECOND, 2, 130_00)]
    assert none == []
    await town.books_balance()


async def _bank_takes_back(town: Town, number: str, conn: db.Connection) -> None:
    await charging_back.hear_opened(conn, town.shop_id, number, PRICE, town.at)
    await charging_back.hear_ended(conn, town.shop_id, number, PRICE, won=False, at=town.at)


@pytest.mark.parametrize("zone", ZONES)
async def test_a_day_begins_for_the_database_when_it_does_for_us(
    database: db.Database, zone: str
) -> None:
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(3 * 366)]  # with a 29 February
    moments = [sales.midnight(day, zone) for day in days]
    moment = timedelta(microseconds=1)
    async with database.connection() as conn:
        said = await conn.fetch(
            "select (at at time zone $2)::date as day, ((at - $3::interval) at time zone $2)::date"
            " as eve from unnest($1::timestamptz[]) with ordinality as each(at, n) order by n",
            moments,
            zone,
            moment,
        )
    assert [row["day"] for row in said] == days
    assert [row["eve"] for row in said] == [day - timedelta(days=1) for day in days]
