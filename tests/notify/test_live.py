"""An open page hears of its own shop, and is told to reload when it may have missed something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from littleshop import db, jobs
from littleshop.clock import Clock
from littleshop.notify import live
from littleshop.notify.live import HEARTBEAT, RELOAD, Event

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PAID = Event("order_paid", "1007", "¥128.50")


@asynccontextmanager
async def listening(dsn: str) -> AsyncIterator[live.Hub]:
    hub = live.Hub(dsn)
    running = asyncio.create_task(hub.run())
    try:
        async with asyncio.timeout(10):
            await hub.listening.wait()
        yield hub
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def heard(events: live.Events) -> Event:
    async with asyncio.timeout(5):
        async for event in events:
            return event
    raise AssertionError


async def test_a_page_hears_of_its_own_shop_after_the_commit(
    database: db.Database, dsn: str
) -> None:
    async with listening(dsn) as hub:
        with hub.subscribe(5) as mine, hub.subscribe(6) as other:

            async def pay(conn: db.Connection) -> None:
                await live.publish(conn, 6, Event("order_paid", "1"), at=AT)
                await live.publish(conn, 5, PAID, at=AT)

            await database.transaction(pay)
            assert await jobs.drain(database, live.tasks(), Clock()) == 2
            assert await heard(mine) == PAID
            assert await heard(other) == Event("order_paid", "1")


async def test_what_is_rolled_back_is_never_heard(database: db.Database, dsn: str) -> None:
    async with listening(dsn) as hub:
        with hub.subscribe(5) as mine:

            async def pay(conn: db.Connection) -> None:
                await live.publish(conn, 5, PAID, at=AT)
                raise RuntimeError("no")

            with pytest.raises(RuntimeError):
                await database.transaction(pay)
            await jobs.drain(database, live.tasks(), Clock())
            await live.hint(database, 5, Event("after"))
            assert await heard(mine) == Event("after")


async def test_equal_hints_that_wait_become_one(database: db.Database) -> None:
    async def twice(conn: db.Connection) -> None:
        await live.publish(conn, 5, PAID, at=AT)
        await live.publish(conn, 5, PAID, at=AT)

    await database.transaction(twice)
    assert await jobs.drain(database, live.tasks(), Clock()) == 1


async def test_a_listener_that_was_cut_off_comes_back_and_tells_pages_to_reload(
    database: db.Database, dsn: str, owner: db.Connection
) -> None:
    async with listening(dsn) as hub:
        with hub.subscribe(5) as mine:
            await owner.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and application_name = 'littleshop live'"
            )
            assert await heard(mine) == RELOAD
            await live.hint(database, 5, PAID)
            assert await heard(mine) == PAID


async def test_a_page_that_does_not_keep_up_reloads_once() -> None:
    events = live.Events(heartbeat_seconds=5)
    for number in range(live.QUEUE_LIMIT + 1):
        events.put(Event("order_paid", str(number)))
    assert await heard(events) == RELOAD
    events.put(PAID)
    assert await heard(events) == PAID


async def test_silence_has_a_heartbeat() -> None:
    assert await heard(live.Events(heartbeat_seconds=0.001)) == HEARTBEAT


async def test_a_closed_page_leaves_nothing_behind() -> None:
    hub = live.Hub("unused")
    with hub.subscribe(5):
        assert hub.open_pages == 1
    assert hub.open_pages == 0


async def test_no_hint_is_given_inside_a_transaction(database: db.Database) -> None:
    with pytest.raises(AssertionError):
        await database.transaction(lambda conn: live.hint(database, 5, PAID))
