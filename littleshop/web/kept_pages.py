"""Pages that are equal for all, kept as compressed bytes for as long as they are true.

A page is kept under (public host, path with what it asks for, language, container, encoding) and
belongs to a version of its shop. The truth is the shop's row: every process reads the versions of
the shops it keeps pages of once a second (`poll`) and drops what moved; when it could not read
for longer than GAP_SECONDS, it drops everything (docs/decisions/0008-page-cache.md).
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from littleshop import db
from littleshop.shop import shops
from littleshop.web import pages

MOST_BYTES = 64 * 1024 * 1024
MOST_SIGHTS = 20_000
OVERHEAD = 1500  # of a kept page besides its body: key, headers, bookkeeping
MOST_SIGHT_BYTES = 1024  # what browsers send is a quarter of it; longer ones are met anew
SIGHT_OVERHEAD = 600  # of a remembered sight besides its texts: objects, table, list
SIGHT_SHARE = 4  # sights take at most a quarter of the room: pages are not so quickly made anew
GAP_SECONDS = 5.0
_log = logging.getLogger(__name__)

Header = tuple[bytes, bytes]
# What a request looks like before anything of it is read: path, query, agent, languages,
# encodings, language cookie. The same look has the same page.
Sight = tuple[str, bytes, bytes | None, bytes | None, bytes | None, bytes]


class Asked(msgspec.Struct, frozen=True):
    """A page in words: the public origin, the path, what the query narrows, for whom to draw."""

    host: str
    path: str
    tag: str | None
    page: int
    locale: str
    container: str


class Drawn(msgspec.Struct, frozen=True):
    """A drawn page: whose it is, of which version, until when it is true, what it shows."""

    shop_id: int
    version: int
    zone: str
    text: str
    until: datetime
    product_id: str | None = None
    share_code: str | None = None
    leaves: Mapping[str, int] | None = None  # of a shelf: its tags ("" all), pages of each


class Kept:
    """A page as it is sent; `until` in seconds since 1970, `mark` is the counter's own."""

    __slots__ = (
        "body",
        "etag",
        "headers",
        "key",
        "mark",
        "not_modified",
        "page",
        "sights",
        "size",
        "start",
        "unchanged",
        "until",
        "used",
        "whole",
    )

    def __init__(self, page: Drawn, key: Key) -> None:
        raw = page.text.encode()
        self.page = page
        self.key = key
        self.body = gzip.compress(raw, 9, mtime=0) if key.zipped else raw
        self.etag = f'"{hashlib.sha256(self.body).hexdigest()[:20]}"'.encode()
        self.until = page.until.timestamp()
        self.used = 0.0
        self.size = len(self.body) + OVERHEAD
        self.mark: Any = None
        self.sights: list[Sight] = []
        known = pages.HEADERS | {
            "content-security-policy": pages.content_policy(),
            "cache-control": "private, no-cache",
            "vary": "accept-encoding, accept-language, cookie, user-agent",
            "content-language": key.locale,
        }
        self.not_modified: list[Header] = [
            (name.encode(), value.encode()) for name, value in known.items()
        ] + [(b"etag", self.etag)]
        self.headers: list[Header] = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(self.body)).encode()),
            *self.not_modified,
        ]
        if key.zipped:
            self.headers.append((b"content-encoding", b"gzip"))
        self.start = started(200, self.headers)
        self.unchanged = started(304, self.not_modified)
        self.whole = {"type": "http.response.body", "body": self.body}


def started(status: int, headers: list[Header]) -> dict[str, Any]:
    """The beginning of an answer."""
    return {"type": "http.response.start", "status": status, "headers": headers}


class Key(NamedTuple):
    """The name under which a page is kept."""

    host: str
    path: str
    tag: str | None
    page: int
    locale: str
    container: str
    zipped: bool

    @property
    def asked(self) -> Asked:
        return Asked(self.host, self.path, self.tag, self.page, self.locale, self.container)


class Meeting(NamedTuple):
    """How a request that looks in some way is answered: the page, whether a person asks, and
    the language the query asks to be remembered."""

    kept: Kept
    person: bool
    lang: str | None


Draw = Callable[[Asked], Awaitable[Drawn]]


def _weight(sight: Sight) -> int:
    """Roughly how many bytes of memory a remembered sight takes."""
    return SIGHT_OVERHEAD + sum(len(part) for part in sight if part)


class Shelf:
    """The pages of this process. `draw` makes one; what it raises, `fetch` raises."""

    def __init__(
        self,
        database: db.Database,
        draw: Draw,
        clock: Callable[[], datetime],
        *,
        public_url: str,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._database = database
        self._draw = draw
        self._clock = clock
        self._most = most_bytes
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._of_shop: dict[int, tuple[int, set[Key]]] = {}  # its version, its pages
        self._drawing: dict[Key, asyncio.Task[Kept]] = {}
        self._sights: dict[Sight, Meeting] = {}
        self._polled: float | None = None
        self.host = public_url
        self.bytes = 0  # of pages and sights
        self.sight_bytes = 0
        self.now = clock().timestamp()  # read once a second; pages live by it

    def __len__(self) -> int:
        return len(self._kept)

    def recall(self, sight: Sight) -> Meeting | None:
        """What a request that looks like this was answered with, when it is still true."""
        met = self._sights.get(sight)
        if met is None:
            return None
        kept = met.kept
        if kept.used != self.now:  # once a second is enough to know what is in use
            if kept.until <= self.now:
                self._forget(kept.key)
                return None
            kept.used = self.now
            self._kept.move_to_end(kept.key)
        return met

    def remember(self, sight: Sight, met: Meeting) -> None:
        """The next request that looks like this is answered at once."""
        if self._kept.get(met.kept.key) is not met.kept:
            return  # sent once, not kept
        weight = _weight(sight)
        if weight > MOST_SIGHT_BYTES + SIGHT_OVERHEAD:
            return
        known = self._sights.get(sight)
        if known is not None and known.kept is met.kept:
            return
        full = self.sight_bytes + weight > self._most // SIGHT_SHARE
        if full or known is not None or len(self._sights) >= MOST_SIGHTS:
            self._forget_sights()
        self._sights[sight] = met
        met.kept.sights.append(sight)
        self._weigh(sights=weight)
        self._trim()

    def _forget_sights(self) -> None:
        self._sights.clear()
        for kept in self._kept.values():
            kept.sights.clear()
        self._weigh(sights=-self.sight_bytes)

    def _weigh(self, *, sights: int) -> None:
        self.sight_bytes += sights
        self.bytes += sights

    def _trim(self) -> None:
        """Forget what was asked for longest ago until all fits."""
        while self.bytes > self._most:
            self._forget(next(iter(self._kept)))

    def find(self, key: Key) -> Kept | None:
        """The kept page, when it is still true."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until <= self.now:
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return kept

    async def fetch(self, key: Key) -> Kept:
        """Draw a page and keep it; whoever asks for the same meanwhile waits for this one."""
        task = self._drawing.get(key)
        if task is None:
            task = self._drawing[key] = asyncio.create_task(self._fetch(key))
            task.add_done_callback(lambda done: self._fetched(key, done))
        return await asyncio.shield(task)

    def _fetched(self, key: Key, done: asyncio.Task[Kept]) -> None:
        self._drawing.pop(key, None)
        if not done.cancelled():
            done.exception()  # told to whoever waited; nobody may have stayed

    async def _fetch(self, key: Key) -> Kept:
        kept = Kept(await self._draw(key.asked), key)
        self._keep(key, kept)
        return kept

    def _keep(self, key: Key, kept: Kept) -> None:
        shop_id, version = kept.page.shop_id, kept.page.version
        known = self._of_shop.get(shop_id)
        if known is not None and version < known[0]:
            return  # drawn while the shop moved on: sent once, not kept
        if known is not None and version > known[0]:
            self.drop(shop_id)
        self._forget(key)
        self._kept[key] = kept
        self._of_shop.setdefault(shop_id, (version, set()))[1].add(key)
        self.bytes += kept.size
        self._trim()

    def _forget(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self.bytes -= kept.size
        for sight in kept.sights:
            if self._sights.pop(sight, None) is not None:
                self._weigh(sights=-_weight(sight))
        kept.sights.clear()
        _, keys = self._of_shop[kept.page.shop_id]
        keys.discard(key)
        if not keys:
            del self._of_shop[kept.page.shop_id]

    def drop(self, shop_id: int) -> None:
        """Forget a shop's pages (a hint that it moved)."""
        _, keys = self._of_shop.get(shop_id, (0, set()))
        for key in tuple(keys):
            self._forget(key)

    def drop_all(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._of_shop.clear()
        self._sights.clear()
        self.bytes = self.sight_bytes = 0

    async def poll(self, ticks: float | None = None) -> None:
        """Read the versions of the shops we keep pages of and drop what moved; drop everything
        when the last reading is long ago. `ticks` are seconds of any steady clock."""
        ticks = asyncio.get_running_loop().time() if ticks is None else ticks
        self.now = self._clock().timestamp()
        asked = list(self._of_shop)
        if asked:
            async with self._database.connection() as conn:
                versions = await shops.versions(conn, asked)
            for shop_id in asked:
                known = self._of_shop.get(shop_id)
                if known is not None and versions.get(shop_id, 0) > known[0]:
                    self.drop(shop_id)
        if self._polled is not None and ticks - self._polled > GAP_SECONDS:
            self.drop_all()
        self._polled = ticks

    async def keep_up(self) -> None:
        """Poll once a second until cancelled."""
        while True:
            await asyncio.sleep(1)
            try:
                await self.poll()
            except Exception as fault:  # whatever it was, it is tried again in a second
                _log.warning("versions were not read: %s", type(fault).__name__)
