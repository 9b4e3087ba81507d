"""Referral commission through the pages: given, said for whom, earned, told to the buyer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx

from littleshop.sale import placing, ticking
from littleshop.web.page_cache import PageCache
from tests.web.client import hidden, says
from tests.web.market import Market, reference_of

BUYER = "分享给你的人会得一份佣金"


@dataclass
class Sharer:
    """Somebody with a shop of her own, and the link that she shares the market's by."""

    browser: httpx.AsyncClient
    shop_id: int
    code: str


def stranger(market: Market) -> httpx.AsyncClient:
    """A browser in front of the kept pages, which remember by which link it came."""
    made = market.world.browser("zh-CN")
    made._transport = httpx.ASGITransport(PageCache(market.world.app))
    return made


async def gives(market: Market, first: str, second: str, **more: str) -> httpx.Response:
    """The seller types his rates."""
    here = f"/console/{market.shop_id}/referrals"
    page = await market.seller.get(here)
    told = {"first": first, "second": second, "seen": hidden(page, "seen")} | more
    return await market.seller.post(here, data=told)


async def sharer(market: Market, slug: str, name: str, phone: str, came_by: str = "") -> Sharer:
    """She comes by a link, opens a shop, and says on the sheet that she shares for it."""
    world, browser = market.world, stranger(market)
    if came_by:
        await browser.get(f"/s/{came_by}")
    sheet = f"/@xiaoman/p/{market.product}/shares"
    before = await browser.get(sheet)
    assert "要有自己的小店" in before.text and "/open?from=xiaoman" in before.text
    shop_id = await world.open_shop(browser, name, slug, phone)
    page = await browser.get(sheet)
    assert f"替{name}分享" in page.text and "¥16.80" in page.text
    said = await browser.post(f"{sheet}/earning", data={"shop": str(shop_id)})
    assert said.headers["location"] == sheet
    page = await browser.get(sheet)
    assert f"你在替{name}分享" in page.text
    code = re.search(r'data-link="[^"]*/s/([^"]+)"', page.text)
    assert code is not None
    return Sharer(browser, shop_id, code[1])


async def chain(market: Market) -> tuple[Sharer, Sharer]:
    """The upper shared, the lower came by her link and shared on; 10 % and 2 % are given."""
    assert (await gives(market, "10", "2")).status_code == 303
    upper = await sharer(market, "xiaoxiao", "晓晓的小铺", "13900002002")
    market.world.later(minutes=1)
    lower = await sharer(market, "zhouming", "周明的小铺", "13900003003", upper.code)
    market.world.later(minutes=1)
    return upper, lower


async def bought(market: Market, code: str) -> str:
    """A friend buys by this link and has it; the token of the order."""
    market.buyer = stranger(market)
    await market.buyer.get(f"/s/{code}")
    mine = await market.buyer.get(f"/@xiaoman/p/{market.product}/mine")
    assert BUYER in mine.text
    await market.to_checkout()
    assert BUYER in (await market.buyer.get("/@xiaoman/checkout")).text
    sent = await market.place()
    await market.notify(reference_of(sent), total_amount="168.00")
    await market.world.work()
    async with market.world.house.database.connection() as conn:
        placed = await conn.fetchval("select order_id from orders")
    assert isinstance(placed, UUID)
    return placing.link(market.world.house.keyring, market.shop_id, placed)


async def test_a_chain_of_two_earns_and_everybody_reads_why(market: Market) -> None:
    upper, lower = await chain(market)
    token = await bought(market, lower.code)
    root = f"/console/{market.shop_id}"
    assert BUYER in (await market.buyer.get(f"/o/{token}")).text
    order = (await market.seller.get(f"{root}/orders/1001")).text
    assert "周明的小铺" in order and "−¥16.80" in order and "−¥3.36" in order
    assert "¥147.84" in order
    parcel = {"carrier": "sf", "tracking_number": "SF1408223001001", "form_key": str(uuid4())}
    await market.seller.post(f"{root}/orders/1001/parcels", data=parcel)
    await market.buyer.post(f"/o/{token}/receipt")
    await market.world.work()
    earned = (await lower.browser.get(f"/console/{lower.shop_id}/earned")).text
    assert "¥168.00 × 10%" in earned and "冻结到" in earned and "小满茶器" in earned
    assert "陈婉婷" not in earned
    await market.books_balance()
    market.world.later(days=7, minutes=1)
    await ticking.sweep(market.world.house.database, market.world.at)
    await market.world.work()
    earned = (await upper.browser.get(f"/console/{upper.shop_id}/earned")).text
    assert "归你了，进了余额" in earned and "¥168.00 × 2%" in earned and "¥3.36" in earned
    page = (await market.seller.get(f"{root}/referrals")).text
    assert "周明的小铺" in page and "已归他" in page
    lines = (await market.seller.get(f"{root}/referrals/{lower.shop_id}")).text
    assert "已归他" in lines and "¥168.00 × 10%" in lines
    beyond = f"{root}/referrals/{lower.shop_id}?beyond={uuid4()}"
    assert "¥168.00 × 10%" not in (await market.seller.get(beyond)).text
    assert (await market.seller.get(f"{beyond}0")).status_code == 404
    money = (await lower.browser.get(f"/console/{lower.shop_id}/money")).text
    assert "分享佣金收入" in money
    assert (await market.seller.get(f"{root}/referrals/{market.shop_id}")).status_code == 404
    assert (await lower.browser.get(f"{root}/referrals")).status_code == 404
    await market.books_balance()


async def test_bad_rates_are_refused_at_their_field_and_a_stale_tab_is_told(market: Market) -> None:
    for first, second, code, more in (
        ("31", "0", "referral_capped", {"most": 30}),
        ("20", "10.01", "referral_capped", {"most": 30}),
        ("5", "6", "referral_second", {}),
        ("-5", "0", "referral_below_zero", {}),
        ("viel", "0", "referral_percent", {}),
        ("999999999999", "0", "referral_capped", {"most": 30}),
    ):
        answer = await gives(market, first, second)
        assert answer.status_code == 422 and says(answer, "zh-CN", code, **more), first
    assert (await gives(market, "10", "2")).status_code == 303
    stale = await gives(market, "20", "2", seen="0 0")
    assert stale.status_code == 422 and says(stale, "zh-CN", "form_moved")
    assert 'value="10"' in stale.text
    assert (await gives(market, "", "")).status_code == 303
    assert "分享也能赚一点" not in (await market.buyer.get("/@xiaoman/shares")).text


async def test_a_rate_below_cost_is_asked_for_once_and_a_thing_has_its_own(market: Market) -> None:
    async with market.world.house.database.connection() as conn:
        await conn.execute("update variants set cost_minor = 16000")
    here = f"/console/{market.shop_id}/goods/{market.product}/referral"
    asked = await market.seller.post(here, data={"first": "10", "second": "0", "then": "own"})
    assert asked.status_code == 422 and "低于成本" in asked.text and "¥151.20" in asked.text
    told = {"first": "10", "second": "0", "then": "own", "below_cost": "yes"}
    assert (await market.seller.post(here, data=told)).status_code == 303
    sheet = await market.buyer.get(f"/@xiaoman/p/{market.product}/shares")
    assert "¥16.80" in sheet.text
    usual = await market.seller.post(here, data={"then": "usual", "seen": "1000 0"})
    assert usual.status_code == 303
    sheet = await market.buyer.get(f"/@xiaoman/p/{market.product}/shares")
    assert "分享也能赚一点" not in sheet.text


async def test_only_ones_own_open_shop_is_said_and_it_can_be_unsaid(market: Market) -> None:
    upper, lower = await chain(market)
    sheet = f"/@xiaoman/p/{market.product}/shares"
    for shop_id in (lower.shop_id, market.shop_id, 999):
        answer = await upper.browser.post(f"{sheet}/earning", data={"shop": str(shop_id)})
        assert answer.status_code == 404
    assert (await upper.browser.post(f"{sheet}/earning", data={})).status_code == 303
    assert "替晓晓的小铺分享" in (await upper.browser.get(sheet)).text
    market.world.later(minutes=1)
    mine = await market.seller.get(sheet)
    assert "分享也能赚一点" not in mine.text  # who works here earns nothing
    nobody = await market.buyer.post(f"{sheet}/earning", data={"shop": str(upper.shop_id)})
    assert nobody.status_code == 303 and "/sign-in" in nobody.headers["location"]
    await bought(market, lower.code)
    async with market.world.house.database.connection() as conn:
        rows = await conn.fetch("select level, earner_shop_id from referrals")
    assert [tuple(row) for row in rows] == [(1, lower.shop_id)]
