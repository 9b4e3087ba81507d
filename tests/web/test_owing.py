"""What a shop owes is told to whoever waits for it, to who closes it, and at the desk."""

from __future__ import annotations

import re

import httpx
import pytest_asyncio

from tests.sale.after_sale import AfterSale
from tests.sale.test_clawing_back import paid_out
from tests.settlement.test_not_here import received_and_not_passed_on
from tests.web.back_room import BackRoom, shown
from tests.web.client import World
from tests.web.night_shift import at_work

CLOSING = "/settings/closing"


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    made = BackRoom(world, client)
    await made.open()
    return made


async def gave_back(room: BackRoom) -> AfterSale:
    """A hundred is on her card, and the buyer had it back."""
    sale = await paid_out(room.town)
    room.world.later(seconds=(room.town.at - room.world.at).total_seconds())
    await sale.asks("refund", "100.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    return sale


async def test_a_shop_that_owes_closes_when_its_owner_has_read_how_much(
    room: BackRoom, world: World
) -> None:
    await gave_back(room)
    await room.sells()  # and one order is to be shipped, which every page of hers counts
    page = await room.get(CLOSING)
    assert "The shop owes ¥100.00" in shown(page) and 'name="owes" value="10000"' in page.text
    assert re.search(r'data-live-count="waiting"><span[^>]*>[^<]*</span>1</span>', page.text)
    for seen in ({}, {"owes": "9999"}):
        told = shown(await room.follow(await room.post(CLOSING, then="close", **seen)))
        assert "The shop owes ¥100.00 by now" in told and "Closed since" not in told
    assert (await room.post(CLOSING, then="close", owes="much")).status_code == 404
    told = shown(await room.follow(await room.post(CLOSING, then="close", owes="10000")))
    assert "Closed since" in told and "The shop owes ¥100.00" in told
    async with world.house.database.connection() as conn:
        assert await conn.fetchval("select owed_minor from shop_closings") == 100_00
    desk = await at_work(world, world.browser("en"))
    await desk.comes()
    assert "A closed shop that owes" in shown(await desk.get())
    listed = shown(await desk.get("/debts"))
    assert "Closed since" in listed and "¥100.00" in listed and "that we lent" in listed
    await room.town.books_balance()


async def test_who_waits_for_another_shop_reads_which_and_the_desk_lists_it(
    room: BackRoom, world: World
) -> None:
    room.town.at = world.at
    two = await received_and_not_passed_on(room.town)
    world.later(seconds=(room.town.at - world.at).total_seconds())
    async with world.house.database.connection() as conn:
        await conn.execute(
            "update staff set person_id = (select person_id from staff where shop_id = $1"
            "  and role = 'owner') where shop_id = $2 and role = 'owner'",
            int(room.root.rpartition("/")[2]), two.reseller,
        )  # fmt: skip
    room.root = f"/console/{two.reseller}"
    told = shown(await room.get("/money"))
    assert "Waits for another shop" in told and "owes you ¥20.00" in told
    desk = await at_work(world, world.browser("en"))
    await desk.comes()
    listed = shown(await desk.get("/debts"))
    assert "¥20.00 to 晓晓的小铺" in listed
    assert "Closed shops that owe" not in shown(await desk.get())
    room.town.later(minutes=5)
    await two.jobs_are_done()
    assert "Waits for another shop" not in shown(await room.get("/money"))
    await room.town.books_balance()
