"""Longer rows of events, drawn by hypothesis, against a model of one page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from littleshop import db
from littleshop.errors import Refused
from littleshop.sale import refunding
from tests.cast import Town, keyring
from tests.simulation import interleavings
from tests.simulation.interleavings import (
    EVENTS,
    Event,
    NotNow,
    OneConnection,
    World,
    buyer_pays,
    notice_comes,
)
from tests.simulation.model import Model

EXAMPLES = 60


async def opened(dsn: str) -> World:
    """An order and its cashiers in a transaction that nobody will ever commit."""
    conn = await asyncpg.connect(dsn)
    await db.prepare(conn)
    await conn.execute("set role littleshop_app")
    await conn.transaction().start()
    await conn.execute(interleavings.QUICKER)
    town = Town(OneConnection(conn), keyring())
    await town.open_shop()
    return await interleavings.opened(town)


async def played(world: World, events: Sequence[Event]) -> None:
    """Play a path that is taken back afterwards, and hold each step against the model."""
    attempt = world.conn.transaction()
    await attempt.start()
    try:
        model = Model()
        for event in events:
            world, happened = await _step(world, event)
            assert happened == model.play(event.__name__), (event.__name__, model)
            order = await world.order()
            kept = (await refunding.left_of(world.conn, order)).minor
            assert (order.status, kept) == (model.status, model.kept), (event.__name__, model)
        await interleavings.left_alone(world)
        assert await interleavings.faults(world) == []
    finally:
        await attempt.rollback()


async def _step(world: World, event: Event) -> tuple[World, bool]:
    attempt = world.conn.transaction()
    await attempt.start()
    try:
        after = await event(world)
    except (NotNow, Refused):
        await attempt.rollback()
        return world, False
    await attempt.commit()
    return after, True


def test_longer_rows_of_events_go_as_the_model_says(dsn_of_a_lane: str) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.booleans(), st.lists(st.sampled_from(EVENTS), min_size=5, max_size=14))
    def rows(paid_first: bool, events: list[Event]) -> None:
        first = [buyer_pays, notice_comes] if paid_first else []
        runner.run(played(world, [*first, *events]))

    with asyncio.Runner() as runner:
        world = runner.run(opened(dsn_of_a_lane))
        rows()
        runner.run(asyncpg.Connection.close(world.conn))
