"""What the seller sees of people, money, figures, shares and held jobs, and what moves live."""

from __future__ import annotations

import asyncio
import csv
import io
import re

import httpx
import pytest
import pytest_asyncio

from littleshop import jobs
from littleshop.notify import live as notify
from littleshop.notify.live import Event
from littleshop.settlement import outlook
from littleshop.shop import shops
from littleshop.web.console import figures, live, money
from tests.settlement.paper_bank import PaperBank, settle, verify
from tests.web.back_room import BackRoom, OpenPage, shown
from tests.web.client import World


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    made = BackRoom(world, client)
    await made.open()
    return made


async def test_people_are_listed_with_what_they_spent_and_a_masked_phone(room: BackRoom) -> None:
    await room.sells()
    await room.sells()
    page = await room.get("/people")
    assert "138 **** 2046" in page.text and "13800002046" not in page.text
    assert "2 orders" in shown(page) and "336" in shown(page)
    found = re.search(r'href="(/console/\d+/people/[0-9a-f]{64})"', page.text)
    assert found is not None
    theirs = shown(await room.client.get(f"{found[1]}/orders"))
    assert "1001" in theirs and "1002" in theirs


async def test_the_money_page_explains_every_fen(room: BackRoom) -> None:
    first, second = await room.sells(), await room.sells()
    await room.town.ships(first)
    await room.town.receives(first)
    await room.town.ships(second, "SF1408223100672")
    page = shown(await room.get("/money"))
    assert "Order 1001" in page and "+¥168.00" in page
    assert "1 order, paid and not yet received" in page
    assert "Two things are missing" in page
    async with room.world.house.database.connection() as conn:
        seen = await outlook.expected(
            conn, room.town.shop_id, room.world.house.calendar, room.world.at
        )
        shop = await shops.get(conn, room.town.shop_id)
        lines = await money.coming(conn, shop, room.world.at)
    assert sum(line.amount.minor for line in lines) == seen.available.minor


async def test_a_payout_that_waits_for_the_rails_money_says_so(room: BackRoom) -> None:
    placed = await room.sells()
    await room.town.ships(placed)
    await room.town.receives(placed)
    await verify(room.town)
    room.world.later(days=2)
    room.town.at = room.world.at
    await settle(room.town, PaperBank())  # nothing lies on our account
    page = shown(await room.get("/money"))
    assert page.count("Waits for the payment company") == 2
    assert "once the payment company has paid it over to us" in page
    assert "等支付公司转来" in (await room.get("/money?lang=zh-CN")).text


async def test_figures_are_drawn_and_can_be_taken_away(room: BackRoom) -> None:
    await room.sells()
    room.world.later(days=1)
    page = await room.get("/figures?days=7")
    assert "You took ¥168.00" in shown(page) and "<svg" in page.text
    answer = await room.get("/figures.csv?days=7")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 8
    assert dict(zip(*[rows[0], rows[-1]], strict=True)) == {
        "day": "2026-11-23", "visitors": "1", "pages seen": "1", "looked at something": "0",
        "put it in the basket": "0", "orders": "1", "buyers": "1", "orders of old customers": "0",
        "things sold": "1", "turnover (CNY)": "168.00", "kept (CNY)": "168.00", "refunds": "0",
        "went back (CNY)": "0.00",
    }  # fmt: skip  # who bought was there


async def test_any_days_and_one_thing_have_figures_and_no_days_are_refused(room: BackRoom) -> None:
    await room.sells()
    assert "¥168.00 so far" in shown(await room.get("/figures?span=today"))
    room.world.later(days=20)
    page = await room.get("/figures?from=2026-11-01&to=2026-11-30")
    assert "You took ¥168.00 in 30 days" in shown(page)
    found = re.search(r'href="/console/\d+(/goods/[0-9a-f-]+/figures)\?', page.text)
    assert found is not None
    thing = shown(await room.get(f"{found[1]}?from=2026-11-01&to=2026-11-30"))
    assert "1 piece sold, in 1 order" in thing
    table = await room.get(f"{found[1]}.csv?from=2026-11-01&to=2026-11-30")
    assert len(table.text.splitlines()) == 31
    assert "青灰釉盖碗" in (await room.get("/figures.csv?of=things&month=2026-11")).text
    for query in ("from=2026-12-01&to=2026-11-30", "from=2020-01-01", "month=2027-07"):
        wrong = await room.client.get(f"{room.root}/figures?{query}")
        assert wrong.status_code == 422 and "The last 30 days are below" in shown(wrong)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_cell_becomes_a_formula(cell: str) -> None:
    told = io.StringIO(figures.as_csv([[cell]]).decode("utf-8-sig"), newline="")
    assert list(csv.reader(told)) == [[f"'{cell}"]]


async def test_a_named_share_is_made_once_and_has_a_name(room: BackRoom) -> None:
    answer = await room.post("/shares", name="")
    assert answer.status_code == 422 and "Give it a name" in shown(answer)
    for _ in range(2):
        page = await room.follow(await room.post("/shares", name="market <b>note</b>"))
        assert "market &lt;b&gt;note" in page.text
    assert len(re.findall(r"data-copy=", page.text)) == 1


async def test_held_jobs_are_tried_again_or_dropped_with_a_reason(room: BackRoom) -> None:
    house = room.world.house

    async def give_up() -> None:
        async with house.database.connection() as conn:
            await jobs.defer(conn, "refunding.send", at=room.world.at, shop_id=1, refund_id="7")
            await conn.execute(
                "update jobs set held_at = $1, fault = 'away' where name = 'refunding.send'",
                room.world.at,
            )

    await give_up()
    page = await room.get("/held")
    assert "refunding.send" in page.text
    found = re.search(r"/held/([0-9a-f-]{36})/removal", page.text)
    assert found is not None
    refused = await room.follow(await room.post(f"/held/{found[1]}/removal", reason=""))
    assert "Say in a few words why" in shown(refused)
    gone = await room.follow(await room.post(f"/held/{found[1]}/removal", reason="paid by hand"))
    assert "refunding.send" not in gone.text
    twice = await room.post(f"/held/{found[1]}/removal", reason="paid by hand")
    assert twice.status_code == 303


async def test_a_new_order_appears_on_a_page_that_is_open(room: BackRoom) -> None:
    hub, page = room.world.app.state.hub, OpenPage(room)
    try:
        await asyncio.wait_for(hub.listening.wait(), 10)
        await page.opens()
        await room.sells()
        await room.world.work()  # the worker passes the hint on
        assert "data: 1" in await page.hears("waiting")
        assert "¥168.00 so far" in await page.hears("figures")
        assert "Order <b>1001</b> paid, held for you" in await page.hears("happened")
        assert "1 parcel to ship" in await page.hears("duties")
    finally:
        await page.close()


async def test_an_open_page_is_closed_when_its_session_ends(room: BackRoom) -> None:
    hub, page = room.world.app.state.hub, OpenPage(room)
    try:
        await asyncio.wait_for(hub.listening.wait(), 10)
        await page.opens()
        await room.client.post("/sign-out")
        await notify.hint(room.world.house.database, room.town.shop_id, Event("order_paid", "1"))
        await asyncio.wait_for(page.task, 10)
        assert page.status == 200
        assert hub.open_pages == 0
    finally:
        await page.close()


async def test_a_process_holds_only_so_many_open_pages(
    room: BackRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_PAGES", 0)
    assert (await room.client.get(f"{room.root}/live")).status_code == 503
