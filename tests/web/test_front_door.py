"""The front door on the wire: what looks alike is answered at once, and nothing else is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
import pytest
import pytest_asyncio
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from littleshop import edge
from littleshop.web import front_door
from littleshop.web.front_door import FrontDoor
from littleshop.web.page_cache import PageCache
from tests.web.street import DESK, Street

DATE = b"Sun, 22 Nov 2026 12:00:00 GMT"
_LENGTH = re.compile(rb"content-length: (\d+)")


class Asked(PageCache):
    """The kept pages, and how often they were asked in the long way."""

    asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        await super().__call__(scope, receive, send)


@dataclass
class Wire:
    """A connection of somebody."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def asks(self, head: bytes) -> bytes:
        """The whole answer to what is sent."""
        self.writer.write(head)
        return await self.answer()

    async def answer(self) -> bytes:
        """The next answer."""
        said = await self.reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(said)
        return said + await self.reader.readexactly(int(length[1]) if length else 0)

    async def end(self) -> bytes:
        """What is said until the other side closes."""
        return await self.reader.read()


@dataclass
class Door:
    """A front door before a street."""

    pages: Asked
    state: ServerState
    port: int
    wires: list[Wire] = field(default_factory=list)

    async def wire(self) -> Wire:
        made = Wire(*await asyncio.open_connection("127.0.0.1", self.port))
        self.wires.append(made)
        return made


@pytest_asyncio.fixture
async def door(street: Street) -> AsyncIterator[Door]:
    pages, state = Asked(street.world.app), ServerState()
    state.default_headers = [(b"date", DATE)]
    config = uvicorn.Config(
        pages,
        http=FrontDoor,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=edge.HEADER_SECONDS,
    )
    config.load()
    made: Any = partial(FrontDoor, config=config, server_state=state, app_state={})
    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    opened = Door(pages, state, server.sockets[0].getsockname()[1])
    yield opened
    for wire in opened.wires:
        wire.writer.close()
    for connection in list(state.connections):
        connection.transport.abort()
    server.close()
    await server.wait_closed()
    await asyncio.gather(*state.tasks, return_exceptions=True)


def head(path: str = "/@xiaoman", *lines: str, agent: str = DESK, start: str = "GET") -> bytes:
    """The head of a request as a browser sends it."""
    told = [f"{start} {path} HTTP/1.1", "Host: shop.test", f"User-Agent: {agent}"]
    return "\r\n".join([*told, "Accept-Language: zh-CN", *lines, "", ""]).encode("latin-1")


def cookies(answer: bytes) -> list[bytes]:
    return re.findall(rb"set-cookie: ([^;\r]+)", answer)


def page(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


async def test_what_looks_alike_is_answered_at_once_and_counted(street: Street, door: Door) -> None:
    product_id = await street.sells()
    asking = head(f"/@xiaoman/p/{product_id}")
    one, other = await door.wire(), await door.wire()
    first = await one.asks(asking)
    second = await other.asks(asking)
    assert door.pages.asked == 1
    assert first.startswith(b"HTTP/1.1 200 OK\r\n") and b"date: " + DATE in second
    assert sorted(first.split(b"\r\n")) == sorted(second.split(b"\r\n"))  # one agent, one visitor
    [token] = cookies(second)
    again = await other.asks(
        head(f"/@xiaoman/p/{product_id}", f"Cookie: a=b; {token.decode()}; c=d")
    )
    assert page(again) == page(first) and cookies(again) == []
    assert door.pages.asked == 1
    assert await street.counted() == {
        ("shop", ""): (1, 3),
        ("look", ""): (1, 3),
        ("product", str(product_id)): (1, 3),
    }


async def test_what_changed_is_not_answered_at_once(street: Street, door: Door) -> None:
    wire = await door.wire()
    before = await wire.asks(head())
    await street.sells()
    await street.shelf.poll()
    after = await wire.asks(head())
    assert door.pages.asked == 2 and page(before) != page(after)


async def test_a_browser_that_has_the_page_is_told_so_at_once(street: Street, door: Door) -> None:
    wire = await door.wire()
    first = await wire.asks(head())
    tag = re.search(rb"etag: (\S+)", first)
    assert tag is not None
    asking = head("/@xiaoman", f"If-None-Match: {tag[1].decode()}")
    for _ in range(2):
        wire.writer.write(asking)
        said = await wire.reader.readuntil(b"\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 304") and tag[0] in said
    assert door.pages.asked == 2


async def test_the_language_of_a_cookie_makes_another_look(street: Street, door: Door) -> None:
    wire = await door.wire()
    for _ in range(2):
        assert b'lang="en"' in page(await wire.asks(head("/@xiaoman", "Cookie: lang=en")))
        assert b'lang="zh-CN"' in page(await wire.asks(head("/@xiaoman", "Cookie: x=1")))
    answer = await wire.asks(head("/@xiaoman?lang=en"))
    assert cookies(answer)[-1:] == cookies(await wire.asks(head("/@xiaoman?lang=en")))[-1:]
    assert door.pages.asked == 3


@pytest.mark.parametrize(
    "asking",
    [
        head(start="HEAD"),
        head("/@nobody-here"),
        head("/@xiaoman", "Connection: close"),
        head("/@xiaoman", "Cookie: a=1", "Cookie: b=2"),
        head("/@xiaoman", "COOKIE: a=1"),
        head("/@xiaoman", "Upgrade: websocket", "Connection: Upgrade"),
        head("/@xiaoman").replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
)
async def test_what_is_not_plain_is_not_remembered(
    street: Street, door: Door, asking: bytes
) -> None:
    for times in (1, 2):
        wire = await door.wire()
        wire.writer.write(asking)
        assert await wire.reader.readuntil(b"\r\n\r\n")
        assert door.pages.asked == times


async def test_requests_with_bodies_and_in_a_row_go_the_long_way(
    street: Street, door: Door
) -> None:
    wire = await door.wire()
    await wire.asks(head())
    for _ in range(2):
        wire.writer.write(head("/@xiaoman", "Content-Length: 4") + b"\r\n\r\n")
        assert (await wire.answer()).startswith(b"HTTP/1.1 200")
    wire.writer.write(head() + head())
    answers = [await wire.answer(), await wire.answer()]
    assert page(answers[0]) == page(answers[1])
    [connection] = door.state.connections
    connection.data_received(head()[:10])
    await wire.asks(head()[10:])
    assert door.pages.asked == 6
    await wire.asks(head())
    assert door.pages.asked == 6


async def test_a_body_that_looks_like_a_request_is_none(street: Street, door: Door) -> None:
    wire = await door.wire()
    await wire.asks(head())
    inside = head()
    wire.writer.write(head("/@xiaoman", f"Content-Length: {len(inside)}"))
    await wire.answer()
    wire.writer.write(inside)
    await wire.asks(head("/@xiaoman?a=1"))
    assert door.pages.asked == 3


async def test_a_lone_line_feed_in_a_cookie_is_refused_by_the_parser(
    street: Street, door: Door
) -> None:
    wire = await door.wire()
    await wire.asks(head())
    answer = await wire.asks(head("/@xiaoman", "Cookie: a=b\nContent-Length: 5"))
    assert answer.startswith(b"HTTP/1.1 400") and b"connection: close" in answer


async def test_a_proxy_of_ours_says_who_came(street: Street, door: Door) -> None:
    world = street.world
    world.house.settings = msgspec.structs.replace(
        world.house.settings, trusted_proxies=("127.0.0.1",)
    )
    wire = await door.wire()
    said = [
        await wire.asks(head("/@xiaoman", f"X-Real-IP: {one}", f"X-Forwarded-For: {one}"))
        for one in ("203.0.113.1", "203.0.113.2", "203.0.113.1", "203.0.113.3, 203.0.113.2")
    ]
    assert door.pages.asked == 1
    assert cookies(said[0]) == cookies(said[2]) != cookies(said[1]) == cookies(said[3])
    twice = ("X-Forwarded-For: 203.0.113.1", "X-Forwarded-For: 203.0.113.2")
    assert cookies(await wire.asks(head("/@xiaoman", *twice))) == cookies(said[1])
    assert door.pages.asked == 2


async def test_a_strangers_word_about_himself_counts_nothing(street: Street, door: Door) -> None:
    wire = await door.wire()
    said = [
        await wire.asks(head("/@xiaoman", f"X-Forwarded-For: 203.0.113.{number}"))
        for number in (1, 2)
    ]
    assert cookies(said[0]) == cookies(said[1])


async def test_a_head_without_end_is_refused_and_its_sender_hears_it(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_door, "_LINGER_SECONDS", 0.1)
    wire = await door.wire()
    answer = await wire.asks(b"GET / HTTP/1.1\r\nUser-Agent: " + b"a" * edge.MOST_HEADER_BYTES)
    assert answer.startswith(b"HTTP/1.1 431")
    wire.writer.write(head())
    assert await wire.end() == b"" and door.pages.asked == 0


async def test_a_long_head_is_refused_by_the_application(door: Door) -> None:
    wire = await door.wire()
    answer = await wire.asks(head("/", "X: " + "a" * edge.MOST_HEADER_BYTES))
    assert answer.startswith(b"HTTP/1.1 431") and await wire.end() == b""


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: sh", b"\r\n\r\n"])
async def test_heads_that_do_not_come_are_not_waited_for(
    door: Door, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(edge, "HEADER_SECONDS", 0.1)
    wire = await door.wire()
    wire.writer.write(sent)
    assert await wire.end() == b""


async def test_a_head_that_drips_has_an_end_too(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "HEADER_SECONDS", 0.2)
    wire = await door.wire()
    ended, drops = asyncio.create_task(wire.end()), 0
    wire.writer.write(b"GET / HTTP/1.1\r\nX: ")
    while not ended.done():
        wire.writer.write(b"a")
        drops += 1
        await asyncio.wait([ended], timeout=0.02)
    assert await ended == b"" and 2 < drops < 30


async def test_whoever_asks_for_kept_pages_is_not_at_rest(
    street: Street, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await door.wire()).asks(head())
    monkeypatch.setattr(edge, "HEADER_SECONDS", 0.2)
    wire = await door.wire()
    ended = asyncio.get_running_loop().time() + 0.5
    while asyncio.get_running_loop().time() < ended:
        await wire.asks(head())
        await asyncio.wait([asyncio.create_task(asyncio.sleep(0.02))])
    assert door.pages.asked == 1
    assert await wire.end() == b""


async def test_of_too_many_connections_the_one_that_rests_longest_goes(
    street: Street, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_door, "_most_connections", lambda: 3)
    wires = [await door.wire() for _ in range(3)]
    for wire in (wires[1], wires[2], wires[0]):
        await wire.asks(head())
        await asyncio.sleep(0.002)  # the loop's clock counts milliseconds
    newest = await door.wire()
    await newest.asks(head())
    assert await wires[1].end() == b""
    for wire in (wires[0], wires[2], newest):
        assert (await wire.asks(head())).startswith(b"HTTP/1.1 200")
