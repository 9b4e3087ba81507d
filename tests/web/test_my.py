"""The buyer's home: what waits for 陈婉婷, her orders in all shops, and nobody else's."""

from __future__ import annotations

import html
import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from littleshop import db, http
from littleshop.pay.gateways import wechat_openid
from littleshop.trade import person_orders
from tests.web.client import World, says
from tests.web.market import WANTING, Market, reference_of

HERS, HIS = "138 0000 2046", "138 0000 3057"
WECHAT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) Mobile/15E148 MicroMessenger/8.0.50"


async def comes_in(world: World, phone: httpx.AsyncClient, number: str = HERS) -> httpx.Response:
    """Somebody types the phone and the code that came to it; the page that follows."""
    page = await phone.post("/my/code", data={"phone": number, "form_key": ""})
    assert page.status_code == 200, page.text
    await world.work()
    answer = await phone.post("/my/code", data={"phone": number, "digits": world.code()})
    assert answer.headers["location"] == "/my", answer.text
    return await phone.get("/my")


async def buys(
    market: Market, buyer: httpx.AsyncClient, phone: str, pieces: int = 1
) -> dict[str, str]:
    """An order by this phone, not paid; the form and, as "to", where it led."""
    await market.to_checkout(buyer, pieces)
    form = await market.form(buyer) | {"phone": phone, "recipient": f"收件 {phone[-4:]}"}
    answer = await buyer.post("/@xiaoman/checkout", data=form)
    assert answer.status_code == 303, answer.text
    return form | {"to": answer.headers["location"]}


def reference(to: str) -> str:
    """What the payment is called at the rail that she was sent to."""
    return reference_of(httpx.Response(303, headers={"location": to}))


async def entered(market: Market) -> None:
    """The job has been by."""
    await person_orders.fill(market.world.house.database)


def shown(page: httpx.Response) -> str:
    text = re.sub(r"<[^>]+>", " ", page.text.partition("<main")[2])
    return re.sub(r"\s+", " ", html.unescape(text))


async def test_two_phones_see_their_own_orders_and_nobody_elses(market: Market) -> None:
    world = market.world
    her, him = world.browser("zh-CN"), world.browser("zh-CN")
    begun = reference((await buys(market, her, HERS, 2))["to"])
    await buys(market, him, HIS)
    await entered(market)
    other_device = world.browser("zh-CN")
    page = await comes_in(world, other_device)
    assert "在等你" in shown(page) and "1001" in shown(page) and "1002" not in shown(page)
    assert "谁都不操作的话， 到 今天 10:30 订单就关，东西放回架上" in shown(page)
    assert "寄给收件 2046，杭州市 西湖区 文三路 478 号" in shown(page) and "3057" not in page.text
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"/o/|[0-9a-v]+-[a-z2-7]{26}", page.text)  # no token on the page
    mine, his = f"/my/orders/{market.shop_id}/1001", f"/my/orders/{market.shop_id}/1002"
    assert (await other_device.post(his)).status_code == 404
    assert (await him.post(mine)).headers["location"] == "/my"  # not signed in
    order = (await other_device.post(mine)).headers["location"]
    assert "去付" not in (await him.get(order)).text
    assert (
        await other_device.post(f"{order}/payment", data={"method": "alipay"})
    ).status_code == 303
    await market.notify(begun, total_amount="336.00")
    await world.work()
    assert "付了，等发货" in shown(await other_device.get("/my"))
    await market.books_balance()


async def test_a_wrong_code_opens_nothing_and_a_code_works_where_it_was_asked_for(
    market: Market,
) -> None:
    world, thief = market.world, market.world.browser()
    phone = world.browser()
    await phone.post("/my/code", data={"phone": HERS})
    await world.work()
    right = world.code()
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    answer = await phone.post("/my/code", data={"phone": HERS, "digits": wrong})
    assert says(answer, "en", "code_wrong", left=4) and http.SESSION not in phone.cookies
    answer = await thief.post("/my/code", data={"phone": HERS, "digits": right})
    assert says(answer, "en", "code_expired") and http.SESSION not in thief.cookies
    assert (await phone.post("/my/code", data={"phone": "123"})).status_code == 422
    assert (await phone.post("/my/code", data={"phone": "x", "digits": right})).status_code == 422
    world.later(seconds=10)
    again = await phone.post("/my/code", data={"phone": HERS})  # too soon: the field stays
    assert 'name="digits"' in again.text and again.status_code == 422
    answer = await phone.post("/my/code", data={"phone": HERS, "digits": right})
    assert answer.status_code == 303
    assert (await phone.get("/my")).status_code == 200
    proven = "select count(*) from phone_browsers"
    async with world.house.database.connection() as conn:
        before = await conn.fetchval(proven)
        await phone.post("/my/leaving")
        assert await conn.fetchval(proven) == before - 1  # nor is her phone proven here any more
    assert 'name="phone"' in (await phone.get("/my")).text


async def test_the_list_lags_but_never_lies(market: Market) -> None:
    """Entered once whatever is repeated; an entry that points at somebody else's order, or at one
    that she replaced, shows nothing."""
    world, her = market.world, market.buyer
    form = await buys(market, her, HERS)
    page = await comes_in(world, her)
    assert "1001" not in page.text  # not yet
    await entered(market)
    await entered(market)
    database = world.house.database
    async with database.connection() as conn:
        late = person_orders.Behind(market.shop_id, 0, 1001)
        assert not await person_orders.enter(conn, late)  # killed before it remembered how far
        assert await conn.fetchval("select count(*) from person_orders") == 1
        assert await person_orders.behind(conn) == []
    assert shown(await her.get("/my")).count("1001") == 1
    again = form | {"key": "her-own-new-attempt-of-it", "street": "教工路 1 号"}
    assert (await market.place(again)).status_code == 303  # it replaces the first
    await buys(market, world.browser("zh-CN"), HIS)
    await entered(market)
    async with database.connection() as conn:  # as if an order had changed hands since
        await conn.execute(
            "insert into person_orders select $1, shop_id, order_id, placed_at from orders"
            " where number = 1003",
            await conn.fetchval("select phone_index from orders where number = 1002"),
        )
    page = await her.get("/my")
    assert "1001" not in page.text and "1002" in page.text and "1003" not in page.text


async def test_a_letter_waits_on_the_phone_it_names_and_a_pot_says_what_is_in_it_and_her_part(
    market: Market,
) -> None:
    world, her = market.world, market.world.browser("zh-CN")
    form = {
        "form_key": str(uuid4()), "kind": "amount", "then": "send", "phone": HERS, "uses": "1",
        "hours": "24", "own-0-title": "定金", "own-0-price": "50",
    }  # fmt: skip
    root = f"/console/{market.shop_id}/collect"
    assert (await market.seller.post(root, data=form)).status_code == 303
    await market.to_checkout(her)
    checkout = await market.form(her) | {"phone": HERS, "from_name": "阿婷", "then": "chip_in"}
    order = (await her.post("/@xiaoman/checkout", data=checkout)).headers["location"]
    await entered(market)
    said = shown(await comes_in(world, her))
    assert "大家一起凑 · 还没有人出" in said and "等大家凑" in said and "0.00" not in said
    rest = {"key": "k" * 20, "amount": "other", "other": "100"}
    went = await her.post(f"{order}/payment", data=rest | {"method": "alipay"})
    await market.notify(reference_of(went), total_amount="100.00")
    await world.work()
    page = await her.get("/my")
    assert "写信给你：定金" in shown(page) and "看信" in shown(page)
    assert "大家一起凑 · ¥168.00 凑了 ¥100.00 · 我出了 ¥100.00" in shown(page)
    letter = re.search(r'action="(/my/letters/[^"]+)"', page.text)
    assert letter is not None
    assert (await her.post(letter[1])).headers["location"].startswith("/i/")
    him = world.browser("zh-CN")
    await comes_in(world, him, HIS)
    assert (await him.post(letter[1])).status_code == 404


async def test_a_shop_with_many_orders_is_entered_piece_by_piece(market: Market) -> None:
    for turn in range(3):
        await buys(market, market.world.browser("zh-CN"), f"138 0000 40{turn:02}")
    async with market.world.house.database.connection() as conn:
        [shop] = await person_orders.behind(conn)
        assert await person_orders.enter(conn, shop, most=2)
        [shop] = await person_orders.behind(conn)
        assert shop.number == 1002
        assert not await person_orders.enter(conn, shop, most=2)
        assert await person_orders.behind(conn) == []
        assert await conn.fetchval("select count(*) from person_orders") == 3


async def test_the_second_time_the_address_stands_there(market: Market) -> None:
    """That of an order she paid; what a stranger ordered in her name fills nothing in."""
    world, phone = market.world, market.world.browser("zh-CN")
    paid = reference((await buys(market, market.buyer, HERS))["to"])
    await entered(market)
    await comes_in(world, phone)
    await market.to_checkout(phone)
    assert WANTING["street"] not in (await phone.get("/@xiaoman/checkout")).text
    assert "寄到过哪里" not in (await phone.get("/my")).text
    await market.notify(paid)
    await world.work()
    page = (await phone.get("/@xiaoman/checkout")).text
    for value in ("收件 2046", WANTING["city"], WANTING["district"], WANTING["street"]):
        assert f'value="{value}"' in page
    assert "收件 2046" in shown(await phone.get("/my"))
    other = world.browser("zh-CN")
    await market.to_checkout(other)
    assert WANTING["street"] not in (await other.get("/@xiaoman/checkout")).text
    await comes_in(world, other, HIS)
    assert WANTING["street"] not in (await other.get("/@xiaoman/checkout")).text


class Wechat:
    """WeChat's sign-in, played: it sends back whoever holds the phone."""

    holder = "openid-of-wanting"

    def begin(self, back: str) -> wechat_openid.Begun:
        return wechat_openid.Begun(f"https://open.weixin.qq.com/?back={back}", "state-1")

    async def openid(self, code: str) -> str:
        return self.holder

    async def disconnect(self) -> None:
        return


async def test_wechat_knows_her_after_she_showed_her_phone_there(market: Market) -> None:
    world, app = market.world, Wechat()
    house: Any = world.house
    house.wechat_login = app

    async def presses(phone: httpx.AsyncClient) -> httpx.Response:
        """The button, WeChat, and back; the page that follows."""
        answer = await phone.post("/my/wechat")
        assert "back=http://shop.test/my/wechat" in answer.headers["location"]
        answer = await phone.get("/my/wechat?code=c&state=state-1")
        return await phone.get(answer.headers["location"])

    phone = world.browser(user_agent=WECHAT)
    assert "Go on as you are in WeChat" in (await phone.get("/my")).text
    assert "does not tell us yet" in (await presses(phone)).text
    await comes_in(world, phone)
    other = world.browser(user_agent=WECHAT)
    assert "138 **** 2046" in (await presses(other)).text
    app.holder = "openid-of-a-stranger"
    world.later(minutes=11)
    await comes_in(world, phone, HIS)  # with hers in its cookie still, WeChat was not asked
    async with house.database.connection() as conn:
        assert await conn.fetchval("select count(distinct person_id) from familiars") == 1
    assert 'name="phone"' in (await presses(world.browser(user_agent=WECHAT))).text
    forged = world.browser(user_agent=WECHAT)
    assert (await forged.get("/my/wechat?code=c&state=state-1")).status_code == 422
    await other.post("/my/leaving")
    assert 'name="phone"' in (await presses(other)).text  # who leaves is asked again
    async with house.database.connection() as conn:
        assert "openid" not in str(await conn.fetch("select * from familiars"))


@pytest.mark.parametrize("path", ["/my/code", "/my/leaving", "/my/orders/1/1"])
async def test_what_takes_presses_only_leads_home(world: World, path: str) -> None:
    assert (await world.browser().get(path)).headers["location"] == "/my"


async def test_a_phone_keeps_the_page_on_its_home_screen(world: World) -> None:
    told = (await world.browser("zh-CN").get("/my/manifest.webmanifest")).json()
    assert (told["start_url"], told["display"], told["name"]) == (
        "/my", "standalone", "我在 littleshop 的订单",
    )  # fmt: skip
    icon = await world.browser().get(told["icons"][0]["src"])
    assert icon.headers["content-type"] == "image/png"
    assert isinstance(world.house.database, db.Database)
