"""What re-sold orders will bring stands where either seller looks, before the buyer has them."""

from __future__ import annotations

import re
from html import unescape
from uuid import uuid4

import pytest

from littleshop.sale import placing
from littleshop.web.console import resold_orders
from tests.web.back_room import BackRoom
from tests.web.market import Market, reference_of
from tests.web.test_reselling import Counter, counter
from tests.web.test_staff import joins


@pytest.fixture
async def hers(market: Market) -> Counter:
    """Somebody has paid 150 in her shop: of what our fee of 5 % leaves a third is hers."""
    found = await counter(market)
    async with market.world.house.database.connection() as conn:
        await conn.execute("update shops set commission_bps = 500")
    await found.basket(found.product)
    await market.notify(reference_of(await found.place(await found.form())), total_amount="150.00")
    await market.world.work()
    return found


async def ship(market: Market) -> None:
    parcel = {"carrier": "sf", "tracking_number": "SF1408223001001", "form_key": str(uuid4())}
    here = f"/console/{market.shop_id}/orders/1001/parcels"
    assert (await market.seller.post(here, data=parcel)).status_code == 303


async def receive(market: Market, hers: Counter) -> None:
    ((order_id,),) = await hers.rows("select order_id from orders")
    token = placing.link(market.world.house.keyring, market.shop_id, order_id)  # type: ignore[arg-type]
    await market.buyer.post(f"/o/{token}/receipt")
    await market.world.work()


async def test_who_sold_it_sees_it_in_her_orders_on_today_and_at_her_money(
    market: Market, hers: Counter
) -> None:
    root, sum_ = f"/console/{hers.shop_id}", "¥47.50"
    listed = await hers.her.get(f"{root}/orders")
    assert f'href="{root}/resold"' in listed.text and "转卖的 <span" in listed.text
    today = await hers.her.get(root)
    assert f"供货的店在备货。买家收到后归你 {sum_}" in today.text
    money = await hers.her.get(f"{root}/money")
    assert f"另有 {sum_} 是你转卖的" in money.text
    page = await hers.her.get(f"{root}/resold")
    assert "付了，在备货" in page.text and page.text.count(sum_) == 1  # said once: after our fee
    assert "路上" not in today.text + page.text and "你赚" not in page.text
    await ship(market)
    page = await hers.her.get(f"{root}/resold")
    assert f"买家收到后归你 {sum_}，最迟" in page.text and "已发出" in page.text
    today = await hers.her.get(root)
    assert "单转卖的还没收货" in today.text and "都已发出。" in today.text
    assert f"归你 {sum_}，第一单最迟" in today.text
    await receive(market, hers)
    for gone in (root, f"{root}/money", f"{root}/resold"):
        assert f"归你 {sum_}" not in (await hers.her.get(gone)).text
    assert f'href="{root}/resold"' in (await hers.her.get(f"{root}/orders")).text
    assert "你赚 ¥50.00" in (await hers.her.get(f"{root}/resold")).text  # before our fee
    figures = await hers.her.get(f"{root}/figures.csv")
    assert "150" not in figures.text  # what another ships is not her turnover
    await market.books_balance()


async def test_of_several_it_is_said_how_many_are_packed_and_how_many_sent(
    market: Market, hers: Counter
) -> None:
    await hers.basket(hers.product)
    await market.notify(reference_of(await hers.place(await hers.form())), total_amount="150.00")
    await market.world.work()
    root = f"/console/{hers.shop_id}"
    page = await hers.her.get(f"{root}/resold")
    assert "2 单还没收货" in page.text and "归你 ¥95.00。 供货的店在备货。" in page.text
    await ship(market)
    for told in (root, f"{root}/resold"):
        assert "1 单在备货，1 单已发出。" in (await hers.her.get(told)).text, told
    await market.books_balance()


async def test_who_ships_sees_which_orders_another_shop_sold_and_what_is_not_hers(
    market: Market, hers: Counter
) -> None:
    root, sum_ = f"/console/{market.shop_id}", "¥47.50"
    for state in ("to_ship", "all"):
        listed = await market.seller.get(f"{root}/orders", params={"state": state})
        assert "晓晓的小铺卖的" in listed.text, state
    assert f"其中 {sum_} 归替你卖的店" in (await market.seller.get(f"{root}/money")).text
    sellers = f"还没收货的，买家收到后归它 {sum_}"
    assert sellers in (await market.seller.get(f"{root}/resale")).text
    await ship(market)
    await receive(market, hers)
    assert "归替你卖的店" not in (await market.seller.get(f"{root}/money")).text
    assert sellers not in (await market.seller.get(f"{root}/resale")).text
    await market.books_balance()


async def test_her_list_of_orders_leads_nobody_to_a_page_that_is_not_his(
    market: Market, hers: Counter
) -> None:
    room = BackRoom(market.world, hers.her)
    room.root = f"/console/{hers.shop_id}"
    for role in ("packer", "manager"):
        browser = await joins(room, market.world, role)
        for q in ("", "1001"):
            page = await browser.get(f"{room.root}/orders", params={"q": q})
            found = re.findall(r'<a [^>]*href="([^"]+)"', page.text)
            ways = {unescape(each) for each in found if each.startswith(room.root)}
            assert any("/resold" in each for each in ways) == (role == "manager"), (role, q)
            for way in ways:
                assert (await browser.get(way)).status_code in (200, 303), (role, q, way)
    await market.books_balance()


async def test_a_name_is_found_however_long_ago_it_was_sold(
    market: Market, hers: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the last orders any part of a name is found, of all of them the name and the surname."""
    monkeypatch.setattr(resold_orders, "LOOKED_THROUGH", 0)
    root = f"/console/{hers.shop_id}"
    for q in ("陈婉婷", "陈", "婉婷"):
        assert "买家看到的订单号 1001" in (await hers.her.get(f"{root}/resold?q={q}")).text, q
        own = await hers.her.get(f"{root}/orders", params={"q": q})
        assert "转卖的订单里有 1 单" in own.text, q
    for q in ("婷", "林", "。"):
        assert "转卖的订单里没有" in (await hers.her.get(f"{root}/resold?q={q}")).text, q
    theirs = f"/console/{market.shop_id}/resold?q=陈婉婷"
    assert "转卖的订单里没有" in (await market.seller.get(theirs)).text
    await market.books_balance()
