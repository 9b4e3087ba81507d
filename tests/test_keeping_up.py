"""A process that serves or works keeps up with the others, whatever its database went through."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest

from littleshop import http
from littleshop.clock import Clock


async def test_a_connection_that_dies_while_it_is_asked_does_not_end_the_keeping_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faults: list[Exception] = [
        asyncpg.ConnectionDoesNotExistError("closed in the middle"),
        asyncpg.InterfaceError("released"),
        OSError("away"),
    ]

    class Connection:
        async def fetch(self, *_: object) -> list[asyncpg.Record]:
            if faults:
                raise faults.pop()
            return []

        async def fetchval(self, *_: object) -> str:
            return "3600"

    @asynccontextmanager
    async def connection() -> Any:
        yield Connection()

    async def flush(_: datetime) -> None:
        """Nothing was counted."""

    async def no_wait(_: float, wait: Any = asyncio.sleep) -> None:
        await wait(0)

    monkeypatch.setattr(asyncio, "sleep", no_wait)
    house = SimpleNamespace(
        meters=SimpleNamespace(flush=flush),
        clock=Clock(),
        settings=SimpleNamespace(mode="demo"),
        domains=SimpleNamespace(tell=list),
        database=SimpleNamespace(connection=connection),
    )
    keeping = asyncio.create_task(http._keep_up(cast("http.House", house)))
    for _ in range(50):
        await asyncio.sleep(0)
    keeping.cancel()
    assert faults == []
    assert house.clock.offset == timedelta(hours=1)
