"""Migrations: the .sql files of migrations/ in the order of their numbers, each once."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from pathlib import Path

import asyncpg

FOLDER = Path(__file__).parent / "migrations"
_LOCK = 7_236_501  # one migrator at a time; the migrations themselves are what is correct


class MigrationChanged(Exception):
    """A migration that ran here has another text now; it must be a new file instead.

    As text it is for the person at the terminal, in both languages.
    """

    def __init__(self, name: str) -> None:
        super().__init__(
            f"This database was made by another version of littleshop ({name}); nothing was"
            f" changed.\n这个数据库是另一个版本的小店建的（{name}），什么都没有改动。"
        )


async def migrate(dsn: str) -> list[str]:
    """Apply what is missing, as the database's owner; returns the names applied.

    Several starters may call it at once: the others wait. Raises MigrationChanged.
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
            async with conn.transaction():
                await conn.execute(text)
                await conn.execute(
                    "insert into schema_migrations (name, digest) values ($1, $2)",
                    path.name,
                    digest,
                )
            applied.append(path.name)
        return applied
    finally:
        await conn.close()


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
    except MigrationChanged as fault:
        print(fault, file=sys.stderr)
        return 1
    for name in applied:
        print(name)
    print(f"{len(applied)} applied, up to date · 已升级 {len(applied)} 个，数据库为最新")
    return 0
