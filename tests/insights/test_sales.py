"""What a shop sold by its days: the same before and after a day is folded, whatever goes back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from littleshop import db
from littleshop.insights import comers, sales, takings
from tests.cast import CNY, Town
from tests.sale.after_sale import AfterSale

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
