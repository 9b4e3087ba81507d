"""Migrations: the .sql files of migrations/ in the order of their numbers, each once.

Each file is one transaction and never waits for long: behind one that waits for a lock everybody
else would wait too. So nothing that scans a large table may hold it shut: a check or a foreign key
of an existing table is added `not valid` in one file and validated in a later one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg

FOLDER = Path(__file__).parent / "migrations"
_LOCK = 7_236_501  # one migrator at a time; the migrations themselves are what is correct
WAITS_MS = 2_000  # for a lock, while the shop waits behind us
TIMES, PAUSE = 10, 1.0  # attempts at one file, and the seconds between them


class CannotMigrate(Exception):
    """The database stays as it is; as text it is for the person at the terminal."""


class MigrationChanged(CannotMigrate):
    """A migration that ran here has another text now; it must be a new file instead.

    As text it is for the person at the terminal, in both languages.
    """

    def __init__(self, name: str) -> None:
        super().__init__(
            f"This database was made by another version of littleshop ({name}); nothing was"
            f" changed.\n这个数据库是另一个版本的小店建的（{name}），什么都没有改动。"
        )


class MigrationBlocked(CannotMigrate):
    """Somebody kept a table that a migration must change; `who` are his sessions, in words."""

    def __init__(self, name: str, who: list[str]) -> None:
        told = "\n".join(f"  {one}" for one in who)
        super().__init__(
            f"{name} waited for a table that another session holds; it was not applied. End what"
            f" holds it and start again.\n{name} 等不到被其他会话占用的表，没有执行。"
            f"请先结束占用它的会话，再重新启动。\n{told}"
        )
        self.who = who


async def migrate(dsn: str) -> list[str]:
    """Apply what is missing, as the database's owner; returns the names applied.

    Several starters may call it at once: the others wait. Raises MigrationChanged,
    MigrationBlocked: what was applied before it stays.
    """
    conn = await asyncpg.connect(dsn, timeout=30)
    try:
        await conn.execute(f"select pg_advisory_lock({_LOCK})")
        await conn.execute(
            "create table if not exists schema_migrations ("
            " name text constraint schema_migrations_pkey primary key,"
            " digest text not null)"
        )
        known = {
            row["name"]: row["digest"]
            for row in await conn.fetch("select name, digest from schema_migrations")
        }
        applied = []
        for path in sorted(FOLDER.glob("[0-9]*.sql")):
            text = path.read_text()
            digest = hashlib.sha256(text.encode()).hexdigest()
            if path.name in known:
                if known[path.name] != digest:
                    raise MigrationChanged(path.name)
                continue
            await _apply(conn, dsn, path.name, text, digest)
            applied.append(path.name)
        return applied
    finally:
        await conn.close()


async def _apply(
    conn: asyncpg.Connection[asyncpg.Record], dsn: str, name: str, text: str, digest: str
) -> None:
    """One file in one transaction, tried again while somebody else holds what it needs."""
    who: list[str] = []
    for attempt in range(TIMES):
        try:
            async with (
                _seen(dsn, conn.get_server_pid(), who, looks=attempt > 0),
                conn.transaction(),
            ):
                await conn.execute(f"set local lock_timeout = {WAITS_MS}")
                await conn.execute(text)
                await conn.execute(
                    "insert into schema_migrations (name, digest) values ($1, $2)", name, digest
                )
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(PAUSE)
    raise MigrationBlocked(name, who)


@contextlib.asynccontextmanager
async def _seen(dsn: str, pid: int, who: list[str], *, looks: bool) -> AsyncIterator[None]:
    """Note into `who`, by a connection of its own, whom this session waits for in the block."""
    if not looks:
        yield
        return
    watcher = asyncio.create_task(_watch(dsn, pid, who))
    try:
        yield
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError, asyncpg.PostgresError):
            await watcher


async def _watch(dsn: str, pid: int, who: list[str]) -> None:
    conn = await asyncpg.connect(dsn, timeout=30)
    try:
        while True:
            found = await conn.fetch(_HOLDERS, pid)
            if found:
                who[:] = [row["told"] for row in found]
            await asyncio.sleep(WAITS_MS / 10_000)
    finally:
        conn.terminate()


_HOLDERS = r"""
    select 'pid ' || pid || ' (' || concat_ws(', ', usename, nullif(application_name, ''), state)
           || ', ' || to_char(xact_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC): '
           || left(regexp_replace(query, '\s+', ' ', 'g'), 200) as told
      from pg_stat_activity where pid = any (pg_blocking_pids($1)) order by xact_start"""


async def missing(conn: asyncpg.Connection[asyncpg.Record]) -> list[str]:
    """The migrations that this database has not got yet."""
    there = await conn.fetchval("select to_regclass('schema_migrations') is not null")
    known = await conn.fetch("select name from schema_migrations") if there else []
    names = {row["name"] for row in known}
    return [path.name for path in sorted(FOLDER.glob("[0-9]*.sql")) if path.name not in names]


def command(arguments: list[str]) -> int:
    """`littleshop migrate`: bring the database of DATABASE_URL up to date and say what was done."""
    assert not arguments, arguments
    try:
        applied = asyncio.run(migrate(os.environ["DATABASE_URL"]))
    except CannotMigrate as fault:
        print(fault, file=sys.stderr)
        return 1
    for name in applied:
        print(name)
    print(f"{len(applied)} applied, up to date · 已升级 {len(applied)} 个，数据库为最新")
    return 0
