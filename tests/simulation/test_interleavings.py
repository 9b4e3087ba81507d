"""Whatever happens in whatever order: accepted with stock, or refunded in full."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from littleshop import db
from tests.cast import Town, keyring
from tests.simulation import interleavings
from tests.simulation.interleavings import OneConnection, Walked

DEPTH = 4


@pytest_asyncio.fixture
async def lane(database: db.Database) -> AsyncIterator[Town]:
    """A town whose whole life is one transaction."""
    async with database.connection() as conn:
        outer = conn.transaction()
        await outer.start()
        await conn.execute(interleavings.QUICKER)
        town = Town(OneConnection(conn), keyring())
        await town.open_shop()
        yield town
        await outer.rollback()


@pytest.mark.parametrize("half", [0, 1])
async def test_every_interleaving_of_four_events_ends_well(lane: Town, half: int) -> None:
    world = await interleavings.opened(lane)
    walked = Walked()
    mine = {event.__name__ for event in interleavings.EVENTS[half::2]}
    await interleavings.walk(world, DEPTH, walked, only=lambda event: event.__name__ in mine)
    assert walked.wrong == []
    assert len(walked.ends) > 150, walked


@pytest.mark.parametrize("half", [0, 1])
async def test_every_interleaving_after_payment_ends_well(lane: Town, half: int) -> None:
    world = await interleavings.accepted(lane)
    walked = Walked()
    mine = {event.__name__ for event in interleavings.EVENTS[half::2]}
    await interleavings.walk(world, DEPTH - 1, walked, only=lambda event: event.__name__ in mine)
    assert walked.wrong == []
    assert len(walked.ends) > 100, walked


async def test_the_walk_sees_a_resolver_that_forgets_a_refund(
    lane: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forgets(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr("littleshop.sale.refunding.send_astray_back", forgets)
    walked = Walked()
    await interleavings.walk(await interleavings.opened(lane), 1, walked)
    assert any("wrong_amount_comes" in fault for fault in walked.wrong)
