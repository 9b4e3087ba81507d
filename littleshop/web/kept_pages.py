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
MOST_LOOKS = 20_000
OVERHEAD = 1500  # of a kept page besides its body: key, headers, bookkeeping
MOST_LOOK_BYTES = 2048  # what browsers send is a third of it; longer ones are met anew
LOOK_OVERHEAD = 400  # of a remembered look besides its bytes: objects, table, list
LOOK_SHARE = 4  # looks take at most a quarter of the room: pages are not so quickly made anew
GAP_SECONDS = 5.0
_log = logging.getLogger(__name__)

Header = tuple[bytes, bytes]
Look = bytes  # of a request before anything of it is read; the same look has the same answer


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
    share_code: str | None = None  # or an entrance's
    personal: bool = False  # the share is a link for one friend
    leaves: Mapping[str, int] | None = None  # of a shelf: its tags ("" all), pages of each


class Kept:
    """A page as it is sent; `until` in seconds since 1970, `mark` is the counter's own."""

    __slots__ = (
        "etag",
        "headers",
        "key",
        "length",
        "looks",
        "mark",
        "not_modified",
        "page",
        "size",
        "unchanged",
        "until",
        "used",
        "whole",
    )

    def __init__(self, page: Drawn, key: Key) -> None:
        raw = page.text.encode()
        body = gzip.compress(raw, 9, mtime=0) if key.zipped else raw
        self.page = page
        self.key = key
        self.length = len(body)
        self.etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'.encode()
        self.until = page.until.timestamp()
        self.used = 0.0
        self.mark: Any = None
        self.looks: list[Look] = []
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
            (b"content-length", str(self.length).encode()),
            *self.not_modified,
        ]
        if key.zipped:
            self.headers.append((b"content-encoding", b"gzip"))
        self.whole = _wire(self.headers) + body
        self.unchanged = _wire(self.not_modified)
        self.size = len(self.whole) + len(self.unchanged) + OVERHEAD

    @property
    def body(self) -> bytes:
        """What is read of it; empty for a page without a word."""
        return self.whole[len(self.whole) - self.length :]


def _wire(headers: list[Header]) -> bytes:
    """Header lines as HTTP/1.1 sends them, with the empty one that ends them."""
    return b"".join(b"%b: %b\r\n" % header for header in headers) + b"\r\n"


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


class Meeting:
    """How a request that looks in some way is answered: the page, whether a person asks and with
    which browser, the language the query asks to be remembered, whether the browser has the page.

    Sent at once it is `begin`, the date, a line end, cookies and `rest`.
    """

    __slots__ = ("agent", "begin", "kept", "known", "lang", "person", "rest")

    def __init__(
        self,
        kept: Kept,
        *,
        person: bool,
        lang: str | None = None,
        agent: bytes | None = None,
        known: bool = False,
    ) -> None:
        self.kept = kept
        self.person = person
        self.lang = lang
        self.agent = agent
        self.known = known
        status = b"304 Not Modified" if known else b"200 OK"
        self.begin = b"HTTP/1.1 " + status + b"\r\ndate: "
        self.rest = kept.unchanged if known else kept.whole


Draw = Callable[[Asked], Awaitable[Drawn]]


def _weight(look: Look) -> int:
    """Roughly how many bytes of memory a remembered look takes."""
    return LOOK_OVERHEAD + len(look)


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
        self._looks: dict[Look, Meeting] = {}
        self._polled: float | None = None
        self.host = public_url
        self.bytes = 0  # of pages and looks
        self.look_bytes = 0
        self.now = clock().timestamp()  # read once a second; pages live by it

    def __len__(self) -> int:
        return len(self._kept)

    def recall(self, look: Look) -> Meeting | None:
        """What a request that looks like this was answered with, when it is still true."""
        met = self._looks.get(look)
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

    def remember(self, look: Look, met: Meeting) -> None:
        """The next request that looks like this is answered at once."""
        if self._kept.get(met.kept.key) is not met.kept:
            return  # sent once, not kept
        weight = _weight(look)
        if weight > MOST_LOOK_BYTES + LOOK_OVERHEAD:
            return
        known = self._looks.get(look)
        if known is not None and known.kept is met.kept:
            return
        full = self.look_bytes + weight > self._most // LOOK_SHARE
        if full or known is not None or len(self._looks) >= MOST_LOOKS:
            self._forget_looks()
        self._looks[look] = met
        met.kept.looks.append(look)
        self._weigh(looks=weight)
        self._trim()

    def _forget_looks(self) -> None:
        self._looks.clear()
        for kept in self._kept.values():
            kept.looks.clear()
        self._weigh(looks=-self.look_bytes)

    def _weigh(self, *, looks: int) -> None:
        self.look_bytes += looks
        self.bytes += looks

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
        for look in kept.looks:
            if self._looks.pop(look, None) is not None:
                self._weigh(looks=-_weight(look))
        kept.looks.clear()
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
        self._looks.clear()
        self.bytes = self.look_bytes = 0

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
