"""Doors: a shop found by its address is at most a second old, however many people come."""

from __future__ import annotations

import asyncio

from littleshop import db
from littleshop.shop import shops
from littleshop.shop.doors import Doors
from tests.cast import Town


async def slug_of(town: Town) -> str:
    async with town.database.connection() as conn:
        return str(await db.value(conn, "select slug from shops where shop_id = $1", town.shop_id))


async def test_a_shop_is_read_once_a_second_for_everybody(town: Town) -> None:
    ticks, slug = [100.0], await slug_of(town)
    doors = Doors(town.database, lambda: ticks[0])
    found = await asyncio.gather(*[doors.shop(slug) for _ in range(40)])
    assert {shop and shop.shop_id for shop in found} == {town.shop_id}

    async with town.database.connection() as conn:
        await shops.pause(conn, town.shop_id)
    ticks[0] += 0.9
    shop = await doors.shop(slug)
    assert shop and shop.status == "open"
    ticks[0] += 0.2
    shop = await doors.shop(slug)
    assert shop and shop.status == "paused"


async def test_an_address_nobody_has_is_no_shop_until_somebody_takes_it(town: Town) -> None:
    ticks, slug = [100.0], await slug_of(town)
    doors = Doors(town.database, lambda: ticks[0])
    assert await doors.shop("nobody-here") is None
    async with town.database.connection() as conn:
        await db.run(
            conn,
            "insert into slugs (slug, shop_id, taken_at, kept_at) values ($1, $2, $3, $3)",
            "nobody-here",
            town.shop_id,
            town.at,
        )
    ticks[0] += 1
    moved = await doors.shop("nobody-here")
    assert moved and moved.slug == slug
