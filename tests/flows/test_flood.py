"""A flood of requests that never end, and a shop that stays open beside it."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit

import httpx

from littleshop import edge
from tests.flows.running import Running

MANY = 1500  # more than twice what two web processes would wait for if nothing gave way
HALF = (
    b"POST /sign-in HTTP/1.1\r\nHost: shop\r\nSec-Fetch-Site: same-origin\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nphone=1"
)
HEADERS = HALF[:80]


async def _flood(web: str, sent: bytes) -> tuple[int, int]:
    """While MANY connections hang: what a page and a form answer."""
    address = urlsplit(web)

    async def hang() -> asyncio.StreamWriter:
        _, wire = await asyncio.open_connection(address.hostname, address.port)
        wire.write(sent)
        await wire.drain()
        return wire

    wires = await asyncio.gather(*(hang() for _ in range(MANY)))
    try:
        async with httpx.AsyncClient(base_url=web, trust_env=False, timeout=10) as buyer:
            page = await buyer.get("/readyz")
            sent_whole = {"sec-fetch-site": "same-origin"}
            form = await buyer.post("/sign-in", data={"phone": "12"}, headers=sent_whole)
        return page.status_code, form.status_code
    finally:
        for wire in wires:
            wire.close()


def test_bodies_that_never_end_do_not_close_the_shop(littleshop: Running) -> None:
    edge.allow_files()
    told = littleshop.aside.submit(lambda: asyncio.run(_flood(littleshop.web, HALF)))
    assert told.result(60) == (200, 422)


def test_headers_that_never_end_do_not_close_the_shop(littleshop: Running) -> None:
    edge.allow_files()
    began = time.monotonic()
    told = littleshop.aside.submit(lambda: asyncio.run(_flood(littleshop.web, HEADERS)))
    assert told.result(60) == (200, 422)
    assert time.monotonic() - began < edge.HEADER_SECONDS  # it was answered beside them, not after


def test_endless_headers_are_refused_at_the_door(littleshop: Running) -> None:
    answer = httpx.get(littleshop.web, headers={"user-agent": "a" * 300_000}, trust_env=False)
    assert answer.status_code == 431 and answer.text == "headers too long"
