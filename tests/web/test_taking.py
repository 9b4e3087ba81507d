"""A payout that its owner takes inside WeChat."""

from __future__ import annotations

import json
from datetime import timedelta
from html import unescape

import httpx
import pytest_asyncio

from littleshop import db
from littleshop.settlement import payouts
from tests.settlement.paper_bank import PaperBank, settle, verify
from tests.settlement.paper_rail import PaperTransfers, sending
from tests.web.back_room import BackRoom
from tests.web.client import World

INSIDE = {"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) MicroMessenger/8.0"}


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    made = BackRoom(world, client)
    await made.open()
    await verify(made.town)
    first = await made.sells()
    await made.town.ships(first)
    await made.town.receives(first)
    return made


async def test_the_owner_takes_it_inside_wechat_until_it_has_ended(room: BackRoom) -> None:
    bank, paper = PaperBank(), PaperTransfers(ends="pending")
    bank.others, bank.usual = (sending(paper),), "alipay"
    town = room.town
    while not town.calendar.is_working(town.later(days=1).date()):
        continue
    await settle(town, bank)
    async with town.database.connection() as conn:
        (payout,) = await payouts.of_shop(conn, town.shop_id)
    here = f"/money/payouts/{payout.payout_id}/taking"
    assert here in (await room.get("/money")).text
    assert "data-bridge" not in (await room.get(here)).text
    room.client.headers.update(INSIDE)
    page = (await room.get(here)).text
    assert json.loads(unescape(page.split('data-bridge="')[1].split('"')[0])) == {"package": "abc"}
    assert 'data-call="requestMerchantTransfer"' in page
    paper.ends_as(payout.reference, "done")
    town.at += timedelta(hours=1)
    await settle(town, bank)
    assert "data-bridge" not in (await room.get(here)).text
    assert here not in (await room.get("/money")).text


async def test_the_page_of_an_old_payout_stays(room: BackRoom, owner: db.Connection) -> None:
    bank, town = PaperBank(), room.town
    while not town.calendar.is_working(town.later(days=1).date()):
        continue
    await settle(town, bank)
    async with town.database.connection() as conn:
        (payout,) = await payouts.of_shop(conn, town.shop_id)
    here = f"/money/payouts/{payout.payout_id}"
    page = (await room.get(here)).text
    await owner.execute("set session_replication_role = replica")  # of runs that are not there
    await owner.execute(
        "insert into payouts (shop_id, payout_id, run_id, run_on, counts_before, reference,"
        " amount_minor, currency, card_id, bank_code, tail, asked_at, kept_minor, rail)"
        " select shop_id, gen_random_uuid(), gen_random_uuid(), run_on + n, counts_before + n,"
        " upper(substr(md5(n::text), 1, 20)), 1, currency, card_id, bank_code, tail,"
        " asked_at + n * interval '1 day', 0, rail from payouts, generate_series(1, 40) n"
    )
    answer = await room.get(here)
    assert (answer.status_code, "168.00" in answer.text) == (200, "168.00" in page)
    await owner.execute("delete from payouts where payout_id <> $1", payout.payout_id)
    await town.books_balance()
