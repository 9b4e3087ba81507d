"""Baskets: kept while somebody may come back to them."""

from __future__ import annotations

from datetime import timedelta

from littleshop import db, ids, jobs
from littleshop.trade import carts
from tests.cast import MORNING
from tests.web.conftest import street as street
from tests.web.conftest import world as world
from tests.web.street import Street

OLD, NEW = ids.hashed("old phone"), ids.hashed("new phone")


async def test_a_basket_left_behind_is_forgotten_by_the_nightly_sweep(street: Street) -> None:
    variant_id = await street.variant(await street.sells())
    later = MORNING + carts.KEPT + timedelta(hours=1)

    async def fill(conn: db.Connection) -> None:
        await carts.add(conn, street.shop_id, OLD, variant_id, 1, MORNING)
        await carts.add(conn, street.shop_id, NEW, variant_id, 1, later - timedelta(days=1))
        await jobs.defer(conn, "forgotten.sweep", at=later)

    await street.database.transaction(fill)
    street.world.clock.at = later
    await street.world.work()
    async with street.database.connection() as conn:
        assert await carts.find(conn, street.shop_id, OLD) is None
        assert await carts.find(conn, street.shop_id, NEW) is not None
