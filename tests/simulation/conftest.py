"""A database of their own for tests that run their own loops."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import asyncpg
import pytest

from littleshop import postgres


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
