"""How a seller is reached, as he sets it."""

from __future__ import annotations

import re

import httpx
import pytest_asyncio

from littleshop.notify import ways
from littleshop.notify.ways import Ways
from tests.web.back_room import BackRoom, shown
from tests.web.client import World
from tests.web.test_staff import joins

HERE = "/settings/notices"


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    made = BackRoom(world, client)
    await made.open()
    return made


async def kept(room: BackRoom) -> Ways:
    async with room.world.house.database.connection() as conn:
        who = await conn.fetchval(
            "select person_id from staff where shop_id = $1 and role = 'owner'", room.town.shop_id
        )
        return await ways.of(conn, room.town.shop_id, who)


async def test_switches_quiet_hours_a_second_person_and_an_address_that_is_proven(
    room: BackRoom, world: World
) -> None:
    world.house.settings.rails["mail"] = {
        "host": "127.0.0.1", "port": 1, "sender": "a@b.invalid", "tls": "none"
    }  # fmt: skip
    packer = await joins(room, world, "packer")
    page = await room.get(HERE)
    assert "When nobody looks" in shown(page)
    assert "When nobody looks" not in shown(await packer.get(room.root + HERE))
    second = re.search(r'<option value="([0-9a-f-]{36})"', page.text)
    assert second is not None
    form = {
        "push": "yes", "sms": "yes", "night": "yes", "quiet_from": "22", "quiet_until": "7",
        "second": second[1], "address": "x@shop.example", "email": "yes",
    }  # fmt: skip
    bad = await room.follow(await room.post(f"{HERE}/ways", **(form | {"address": "x@y"})))
    assert "Give a whole address" in shown(bad) and await kept(room) == Ways()
    said = await room.follow(await room.post(f"{HERE}/ways", **form))
    assert "We sent a letter" in shown(said) and "Not confirmed yet" in shown(said)
    mine = await kept(room)
    assert (mine.quiet_from, mine.quiet_until, mine.wechat) == (22, 7, False)
    assert str(mine.second_person) == second[1] and mine.email_ok_at is None
    async with world.house.database.connection() as conn:
        facts = await conn.fetchval("select facts from messages where channel = 'email'")
    link = facts["url"].removeprefix(room.root)
    assert (await packer.get(facts["url"])).status_code == 404  # the link alone is worth nothing
    assert "Is this address yours?" in shown(await room.get(link))
    await room.post(link)
    assert (await kept(room)).email_ok_at == world.at
    await room.post(f"{HERE}/ways", **(form | {"address": "y@shop.example", "second": "nobody"}))
    other = await kept(room)
    assert other.email_ok_at is None and other.second_person is None
    assert (await room.client.get(room.root + link)).status_code == 404
