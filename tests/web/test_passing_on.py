"""A letter passed on to a payer, from the link to the money, and what is said when it ended."""

from __future__ import annotations

import re
from html import unescape

from tests.web.client import hidden, says
from tests.web.market import WANTING, Market
from tests.web.passing_on import asks, passes_on, written
from tests.web.test_pay_letters import arrives, gives


async def test_a_letter_is_passed_on_to_a_payer_who_never_sees_where_it_goes(
    market: Market,
) -> None:
    link = await written(market)
    assert "请别人付" in (await market.buyer.get(link)).text
    nameless = await asks(market.buyer, link, from_name=" ")
    assert nameless.status_code == 409 and says(nameless, "zh-CN", "asker_nameless")
    sent = await passes_on(market.buyer, link)
    assert await market.statuses() == ["invited"]
    mine = (await market.buyer.get(link)).text
    assert "看看要发的链接" in mine and sent.order in mine
    stranger = market.world.browser("zh-CN")
    assert "收下，去付" in (await stranger.get(link)).text  # it is open for whoever has it

    payer, other = market.world.browser("zh-CN"), market.world.browser("zh-CN")
    page = await payer.get(sent.letter)
    for said in ("阿婷请你帮忙付", "你说挑个暖和的", "月白釉盖碗", "168"):
        assert said in page.text
    assert [each for each in (*sent.secrets, link) if each in page.text] == []
    went, twice = await gives(payer, sent), await gives(other, sent)
    assert "刚好有人在付" in (await stranger.get(link)).text
    await arrives(market, went, "168.00")
    await arrives(market, twice, "168.00")
    assert await market.statuses() == ["to_ship"]
    assert "你付了 ¥168.00" in (await payer.get(sent.letter)).text
    assert "比你早一步" in (await other.get(sent.letter)).text
    assert "/o/" not in (await stranger.get(link)).text
    await market.books_balance()


async def test_a_letter_that_was_taken_back_says_what_is_next_on_both_sides(
    market: Market,
) -> None:
    link = await written(market)
    sent = await passes_on(market.buyer, link)
    listed = (await market.seller.get(f"/console/{market.shop_id}/collect")).text
    here = next(part.split('"')[0] for part in listed.split("/collect/")[1:] if part[8:9] == "-")
    at = f"/console/{market.shop_id}/collect/{here}"
    assert (await market.seller.post(f"{at}/cancellation")).status_code == 303
    payer = market.world.browser("zh-CN")
    page = await payer.get(sent.letter)
    assert "收回了这封信，不能再付" in page.text and "/payment" not in page.text
    pressed = await payer.post(f"{sent.letter}/payment", data={"method": "alipay"})
    assert "alipay" not in pressed.headers.get("location", "")
    order = await market.buyer.get(sent.order)
    assert "收回了那封信" in order.text and "data-link" not in order.text
    assert await market.statuses() == ["invited"]
    await market.books_balance()


async def test_who_asks_another_finds_that_button_alone_and_says_his_name_once(
    market: Market,
) -> None:
    for link, names in ((await written(market), 2), (await written(market, "amount"), 1)):
        seen = await market.buyer.get(f"{link}/checkout?payer=1")
        page = seen.text
        acts = re.findall(r'<button class="(?:btn go|vh)[^>]*value="([a-z_]+)"', page)
        assert set(acts) == {"pay_for_me"}  # and so does whoever presses Enter
        assert 'name="from_name"' in page and 'value="阿婷"' in page and 'name="method"' not in page
        asked = re.findall(r'name="(?:recipient|from_name)"', page)
        assert len(asked) == names and ("收件人" in page) == (names == 2)
        form = {name: unescape(hidden(seen, name)) for name in ("key", "total", "said")}
        typed = {"then": "pay_for_me", "from_name": "阿婷", "phone": WANTING["phone"]}
        bad = await market.buyer.post(f"{link}/checkout?payer=1", data=form | typed | {"phone": ""})
        assert bad.status_code == 409 and 'value="pay_for_me"' in bad.text
        assert 'value="place"' not in bad.text
        where = WANTING if names == 2 else {}
        answer = await market.buyer.post(f"{link}/checkout?payer=1", data=where | form | typed)
        assert answer.status_code == 303, answer.text
        himself = (await market.world.browser("zh-CN").get(f"{link}/checkout")).text
        assert ("收件人" in himself) == (names == 2)
    assert await market.statuses() == ["invited", "invited"]
