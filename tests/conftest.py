"""One PostgreSQL for the whole run, one database per test: a clone of a migrated template."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from littleshop import db, migrate, postgres
from tests.cast import Town, keyring

TEMPLATE = "littleshop_template"
_number = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no worker is left with them alone at the end."""
    items.sort(key=lambda item: "tests/simulation/" not in item.nodeid)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Cluster]:
    """The server of this run; what it holds is thrown away, so it need not wait for the disk."""
    home = tmp_path_factory.mktemp("home")
    quick = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
    with postgres.running(home, settings=quick) as server:
        yield server


@pytest.fixture(scope="session")
def template(cluster: postgres.Cluster) -> str:
    """A database with every migration applied, made once and never connected to again."""

    async def make() -> None:
        conn = await asyncpg.connect(cluster.dsn())
        await conn.execute(f"create database {TEMPLATE}")
        await conn.close()
        await migrate.migrate(cluster.dsn(TEMPLATE))

    asyncio.run(make())
    return TEMPLATE


@pytest_asyncio.fixture
async def dsn(cluster: postgres.Cluster, template: str) -> AsyncIterator[str]:
    """The owner's address of a fresh database; dropped after the test."""
    name = f"test_{os.getpid()}_{next(_number)}"
    conn = await asyncpg.connect(cluster.dsn())
    try:
        # With wal_level = minimal copying the files is several times quicker than WAL_LOG.
        await conn.execute(f"create database {name} template {template} strategy file_copy")
        yield cluster.dsn(name)
        await conn.execute(f"drop database {name} with (force)")
    finally:
        await conn.close()


@pytest_asyncio.fixture
async def database(dsn: str) -> AsyncIterator[db.Database]:
    """The database as the program works with it: a pool in the role `littleshop_app`."""
    opened = await db.open_database(dsn, size=8)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def owner(dsn: str) -> AsyncIterator[db.Connection]:
    """A connection as the owner, to look at or to break what the program may not touch."""
    conn = await asyncpg.connect(dsn)
    await db.prepare(conn)
    yield conn
    await conn.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of its own: DIR for what keeps files."""
    return tmp_path / "home"


@pytest_asyncio.fixture
async def town(database: db.Database) -> Town:
    """A town with one shop that is open."""
    made = Town(database, keyring())
    await made.open_shop()
    return made


@pytest.fixture
def dsn_of_a_lane(cluster: postgres.Cluster, template: str) -> Iterator[str]:
    """The owner's address of a fresh database, for a test that is no coroutine itself."""
    name = f"lane_{os.getpid()}"

    async def ask(sql: str) -> None:
        conn = await asyncpg.connect(cluster.dsn())
        await conn.execute(sql)
        await conn.close()

    asyncio.run(ask(f"create database {name} template {template} strategy file_copy"))
    yield cluster.dsn(name)
    asyncio.run(ask(f"drop database {name} with (force)"))
