"""Races without luck: a gate keeps rows while those who want them line up, one behind the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from littleshop import db
from littleshop.sale.placing import Placed
from tests.cast import Town

PATIENCE = 20.0  # seconds until a queue that never forms is a failure
_QUEUED = "select count(distinct pid) from pg_locks where not granted"

Act = Callable[[], Awaitable[Any]]


class Gate:
    """Rows held by the owner's connection until all who race for them have arrived."""

    def __init__(self, conn: db.Connection) -> None:
        self._conn = conn
        self._held = conn.transaction()

    async def shut(self, sql: str, *values: object) -> None:
        """Hold what this statement locks or writes; nothing of it is kept."""
        self._held = self._conn.transaction()
        await self._held.start()
        await self._conn.execute(sql, *values)

    async def queue(self, racing: Sequence[asyncio.Future[Any]]) -> None:
        """Until each of these has ended or waits for a row that somebody holds."""
        async with asyncio.timeout(PATIENCE):
            while True:
                queued = await self._conn.fetchval(_QUEUED)
                if queued == sum(not task.done() for task in racing):
                    return

    async def open(self) -> None:
        """Let them through."""
        await self._held.rollback()

    async def keep(self) -> None:
        """Let them through, and what the gate wrote stays."""
        await self._held.commit()


async def race(gate: Gate, *acts: Act) -> list[Any]:
    """Start the acts one behind the other at a gate that is shut, open it, and see how all end.

    What an act raises is its end. Without the lock that it should wait for, an act reads past the
    gate what the one before it is about to change.
    """
    racing: list[asyncio.Task[Any]] = []
    for act in acts:
        racing.append(asyncio.ensure_future(act()))
        await gate.queue(racing)
        assert not racing[0].done(), "the gate holds nothing that the first one wants"
    await gate.open()
    return await asyncio.gather(*racing, return_exceptions=True)


async def hold_order(gate: Gate, town: Town, placed: Placed) -> None:
    """Keep everybody from an order."""
    await gate.shut(
        "select from orders where shop_id = $1 and order_id = $2 for update",
        town.shop_id,
        placed.order_id,
    )


async def hold_stock(gate: Gate, *shops: int) -> None:
    """Keep everybody from all variants of these shops."""
    await gate.shut("select from variants where shop_id = any ($1) for update", list(shops))


async def hold_counters(gate: Gate, *shops: int) -> None:
    """Keep everybody from the order numbers of these shops, which have a counter from now on."""
    await gate.shut(
        "insert into order_counters (shop_id) select unnest($1::bigint[]) on conflict do nothing",
        list(shops),
    )
    await gate.keep()
    await gate.shut("select from order_counters where shop_id = any ($1) for update", list(shops))
