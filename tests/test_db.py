"""Transactions: what the database's absence breaks is repeated, our own mistakes are not."""

from __future__ import annotations

from pathlib import Path

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


async def test_a_server_that_has_not_made_its_socket_yet_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is for a moment after a kill: no such file, which is no ConnectionError."""
    monkeypatch.setattr(db, "_ATTEMPTS", 2)
    dsn = f"postgresql://nobody@/nothing?host={tmp_path}"
    async with asyncpg.create_pool(dsn, min_size=0) as pool:
        away = db.Database(pool)

        async def work(conn: db.Connection) -> int:
            return int(await db.value(conn, "select 7"))

        with pytest.raises(db.Unavailable, match="No such file"):
            await away.transaction(work)
        with pytest.raises(db.Unavailable, match="No such file"):
            async with away.connection():
                pass


@pytest.mark.parametrize(
    "fault",
    [asyncpg.TooManyConnectionsError, asyncpg.IdleInTransactionSessionTimeoutError,
     asyncpg.CannotConnectNowError],
)  # fmt: skip
async def test_what_comes_and_goes_with_a_server_is_repeated(
    database: db.Database, fault: type[asyncpg.PostgresError]
) -> None:
    tries = 0

    async def work(conn: db.Connection) -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            state = fault.sqlstate
            await conn.execute(f"do $$ begin raise 'gone' using errcode = '{state}'; end $$")
        return tries

    assert await database.transaction(work) == 2


async def test_a_plan_that_a_migration_outdated_is_made_anew(
    database: db.Database, owner: db.Connection
) -> None:
    """A connection that knew the table before its columns changed goes on in its transaction."""
    await owner.execute("create table seats (seat integer); insert into seats values (7)")
    await owner.execute("grant select on seats to littleshop_app")

    async def work(conn: db.Connection) -> list[object]:
        return list((await conn.fetch("select * from seats"))[0])

    assert await database.transaction(work) == [7]
    await owner.execute("alter table seats add column row_of_it integer")
    assert await database.transaction(work) == [7, None]
