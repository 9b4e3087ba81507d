"""Signed-in devices: thirty sliding days, ended one by one or all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from littleshop.db import Database
from littleshop.identity import sessions

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
XIAOMAN, ADA = uuid4(), uuid4()


async def test_a_session_slides_while_it_is_used(database: Database) -> None:
    async with database.connection() as conn:
        token, _ = await sessions.start(conn, XIAOMAN, device="iPhone", at=MONDAY)
        for day in (20, 40, 60):
            seen = await sessions.find(conn, token, MONDAY + timedelta(days=day))
            assert seen is not None and seen.expires_at == MONDAY + timedelta(days=day + 30)
        assert await sessions.find(conn, token, MONDAY + timedelta(days=90)) is None


async def test_a_busy_session_is_not_written_on_every_request(database: Database) -> None:
    async with database.connection() as conn:
        token, _ = await sessions.start(conn, XIAOMAN, device="iPhone", at=MONDAY)
        seen = await sessions.find(conn, token, MONDAY + timedelta(minutes=5))
        assert seen is not None and seen.seen_at == MONDAY


async def test_a_person_ends_another_device_but_not_somebody_elses(database: Database) -> None:
    async with database.connection() as conn:
        old, lost = await sessions.start(conn, XIAOMAN, device="old phone", at=MONDAY)
        new, _ = await sessions.start(conn, XIAOMAN, device="new phone", at=MONDAY)
        assert not await sessions.end_one(conn, ADA, lost.session_id, MONDAY)
        assert await sessions.end_one(conn, XIAOMAN, lost.session_id, MONDAY)
        assert await sessions.find(conn, old, MONDAY) is None
        assert await sessions.find(conn, new, MONDAY) is not None
        assert [each.device for each in await sessions.of_person(conn, XIAOMAN, MONDAY)] == [
            "new phone"
        ]


async def test_ending_all_ends_every_device_of_the_person_only(database: Database) -> None:
    async with database.connection() as conn:
        tokens = [
            (await sessions.start(conn, XIAOMAN, device=name, at=MONDAY))[0] for name in "abc"
        ]
        adas, _ = await sessions.start(conn, ADA, device="pixel", at=MONDAY)
        assert await sessions.end_all(conn, XIAOMAN, MONDAY) == 3
        assert [await sessions.find(conn, token, MONDAY) for token in tokens] == [None] * 3
        assert await sessions.find(conn, adas, MONDAY) is not None
        await sessions.end(conn, adas, MONDAY)
        assert await sessions.find(conn, adas, MONDAY) is None


async def test_an_invented_token_is_nobody(database: Database) -> None:
    async with database.connection() as conn:
        assert await sessions.find(conn, "x" * 43, MONDAY) is None
        assert await sessions.find(conn, "", MONDAY) is None


async def test_sessions_that_are_over_are_forgotten(database: Database) -> None:
    async with database.connection() as conn:
        await sessions.start(conn, XIAOMAN, device="iPhone", at=MONDAY)
        assert await sessions.sweep(conn, MONDAY + timedelta(days=31)) == 1
