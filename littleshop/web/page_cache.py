"""Kept pages, served before routing and sessions: a look-up and a write.

Kept bytes hold no cookie, token or stock number; the cookies of a visitor and of the share he came
by are headers added to the kept body. What is not there, the application answers. The front door
asks first whether it knows the very bytes of a request (`at_once`); the first of its kind comes
here as any other request does, and is remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from littleshop import http, i18n
from littleshop.web import containers
from littleshop.web.kept_pages import Header, Kept, Key, Look, Meeting, Shelf

_PAGE = re.compile(
    r"/(@[a-z0-9-]{3,30}(/p/[0-9a-f-]{36})?|s/[0-9a-v]{1,13}-[2-9a-z]{6}"
    r"|in/[1-9a-v][0-9a-v]{0,12}-[2-9a-z]{5})\Z"  # the platform's own entrances are no kept page
)
_SHELF = re.compile(r"/@[a-z0-9-]+\Z")
_LONGEST_QUERY = 1024  # bytes that are read for what they narrow; what chats add comes after
MET = "littleshop.met"  # in the scope: what stood in the way of drawing the page
LOOK = "littleshop.look"  # in the scope: the bytes by which this answer may be remembered


class Narrow(NamedTuple):
    """What a query asks of a page; whatever else chats add to a link is nothing to us."""

    tag: str | None
    page: int
    lang: str | None


class Counter(Protocol):
    """Who counts visits: told of every page sent to a person, by whom it was asked for (peer, what
    that one says of the way, browser) and with which cookies; answers cookies to set."""

    def seen(
        self,
        kept: Kept,
        cookies: bytes,
        peer: str | None,
        said: bytes,
        agent: bytes | None,
    ) -> list[Header]: ...


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

    def is_proxy(self, peer: str | None) -> bool:
        """Whether a peer's word about the address behind it counts."""
        house = self._held.get("house")
        return house is not None and peer in house.settings.trusted_proxies

    def at_once(
        self, look: Look, cookies: bytes, peer: str | None, said: bytes
    ) -> tuple[Meeting, list[Header]] | None:
        """The answer to a request that looks like one we answered, and its cookies; None when we
        know none that is still true. `said` is X-Forwarded-For, believed of a proxy of ours."""
        shelf: Shelf | None = self._held.get("shelf")
        met = shelf.recall(look) if shelf is not None else None
        return None if met is None else (met, self._cookies(met, cookies, peer, said))

    def _cookies(self, met: Meeting, cookies: bytes, peer: str | None, said: bytes) -> list[Header]:
        """Count the visit; the cookies that go with the page."""
        more: list[Header] = []
        if met.person:
            more = self._held["counter"].seen(met.kept, cookies, peer, said, met.agent)
        if met.lang is not None:
            more = [*more, (b"set-cookie", _lang_cookie(met.lang))]
        return more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        shelf: Shelf | None = self._held.get("shelf")
        if (
            shelf is None
            or scope["type"] != "http"
            or scope["method"] not in ("GET", "HEAD")
            or not _PAGE.match(scope["path"])
            or http.misdirected(scope, self._held["house"].hosts)
        ):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        cookies = _joined(scope, b"cookie", b"; ")
        try:
            met = await self._meet(shelf, scope, headers, cookies)
        except Exception as fault:  # gone, moved, no database or our own mistake: the app
            scope[MET] = fault  # raises it again where it has a page for each of them
            await self._app(scope, receive, send)
            return
        if (look := scope.get(LOOK)) is not None:
            shelf.remember(look, met)
        peer = scope["client"][0] if scope["client"] else None
        more = self._cookies(met, cookies, peer, _joined(scope, b"x-forwarded-for", b","))
        status, known = (304, met.kept.not_modified) if met.known else (200, met.kept.headers)
        body = b"" if met.known or scope["method"] == "HEAD" else met.kept.body
        await send({"type": "http.response.start", "status": status, "headers": known + more})
        await send({"type": "http.response.body", "body": body})

    async def _meet(
        self, shelf: Shelf, scope: Scope, headers: dict[bytes, bytes], cookies: bytes
    ) -> Meeting:
        """The page for a request, drawn if need be. Raises what drawing raises."""
        wish, agent = narrowed(scope["query_string"][:_LONGEST_QUERY]), headers.get(b"user-agent")
        name = (agent or b"").decode("latin-1")
        lang, accept = cookie(cookies, b"lang="), headers.get(b"accept-language", b"")
        key = Key(
            self._held["house"].domains.origin(headers.get(b"host", b"").decode("latin-1")),
            scope["path"],
            None,
            1,
            i18n.choose(wish.lang, lang.decode("latin-1"), accept.decode("latin-1")),
            containers.of(name),
            b"gzip" in headers.get(b"accept-encoding", b""),
        )
        kept = shelf.find(key) or await shelf.fetch(key)
        if (wish.tag or wish.page > 1) and _SHELF.match(scope["path"]):
            leaf = _leaf(key, wish, kept)
            if leaf != key:
                kept = shelf.find(leaf) or await shelf.fetch(leaf)
        person = (
            scope["method"] == "GET"
            and not containers.is_robot(name)
            and not fetched_ahead(scope["headers"])
        )
        known = headers.get(b"if-none-match") == kept.etag
        return Meeting(kept, person=person, lang=wish.lang, agent=agent, known=known)


def _leaf(key: Key, wish: Narrow, whole: Kept) -> Key:
    """The key of the part of a shelf that is asked for; of all of it when there is no such part,
    so that invented tags and pages push nothing true out of the cache."""
    leaves = whole.page.leaves or {}
    tag = wish.tag if wish.tag in leaves else None
    page = wish.page if wish.page <= leaves.get(tag or "", 1) else 1
    return key._replace(tag=tag, page=page)


def _joined(scope: Scope, wanted: bytes, between: bytes) -> bytes:
    """A header that may come in several pieces: cookies of HTTP/2, what proxies say of the way."""
    return between.join(value for name, value in scope["headers"] if name == wanted)


_SAYS_AHEAD = (b"sec-purpose", b"purpose", b"x-moz")


def fetched_ahead(headers: Iterable[Header]) -> bool:
    """Whether a browser only fetches ahead; nobody may ever look at it."""
    said = [value for name, value in headers if name in _SAYS_AHEAD]
    return any(b"prefetch" in value or b"preview" in value for value in said)


def _lang_cookie(lang: str) -> bytes:
    return f"lang={lang}; Max-Age=31536000; Path=/; SameSite=Lax".encode()
