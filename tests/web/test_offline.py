"""What a seller did in a dead spot: done once, and never over what somebody else did meanwhile."""

from __future__ import annotations

import asyncio
import re
import uuid
from typing import Any

import httpx
import pytest
import pytest_asyncio

from littleshop import db
from littleshop.sale import replaying
from tests.cast import CNY
from tests.web.back_room import SURE, BackRoom, shown
from tests.web.client import World
from tests.web.test_staff import joins


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    made = BackRoom(world, client)
    await made.open()
    return made


async def sends(
    room: BackRoom, act: dict[str, Any], key: str = "", client: httpx.AsyncClient | None = None
) -> dict[str, Any]:
    told = {"key": key or str(uuid.uuid4())} | act
    answer = await (client or room.client).post(f"{room.root}/offline", json=told)
    return {"status": answer.status_code} | (answer.json() if answer.status_code != 404 else {})


async def test_a_parcel_is_shipped_once_and_a_cancelled_order_is_not(
    room: BackRoom, world: World
) -> None:
    packer = await joins(room, world, "packer")
    first, second = await room.sells(), await room.sells()
    ship = {"kind": "ship", "order": str(first.number), "number": SURE}
    key = str(uuid.uuid4())
    page = (await packer.get(f"{room.root}/orders")).text
    hers = re.search(r'data-who="([^"]+)"', page)
    assert hers is not None
    queued_by_another = await sends(room, ship | {"who": hers[1]}, key)
    assert (queued_by_another["status"], queued_by_another["state"]) == (401, "sign_in")
    assert await room.status(first) == "to_ship"
    done = {"status": 200, "state": "done", "says": "", "now": "0"}
    assert await sends(room, ship, key) == done
    assert await room.status(first) == "shipped"
    assert await sends(room, ship, key) == done  # only the answer was lost
    assert await sends(room, ship) == done  # the form itself had arrived
    other = await sends(room, ship | {"number": "SF1408223100679"})
    assert other["state"] == "conflict" and "shipped with another number" in other["says"]
    clash = await sends(room, ship | {"order": str(second.number)}, key)
    assert clash["status"] == 409 and await room.status(second) == "to_ship"
    await room.post(f"/orders/{second.number}/cancellation", reason="broken")
    late = await sends(room, ship | {"order": str(second.number), "number": "SF1408223100680"})
    assert late["state"] == "conflict" and "do not send it" in late["says"]
    for bad in ({"order": "x"}, {"order": "9999999"}, {"number": "?"}, {"number": "6901234567892"}):
        assert (await sends(room, ship | bad)).get("state") in ("refused", None)
    assert (await sends(room, {"kind": "pay"}))["status"] == 404
    junk = await room.client.post(f"{room.root}/offline", content=b"{")
    assert junk.status_code == 409
    price = {"kind": "price", "product": str(uuid.uuid4()), "seen": "1", "wanted": "2"}
    assert (await sends(room, price, client=packer))["status"] == 404
    await room.town.books_balance()


async def test_a_price_and_a_stock_that_moved_meanwhile_are_the_sellers_to_choose(
    room: BackRoom,
) -> None:
    item = await room.town.stock(price=CNY("168.00"), pieces=10)
    async with room.world.house.database.connection() as conn:
        product = str(await conn.fetchval("select product_id from variants where shop_id = $1",
                                          room.town.shop_id))  # fmt: skip
    stock = {"kind": "stock", "product": product, "choice": [], "seen": "10", "wanted": "8"}
    assert (await sends(room, stock))["state"] == "done"
    assert (await sends(room, stock))["state"] == "done"  # it is eight, whoever said so
    await room.town.buys([item], CNY("168.00"))
    moved = await sends(room, stock | {"seen": "10", "wanted": "5"})
    assert (moved["state"], moved["now"]) == ("conflict", "8") and "became 8" in moved["says"]
    assert (await sends(room, stock | {"seen": "8", "wanted": "5"}))["state"] == "done"
    promised = await sends(room, stock | {"seen": "5", "wanted": "0"})
    assert promised["state"] == "refused" and promised["says"]
    price = {"kind": "price", "product": product, "seen": "168.00", "wanted": "188"}
    assert (await sends(room, price))["state"] == "done"
    other = await sends(room, price | {"wanted": "150"})
    assert (other["state"], other["now"]) == ("conflict", "188.00") and "¥188.00" in other["says"]
    for bad in ("", "-1", "1e9", "喵"):
        assert (await sends(room, price | {"seen": "188", "wanted": bad}))["status"] == 422
    gone = await sends(room, price | {"choice": ["红"]})
    assert gone["state"] == "refused" and "not sold any more" in gone["says"]
    assert "188.00" in (await room.get(f"/goods/{product}")).text
    acts = shown(await room.get("/acts"))
    assert "price" in acts.lower()
    await room.town.books_balance()


async def test_the_page_for_a_dead_spot_holds_nothing_of_anybody(
    room: BackRoom, world: World
) -> None:
    stranger = await world.browser("en").get("/offline")
    assert stranger.status_code == 200 and "once there is a signal" in stranger.text
    assert room.root not in stranger.text
    page = await room.get("/orders")
    assert "data-dead-spot" in page.text and 'data-who=""' not in page.text
    assert (
        page.headers["cache-control"] == "no-store" or "no-store" in page.headers["cache-control"]
    )
    worker = await world.browser().get("/sw.js")
    assert "clear()" in worker.text and "/console/" in worker.text


async def test_a_phone_that_is_to_come_again_is_told_when(
    room: BackRoom, owner: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "PATIENCE", 0.01)
    placed = await room.sells()
    ship = {"kind": "ship", "order": str(placed.number), "number": SURE}
    told = {"key": str(uuid.uuid4())} | ship
    async with owner.transaction():
        await owner.execute("select from orders where order_id = $1 for update", placed.order_id)
        presses = [
            asyncio.ensure_future(room.client.post(f"{room.root}/offline", json=told))
            for _ in range(2)
        ]
        [busy], _ = await asyncio.wait(presses, return_when=asyncio.FIRST_COMPLETED)
    answer = busy.result()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert sorted([each.status_code for each in await asyncio.gather(*presses)]) == [200, 503]
    assert (await sends(room, ship, told["key"]))["state"] == "done"
    await room.town.books_balance()
