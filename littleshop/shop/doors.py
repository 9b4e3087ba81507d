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

    What is older than a second is looked at again, together with all that was asked for since it
    was last read; whoever comes meanwhile waits for the same reading. A shop whose version stands
    is as it was: whatever a visitor could see moves it.
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
            kept = {slug: self._known[slug] for slug in asked if slug in self._known}
            due = [slug for slug in asked if slug not in kept or kept[slug][0] <= stale]
            async with self._database.connection() as conn:
                found = await self._look(conn, due)
            self._known = kept | {slug: (at, found.get(slug)) for slug in due}
        finally:
            self._reading = None

    async def _look(self, conn: db.Connection, due: list[str]) -> dict[str, Shop]:
        """Of the shops we know only the versions are read, and again those that moved."""
        known = {slug: shop for slug in due if (shop := self._known.get(slug, (0, None))[1])}
        numbers = [shop.shop_id for shop in known.values()]
        versions = await shops.versions(conn, numbers) if numbers else {}
        found = {
            slug: shop for slug, shop in known.items() if versions.get(shop.shop_id) == shop.version
        }
        if moved := [slug for slug in due if slug not in found]:
            found |= await shops.by_slugs(conn, moved)
        return found
