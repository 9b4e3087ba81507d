"""No body is taken without a limit, and no form of a stranger is read at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import httpx
import pytest

from littleshop import http
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
    assert flood.taken <= http.MOST_BYTES


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
    assert len(large) > http.MOST_BYTES
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
