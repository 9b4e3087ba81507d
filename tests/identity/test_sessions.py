"""Signed-in devices: thirty sliding days, ended one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from littleshop.db import Database
from littleshop.identity import sessions

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
XIAOMAN = uuid4()


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


async def test_signing_out_ends_this_device_only(database: Database) -> None:
    async with database.connection() as conn:
        old, _ = await sessions.start(conn, XIAOMAN, device="old phone", at=MONDAY)
        new, _ = await sessions.start(conn, XIAOMAN, device="new phone", at=MONDAY)
        for _ in range(2):
            await sessions.end(conn, old, MONDAY)
        assert await sessions.find(conn, old, MONDAY) is None
        assert await sessions.find(conn, new, MONDAY) is not None


async def test_an_invented_token_is_nobody(database: Database) -> None:
    async with database.connection() as conn:
        assert await sessions.find(conn, "x" * 43, MONDAY) is None
        assert await sessions.find(conn, "", MONDAY) is None


async def test_sessions_that_are_over_are_forgotten(database: Database) -> None:
    async with database.connection() as conn:
        await sessions.start(conn, XIAOMAN, device="iPhone", at=MONDAY)
        assert await sessions.sweep(conn, MONDAY + timedelta(days=31)) == 1
