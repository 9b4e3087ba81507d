"""No body is taken without a limit or waited for without end; none of a stranger's is read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import msgspec
import pytest

from littleshop import edge
from littleshop.edge import Bodies, Patience
from littleshop.pay.gateways import Gateway
from tests.web.client import World, chosen, photo, says

CHUNK = 64 * 1024
FORM = {"content-type": "application/x-www-form-urlencoded"}
PHOTOS = {"content-type": "multipart/form-data; boundary=x"}
A_PHOTO = b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a.jpg"\r\n\r\n'


class Flood:
    """A body that comes in pieces and says nothing of its length."""

    def __init__(self, pieces: int = 400, begins: bytes = b"") -> None:
        self.pieces = pieces
        self.begins = begins
        self.taken = 0

    async def flow(self) -> AsyncIterator[bytes]:
        if self.begins:
            yield self.begins
        for _ in range(self.pieces):
            self.taken += CHUNK
            yield b"a" * CHUNK


@pytest.mark.parametrize(
    "path",
    ["/sign-in", "/open/phone", "/@xiaoman/basket/items", "/@xiaoman/checkout"],
)
async def test_a_flood_is_turned_away_after_what_fits(world: World, path: str) -> None:
    await world.open_shop(world.browser())
    flood = Flood()
    answer = await world.browser().post(path, content=flood.flow(), headers=FORM)
    assert answer.status_code == 413 and says(answer, "en", "form_too_large")
    assert answer.headers["connection"] == "close"
    assert flood.taken <= edge.MOST_BYTES


async def test_half_a_form_is_refused_with_words(world: World) -> None:
    person = world.browser("zh-CN")
    await world.open_shop(world.browser())
    half = b"--y\r\nContent-Disposition: form-data; na"
    answer = await person.post("/@xiaoman/conversation", content=half, headers=PHOTOS)
    assert answer.status_code == 409 and says(answer, "zh-CN", "form_broken")


async def test_a_body_that_says_it_is_too_long_is_not_waited_for(world: World) -> None:
    flood = Flood()
    sent = FORM | {"content-length": str(CHUNK * flood.pieces)}
    answer = await world.browser("zh-CN").post("/sign-in", content=flood.flow(), headers=sent)
    assert answer.status_code == 413 and says(answer, "zh-CN", "form_too_large")
    assert flood.taken == 0


@pytest.mark.parametrize(
    "path",
    [
        "/orders/1000-0001/parcels",
        "/orders/1000-0001/pick-up",
        "/orders/1000-0001/cancellation",
        "/shares",
        "/entrances",
        "/goods/new",
        "/settings/shop",
        "/settings/notices/devices",
    ],
)
async def test_nothing_of_a_strangers_form_is_read(world: World, path: str) -> None:
    shop_id, flood = await world.open_shop(world.browser()), Flood()
    answer = await world.browser().post(
        f"/console/{shop_id}{path}", content=flood.flow(), headers=PHOTOS
    )
    assert answer.status_code == 303 and "/sign-in" in answer.headers["location"]
    assert flood.taken == 0


@pytest.mark.parametrize("step", ["identity", "card", "shop", "card/skip"])
async def test_nothing_of_a_step_is_read_before_somebody_signed_in(
    client: httpx.AsyncClient, step: str
) -> None:
    flood = Flood()
    answer = await client.post(f"/open/{step}", content=flood.flow(), headers=PHOTOS)
    assert answer.status_code == 303 and "/sign-in" in answer.headers["location"]
    assert flood.taken == 0


async def test_photos_have_room_and_a_limit(world: World, client: httpx.AsyncClient) -> None:
    shop_id = await world.open_shop(client)
    here = f"/console/{shop_id}/settings/shop"
    face = {"name": "小满的茶", "line": "", "awning": "clay"}
    large = photo(1200, 1200, kind="BMP")
    assert len(large) > edge.MOST_BYTES
    answer = await client.post(here, data=face, files=chosen(large, name="picture"))
    assert answer.status_code in (303, 422)
    flood = Flood(begins=A_PHOTO)
    answer = await client.post(here, content=flood.flow(), headers=PHOTOS)
    assert answer.status_code == 413 and says(answer, "en", "form_too_big", megabytes=20)


async def test_a_rail_tells_us_in_a_few_lines_too(world: World) -> None:
    world.house.rails = {"alipay": cast(Gateway, object())}  # it is never asked
    flood = Flood()
    answer = await world.browser().post("/callbacks/alipay", content=flood.flow(), headers=FORM)
    assert answer.status_code == 413
    assert flood.taken <= 2 * CHUNK
    world.house.rails = {}


async def test_a_subscription_is_a_few_lines(world: World, client: httpx.AsyncClient) -> None:
    shop_id, flood = await world.open_shop(client), Flood()
    here = f"/console/{shop_id}/settings/notices/devices"
    assert (await client.post(here, content=flood.flow())).status_code == 413
    assert flood.taken <= CHUNK


class Halting:
    """A body of which half is sent; the rest comes when it is let go."""

    def __init__(self, begins: bytes = b"phone=1") -> None:
        self.begins = begins
        self.gone_on = asyncio.Event()
        self.taken = asyncio.Event()

    async def flow(self) -> AsyncIterator[bytes]:
        yield self.begins
        self.taken.set()
        await self.gone_on.wait()
        yield b"2"

    async def sent_by(self, browser: httpx.AsyncClient) -> httpx.Response:
        return await browser.post("/sign-in", content=self.flow(), headers=FORM)


async def _half_sent(browser: httpx.AsyncClient) -> tuple[Halting, asyncio.Task[httpx.Response]]:
    halting = Halting()
    task = asyncio.create_task(halting.sent_by(browser))
    await halting.taken.wait()
    return halting, task


async def test_a_body_that_stops_halfway_is_waited_for_only_so_long(world: World) -> None:
    world.house.bodies = Bodies(Patience(chunk_seconds=0.05))
    answer = await Halting().sent_by(world.browser())
    assert answer.status_code == 408 and "too long to arrive" in answer.text
    assert answer.headers["connection"] == "close"
    assert len(world.house.bodies) == 0


async def test_a_body_that_drips_has_an_end_too(world: World) -> None:
    world.house.bodies = Bodies(Patience(chunk_seconds=60, seconds=0.1))
    drops = 0

    async def drip() -> AsyncIterator[bytes]:
        nonlocal drops
        while True:
            drops += 1
            yield b"a"
            await asyncio.sleep(0.01)

    answer = await world.browser("zh-CN").post("/sign-in", content=drip(), headers=FORM)
    assert answer.status_code == 408 and "等了太久" in answer.text
    assert 2 < drops < 30


async def test_what_arrives_at_a_fair_pace_has_time_for_its_length(world: World) -> None:
    world.house.bodies = Bodies(Patience(seconds=0.05, bytes_per_second=10 * CHUNK))

    async def steady() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"a" * CHUNK
            await asyncio.sleep(0.04)

    answer = await world.browser().post("/sign-in", content=steady(), headers=FORM)
    assert answer.status_code == 422


async def test_of_too_many_at_once_the_longest_awaited_gives_way(world: World) -> None:
    world.house.bodies = Bodies(Patience(most_of_address=3))
    waiting = [await _half_sent(world.browser()) for _ in range(3)]
    answer = await world.browser().post("/sign-in", data={"phone": "12"})
    assert answer.status_code == 422
    first = await waiting[0][1]
    assert first.status_code == 503 and first.headers["retry-after"] == "5"
    for halting, task in waiting[1:]:
        halting.gone_on.set()
        assert (await task).status_code == 422
    assert len(world.house.bodies) == 0


async def test_one_address_takes_no_place_from_the_others(world: World) -> None:
    world.house.bodies = Bodies(Patience(most=5, most_of_address=2))
    world.house.settings = msgspec.structs.replace(
        world.house.settings, trusted_proxies=("127.0.0.1",)
    )
    neighbour = await _half_sent(world.browser(x_forwarded_for="203.0.113.7"))
    flood = [await _half_sent(world.browser(x_forwarded_for="203.0.113.9")) for _ in range(20)]
    assert len(world.house.bodies) == 3
    neighbour[0].gone_on.set()
    assert (await neighbour[1]).status_code == 422
    for halting, _ in flood:
        halting.gone_on.set()
    answers = [(await task).status_code for _, task in flood]
    assert answers == [503] * 18 + [422] * 2


async def test_many_addresses_together_have_a_bound_too(world: World) -> None:
    world.house.bodies = Bodies(Patience(most=4))
    world.house.settings = msgspec.structs.replace(
        world.house.settings, trusted_proxies=("127.0.0.1",)
    )
    flood = [
        await _half_sent(world.browser(x_forwarded_for=f"203.0.113.{number}"))
        for number in range(10)
    ]
    assert len(world.house.bodies) == 4
    for halting, _ in flood:
        halting.gone_on.set()
    assert [(await task).status_code for _, task in flood] == [503] * 6 + [422] * 4


async def test_a_flood_of_lost_bodies_is_one_line_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.house.bodies = Bodies(Patience(most_of_address=1, chunk_seconds=0.05))
    waiting = [await _half_sent(world.browser()) for _ in range(10)]
    await asyncio.gather(*(task for _, task in waiting))
    assert [record.message for record in caplog.records] == ["bodies did not arrive"]


async def _sent_raw(world: World, *messages: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """What the application answers to a request given by hand."""
    coming, told = iter(messages), []

    async def receive() -> Any:
        return next(coming)

    async def send(message: Any) -> None:
        told.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/sign-in",
        "query_string": b"",
        "headers": [
            (b"sec-fetch-site", b"same-origin"),
            (b"content-type", FORM["content-type"].encode()),
        ],
        "client": ("127.0.0.1", 1),
        "scheme": "http",
        "server": ("shop.test", 80),
        **more,
    }
    await world.app(scope, receive, send)
    return told


async def test_whoever_hangs_up_while_sending_leaves_no_trace(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    half = {"type": "http.request", "body": b"phone=1", "more_body": True}
    with caplog.at_level(logging.INFO):
        told = await _sent_raw(world, half, {"type": "http.disconnect"})
    assert told[0]["status"] == 400
    assert caplog.records == []
    assert len(world.house.bodies) == 0


@pytest.mark.parametrize(
    "much",
    [
        {"headers": [(b"user-agent", b"a" * 33_000)]},
        {"headers": [(b"x-%d" % number, b"a" * 1000) for number in range(40)]},
        {"query_string": b"a=" + b"b" * 33_000},
        {"path": "/" + "a" * 33_000},
    ],
)
async def test_headers_longer_than_any_browsers_are_not_read(
    world: World, much: dict[str, Any]
) -> None:
    told = await _sent_raw(world, **much)
    assert told[0]["status"] == 431 and (b"connection", b"close") in told[0]["headers"]
