"""Kept pages, served before routing and sessions: a few look-ups and two sends.

Kept bytes hold no cookie, token or stock number; the cookies of a visitor and of the share he came
by are headers added to the kept body. What is not there, the application answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from littleshop import i18n
from littleshop.web import containers
from littleshop.web.kept_pages import Header, Kept, Key, Meeting, Shelf, Sight, started

_PAGE = re.compile(r"/(@[a-z0-9-]{3,30}(/p/[0-9a-f-]{36})?|s/[0-9a-v]{1,13}-[2-9a-z]{6})\Z")
_SHELF = re.compile(r"/@[a-z0-9-]+\Z")
_LONGEST_QUERY = 1024  # bytes that are read for what they narrow; what chats add comes after
MET = "littleshop.met"  # in the scope: what stood in the way of drawing the page
_NO_BODY: dict[str, Any] = {"type": "http.response.body", "body": b""}


class Narrow(NamedTuple):
    """What a query asks of a page; whatever else chats add to a link is nothing to us."""

    tag: str | None
    page: int
    lang: str | None


class Counter(Protocol):
    """Who counts visits: told of every page sent to a person, answers cookies to set."""

    def seen(self, kept: Kept, cookies: bytes, scope: Scope) -> list[Header] | None: ...


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


def cookie(cookies: bytes, name: bytes) -> bytes:
    """The value of a cookie of a Cookie header, b"" when it is not there; `name` ends with =."""
    at = cookies.find(name)
    while at > 0 and cookies[at - 1] not in b"; ":
        at = cookies.find(name, at + 1)
    if at < 0:
        return b""
    end = cookies.find(b";", at)
    return cookies[at + len(name) : end if end >= 0 else len(cookies)].strip()


class PageCache:
    """The application with its shared pages served first.

    `app.state.shelf` (Shelf) and `app.state.counter` (Counter) are there while it is open.
    """

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._held: dict[str, Any] = app.state._state
        self.state = app.state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"][:2] not in ("/@", "/s"):
            await self._app(scope, receive, send)
            return
        method, shelf = scope["method"], self._held.get("shelf")
        if shelf is None or (method != "GET" and method != "HEAD"):
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        get = headers.get
        cookies = get(b"cookie", b"") if scope["http_version"] != "2" else _joined(scope)
        sight: Sight = (
            scope["path"],
            scope["query_string"],
            get(b"user-agent"),
            get(b"accept-language"),
            get(b"accept-encoding"),
            cookie(cookies, b"lang=") if b"lang=" in cookies else b"",
        )
        met = shelf.recall(sight)
        if met is None and _PAGE.match(scope["path"]):
            try:
                met = await self._meet(shelf, sight)
            except Exception as fault:  # gone, moved, no database or our own mistake: the app
                scope[MET] = fault  # raises it again where it has a page for each of them
        if met is None:
            await self._app(scope, receive, send)
            return
        kept, more = met.kept, None
        if met.person and method == "GET" and not _ahead(get):
            more = self._held["counter"].seen(kept, cookies, scope)
        if met.lang is not None:
            more = [*(more or ()), (b"set-cookie", _lang_cookie(met.lang))]
        start, body = kept.start, kept.whole
        if get(b"if-none-match") == kept.etag:
            start, body = kept.unchanged, _NO_BODY
        elif method == "HEAD":
            body = _NO_BODY
        if more:
            start = started(start["status"], [*start["headers"], *more])
        await send(start)
        await send(body)

    async def _meet(self, shelf: Shelf, sight: Sight) -> Meeting:
        """The page for a request that looks new, drawn if need be. Raises what drawing raises."""
        path, query, agent, accept, encodings, lang = sight
        wish, name = narrowed(query[:_LONGEST_QUERY]), (agent or b"").decode("latin-1")
        key = Key(
            shelf.host,
            path,
            None,
            1,
            i18n.choose(wish.lang, lang.decode("latin-1"), (accept or b"").decode("latin-1")),
            containers.of(name),
            b"gzip" in (encodings or b""),
        )
        kept = shelf.find(key) or await shelf.fetch(key)
        if (wish.tag or wish.page > 1) and _SHELF.match(path):
            leaf = _leaf(key, wish, kept)
            if leaf != key:
                kept = shelf.find(leaf) or await shelf.fetch(leaf)
        met = Meeting(kept, not containers.is_robot(name), wish.lang)
        shelf.remember(sight, met)
        return met


def _leaf(key: Key, wish: Narrow, whole: Kept) -> Key:
    """The key of the part of a shelf that is asked for; of all of it when there is no such part,
    so that invented tags and pages push nothing true out of the cache."""
    leaves = whole.page.leaves or {}
    tag = wish.tag if wish.tag in leaves else None
    page = wish.page if wish.page <= leaves.get(tag or "", 1) else 1
    return key._replace(tag=tag, page=page)


def _joined(scope: Scope) -> bytes:
    """The Cookie header; HTTP/2 may bring it in several pieces."""
    return b"; ".join(value for name, value in scope["headers"] if name == b"cookie")


def _ahead(get: Callable[[bytes], bytes | None]) -> bool:
    """Whether a browser only fetches ahead; nobody may ever look at it."""
    purpose = get(b"sec-purpose") or get(b"purpose") or get(b"x-moz")
    return purpose is not None and (b"prefetch" in purpose or b"preview" in purpose)


def _lang_cookie(lang: str) -> bytes:
    return f"lang={lang}; Max-Age=31536000; Path=/; SameSite=Lax".encode()
