"""Who works in a shop: asked in by phone, let in by role, gone at once, and written down."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest_asyncio
from starlette.routing import Route

from littleshop.shop import staff
from littleshop.web import console
from littleshop.web.console import rights
from tests.web.back_room import BackRoom
from tests.web.client import World

PHONES = {"manager": "139 0000 1011", "packer": "139 0000 1012", "bookkeeper": "139 0000 1013"}
ASKS = ("/orders/slips", "/privileges/new")  # nothing there without a question


def addresses() -> list[Route]:
    return [
        route
        for route in console.ROUTES
        if isinstance(route, Route) and route.path.startswith(rights.ROOT)
    ]


def test_every_address_of_the_console_names_a_right_of_the_table() -> None:
    named = {route.path: rights.of(route.path) for route in addresses()}
    assert len(named) > 90
    assert not [path for path, right in named.items() if right not in staff.RIGHTS]
    assert not [path for path in rights._OF if path not in named]


async def joins(room: BackRoom, world: World, role: str) -> httpx.AsyncClient:
    """Somebody is asked in, opens the link of the SMS, signs in with that phone and comes."""
    answer = await room.post("/staff", phone=PHONES[role], role=role)
    assert answer.status_code == 303, answer.text[:300]
    await world.work()
    path = "/work/" + json.loads(world.inbox[-1][1])["work"]
    browser = world.browser()
    assert (await room.client.post(path)).status_code == 409  # the link acts for that phone alone
    assert "/sign-in" in (await browser.post(path)).headers["location"]
    await world.sign_in(browser, PHONES[role])
    assert (await browser.get(path)).status_code == 200
    went = await browser.post(path)
    assert went.headers["location"] == room.root
    assert (await browser.post(path)).headers["location"] == room.root  # the same press
    return browser


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    made = BackRoom(world, client)
    await made.open()
    return made


async def test_each_role_is_let_in_where_the_table_says_and_nowhere_else(
    room: BackRoom, world: World
) -> None:
    placed = await room.sells()
    await world.work()
    for role in staff.INVITED:
        browser = await joins(room, world, role)
        for route in addresses():
            path = re.sub(r"\{[^}]+\}", "1", route.path.removeprefix(rights.ROOT))
            if route.path.endswith("/live") or path == "":
                continue
            right = rights.of(route.path)
            assert right is not None
            if "POST" in (route.methods or ()):
                if not staff.may(role, right):
                    answer = await browser.post(room.root + path)
                    assert answer.status_code == 404, (role, path)
                continue
            answer = await browser.get(room.root + path)
            if "{" not in route.path.removeprefix(rights.ROOT):
                if staff.may(role, right) and path not in ASKS:
                    assert answer.status_code in (200, 303), (role, path)
                elif path not in ASKS:
                    assert answer.status_code == 404, (role, path)
        begin = await browser.get(room.root)
        begins = {"packer": "/orders", "bookkeeper": "/money"}.get(role)
        assert begin.headers.get("location", "").removeprefix(room.root) == (begins or "")
        order = await browser.get(f"{room.root}/orders/{placed.number}")
        if role == "packer":
            shelf = await browser.get(f"{room.root}/orders")
            assert order.status_code == shelf.status_code == 200
            assert not re.search(r"168|¥", order.text + shelf.text)
            assert f"{room.root}/money" not in order.text
        if role == "bookkeeper":
            assert order.status_code == 404
    assert f'"{room.root}/staff"' in (await room.get("/settings")).text
    await room.town.books_balance()


async def test_who_is_removed_is_told_so_at_once_and_all_of_it_is_written_down(
    room: BackRoom, world: World
) -> None:
    packer = await joins(room, world, "packer")
    assert (await packer.get(f"{room.root}/orders")).status_code == 200
    world.later(minutes=1)
    page = await room.get("/staff")
    removal = re.search(rf"{room.root}(/staff/[0-9a-f-]+/removal)", page.text)
    assert removal is not None
    assert (await packer.post(room.root + removal[1])).status_code == 404
    assert (await room.post(removal[1])).status_code == 303
    gone = await packer.get(f"{room.root}/orders")
    assert gone.status_code == 403 and "no longer work here" in gone.text
    stranger = world.browser()
    await world.sign_in(stranger, "139 0000 1019")
    assert (await stranger.get(f"{room.root}/orders")).status_code == 404
    world.later(minutes=1)
    await room.post("/settings/pause", state="paused")
    acts = (await room.get("/acts")).text
    for said in ("Let the shop rest", "Removed from the staff: Packer", "Began to work here"):
        assert said in acts
    assert acts.index("Let the shop rest") < acts.index("Removed from") < acts.index("Began")


async def test_the_owner_is_nobody_to_be_removed_and_keeps_the_shop_in_his_list(
    room: BackRoom, world: World
) -> None:
    async with world.house.database.connection() as conn:
        owner = await conn.fetchval("select person_id from staff where role = 'owner'")
        assert (await room.post(f"/staff/{owner}/removal")).status_code == 404
        assert await conn.fetchval("select count(*) from person_shops where person_id = $1", owner)


async def test_invitations_that_are_taken_back_make_no_room_for_more_strangers(
    room: BackRoom, world: World
) -> None:
    """A young shop asks five in a day: nobody writes to a hundred strangers from our number."""
    for at in range(5):
        answer = await room.post("/staff", phone=f"139 0000 20{at:02}", role="packer")
        assert answer.status_code == 303, answer.text[:300]
        page = await room.get("/staff")
        back = re.findall(rf"{room.root}(/staff/invitations/[0-9a-f-]+/removal)", page.text)
        for path in back:
            await room.post(path)
    refused = await room.post("/staff", phone="139 0000 2099", role="packer")
    assert refused.status_code == 422
    assert "what was taken back counts too" in refused.text and "This phone" not in refused.text
    world.later(days=1)
    assert (await room.post("/staff", phone="139 0000 2099", role="packer")).status_code == 303


async def test_a_name_from_before_brings_neither_sender_nor_link_into_an_sms(
    room: BackRoom, world: World
) -> None:
    async with world.house.database.connection() as conn:
        await conn.execute("update shops set name = '【中国银行】http://evil.cn 客服'")
    await room.post("/staff", phone="139 0000 2001", role="packer")
    await world.work()
    assert json.loads(world.inbox[-1][1])["shop"] == "中国银行 客服"


async def test_who_signs_in_without_the_link_finds_who_asked_him_to_work_and_comes(
    room: BackRoom, world: World
) -> None:
    """The SMS is read on the way; at the till he only signs in."""
    await room.post("/staff", phone=PHONES["packer"], role="packer")
    packer, other = world.browser("zh-CN"), world.browser()
    await world.sign_in(packer, PHONES["packer"])
    page = await packer.get("/console")
    assert page.status_code == 200 and "请你来做打包员" in page.text and "/open" in page.text
    [path] = re.findall(r'action="(/asked-to-work/[^"]*)"', page.text)
    assert "/sign-in" in (await world.browser().post(path)).headers["location"]
    await world.sign_in(other, PHONES["manager"])
    assert (await other.post(path)).status_code == 404, "another phone was asked"
    assert (await other.get("/console")).headers["location"] == "/open"
    for _ in range(2):
        assert (await packer.post(path)).headers["location"] == room.root
    assert (await packer.get("/console")).headers["location"] == room.root
    await room.post("/staff", phone=PHONES["manager"], role="manager")
    again = await other.get("/console")
    [taken_back] = re.findall(r'action="(/asked-to-work/[^"]*)"', again.text)
    staff_page = await room.get("/staff")
    [back] = re.findall(rf"{room.root}(/staff/invitations/[0-9a-f-]+/removal)", staff_page.text)
    await room.post(back)
    over = await other.post(taken_back)
    assert over.headers["location"] == "/console"


async def test_an_invitation_ends_when_it_is_taken_back_or_a_week_is_over(
    room: BackRoom, world: World
) -> None:
    await room.post("/staff", phone=PHONES["packer"], role="packer")
    page = await room.get("/staff")
    again = await room.post("/staff", phone=PHONES["packer"], role="packer")
    assert again.status_code == 422
    assert (await room.post("/staff", phone=PHONES["manager"], role="owner")).status_code == 422
    back = re.search(rf"{room.root}(/staff/invitations/[0-9a-f-]+/removal)", page.text)
    assert back is not None and (await room.post(back[1])).status_code == 303
    assert "invitations/" not in (await room.get("/staff")).text
    await room.post("/staff", phone=PHONES["packer"], role="packer")
    world.later(days=8)
    assert "invitations/" not in (await room.get("/staff")).text
    assert (await room.post("/staff", phone=PHONES["packer"], role="packer")).status_code == 303


async def test_a_form_that_was_begun_before_its_sender_was_removed_does_nothing(
    room: BackRoom, world: World
) -> None:
    """His pages say so already, and the rest of the form comes only now."""
    placed = await room.sells()
    await world.work()
    manager = await joins(room, world, "manager")
    page = await room.get("/staff")
    removal = re.search(rf"{room.root}(/staff/[0-9a-f-]+/removal)", page.text)
    assert removal is not None

    async def slowly(*, gone: bool) -> AsyncIterator[bytes]:
        yield b"amount=100.00&"
        world.later(seconds=20)
        if gone:
            await room.post(removal[1])
            assert (await manager.get(f"{room.root}/orders")).status_code == 403
        yield b"reason=broken"

    refunds = f"{room.root}/orders/{placed.number}/refunds"
    form = {"content-type": "application/x-www-form-urlencoded"}
    no = await manager.post(refunds, content=slowly(gone=True), headers=form)
    assert no.status_code == 404
    assert await room.status(placed) == "to_ship"
    mine = await room.client.post(refunds, content=slowly(gone=False), headers=form)
    assert mine.status_code == 303
    await room.town.books_balance()


async def test_what_a_slow_form_does_is_done_when_it_is_there(room: BackRoom, world: World) -> None:
    begun = world.clock.now()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"state="
        world.later(seconds=20)
        yield b"paused"

    form = {"content-type": "application/x-www-form-urlencoded"}
    pause = f"{room.root}/settings/pause"
    assert (await room.client.post(pause, content=slowly(), headers=form)).status_code == 303
    async with world.house.database.connection() as conn:
        written = await conn.fetchval("select max(done_at) from shop_acts")
    assert written - begun == timedelta(seconds=20)


async def test_a_packer_neither_sees_nor_decides_what_goes_back(
    room: BackRoom, world: World
) -> None:
    placed = await room.sells()
    await world.work()
    packer = await joins(room, world, "packer")
    order = f"{room.root}/orders/{placed.number}"
    assert (await packer.get(order)).status_code == 200
    back = [path for path in rights._OF if "/cases" in path or path.endswith("/refunds")]
    assert len(back) == 9
    assert {rights.of(path) for path in back} == {"deals"}
    assert (await packer.get(f"{room.root}/cases")).status_code == 404
    for act in ("agreement", "refusal", "receipt"):
        no = await packer.post(f"{order}/cases/1/{act}", data={"words": "yes"})
        assert no.status_code == 404
    assert (await packer.post(f"{order}/refunds", data={"amount": "1"})).status_code == 404
    assert await room.status(placed) == "to_ship"
    await room.town.books_balance()
