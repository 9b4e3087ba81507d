"""Shops by the address of their page, remembered for a second: for paths that are asked very often
and whose last word is the row itself, as placing's is (docs/decisions/0018-bench.md)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from littleshop import db
from littleshop.shop import shops
from littleshop.shop.shops import Shop

FRESH_SECONDS = 1.0


class Doors:
    """The shops of this process that somebody came to lately.

    One that is older than a second is read again, together with all that were asked for since
    they were last read; whoever comes meanwhile waits for the same reading.
    """

    def __init__(self, database: db.Database, ticks: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._ticks = ticks
        self._known: dict[str, tuple[float, Shop | None]] = {}
        self._asked: set[str] = set()
        self._reading: asyncio.Task[None] | None = None

    async def shop(self, slug: str) -> Shop | None:
        """The shop whose page is or was here, at most a second old; None when there is none."""
        self._asked.add(slug)
        while True:
            known = self._known.get(slug)
            if known is not None and self._ticks() - known[0] < FRESH_SECONDS:
                return known[1]
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
            await asyncio.shield(self._reading)

    async def _read(self) -> None:
        try:
            asked, self._asked = self._asked, set()
            at = self._ticks()
            stale = at - FRESH_SECONDS / 2
            due = [slug for slug in asked if self._known.get(slug, (stale, None))[0] <= stale]
            async with self._database.connection() as conn:
                found = await shops.by_slugs(conn, due)
            kept = {slug: self._known[slug] for slug in asked if slug in self._known}
            self._known = kept | {slug: (at, found.get(slug)) for slug in due}
        finally:
            self._reading = None
