"""Transactions: what the database's absence breaks is repeated, our own mistakes are not."""

from __future__ import annotations

import asyncpg
import pytest

from littleshop import db


async def test_a_connection_that_was_closed_is_replaced_and_the_whole_repeated(
    database: db.Database,
) -> None:
    tries = 0

    async def work(conn: db.Connection) -> int:
        nonlocal tries
        tries += 1
        if tries < 3:
            conn.terminate()
        return int(await db.value(conn, "select 7"))

    assert await database.transaction(work) == 7
    assert await database.statement(work) == 7
    assert tries == 4


async def test_our_own_misuse_of_a_connection_is_told_at_once(database: db.Database) -> None:
    tries = 0

    async def wrong(conn: db.Connection) -> None:
        nonlocal tries
        tries += 1
        await db.value(conn, "select $1::integer", "seven")

    with pytest.raises(asyncpg.DataError):
        await database.transaction(wrong)

    async def confused(conn: db.Connection) -> None:
        nonlocal tries
        tries += 1
        await conn.transaction().rollback()

    with pytest.raises(asyncpg.InterfaceError, match="not yet started"):
        await database.statement(confused)
    assert tries == 2


async def test_a_pool_that_is_closed_is_a_database_that_is_away(database: db.Database) -> None:
    await database.close()
    with pytest.raises(db.Unavailable):
        async with database.connection():
            pass
