"""Equal acts of a phone that come at once: the first is done, the others wait and say the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from littleshop import db
from littleshop.errors import Conflict
from littleshop.sale import replaying
from littleshop.sale.replaying import Act, Answer
from tests.cast import CNY, Town
from tests.sale.gates import Gate

_QUEUED = "select count(distinct pid) from pg_locks where not granted"


@pytest_asyncio.fixture
async def processes(town: Town, dsn: str) -> AsyncIterator[list[db.Database]]:
    """Two processes with two connections each."""
    pools = [await db.open_database(dsn, size=2, name="littleshop small") for _ in range(2)]
    yield pools
    for each in pools:
        await each.close()


async def test_eight_equal_acts_at_once_are_one_and_leave_connections_for_others(
    town: Town, processes: list[db.Database], gate: Gate, owner: db.Connection
) -> None:
    placed = await town.buys([await town.stock()], CNY("168.00"))
    act = Act("ship", order=placed.number, number="SF1408223000777", carrier="sf")
    key, by = uuid4(), town.person_id
    assert by is not None
    await gate.shut("select from orders where order_id = $1 for update", placed.order_id)
    presses = [
        asyncio.ensure_future(
            replaying.replay(processes[place % 2], town.shop_id, by, key, act, town.at)
        )
        for place in range(8)
    ]
    async with asyncio.timeout(20):
        while await owner.fetchval(_QUEUED) < 2:  # one of each process is at the order
            pass
        for each in processes:  # and somebody else has a connection all the same
            async with each.connection() as conn:
                assert await conn.fetchval("select 1") == 1
    await gate.open()
    said = await asyncio.gather(*presses)
    assert said == [Answer("done", order=placed.number)] * 8
    assert (await town.order(placed)).status == "shipped"
    async with town.database.connection() as conn:
        parcels = await conn.fetchval("select count(*) from parcels")
        acts = await conn.fetchval("select count(*) from shop_acts where kind = 'shipped'")
    assert (parcels, acts) == (1, 1)
    other = Act("ship", order=placed.number, number="SF1408223000778", carrier="sf")
    with pytest.raises(Conflict):
        await replaying.replay(processes[0], town.shop_id, by, key, other, town.at)
    await town.books_balance()


async def test_who_waits_too_long_for_an_equal_act_is_told_to_come_again(
    town: Town,
    processes: list[db.Database],
    gate: Gate,
    owner: db.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replaying, "PATIENCE", 0.01)
    placed = await town.buys([await town.stock()], CNY("168.00"))
    act = Act("ship", order=placed.number, number="SF1408223000777", carrier="sf")
    key, by = uuid4(), town.person_id
    assert by is not None
    of = (town.shop_id, by, key, act, town.at)
    await gate.shut("select from orders where order_id = $1 for update", placed.order_id)
    first = asyncio.ensure_future(replaying.replay(processes[0], *of))
    async with asyncio.timeout(20):
        while await owner.fetchval(_QUEUED) < 1:
            pass
    with pytest.raises(db.Unavailable):
        await replaying.replay(processes[0], *of)
    await gate.open()
    assert await first == await replaying.replay(processes[0], *of)
    await town.books_balance()
