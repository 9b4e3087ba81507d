"""Buying through the pages: a stranger with a phone, a friend with a link, a rail that lies."""

from __future__ import annotations

import json
import re
from html import unescape

import httpx

from littleshop.sale import placing
from tests.web.client import hidden
from tests.web.market import WANTING, Market, reference_of


async def test_a_phone_is_sent_to_the_rail_and_the_notice_pays_the_order(market: Market) -> None:
    await market.to_checkout()
    sent = await market.place()
    assert sent.status_code == 303
    assert (await market.notify(reference_of(sent))).content == b"success"
    assert await market.statuses() == ["placed"]  # nothing is decided inside the callback
    await market.world.work()
    assert await market.statuses() == ["to_ship"]
    await market.books_balance()


async def test_the_same_notice_five_times_pays_once(market: Market) -> None:
    await market.to_checkout()
    reference = reference_of(await market.place())
    for _ in range(5):
        answer = await market.notify(reference, notify_id="2026112300222100000000000000000009")
        assert answer.content == b"success"
    await market.world.work()
    assert await market.statuses() == ["to_ship"]
    await market.books_balance()


async def test_a_tampered_notice_changes_nothing(market: Market) -> None:
    await market.to_checkout()
    reference = reference_of(await market.place())
    body = market.alipay.notice(out_trade_no=reference, total_amount="168.00")
    rail = market.world.browser(sec_fetch_site="cross-site")
    answer = await rail.post(
        "/callbacks/alipay", content=body.replace(b"168.00", b"169.00"),
    )  # fmt: skip
    assert (answer.status_code, answer.content) == (400, b"fail")
    await market.world.work()
    assert await market.statuses() == ["placed"]


async def test_a_notice_of_a_wrong_amount_is_refunded_in_full(market: Market) -> None:
    await market.to_checkout()
    reference = reference_of(await market.place())
    market.alipay.answers["alipay.trade.refund"] = {
        "fund_change": "Y",
        "refund_fee": "0.01",
        "out_trade_no": reference,
    }
    await market.notify(reference, total_amount="0.01")
    await market.world.work()
    assert await market.statuses() == ["placed"]
    await market.books_balance()


async def test_a_refund_notice_before_the_payment_is_no_payment(market: Market) -> None:
    await market.to_checkout()
    reference = reference_of(await market.place())
    await market.notify(reference, refund_fee="168.00", out_biz_no="X", gmt_refund="2026-11-23")
    await market.world.work()
    assert await market.statuses() == ["placed"]
    await market.notify(reference)
    await market.world.work()
    assert await market.statuses() == ["to_ship"]
    await market.books_balance()


async def test_a_double_click_places_one_order_and_leads_to_one_cashier(market: Market) -> None:
    await market.to_checkout()
    form = await market.form()
    first, second = await market.place(form), await market.place(form)
    assert reference_of(first) == reference_of(second)
    assert await market.orders() == 1


async def test_going_back_and_changing_the_address_replaces_the_order(market: Market) -> None:
    await market.to_checkout(pieces=10)
    form = await market.form()
    await market.place(form)
    again = form | {"key": "another-page-of-the-same-cart", "street": "教工路 1 号"}
    assert (await market.place(again)).status_code == 303
    assert await market.statuses() == ["cancelled", "placed"]
    await market.books_balance()


async def test_a_price_that_changed_while_the_page_was_open_is_shown_first(
    market: Market,
) -> None:
    await market.to_checkout()
    form = await market.form()
    async with market.world.house.database.connection() as conn:
        await conn.execute("update variants set price_minor = 18800")
        await conn.execute("update shops set pricing_version = pricing_version + 1")
    answer = await market.place(form)
    assert answer.status_code == 409
    assert "188" in answer.text
    assert "文三路 478 号" in answer.text  # what was typed is still there
    assert await market.orders() == 0
    assert hidden(answer, "total") == "18800"


async def test_more_than_there_is_goes_back_to_the_basket(market: Market) -> None:
    await market.to_checkout(pieces=11)
    answer = await market.place()
    assert answer.status_code == 409
    assert await market.orders() == 0
    assert "10" in answer.text


async def test_each_field_says_what_it_lacks_and_nothing_is_lost(market: Market) -> None:
    await market.to_checkout()
    form = await market.form() | {"phone": "138 0000 204", "street": "", "recipient": ""}
    answer = await market.place(form)
    assert answer.status_code == 409
    assert "10" in answer.text and "11" in answer.text
    assert 'value="杭州市"' in answer.text
    assert hidden(answer, "key") == form["key"]
    assert await market.orders() == 0


async def test_a_form_from_another_site_is_refused(market: Market) -> None:
    await market.to_checkout()
    form = await market.form()
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        answer = await market.buyer.post("/@xiaoman/checkout", data=form, headers=headers)
        assert answer.status_code == 403
    assert await market.orders() == 0


async def test_a_friend_with_the_link_sees_and_cannot_act(market: Market) -> None:
    await market.to_checkout()
    reference = reference_of(await market.place())
    await market.notify(reference)
    await market.world.work()
    link = await _link(market)
    friend = market.world.browser("zh-CN")
    page = await friend.get(link)
    assert page.status_code == 200
    assert "文三" not in page.text and "2046" not in page.text and "陈" not in page.text
    assert page.headers["referrer-policy"] == "same-origin"
    for act in ("receipt", "cancellation", "reminder", "extension", "payment"):
        assert (await friend.post(f"{link}/{act}")).status_code == 409, act
    assert (await friend.get(f"{link}/pickup")).status_code == 409
    assert await market.statuses() == ["to_ship"]


async def _link(market: Market) -> str:
    """The order's address."""
    house = market.world.house
    async with house.database.connection() as conn:
        row = await conn.fetchrow("select shop_id, order_id from orders order by number limit 1")
    assert row is not None
    return f"/o/{placing.link(house.keyring, row['shop_id'], row['order_id'])}"


async def test_another_device_acts_after_a_code_to_the_orders_phone(market: Market) -> None:
    await market.to_checkout()
    await market.notify(reference_of(await market.place()))
    await market.world.work()
    link, other = await _link(market), market.world.browser("zh-CN")
    await other.post(f"{link}/code", data={})
    await market.world.work()
    assert market.world.inbox[-1][0].endswith("13800002046")
    wrong = await other.post(f"{link}/code", data={"digits": "000000"})
    assert wrong.status_code == 409
    await other.post(f"{link}/code", data={"digits": market.world.code()})
    assert (await other.post(f"{link}/reminder")).status_code == 303


async def test_tokens_of_nobody_and_of_other_shops_are_not_found(market: Market) -> None:
    for token in ("1-aaaaaaaaaaaaaaaaaaaaaaaaaa", "9-x", "nonsense", "-", "zz-zz"):
        assert (await market.buyer.get(f"/o/{token}")).status_code == 404


async def test_inside_wechat_the_way_out_is_shown_before_anything_is_ordered(
    market: Market,
) -> None:
    chat = market.world.browser(
        "zh-CN", user_agent="Mozilla/5.0 (iPhone) MicroMessenger/8.0.50 Mobile"
    )
    await market.to_checkout(chat)
    form = await market.form(chat)
    answer = await chat.post("/@xiaoman/checkout", data=form)
    assert answer.status_code == 409
    assert "按上面两步到浏览器里付" in answer.text
    assert 'value="alipay"' not in answer.text
    assert await market.statuses() == []


async def test_the_address_of_a_checkout_holds_its_goods_whatever_was_pressed(
    market: Market,
) -> None:
    await market.to_checkout()
    form = await market.form()
    for pressed in ("gift", "quote", "split"):
        drawn = await market.buyer.post("/@xiaoman/checkout", data=form | {"then": pressed})
        shown = re.search(r'action="(/@xiaoman/checkout\?only=[^"]+)"', drawn.text)
        assert shown is not None, drawn.text[:300]
        here = unescape(shown[1])
        elsewhere = await market.world.browser().get(here)
        assert elsewhere.status_code == 200 and hidden(elsewhere, "items") == form["items"], pressed
        assert ('name="to_name"' in elsewhere.text) == (pressed == "gift")
        assert "13800002046" not in here  # nobody's name or phone
        assert f'href="/@xiaoman/p/{market.product}"' in elsewhere.text  # the way back


async def test_a_desk_is_shown_a_code_and_a_rail_that_is_away_is_said(market: Market) -> None:
    market.alipay.answers["alipay.trade.precreate"] = {"qr_code": "https://qr.test/1"}
    desk = market.world.browser("zh-CN", user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/130")
    await market.to_checkout(desk)
    answer = await desk.post("/@xiaoman/checkout", data=await market.form(desk))
    assert answer.headers["location"].endswith("/payment?way=alipay")
    assert "<svg" in (await desk.get(answer.headers["location"])).text
    market.alipay.answers["alipay.trade.precreate"] = lambda: httpx.Response(502)
    await market.to_checkout(desk)
    answer = await desk.post("/@xiaoman/checkout", data=await market.form(desk))
    failed = await desk.get(answer.headers["location"])
    assert answer.headers["location"].endswith("failed=1&way=alipay")
    assert failed.status_code == 200
    assert await market.statuses() == ["placed", "placed"]


async def test_the_twenty_first_checkout_of_an_hour_is_refused_with_the_wait(
    market: Market,
) -> None:
    await market.to_checkout()
    form = await market.form()
    for _ in range(20):
        await market.place(form)
    answer = await market.place(form)
    assert answer.status_code == 429
    assert await market.orders() == 1


async def test_buy_now_buys_exactly_this_whatever_lies_in_the_basket(market: Market) -> None:
    await market.to_checkout(pieces=3)
    answer = await market.buyer.post(
        "/@xiaoman/basket/items",
        data={"product": market.product, "quantity": "1", "then": "checkout"},
    )
    page = await market.buyer.get(answer.headers["location"])
    assert hidden(page, "total") == "16800"
    again = await market.world.browser("zh-CN").get(answer.headers["location"])
    assert hidden(again, "total") == "16800"  # the way out of a chat brings the thing along


async def test_a_paid_order_is_found_again_by_the_link_in_the_sms(market: Market) -> None:
    await market.to_checkout()
    await market.notify(reference_of(await market.place()))
    await market.world.work()
    told = [text for phone, text in market.world.inbox if phone.endswith("13800002046")]
    token = json.loads(told[-1])["link"]
    assert (await market.world.browser("zh-CN").get(f"/o/{token}")).status_code == 200


async def test_a_stranger_who_names_a_phone_does_not_keep_its_owner_from_buying(
    market: Market,
) -> None:
    for named in ("13800002046", "+8613800002046"):
        for number in range(20):  # whatever is counted of the phone alone stops nobody
            market.world.house.meters.spend(
                "checkout", [named, f"device {number}", "203.0.113.9"], market.world.at
            )
    await market.to_checkout()
    assert reference_of(await market.place())
    await market.books_balance()


async def test_whoever_buys_at_once_with_another_s_phone_ends_no_order_of_his(
    market: Market,
) -> None:
    """Two browsers that never were here: the second one only types the first one's phone."""
    async with market.world.house.database.connection() as conn:
        variant = await conn.fetchval("select variant_id from variants limit 1")
    names = ("key", "items", "cart", "total")
    for _ in range(2):
        stranger = market.world.browser()
        page = await stranger.get(f"/@xiaoman/checkout?only={variant}:1")
        form = {name: hidden(page, name) for name in names} | WANTING
        assert (await stranger.post("/@xiaoman/checkout", data=form)).status_code == 303
    assert await market.statuses() == ["placed", "placed"]
    again = await stranger.get(f"/@xiaoman/checkout?only={variant}:1")  # his own takes its place
    form = {name: hidden(again, name) for name in names} | WANTING
    assert (await stranger.post("/@xiaoman/checkout", data=form)).status_code == 303
    assert sorted(await market.statuses()) == ["cancelled", "placed", "placed"]
