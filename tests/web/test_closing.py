"""A shop is closed and opened again, and goes to another person, as its people see it."""

from __future__ import annotations

import json
import re

import httpx
import pytest_asyncio

from tests.cast import CNY
from tests.web.back_room import BackRoom, shown
from tests.web.client import World

HERE = "/settings/closing"
YUN = "139 0000 1077"


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    made = BackRoom(world, client)
    await made.open()
    return made


async def test_a_closed_shop_takes_nothing_new_and_keeps_what_it_promised(
    room: BackRoom, world: World
) -> None:
    placed = await room.sells()
    item = await room.town.stock("紫砂壶")
    async with world.house.database.connection() as conn:
        slug = await conn.fetchval("select slug from shops where shop_id = $1", room.town.shop_id)
        product = await conn.fetchval(
            "select product_id from variants where variant_id = $1", item.variant_id
        )
    buyer = world.browser("en")
    page = f"/@{slug}/p/{product}"
    assert 'name="then" value="checkout"' in (await buyer.get(page)).text
    assert "1 order runs on to its end" in shown(await room.get(HERE))
    await room.follow(await room.post(HERE, then="close"))
    assert (await room.post(HERE, then="close")).status_code == 303  # a second press
    await world.work()
    assert [json.loads(words) for _, words in world.inbox].count({"shop": "小满茶器"}) == 1
    world.later(seconds=2)  # a page may be a second old
    for path in (page, f"/@{slug}"):
        closed = await buyer.get(path)
        assert closed.status_code == 200 and "has closed" in shown(closed)
        assert 'value="checkout"' not in closed.text
    put = await buyer.post(f"/@{slug}/basket/items", data={"product": str(product)})
    assert put.status_code == 409 and "takes nothing new" in shown(put)
    assert (await room.client.get(f"{room.root}/orders/{placed.number}")).status_code == 200
    await room.town.ships(placed)
    await room.town.receives(placed)
    table = (await room.get(f"{HERE}/orders.csv")).text
    assert table.startswith("\ufeff") and "青灰釉盖碗 x1" in table and "138000" not in table
    await room.post("/settings/pause", state="open")  # is no way around
    assert "has closed" in shown(await buyer.get(f"/@{slug}"))
    world.later(days=29)
    await room.follow(await room.post(HERE, then="open"))
    world.later(seconds=2)
    assert 'value="checkout"' in (await buyer.get(page)).text
    await room.post(HERE, then="close")
    for _ in range(2):  # she looks in between, or her session would end
        world.later(days=15)
        assert (await room.get(HERE)).status_code == 200
    late = await room.follow(await room.post(HERE, then="open"))
    assert "cannot open again" in shown(late) and 'value="open"' not in late.text
    await room.town.books_balance()


async def test_a_shop_is_offered_to_a_phone_and_its_person_goes_on_with_it(
    room: BackRoom, world: World
) -> None:
    placed = await room.sells()
    here = "/settings/handover"
    bad = await room.post(here, phone="138", id_number="x", staff="stays")
    assert bad.status_code == 422 and 'id="e-phone"' in bad.text
    await room.post(here, phone=YUN, staff="stays")
    await world.work()
    code = world.code()
    wrong = await room.post(f"{here}/code", code=f"{(int(code) + 1) % 1_000_000:06}")
    assert wrong.status_code == 422 and 'id="e-code"' in wrong.text
    await room.follow(await room.post(f"{here}/code", code=code))
    await world.work()
    told = [json.loads(words) for _, words in world.inbox]
    offer = next(each["shop_offer"] for each in told if "shop_offer" in each)
    objection = next(each["objection"] for each in told if "objection" in each)
    assert "Was that you?" in shown(await world.browser("en").get(f"/not-me/{objection}"))
    yun = world.browser("en")
    page = await yun.get(f"/take-over/{offer}")
    assert "is offered to you" in shown(page) and "/sign-in" in page.text
    assert (await room.client.post(f"/take-over/{offer}")).status_code == 409
    await world.sign_in(yun, YUN)
    went = await yun.post(f"/take-over/{offer}")
    assert went.headers["location"].startswith("/open")
    assert (await yun.get(went.headers["location"])).status_code == 200
    assert (await yun.get(f"{room.root}/orders/{placed.number}")).status_code == 200
    assert "/sign-in" in (await room.client.get(room.root)).headers["location"]
    assert re.search(r"was taken over|was offered", shown(await yun.get(f"/take-over/{offer}")))
    money = shown(await yun.get(f"{room.root}/money"))
    assert str(CNY("168.00").minor // 100) in money
    stop = await world.browser("en").post(f"/not-me/{objection}")
    assert stop.status_code == 303
    assert "Payouts are stopped" in shown(await yun.get(f"{room.root}/money"))
    await room.town.books_balance()
