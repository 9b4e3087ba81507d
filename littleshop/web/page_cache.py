"""Pages that are equal for all, kept as compressed bytes and served before routing and sessions.

A page is kept under (public host, path with what it asks for, language, container, encoding) and
belongs to a version of its shop. The truth is the shop's row: every process reads the versions of
the shops it keeps pages of once a second (`poll`) and drops what moved; when it could not read
for longer than GAP, it drops everything. Kept bytes hold no cookie, token or stock number;
cookies are headers added to the kept body (docs/decisions/0008-page-cache.md).

The way of a request that finds its page is a few look-ups and two sends.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from littleshop import db, i18n
from littleshop.shop import shops
from littleshop.web import containers, pages

MOST_BYTES = 64 * 1024 * 1024
OVERHEAD = 1500  # of a kept page besides its body: key, headers, bookkeeping
GAP_SECONDS = 5.0
_PAGE = re.compile(r"/(@[a-z0-9-]{3,30}(/p/[0-9a-f-]{36})?|s/[0-9a-v]{1,13}-[2-9a-z]{6})\Z")
_NO_BODY: dict[str, Any] = {"type": "http.response.body", "body": b""}
_log = logging.getLogger(__name__)

Header = tuple[bytes, bytes]


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


class Kept:
    """A page as it is sent; `until` in seconds since 1970."""

    __slots__ = ("body", "etag", "headers", "not_modified", "page", "size", "until")

    def __init__(self, page: Drawn, asked: Asked, zipped: bool) -> None:
        raw = page.text.encode()
        self.page = page
        self.body = gzip.compress(raw, 9, mtime=0) if zipped else raw
        self.etag = f'"{hashlib.sha256(self.body).hexdigest()[:20]}"'.encode()
        self.until = page.until.timestamp()
        self.size = len(self.body) + OVERHEAD
        known = pages.HEADERS | {
            "content-security-policy": pages.content_policy(),
            "cache-control": "private, no-cache",
            "vary": "accept-encoding, accept-language, cookie, user-agent",
            "content-language": asked.locale,
        }
        self.not_modified: list[Header] = [
            (name.encode(), value.encode()) for name, value in known.items()
        ] + [(b"etag", self.etag)]
        self.headers: list[Header] = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(self.body)).encode()),
            *self.not_modified,
        ]
        if zipped:
            self.headers.append((b"content-encoding", b"gzip"))


class Narrow(NamedTuple):
    """What a query asks of a page; whatever else chats add to a link is nothing to us."""

    tag: str | None
    page: int
    lang: str | None


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


Draw = Callable[[Asked], Awaitable[Drawn]]


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
        self._polled: float | None = None
        self.host = public_url
        self.bytes = 0
        self.now = clock().timestamp()  # read once a second; pages live by it

    def __len__(self) -> int:
        return len(self._kept)

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
        asked = key.asked
        kept = Kept(await self._draw(asked), asked, key.zipped)
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
        while self.bytes > self._most:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self.bytes -= kept.size
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
        self.bytes = 0

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


class Visitor(NamedTuple):
    """Who is sent a page: the headers of the request, and its scope for the rare case."""

    scope: Scope
    headers: dict[bytes, bytes]
    cookies: bytes


class Counter(Protocol):
    """Who counts visits: told of every page sent to a person, answers cookies to set."""

    def seen(self, page: Drawn, visitor: Visitor) -> list[Header]: ...


class Agent(NamedTuple):
    """What a user agent's name tells."""

    container: str
    robot: bool


@lru_cache(maxsize=4096)
def _agent(name: bytes) -> Agent:
    text = name.decode("latin-1")
    return Agent(containers.of(text), containers.is_robot(text))


@lru_cache(maxsize=4096)
def narrowed(query: bytes) -> Narrow:
    """The tag, the page and the language that a query asks for."""
    try:
        asked = dict(parse_qsl(query.decode("utf-8", "replace"), max_num_fields=50))
    except ValueError:
        asked = {}
    page, lang = asked.get("page", ""), asked.get("lang")
    number = int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 4 else 1
    return Narrow(asked.get("tag") or None, number or 1, lang if lang in i18n.LOCALES else None)


@lru_cache(maxsize=4096)
def _locale(lang: str | None, cookie: bytes, accept: bytes) -> str:
    return i18n.choose(lang, cookie.decode("latin-1"), accept.decode("latin-1"))


def cookie(cookies: bytes, name: bytes) -> bytes:
    """The value of a cookie of a Cookie header, b"" when it is not there; `name` ends with =."""
    at = cookies.find(name)
    while at > 0 and cookies[at - 1] not in b"; ":
        at = cookies.find(name, at + 1)
    if at < 0:
        return b""
    end = cookies.find(b";", at)
    return cookies[at + len(name) : end if end >= 0 else len(cookies)].strip()


def _cookies(scope: Scope, headers: dict[bytes, bytes]) -> bytes:
    """The Cookie header; HTTP/2 may bring it in several pieces."""
    if scope["http_version"] != "2":
        return headers.get(b"cookie", b"")
    return b"; ".join(value for name, value in scope["headers"] if name == b"cookie")


def _prefetched(headers: dict[bytes, bytes]) -> bool:
    """Whether a browser only fetches ahead; nobody may ever look at it."""
    purpose = headers.get(b"sec-purpose") or headers.get(b"purpose") or headers.get(b"x-moz")
    return purpose is not None and (b"prefetch" in purpose or b"preview" in purpose)


class PageCache:
    """The application with its shared pages served first.

    `app.state.shelf` (Shelf) and `app.state.counter` (Counter) are there while it is open.
    """

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._state: dict[str, Any] = app.state._state
        self.state = app.state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"][:2] not in ("/@", "/s"):
            await self._app(scope, receive, send)
            return
        method, shelf = scope["method"], self._state.get("shelf")
        if shelf is None or method not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        cookies, query = _cookies(scope, headers), narrowed(scope["query_string"])
        agent = _agent(headers.get(b"user-agent", b""))
        key = Key(
            shelf.host,
            scope["path"],
            query.tag,
            query.page,
            _locale(query.lang, cookie(cookies, b"lang="), headers.get(b"accept-language", b"")),
            agent.container,
            b"gzip" in headers.get(b"accept-encoding", b""),
        )
        kept = shelf.find(key)
        if kept is None:
            kept = await self._draw(shelf, key)
            if kept is None:
                await self._app(scope, receive, send)
                return
        more: list[Header] = []
        if method == "GET" and not agent.robot and not _prefetched(headers):
            more = self._state["counter"].seen(kept.page, Visitor(scope, headers, cookies))
        if query.lang is not None:
            more = [*more, (b"set-cookie", _lang_cookie(query.lang))]
        await _send(kept, headers, more, method, send)

    async def _draw(self, shelf: Shelf, key: Key) -> Kept | None:
        """The page, newly drawn; None when the app has to say what is wrong with it."""
        if not _PAGE.match(key.path):
            return None
        try:
            return await shelf.fetch(key)
        except Exception:  # gone, moved, no database: the app finds the same and has the words
            return None


async def _send(
    kept: Kept, headers: dict[bytes, bytes], more: list[Header], method: str, send: Send
) -> None:
    if headers.get(b"if-none-match") == kept.etag:
        own = kept.not_modified
        start = {"type": "http.response.start", "status": 304, "headers": [*own, *more]}
        await send(start)
        await send(_NO_BODY)
        return
    shown = [*kept.headers, *more] if more else kept.headers
    await send({"type": "http.response.start", "status": 200, "headers": shown})
    if method == "HEAD":
        await send(_NO_BODY)
    else:
        await send({"type": "http.response.body", "body": kept.body})


def _lang_cookie(lang: str) -> bytes:
    return f"lang={lang}; Max-Age=31536000; Path=/; SameSite=Lax".encode()
