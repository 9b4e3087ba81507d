"""One PostgreSQL for the whole run; each test finds a database as the migrations leave it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from littleshop import db, migrate, postgres
from tests import kept
from tests.cast import Town, keyring

TEMPLATE = "littleshop_template"


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test has the same loop, so that connections go on from one to the next."""
    return {"kept": kept.loop}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no worker is left with them alone at the end."""
    items.sort(key=lambda item: "tests/simulation/" not in item.nodeid)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Cluster]:
    """The server of this run; what it holds is thrown away, so it need not wait for the disk."""
    home = tmp_path_factory.mktemp("home")
    quick = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
    # A statement is planned once for each connection, not for each of its first five uses.
    quick |= {"plan_cache_mode": "force_generic_plan", "update_process_title": "off"}
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


@pytest.fixture(scope="session")
def stable(cluster: postgres.Cluster, template: str) -> Iterator[kept.Stable]:
    """The database of this process, with its connections, as one test leaves it to the next."""
    made = kept.Stable(cluster, template)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "open_database", made.open_database)
        yield made
    made.end()
    kept.end()


@pytest_asyncio.fixture
async def lent(stable: kept.Stable) -> AsyncIterator[kept.Kept]:
    """A database that is as fresh as a copy of the template."""
    yield await stable.lend()
    await stable.take_back()


@pytest.fixture
def dsn(lent: kept.Kept) -> str:
    """The owner's address of a fresh database."""
    return lent.dsn


@pytest_asyncio.fixture
async def database(dsn: str) -> AsyncIterator[db.Database]:
    """The database as the program works with it: a pool in the role `littleshop_app`."""
    opened = await db.open_database(dsn, size=8)
    yield opened
    await opened.close()


@pytest.fixture
def owner(lent: kept.Kept) -> db.Connection:
    """A connection as the owner, to look at or to break what the program may not touch."""
    return lent.owner


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
