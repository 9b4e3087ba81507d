"""Phones that nobody proved: a young shop has few of them ring, one with buyers more."""

from __future__ import annotations

from datetime import timedelta

from littleshop import db, ids
from littleshop.risk import strangers
from tests.cast import CNY, Town
from tests.settlement.test_telling_handover import NEIGHBOURS


async def may_write(town: Town, most: int) -> int:
    """To how many new phones the shop writes today."""
    count = 0
    for at in range(most):

        async def work(conn: db.Connection, at: int = at) -> bool:
            phone = ids.hashed(f"{town.at} {at}")
            return await strangers.take(conn, town.shop_id, phone, town.at) is None

        count += await town.database.transaction(work)
    return count


async def test_who_has_sold_to_five_and_is_two_weeks_old_is_known(town: Town) -> None:
    assert await may_write(town, 120) == 20
    for who in NEIGHBOURS[: strangers.BUYERS]:
        placed = await town.buys([await town.stock()], CNY("168.00"), who=who)
        await town.ships(placed)
        await town.receives(placed)
    assert await may_write(town, 3) == 0, "five bought, and it is too young"
    town.at += strangers.YOUNG + timedelta(days=1)
    assert await may_write(town, 120) == 100


async def test_what_is_old_and_has_sold_nothing_is_young(town: Town) -> None:
    town.at += timedelta(days=400)
    assert await may_write(town, 120) == 20
