"""What is nearly gone on a shelf, remembered for a second: every visitor of a shop page asks."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

from littleshop import db
from littleshop.catalog import products

FEW = 3  # from here on how many are left is worth saying on a shelf
FRESH_SECONDS = 1.0
MOST_SHOPS = 4096
Left = tuple[tuple[UUID, int], ...]


class Few:
    """The products of which a few are left, by shop; whoever asks meanwhile waits for the same
    reading."""

    def __init__(self, database: db.Database, ticks: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._ticks = ticks
        self._known: OrderedDict[int, tuple[float, asyncio.Task[Left]]] = OrderedDict()

    async def left(self, shop_id: int) -> Left:
        """Products with 1 to FEW pieces to buy and how many, at most a second old."""
        known, at = self._known.get(shop_id), self._ticks()
        if known is None or at - known[0] >= FRESH_SECONDS or _failed(known[1]):
            known = at, asyncio.create_task(self._read(shop_id))
            self._known[shop_id] = known
            self._known.move_to_end(shop_id)
            while len(self._known) > MOST_SHOPS:
                self._known.popitem(last=False)
        return await asyncio.shield(known[1])

    async def _read(self, shop_id: int) -> Left:
        async with self._database.connection() as conn:
            return await products.nearly_gone(conn, shop_id, FEW)


def _failed(task: asyncio.Task[Left]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
