"""A shop's page moves: old addresses stay the shop's, others cannot have them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from littleshop.db import Database
from littleshop.errors import NotFound, Refused
from littleshop.shop import moving, shops, slugs
from littleshop.shop.shops import BroughtBy
from tests.shop.test_shops import opened

MONDAY = datetime(2026, 11, 23, 2, 1, tzinfo=UTC)  # a minute after it opened


async def at(database: Database, slug: str) -> str | None:
    """Where the shop that is or was at this address is now."""
    async with database.connection() as conn:
        shop = await shops.by_slug(conn, slug)
    return shop.slug if shop else None


async def refusal(database: Database, shop_id: int, slug: str, seen: str) -> str:
    with pytest.raises(Refused) as said:
        await moving.move(database, shop_id, slug, seen=seen, at=MONDAY)
    return said.value.code


async def test_a_shop_moves_and_its_old_address_stays_its_own(database: Database) -> None:
    ada = await opened(database, "Ada's Knits", "adas-knits")
    moved = await moving.move(database, ada, " Adas-Corner ", seen="adas-knits", at=MONDAY)
    assert moved == "adas-corner"
    assert await at(database, "adas-knits") == await at(database, "adas-corner") == "adas-corner"
    ben = await opened(database, "Ben", "night-owl")
    assert await refusal(database, ben, "adas-knits", "night-owl") == "slug_taken"
    async with database.connection() as conn:
        assert not await slugs.take(conn, "adas-knits", ben, MONDAY)
        assert await slugs.sweep(conn, MONDAY + timedelta(days=9)) == 0
    assert await at(database, "adas-knits") == "adas-corner"


async def test_the_second_press_of_the_same_is_answered_like_the_first(
    database: Database,
) -> None:
    ada = await opened(database, "Ada's Knits", "adas-knits")
    presses = [
        moving.move(database, ada, "adas-corner", seen="adas-knits", at=MONDAY) for _ in range(4)
    ]
    assert await asyncio.gather(*presses) == ["adas-corner"] * 4
    async with database.connection() as conn:
        assert await slugs.of_shop(conn, ada) == ["adas-knits", "adas-corner"]


async def test_of_two_windows_the_second_is_told_and_takes_nothing(database: Database) -> None:
    ada = await opened(database, "Ada's Knits", "adas-knits")
    moves = [
        moving.move(database, ada, slug, seen="adas-knits", at=MONDAY)
        for slug in ("adas-corner", "ada-and-co")
    ]
    won, lost = sorted(
        await asyncio.gather(*moves, return_exceptions=True), key=lambda one: isinstance(one, str)
    )[::-1]
    assert isinstance(lost, Refused) and lost.code == "slug_moved"
    assert lost.details == {"slug": won}
    async with database.connection() as conn:
        await slugs.sweep(conn, MONDAY + timedelta(hours=2))
        assert await slugs.of_shop(conn, ada) == ["adas-knits", won]
    assert await refusal(database, ada, "third-window", "adas-knits") == "slug_moved"


async def test_a_shop_has_four_addresses_in_its_life_and_may_go_back_to_each(
    database: Database,
) -> None:
    ada = await opened(database, "Ada's Knits", "ada-0")
    for turn in range(3):
        await moving.move(database, ada, f"ada-{turn + 1}", seen=f"ada-{turn}", at=MONDAY)
    assert await refusal(database, ada, "ada-4", "ada-3") == "slug_used_up"
    assert await moving.move(database, ada, "ada-0", seen="ada-3", at=MONDAY) == "ada-0"
    assert await at(database, "ada-2") == "ada-0"
    assert await at(database, "ada-4") is None


@pytest.mark.parametrize(
    ("slug", "code"),
    [
        ("", "slug_empty"),
        ("../etc", "slug_invalid"),
        ("ada knits", "slug_invalid"),
        ("ada\x00", "slug_invalid"),
        ("阿达", "slug_invalid"),
        ("a" * 31, "slug_invalid"),
        ("console", "slug_reserved"),
        ("s0000", "slug_reserved"),
    ],
)
async def test_an_address_that_is_none_is_refused(database: Database, slug: str, code: str) -> None:
    ada = await opened(database, "Ada's Knits", "adas-knits")
    assert await refusal(database, ada, slug, "adas-knits") == code


async def test_a_kill_in_the_middle_leaves_one_address_that_works(database: Database) -> None:
    ada = await opened(database, "Ada's Knits", "adas-knits")
    async with database.connection() as conn:
        await slugs.take(conn, "adas-corner", ada, MONDAY)  # killed before the shop changed
        assert await slugs.sweep(conn, MONDAY + timedelta(hours=2)) == 1
        await slugs.take(conn, "adas-corner", ada, MONDAY)
        await shops.readdress(conn, ada, "adas-knits", "adas-corner")  # killed before it was kept
    await moving.move(database, ada, "ada-and-co", seen="adas-corner", at=MONDAY)
    async with database.connection() as conn:
        assert await slugs.sweep(conn, MONDAY + timedelta(hours=2)) == 0
    assert await at(database, "adas-corner") == "ada-and-co"


async def test_a_shop_that_is_not_open_has_nothing_to_move(database: Database) -> None:
    async with database.connection() as conn:
        shop_id = await shops.number(conn)
        await shops.create(conn, shop_id, locale="en", brought_by=BroughtBy(), at=MONDAY)
    with pytest.raises(NotFound):
        await moving.move(database, shop_id, "anywhere", seen="", at=MONDAY)
