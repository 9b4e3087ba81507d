"""A letter passed on to a payer, from the link to the money, and what is said when it ended."""

from __future__ import annotations

import re
from html import unescape
from uuid import UUID

from littleshop.sale import inviting
from littleshop.trade import invitations
from tests.cast import CNY
from tests.web.client import hidden, says
from tests.web.market import WANTING, Market
from tests.web.passing_on import asks, passes_on, written
from tests.web.test_my import comes_in, entered, shown
from tests.web.test_pay_letters import arrives, gives, time_passes


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


async def taken_back(market: Market) -> str:
    """The seller takes his letter back: its page at his desk."""
    listed = (await market.seller.get(f"/console/{market.shop_id}/collect")).text
    here = next(part.split('"')[0] for part in listed.split("/collect/")[1:] if part[8:9] == "-")
    at = f"/console/{market.shop_id}/collect/{here}"
    assert (await market.seller.post(f"{at}/cancellation")).status_code == 303
    await market.world.work()
    return at


async def test_what_nobody_is_paying_ends_with_its_letter_and_every_page_says_so(
    market: Market,
) -> None:
    link = await written(market)
    sent = await passes_on(market.buyer, link)
    await entered(market)
    assert "等对方付" in shown(await comes_in(market.world, market.buyer))
    desk = await taken_back(market)
    assert await market.statuses() == ["cancelled"]
    payer, stranger = market.world.browser("zh-CN"), market.world.browser("zh-CN")
    page = await payer.get(sent.letter)
    assert "收回了这封信，不能再付" in page.text and "/payment" not in page.text
    pressed = await payer.post(f"{sent.letter}/payment", data={"method": "alipay"})
    assert "alipay" not in pressed.headers.get("location", "")
    order = await market.buyer.get(sent.order)
    assert "卖家收回了那封信" in order.text and "data-link" not in order.text
    for who in (market.buyer, stranger):
        assert "收回了这封信，没有收钱" in (await who.get(link)).text
    mine = shown(await market.buyer.get("/my"))
    assert "取消了，没收钱" in mine and "可以付" not in mine and "等对方付" not in mine
    for path in ("", "/orders", desk.removeprefix(f"/console/{market.shop_id}"), "/orders/1001"):
        seen = (await market.seller.get(f"/console/{market.shop_id}{path}")).text
        assert "可以付了" not in seen, path
    [told] = [text for _, text in market.world.inbox if "1001" in text]  # once, to who asked
    assert sent.order.rpartition("/")[2] in told
    await market.books_balance()


async def test_who_is_paying_when_the_letter_is_taken_back_may_finish_and_nobody_later(
    market: Market,
) -> None:
    payer, sent = (
        market.world.browser("zh-CN"),
        await passes_on(market.buyer, await written(market)),
    )
    went = await gives(payer, sent)
    desk = await taken_back(market)
    assert "正在付款的人还可以付完" in (await market.seller.get(desk)).text
    assert await market.statuses() == ["placed"]
    await entered(market)
    for page in (await market.buyer.get(sent.order), await comes_in(market.world, market.buyer)):
        assert "到时没付成，这单就结束" in page.text and "都可以再付" not in page.text
    assert "前都可以付" in (await payer.get(f"{sent.letter}/payment")).text
    assert "可以再付" not in (await payer.get(f"{sent.letter}/payment")).text
    await arrives(market, went, "168.00")
    assert await market.statuses() == ["to_ship"]
    await market.books_balance()


async def test_who_was_paying_when_the_letter_was_taken_back_and_did_not_is_over_in_half_an_hour(
    market: Market,
) -> None:
    link = await written(market)
    payer, sent = market.world.browser("zh-CN"), await passes_on(market.buyer, link)
    went = await gives(payer, sent)
    await taken_back(market)
    assert "刚好有人在付你请的那一单" in (await market.buyer.get(link)).text
    await time_passes(market, minutes=31)
    assert await market.statuses() == ["cancelled"]
    assert "收回了这封信，不能再付" in (await payer.get(sent.letter)).text
    assert "卖家收回了那封信" in (await market.buyer.get(sent.order)).text
    await arrives(market, went, "168.00")  # late money goes back to whoever paid
    assert await market.statuses() == ["cancelled"]
    assert "¥168.00 原路退回" in (await payer.get(sent.letter)).text
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


async def amends(market: Market, price: str, hours: str = "") -> str:
    """The seller changes the letter: where its page is at his desk."""
    listed = (await market.seller.get(f"/console/{market.shop_id}/collect")).text
    here = next(part.split('"')[0] for part in listed.split("/collect/")[1:] if part[8:9] == "-")
    at = f"/console/{market.shop_id}/collect/{here}"
    name = re.search(r'name="(p-[0-9a-f-]+)"', (await market.seller.get(at)).text)
    assert name is not None
    terms = {"words": "给你留着。", "shipping": "0", "hours": hours, name[1]: price}
    assert (await market.seller.post(f"{at}/terms", data=terms)).status_code == 303
    return at.removeprefix(f"/console/{market.shop_id}")


async def seen_by_seller(market: Market, *paths: str) -> list[str]:
    return [(await market.seller.get(f"/console/{market.shop_id}{path}")).text for path in paths]


async def test_the_console_says_that_an_order_cannot_be_paid_since_its_letter_was_changed(
    market: Market,
) -> None:
    sent = await passes_on(market.buyer, await written(market))
    before = await seen_by_seller(market, "/orders?state=placed", "")
    assert all("可以付了" in page for page in before)
    desk = await amends(market, "150")
    here, listed, row, today = await seen_by_seller(
        market, "/orders/1001", "/orders?state=placed", desk, ""
    )
    assert "信改过了" in here and "照新的再请人付" in here and "没人付的话" not in here
    assert "信改过，付不了" in listed and "信改过，付不了" in row
    assert not any("可以付了" in page for page in (here, listed, row, today))
    assert "改了价" in (await market.world.browser("zh-CN").get(sent.letter)).text
    await amends(market, "168")  # as he was asked: it may be paid again
    again = await seen_by_seller(market, "/orders?state=placed", "")
    assert all("可以付了" in page for page in again)
    await market.books_balance()


async def test_the_console_says_that_an_order_cannot_be_paid_since_its_letter_ended_sooner(
    market: Market,
) -> None:
    sent = await passes_on(market.buyer, await written(market))
    desk = await amends(market, "168")
    letter, house, at = UUID(desk.rpartition("/")[2]), market.world.house, market.world.later()
    async with house.database.connection() as conn:
        known = {
            each.variant_id: 16800 for each in await invitations.lines(conn, market.shop_id, letter)
        }
    await house.database.transaction(
        lambda conn: inviting.amend(
            conn, market.shop_id, letter, words="", shipping=CNY("0"), prices=known, hours=1, at=at
        )
    )
    assert "可以付了" in (await seen_by_seller(market, "/orders?state=placed"))[0]
    await time_passes(market, hours=2)
    pages = await seen_by_seller(market, "/orders/1001", "/orders?state=placed", desk, "")
    assert await market.statuses() == ["invited"]
    assert "信过期了，这一单付不了了" in pages[0]
    assert "信过期，付不了" in pages[1] and "信过期，付不了" in pages[2]
    assert not any("可以付了" in page for page in pages)
    assert "/payment" not in (await market.world.browser("zh-CN").get(sent.letter)).text
    await market.books_balance()
