"""The front door: uvicorn's HTTP/1.1, and kept pages answered before anything is parsed.

A browser sends the same head again and again, but for its cookies. So the bytes of a head without
them (its look) are the key under which its answer is remembered; a look becomes one only after the
real parser (llhttp) read it as a whole request without a body. Everything else passes on to
uvicorn and the application. What strangers' connections may cost is in littleshop/edge.py; why
it is done like this, in docs/decisions/0020-front-door.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import cache
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from littleshop import edge
from littleshop.web.kept_pages import Header, Look, Meeting
from littleshop.web.page_cache import LOOK, PageCache, cookie

_PAGES = (b"GET /@", b"GET /s/", b"GET /in/")
_END = b"\r\n\r\n"
_COOKIE = (b"\r\nCookie: ", b"\r\ncookie: ")
_SAID = (b"\r\nX-Forwarded-For: ", b"\r\nx-forwarded-for: ")
_REAL = (b"\r\nX-Real-IP: ", b"\r\nx-real-ip: ")
_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 16\r\nconnection: close\r\n\r\n"
    b"headers too long"
)
_LINGER_SECONDS = 1.0  # closing while somebody still sends would take the answer from him
_most_connections = cache(edge.connections)


def glance(head: bytes, *, proxied: bool) -> tuple[Look, bytes, bytes]:
    """What the whole head of a request looks like; and what is this person's own, his cookies and,
    where the peer is a proxy of ours, X-Forwarded-For. Nothing is parsed: lines as browsers and
    proxies write them are taken out, and whatever stands otherwise stays part of the look."""
    look, cookies = _without(head, _COOKIE)
    if b"lang=" in cookies:
        look += b"\n" + cookie(cookies, b"lang=")
    if not proxied:
        return look, cookies, b""
    look, said = _without(look, _SAID)
    return _without(look, _REAL)[0], cookies, said


def _without(head: bytes, names: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """The head without the first line of that name, and the line's value."""
    for name in names:
        at = head.find(name)
        if at >= 0:
            end = head.find(b"\r\n", at + 2)
            value = head[at + len(name) : end]
            if b"\n" not in value:  # a lone one may be a line's end to others
                return head[:at] + head[end:], value
    return head, b""


class FrontDoor(HttpToolsProtocol):
    """One connection. Its application is a PageCache."""

    _arriving = False  # a request has begun and is not there in full
    _headed = True  # its head is
    _head_bytes = 0  # of an unfinished head
    _refused = False  # whatever comes now is not read
    _rested_at = 0.0  # loop time since when nothing of us is owed

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        assert isinstance(self.app, PageCache)
        self._pages = self.app
        self._peer = self.client[0] if self.client else None
        self._proxied = self._pages.is_proxy(self._peer)
        self._rested_at = self.loop.time()
        self._wait()
        if len(self.connections) > _most_connections():
            _make_room(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # uvicorn forgets to when it was cut

    def data_received(self, data: bytes) -> None:
        """Answer a look we know, or let uvicorn read on."""
        if self._refused:
            return
        seen = None
        if (
            data.startswith(_PAGES)
            and data.find(_END) == len(data) - 4
            and not self._arriving
            and self.at_rest
            and not self.flow.write_paused
        ):
            seen = look, cookies, said = glance(data, proxied=self._proxied)
            answer = self._pages.at_once(look, cookies, self._peer, said)
            if answer is not None:
                self._answer(*answer)
                return
        super().data_received(data)
        if seen is not None and self._is_plain(cookies, said):
            cast(dict[str, Any], self.scope)[LOOK] = look
        self._bound(len(data))

    def _answer(self, met: Meeting, cookies: list[Header]) -> None:
        self._rested_at = self.loop.time()
        date = self.server_state.default_headers[0][1]
        lines = b"".join(b"%b: %b\r\n" % line for line in cookies) if cookies else b""
        self.transport.write(b"".join((met.begin, date, b"\r\n", lines, met.rest)))

    @property
    def at_rest(self) -> bool:
        """Whether every answer that was owed is sent."""
        return self.cycle is None or self.cycle.response_complete

    def _is_plain(self, cookies: bytes, said: bytes) -> bool:
        """Whether the parser understood by this head what we did: one whole request without a
        body on a connection that stays, its personal lines as we took them out."""
        if self._arriving or self.at_rest or not self.cycle.keep_alive:
            return False
        headers = self.scope["headers"]
        said_here = _values(headers, b"x-forwarded-for") if self._proxied else said
        return (
            self.scope["http_version"] == "1.1"
            and _values(headers, b"cookie") == cookies
            and said_here == said
            and not _values(headers, b"upgrade")
        )

    def _bound(self, size: int) -> None:
        """An unfinished head is only so long and waited for only so long."""
        if self.transport.is_closing():
            return
        if self._arriving and not self._headed:
            self._head_bytes += size
            if self._head_bytes > edge.MOST_HEADER_BYTES:
                self._refused = True
                self.transport.write(_TOO_LONG)
                self.loop.call_later(_LINGER_SECONDS, self.transport.close)
                return
        if self.at_rest and self.timeout_keep_alive_task is None:
            self._wait()

    def _wait(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_at(
            self._rested_at + edge.HEADER_SECONDS, self.timeout_keep_alive_handler
        )

    def timeout_keep_alive_handler(self) -> None:
        """Close what rested all the time; what was answered from the kept pages did not."""
        if self.loop.time() < self._rested_at + edge.HEADER_SECONDS:
            self._wait()
        else:
            super().timeout_keep_alive_handler()

    def on_message_begin(self) -> None:
        self._arriving, self._headed, self._head_bytes = True, False, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._headed = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._arriving = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._rested_at = self.loop.time()
        super().on_response_complete()


def _values(headers: Iterable[Header], wanted: bytes) -> bytes:
    """What the lines of that name say; lines of the same name stay apart."""
    return b"\n".join(value for name, value in headers if name == wanted)


def _make_room(newcomer: FrontDoor) -> None:
    """Of too many connections the one that rests longest goes; the newest, when none does."""
    resting = [one for one in newcomer.connections if isinstance(one, FrontDoor) and one.at_rest]
    min(resting, key=lambda one: one._rested_at, default=newcomer).transport.abort()
