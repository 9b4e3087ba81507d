"""林小满's back room in a test: she is signed in, the town buys, a page stays open."""

from __future__ import annotations

import asyncio
import re
from collections.abc import MutableMapping
from typing import Any

import httpx

from littleshop import ids
from littleshop.sale import placing
from littleshop.sale.placing import Placed, Placing
from littleshop.trade.orders import Delivery
from tests.cast import CNY, WANTING, Town
from tests.web.client import World

PRICE = CNY("168.00")
SURE = "SF1408223100671"
UNSURE = "731234567890"  # several couriers use such numbers
ADA = Delivery("Ada Byron", "+447400123456", "", "London", "", "12 Shore Place")


class BackRoom:
    """林小满 signed in to her console; the town buys."""

    def __init__(self, world: World, client: httpx.AsyncClient) -> None:
        self.world = world
        self.client = client
        self.town = Town(world.house.database, world.house.keyring, at=world.at)
        self.root = ""

    async def open(self) -> None:
        shop_id = await self.world.open_shop(self.client)
        self.town.shop_id = shop_id
        self.root = f"/console/{shop_id}"

    async def sells(self, *, fetched: bool = False, **more: object) -> Placed:
        """Somebody bought one gaiwan, to be sent or to be fetched."""
        self.town.at = self.world.at
        item = await self.town.stock()
        if not fetched:
            return await self.town.buys([item], PRICE, **more)
        async with self.world.house.database.connection() as conn:
            await conn.execute(
                "update shops set pickup_place = 'the studio', pricing_version ="
                " pricing_version + 1 where shop_id = $1",
                self.town.shop_id,
            )
        wish = Placing(
            shop_id=self.town.shop_id,
            items=(item,),
            way="pickup",
            delivery=WANTING,
            total_seen=PRICE,
            key="fetched",
            device=ids.hashed("wanting's phone"),
            locale="zh-CN",
        )
        house = self.world.house
        placed = await placing.place(
            house.flusher, house.loader, house.keyring, wish, self.world.at
        )
        reference = await self.town.opens_cashier(placed)
        assert await self.town.money_arrives(reference, PRICE) == "accepted"
        return placed

    async def get(self, path: str = "") -> httpx.Response:
        answer = await self.client.get(f"{self.root}{path}")
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        return answer

    async def post(self, path: str, **form: str) -> httpx.Response:
        return await self.client.post(f"{self.root}{path}", data=form)

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        assert answer.status_code == 303, answer.text[:500]
        return await self.client.get(answer.headers["location"])

    async def status(self, placed: Placed) -> str:
        return (await self.town.order(placed)).status


def shown(answer: httpx.Response) -> str:
    """The page's text as a person reads it."""
    text = re.sub(r"<(script|style)[^>]*>.*?</\1>|<[^>]+>", " ", answer.text, flags=re.S)
    return re.sub(r"\s+", " ", text).replace("&#39;", "'").replace("&amp;", "&")


class OpenPage:
    """A page that stays open: the stream is read as it comes."""

    def __init__(self, room: BackRoom) -> None:
        self._room = room
        self._heard: asyncio.Queue[str] = asyncio.Queue()
        self._gone = asyncio.Event()
        self.status = 0
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        room = self._room
        cookie = f"session={room.client.cookies['session']}".encode()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": f"{room.root}/live",
            "raw_path": f"{room.root}/live".encode(),
            "query_string": b"lang=en",
            "headers": [(b"host", b"shop.test"), (b"cookie", cookie)],
            "client": ("127.0.0.1", 1),
            "server": ("shop.test", 80),
        }
        asked = False

        async def receive() -> dict[str, object]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self._gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            else:
                self._heard.put_nowait(message.get("body", b"").decode())

        await room.world.app(scope, receive, send)

    async def opens(self) -> None:
        """The first thing it hears: when to come back should the line break."""
        assert (await asyncio.wait_for(self._heard.get(), 10)).startswith("retry: ")

    async def hears(self, event: str) -> str:
        """What comes next under this name."""
        while True:
            said = await asyncio.wait_for(self._heard.get(), 10)
            if said.startswith(f"event: {event}\n"):
                return said

    async def close(self) -> None:
        self._gone.set()
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
