"""Limits: counted at once in a process, known to the others a second later, over with time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from littleshop import db, i18n
from littleshop.risk import limits
from littleshop.risk.limits import Meters
from tests.cast import MORNING


async def test_the_sixth_try_says_whose_limit_it_is_and_for_how_long(
    database: db.Database,
) -> None:
    meters = Meters(database)
    for _ in range(5):
        assert await meters.spend_exactly("pickup_code", ["order 1"], MORNING) is None
    spent = await meters.spend_exactly("pickup_code", ["order 1"], MORNING)
    assert spent is not None
    assert (spent.of, spent.minutes) == ("order", 60)
    assert await meters.spend_exactly("pickup_code", ["order 2"], MORNING) is None


def test_a_refused_act_counts_for_nobody(database: db.Database) -> None:
    meters = Meters(database)
    for _ in range(25):
        meters.spend("checkout", ["phone", f"device {_}", f"address {_}"], MORNING)
    for _ in range(5):
        assert meters.spend("checkout", ["other", "device 24", "address 24"], MORNING) is None


def test_devices_without_a_cookie_share_a_tighter_limit_and_neighbours_go_on(
    database: db.Database,
) -> None:
    meters = Meters(database)
    for number in range(20):
        assert meters.spend("code", [f"new {number}", "nat"], MORNING, fresh="nat") is None
    spent = meters.spend("code", ["new 20", "nat"], MORNING, fresh="nat")
    assert spent is not None and spent.of == "address"
    assert meters.spend("code", ["new 20", "other"], MORNING, fresh="other") is None
    for number in range(80):
        assert meters.spend("code", [f"known {number}", "nat"], MORNING) is None
    assert meters.spend("code", ["known 80", "nat"], MORNING) is not None


async def test_each_country_has_a_budget_of_codes_of_its_own(
    database: db.Database, owner: db.Connection
) -> None:
    meters = Meters(database)
    for rule, country, budget in (("code_abroad", "GB", 200), ("code_home", "CN", 3000)):
        assert await meters.spend_exactly(rule, [country], MORNING) is None
        await owner.execute("update limit_counts set count = $1 where count = 1", budget - 1)
        assert await meters.spend_exactly(rule, [country], MORNING) is None
        assert await meters.spend_exactly(rule, [country], MORNING) is not None
    assert await meters.spend_exactly("code_abroad", ["US"], MORNING) is None


async def test_guesses_are_counted_once_over_all_processes_at_the_same_moment(
    dsn: str, database: db.Database
) -> None:
    other = await db.open_database(dsn, size=4)
    try:
        processes = [Meters(database), Meters(other)]
        guesses = [
            each.spend_exactly("pickup_code", ["order 1"], MORNING)
            for each in processes
            for _ in range(20)
        ]
        refused = [spent for spent in await asyncio.gather(*guesses) if spent is not None]
        assert len(refused) == 40 - 5
    finally:
        await other.close()


async def test_a_restart_gives_no_further_guesses(database: db.Database) -> None:
    for _ in range(5):
        assert await Meters(database).spend_exactly("pickup_code", ["order 1"], MORNING) is None
    assert await Meters(database).spend_exactly("pickup_code", ["order 1"], MORNING) is not None


async def test_processes_learn_of_each_other(database: db.Database) -> None:
    here, there = Meters(database), Meters(database)
    for _ in range(150):
        here.spend("upload", ["person 1"], MORNING)
        there.spend("upload", ["person 1"], MORNING)
    await here.flush(MORNING)
    await there.flush(MORNING)
    assert there.spend("upload", ["person 1"], MORNING) is not None


async def test_an_hour_later_all_is_forgotten(database: db.Database) -> None:
    meters, later = Meters(database), MORNING + timedelta(hours=1)
    for _ in range(300):
        meters.spend("upload", ["person 1"], MORNING)
    for _ in range(5):
        await meters.spend_exactly("pickup_code", ["order 1"], MORNING)
    await meters.flush(MORNING)
    assert meters.spend("upload", ["person 1"], later) is None
    assert await meters.spend_exactly("pickup_code", ["order 1"], later) is None
    async with database.connection() as conn:
        assert await limits.sweep(conn, later + timedelta(seconds=1)) == 2


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(1, "1 minute"), (89, "89 minutes"), (90, "2 hours"), (1197, "20 hours"), (4000, "3 days")],
)
def test_how_long_it_takes_is_said_as_people_say_it(minutes: int, said: str) -> None:
    assert i18n.within("en", limits.Spent("device", minutes).wait) == said
