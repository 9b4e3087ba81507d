"""Two processes on one database, and the gate at which they meet."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from littleshop import db
from tests.cast import Town
from tests.sale.gates import Gate


@pytest_asyncio.fixture
async def twin(town: Town, dsn: str) -> AsyncIterator[Town]:
    """The same shop as another process sees it: its own pool, its own flusher."""
    opened = await db.open_database(dsn, size=8)
    yield Town(opened, town.keyring, town.at, shop_id=town.shop_id, person_id=town.person_id)
    await opened.close()


@pytest_asyncio.fixture
async def gate(owner: db.Connection) -> Gate:
    return Gate(owner)


@pytest_asyncio.fixture
async def second_gate(dsn: str) -> AsyncIterator[Gate]:
    conn = await asyncpg.connect(dsn)
    yield Gate(conn)
    await conn.close()


@pytest_asyncio.fixture
async def third_gate(dsn: str) -> AsyncIterator[Gate]:
    conn = await asyncpg.connect(dsn)
    yield Gate(conn)
    await conn.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is repeated: a deadlock that a second try would hide is seen."""
    monkeypatch.setattr(db, "_ATTEMPTS", 1)
