"""Pages and callbacks about a parcel's way: what is pushed is believed for its signature, what is
shown is for whoever may see the address, and a shipping of a moment ago is undone in one press."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio

from littleshop import http, ids
from littleshop.sale import tracking
from littleshop.sale.placing import Placed
from littleshop.trade import deliveries, order_lists, trackers, trackings
from littleshop.trade.trackers import contract
from littleshop.web.console import today
from tests.web.back_room import SURE, BackRoom, shown
from tests.web.client import World

SALT = "a salt of ours"
RAIL = {"vendor": "kuaidi100", "base_url": "http://127.0.0.1:1", "customer": "c", "key": "k" * 9}


@pytest.fixture
def followed(world: World) -> World:
    world.house.tracker = trackers.open({"courier": RAIL | {"salt": SALT}})
    return world


@pytest_asyncio.fixture
async def room(followed: World) -> BackRoom:
    made = BackRoom(followed, followed.browser())
    await made.open()
    return made


async def bought(room: BackRoom) -> tuple[Placed, httpx.AsyncClient]:
    """A paid order, and the phone that ordered."""
    token = http.device_token(room.world.house.keyring, "wanting's phone")
    phone = room.world.browser()
    phone.cookies.set(http.DEVICE, token)
    return await room.sells(device=ids.hashed(token)), phone


def wall(at: datetime) -> str:
    return at.astimezone(contract.BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def push(number: str, *rows: tuple[datetime, str, str], salt: str = SALT) -> bytes:
    """What Kuaidi100 pushes: (time, code, words), the newest first."""
    data = [{"time": wall(at), "statusCode": code, "context": words} for at, code, words in rows]
    told = {"status": "polling", "lastResult": {"nu": number, "state": rows[0][1], "data": data}}
    param = json.dumps(told, ensure_ascii=False)
    sign = hashlib.md5(f"{param}{salt}".encode(), usedforsecurity=False).hexdigest().upper()
    return urlencode({"param": param, "sign": sign}).encode()


async def ships(room: BackRoom, placed: Placed, number: str = SURE) -> str:
    """林小满 ships; the answer is the address that news are pushed to."""
    answer = await room.post(f"/orders/{placed.number}/parcels", tracking_number=number)
    assert answer.status_code == 303
    of = (room.town.shop_id, placed.order_id)
    async with room.world.house.database.connection() as conn:
        [parcel] = await deliveries.of_order(conn, *of)
        token = ids.tracking_token(
            room.world.house.keyring.link_key, room.town.shop_id, parcel.parcel_id
        )
        await trackings.ask(conn, room.town.shop_id, parcel.parcel_id, token)
    return f"{tracking.ROAD}/{token}"


async def test_what_is_pushed_is_seen_by_buyer_and_seller_and_by_nobody_else(
    room: BackRoom,
) -> None:
    world = room.world
    placed, buyer = await bought(room)
    road = await ships(room, placed)
    token = ids.order_token(world.house.keyring.link_key, room.town.shop_id, placed.order_id)
    seen = shown(await buyer.get(f"/o/{token}"))
    assert "says it is sent" in seen and "The courier has it" not in seen  # so far the seller says
    at = world.later(hours=23)
    words = "快递员小王（13700137000）正在派送"
    body = push(SURE, (at, "5", words), (at - timedelta(hours=20), "103", "已揽收"))
    stranger = world.browser(sec_fetch_site="cross-site")
    forged = push(SURE, (at, "3", "已签收"), salt="another")
    answer = await stranger.post(road, content=forged)
    assert (answer.status_code, answer.json()["result"]) == (400, False)
    for _ in range(2):
        answer = await stranger.post(road, content=body)
        assert (answer.status_code, answer.json()["returnCode"]) == (200, "200")
    gone = await stranger.post(f"{road}x", content=body)  # nobody's: heard and let go
    assert gone.status_code == 200
    await world.work()
    page = shown(await room.get(f"/orders/{placed.number}"))
    assert "Out for delivery" in page and words in page and "All 2 steps" in page
    friend = world.browser()
    seen = shown(await friend.get(f"/o/{token}"))
    assert words not in seen and "Out for delivery" not in seen and SURE not in seen
    seen = shown(await buyer.get(f"/o/{token}"))
    assert "Out for delivery" in seen and words in seen
    assert "says it is sent" not in seen and "The courier has it" in seen


async def test_a_buyer_says_on_the_page_that_it_did_not_come(room: BackRoom) -> None:
    world = room.world
    placed, buyer = await bought(room)
    road = await ships(room, placed)
    at = world.later(hours=26)
    await world.browser().post(road, content=push(SURE, (at, "301", "已签收")))
    await world.work()
    assert await room.status(placed) == "delivered"
    token = ids.order_token(world.house.keyring.link_key, room.town.shop_id, placed.order_id)
    friend = world.browser()
    await friend.post(f"/o/{token}/objection")
    assert await room.status(placed) == "delivered"
    assert "It did not come" in shown(await buyer.get(f"/o/{token}"))
    await buyer.post(f"/o/{token}/objection")
    assert await room.status(placed) == "shipped"
    page = shown(await buyer.get(f"/o/{token}"))
    assert "Delivered, says the courier" in page and "You said that it did not come" in page
    assert "The buyer says that it did not come" in shown(
        await room.get(f"/orders/{placed.number}")
    )
    await room.town.books_balance()


async def news(room: BackRoom) -> list[str]:
    """The lines of "just now"."""
    async with room.world.house.database.connection() as conn:
        found = await order_lists.happened(conn, room.town.shop_id, list(today.HAPPENED))
    return [each.kind for each in found]


async def test_a_parcel_shipped_by_mistake_is_undone_from_the_list(room: BackRoom) -> None:
    placed = await room.sells()
    room.world.later(minutes=1)
    await ships(room, placed)
    assert await news(room) == ["shipped", "paid"]
    room.world.later(seconds=5)
    page = await room.get("/orders")
    async with room.world.house.database.connection() as conn:
        [parcel] = await deliveries.of_order(conn, room.town.shop_id, placed.order_id)
    path = f"/orders/{placed.number}/parcels/{parcel.parcel_id}/undo"
    assert f"{room.root}{path}" in page.text
    assert "goes with" not in shown(page), "it is said where it can be undone, and once"
    answer = await room.follow(await room.post(path))
    assert "not shipped after all" in shown(answer)
    assert await room.status(placed) == "to_ship"
    assert await news(room) == ["paid"]  # it did not happen
    room.world.later(minutes=1)
    await room.world.work()
    assert [text for _, text in room.world.inbox if "SF1408" in text] == []
    late = await ships(room, placed)
    assert late and await news(room) == ["shipped", "paid"]
    room.world.later(seconds=31)
    assert "/undo" not in (await room.get("/orders")).text
    await room.town.books_balance()
