"""The cashier inside WeChat: who the payer is, the call of its bridge, and who may not pay."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from littleshop import db
from littleshop.pay import switches
from littleshop.pay.gateways import Gateway, alipay, wechat_openid, wechat_pay
from tests.cast import MORNING
from tests.pay.gateways.small_alipay import SmallAlipay
from tests.pay.gateways.small_wechat_pay import SmallWechatPay
from tests.web import client as clients
from tests.web.client import ORIGIN, Hands
from tests.web.market import Market

CHAT = "Mozilla/5.0 (Linux; Android 14) Mobile Safari MicroMessenger/8.0.50"
DESK = "Mozilla/5.0 (X11; Linux x86_64) Firefox/130"
H5_AGENT = "Mozilla/5.0 (Linux; Android 14) Mobile Safari"
JSAPI, NATIVE, H5 = (f"POST /v3/pay/transactions/{kind}" for kind in ("jsapi", "native", "h5"))


@dataclass
class Login:
    """api.weixin.qq.com: what it says to a code."""

    says: dict[str, object] = field(default_factory=lambda: {"openid": "oPayer_123456"})
    asked: int = 0

    def answer(self, _request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(200, json=self.says)


@dataclass
class Rails(Market):
    """The same shop with WeChat beside Alipay, and a buyer's phone inside WeChat."""

    wechat: SmallWechatPay
    login: Login
    chat: httpx.AsyncClient

    async def press(self, client: httpx.AsyncClient, method: str) -> httpx.Response:
        """Order one bowl, to be paid this way."""
        await self.to_checkout(client)
        form = await self.form(client) | {"method": method}
        return await client.post("/@xiaoman/checkout", data=form)

    async def log_in(self) -> tuple[str, str]:
        """Order inside WeChat and be sent to its login: the order's address, and the state."""
        sent = await self.press(self.chat, "wechat_pay")
        asked = parse_qs(urlsplit(sent.headers["location"]).query)
        back = asked["redirect_uri"][0]
        assert sent.headers["location"].startswith("https://open.weixin.qq.com/")
        assert back.startswith(f"{ORIGIN}/o/") and back.endswith("/payment/wechat")
        return urlsplit(back).path.removesuffix("/wechat"), asked["state"][0]

    async def attempts(self) -> list[tuple[str, str]]:
        async with self.world.house.database.connection() as conn:
            rows = await conn.fetch("select gateway, method from payments order by asked_at")
        return [(row["gateway"], row["method"]) for row in rows]

    def calls(self, kind: str = "") -> list[str]:
        """What was asked of WeChat Pay."""
        return [one.url.path for one in self.wechat.heard if one.url.path.endswith(kind)]


@pytest_asyncio.fixture
async def rails(dsn: str, home: Path) -> AsyncIterator[Rails]:
    small, wechat, login, clock = SmallAlipay(), SmallWechatPay(), Login(), Hands(MORNING)
    wechat.now = MORNING
    wechat.answers = {
        JSAPI: (200, {"prepay_id": "wx22180000000001"}),
        NATIVE: (200, {"code_url": "weixin://wxpay/bizpayurl?pr=1"}),
        H5: (200, {"h5_url": "https://wx.tenpay.test/h5?prepay_id=1"}),
    }
    opened: dict[str, Gateway] = {
        "alipay": alipay.open_rail(small.rail, clock, small.transport()),
        "wechat_pay": wechat_pay.open_rail(wechat.rail, clock, wechat.transport()),
    }
    async with clients.opened(dsn, home, opened) as world:
        house = world.house
        house.wechat_login = wechat_openid.open_login(
            wechat.rail, httpx.MockTransport(login.answer)
        )
        world.clock = house.clock = clock
        seller = world.browser("zh-CN")
        shop_id = await world.open_shop(seller)
        product = await world.add_product(seller, shop_id)
        buyer, chat = world.browser("zh-CN"), world.browser("zh-CN", user_agent=CHAT)
        yield Rails(world, small, seller, buyer, shop_id, product, wechat, login, chat)


def bridge_call(page: httpx.Response) -> dict[str, str]:
    """The parameters with which this page calls WeChat's cashier."""
    found: dict[str, str] = json.loads(unescape(page.text.split('data-bridge="')[1].split('"')[0]))
    return found


async def test_inside_wechat_the_payer_is_asked_for_once_and_the_page_calls_the_cashier(
    rails: Rails,
) -> None:
    order, state = await rails.log_in()
    back = await rails.chat.get(f"{order}/wechat", params={"code": "c0de", "state": state})
    assert back.headers["location"] == f"{order}?way=wechat_pay"
    page = await rails.chat.get(back.headers["location"])
    assert bridge_call(page)["package"] == "prepay_id=wx22180000000001"
    assert rails.wechat.content()["payer"] == {"openid": "oPayer_123456"}
    again = await rails.press(rails.chat, "wechat_pay")  # the browser knows the payer now
    assert again.headers["location"].endswith("/payment?way=wechat_pay")
    assert rails.login.asked == 1


async def test_a_refresh_shows_the_same_call_and_an_old_one_is_asked_for_anew(
    rails: Rails,
) -> None:
    order, state = await rails.log_in()
    await rails.chat.get(f"{order}/wechat", params={"code": "c0de", "state": state})
    first, second = [bridge_call(await rails.chat.get(order)) for _ in range(2)]
    await rails.chat.post(order, data={"method": "wechat_pay"})
    assert first == second and len(rails.calls("jsapi")) == 1
    rails.wechat.now = rails.world.later(minutes=5)
    assert "data-bridge" not in (await rails.chat.get(order)).text
    await rails.chat.post(order, data={"method": "wechat_pay"})
    assert "data-bridge" in (await rails.chat.get(order)).text
    assert len(rails.calls("jsapi")) == 2
    assert await rails.attempts() == [("wechat_pay", "jsapi")]


@pytest.mark.parametrize("given", [{}, {"state": "forged"}, {"state": ""}])
async def test_a_login_that_nobody_here_began_is_refused_politely_and_does_nothing(
    rails: Rails, given: dict[str, str]
) -> None:
    order, _ = await rails.log_in()
    back = await rails.chat.get(f"{order}/wechat", params={"code": "c0de", **given})
    assert back.headers["location"] == f"{order}?failed=1&way=wechat_pay"
    page = await rails.chat.get(back.headers["location"])
    assert page.status_code == 200 and "微信支付这会儿没有答复" in page.text
    assert rails.login.asked == 0 and rails.calls() == []
    assert await rails.attempts() == []


async def test_a_code_that_wechat_does_not_know_is_said_and_can_be_tried_again(
    rails: Rails,
) -> None:
    order, state = await rails.log_in()
    rails.login.says = {"errcode": 40029, "errmsg": "invalid code"}
    back = await rails.chat.get(f"{order}/wechat", params={"code": "old", "state": state})
    assert "failed=1" in back.headers["location"]
    assert await rails.attempts() == []
    again = await rails.chat.post(order, data={"method": "wechat_pay"})
    assert again.headers["location"].startswith("https://open.weixin.qq.com/")


async def test_a_friend_with_the_link_cannot_pay_and_is_shown_no_code(rails: Rails) -> None:
    desk = rails.world.browser("zh-CN", user_agent=DESK)
    sent = await rails.press(desk, "wechat_pay")
    order = urlsplit(sent.headers["location"]).path
    assert "qr middle" in (await desk.get(order)).text
    for agent in (DESK, CHAT):
        friend = rails.world.browser("zh-CN", user_agent=agent)
        page = await friend.get(order)
        assert page.status_code == 200
        assert "qr middle" not in page.text and "data-bridge" not in page.text
        assert f'action="{order}"' not in page.text
        assert (await friend.post(order, data={"method": "wechat_pay"})).status_code == 409
        assert (await friend.get(f"{order}/wechat?code=c&state=s")).status_code == 409
    assert len(rails.calls()) == 1


async def test_two_presses_at_once_make_one_attempt(rails: Rails) -> None:
    desk = rails.world.browser("zh-CN", user_agent=DESK)
    rails.alipay.answers["alipay.trade.precreate"] = {"qr_code": "https://qr.test/1"}
    order = urlsplit((await rails.press(desk, "alipay")).headers["location"]).path
    data = {"method": "wechat_pay"}
    both = await asyncio.gather(desk.post(order, data=data), desk.post(order, data=data))
    assert {one.headers["location"] for one in both} == {f"{order}?way=wechat_pay"}
    assert (await rails.attempts()).count(("wechat_pay", "qr")) == 1


async def test_the_code_on_the_page_is_of_the_way_pressed_last(rails: Rails) -> None:
    rails.alipay.answers["alipay.trade.precreate"] = {"qr_code": "https://qr.test/1"}
    desk = rails.world.browser("zh-CN", user_agent=DESK)
    order = urlsplit((await rails.press(desk, "alipay")).headers["location"]).path
    for method, name in (("wechat_pay", "微信支付"), ("alipay", "支付宝")):
        pressed = await desk.post(order, data={"method": method})
        page = await desk.get(pressed.headers["location"])
        assert f"用手机上的{name}扫一扫" in page.text
    assert await rails.attempts() == [("alipay", "qr"), ("wechat_pay", "qr")]


async def test_wechats_phone_page_learns_where_from_but_not_which_order(rails: Rails) -> None:
    sent = await rails.press(rails.buyer, "wechat_pay")
    assert sent.headers["location"].startswith("https://wx.tenpay.test/h5")
    assert sent.headers["referrer-policy"] == "strict-origin"
    back = parse_qs(urlsplit(sent.headers["location"]).query)["redirect_url"][0]
    page = await rails.buyer.get(back)
    assert page.headers["referrer-policy"] == "strict-origin"


async def test_a_rail_switched_off_under_way_is_said_and_the_others_stand(
    rails: Rails,
) -> None:
    sent = await rails.press(rails.buyer, "wechat_pay")
    back = parse_qs(urlsplit(sent.headers["location"]).query)["redirect_url"][0]
    order = urlsplit(back).path
    await _switch_off(rails.world.house.database, "wechat_pay")
    pressed = await rails.buyer.post(order, data={"method": "wechat_pay"})
    page = await rails.buyer.get(pressed.headers["location"])
    assert "微信支付这会儿没有答复" in page.text
    assert 'value="alipay"' in page.text and 'value="wechat_pay"' not in page.text
    other = await rails.buyer.post(order, data={"method": "alipay"})
    assert "alipay.trade.wap.pay" in other.headers["location"]


async def _switch_off(database: db.Database, gateway: str) -> None:
    async with database.connection() as conn:
        await switches.switch_off(conn, gateway, why="down", by="ops", at=MORNING)


async def test_inside_alipay_there_is_alipay_alone(rails: Rails) -> None:
    app = rails.world.browser("zh-CN", user_agent=f"{H5_AGENT} AlipayClient/10.6.0")
    await rails.to_checkout(app)
    page = await app.get("/@xiaoman/checkout")
    assert page.text.count('name="method"') == 1 and 'value="alipay"' in page.text
