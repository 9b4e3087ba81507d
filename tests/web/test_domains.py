"""No blocking stops a purchase: over one name placed, over another gone on with; a way to pay that
is closed meanwhile; and the desk where names are marked."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from littleshop.pay import switches
from littleshop.pay.gateways import Gateway, How
from littleshop.sale import placing
from littleshop.social import domains, probing
from littleshop.web.page_cache import PageCache
from tests.web import client as clients
from tests.web.client import ORIGIN, World
from tests.web.market import Market, reference_of
from tests.web.night_shift import Desk

OTHER = "http://b.test"
HOST = {ORIGIN: "shop.test", OTHER: "b.test"}


async def two_names(world: World) -> None:
    """b.test is ours too, and healthy."""
    house, at = world.house, world.at
    async with house.database.connection() as conn:
        await domains.settle(conn, house.settings, at)
        await domains.add(conn, "b.test", at)
        seen = next(each for each in await domains.listed(conn) if each.host == "b.test")
        await domains.hear(conn, seen, "", at)
    await heard(world)


async def blocked(world: World, host: str) -> None:
    """An operator marked it."""
    async with world.house.database.connection() as conn:
        assert await domains.block(conn, host, why="WeChat opens it no more", at=world.at)
    await heard(world)


async def heard(world: World) -> None:
    """The second is over in which a process learns of it."""
    async with world.house.database.connection() as conn:
        world.house.domains.tell(await domains.listed(conn))


def phone_at(world: World, origin: str) -> httpx.AsyncClient:
    """A browser at a name; its cookies are that name's."""
    made = world.browser("zh-CN")
    made.base_url = httpx.URL(origin)
    return made


async def order_path(market: Market) -> str:
    """The link of the only order."""
    async with market.world.house.database.connection() as conn:
        order_id = await conn.fetchval("select order_id from orders")
    return f"/o/{placing.link(market.world.house.keyring, market.shop_id, order_id)}"


async def test_an_order_placed_over_a_name_that_is_blocked_goes_on_over_another(
    market: Market,
) -> None:
    """Placed and begun to pay at A; A is blocked; at B the link shows, a code makes it act, she
    pays there, and comes back to B."""
    world = market.world
    await two_names(world)
    await market.to_checkout()
    reference_of(await market.place())
    await blocked(world, "shop.test")
    order, at_b = await order_path(market), phone_at(world, OTHER)
    page = await at_b.get(order)
    assert "只有下单的手机才能动它" in page.text and f"{order}/code" in page.text
    assert (await at_b.post(f"{order}/payment", data={"method": "alipay"})).status_code == 409
    await at_b.post(f"{order}/code", data={})
    await world.work()
    answer = await at_b.post(f"{order}/code", data={"digits": world.code()})
    assert answer.headers["location"] == order
    sent = await at_b.post(f"{order}/payment", data={"method": "alipay"})
    again = reference_of(sent)
    assert parse_qs(urlsplit(sent.headers["location"]).query)["return_url"][0].startswith(OTHER)
    await market.notify(again)
    await world.work()
    assert await market.statuses() == ["to_ship"]
    assert "等小满茶器发货" in (await at_b.get(order)).text
    assert (await market.buyer.get(order)).status_code == 200  # who still reaches A goes on there
    await market.books_balance()


async def test_the_basket_of_a_blocked_name_is_carried_over_by_its_checkout_link(
    market: Market,
) -> None:
    """Inside WeChat Alipay needs the way out; the link there leads to a name that opens and holds
    all that was chosen."""
    world = market.world
    await two_names(world)
    await blocked(world, "shop.test")
    wechat = phone_at(world, ORIGIN)
    wechat.headers["user-agent"] = "Mozilla/5.0 (iPhone) Mobile MicroMessenger/8.0.50"
    await market.to_checkout(wechat, pieces=2)
    page = (await wechat.get("/@xiaoman/checkout")).text
    found = re.search(rf'data-copy="({OTHER}/@xiaoman/checkout\?only=[^"]+)"', page)
    assert found is not None
    at_b = phone_at(world, OTHER)
    there = await at_b.get(html.unescape(found[1]).removeprefix(OTHER))
    assert "336" in there.text and "青灰釉盖碗" in there.text
    form = {name: re.search(rf'name="{name}" value="([^"]*)"', there.text) for name in
            ("key", "items", "cart", "total", "said")}  # fmt: skip
    assert all(form.values())


async def test_old_shares_open_over_every_name_and_new_ones_take_an_open_one(
    market: Market,
) -> None:
    world = market.world
    await two_names(world)
    cached = PageCache(world.app)
    walker = httpx.AsyncClient(transport=httpx.ASGITransport(cached), base_url=ORIGIN)
    walker.headers["sec-fetch-site"] = "same-origin"
    sheets = []
    for host in (None, "shop.test"):
        if host:
            await blocked(world, host)
        sheet = (await phone_at(world, ORIGIN).get("/@xiaoman/shares")).text
        sheets.append(re.findall(r"(http://[a-z.]+)(/s/[0-9a-z-]+)", sheet)[0])
    assert sheets[1][0] == OTHER  # drawn at A, which is blocked
    for origin in (ORIGIN, OTHER):
        for _, path in sheets:
            page = await walker.get(path, headers={"host": HOST[origin]})
            assert page.status_code == 200
            assert f'property="og:url" content="{origin}/' in page.text
            assert (OTHER if origin == ORIGIN else ORIGIN) not in page.text  # one page per name
    await walker.aclose()


async def test_a_way_that_is_closed_between_placing_and_paying_loses_nothing(
    market: Market,
) -> None:
    """The cashier offers the others; what was begun on the closed one is heard, and the second
    payment of the same order goes back in full: the resolver's one decision."""
    world, alipay = market.world, market.world.house.rails["alipay"]
    rails: dict[str, Gateway] = {"alipay": alipay, "baidu_wallet": alipay}
    world.house.rails = rails
    await market.to_checkout()
    begun = reference_of(await market.place())
    async with world.house.database.connection() as conn:
        await switches.switch_off(conn, "alipay", why="they are late", by="ops", at=world.at)
    order = await order_path(market)
    cashier = (await market.buyer.get(f"{order}/payment")).text
    assert 'value="baidu_wallet"' in cashier and 'value="alipay"' not in cashier
    closed = await market.buyer.post(f"{order}/payment", data={"method": "alipay"})
    assert "failed=1" in closed.headers["location"]
    assert (await market.buyer.get(closed.headers["location"])).status_code == 200
    assert await market.statuses() == ["placed"]
    await market.notify(begun)
    await world.work()
    assert await market.statuses() == ["to_ship"]
    await market.books_balance()


async def test_the_desk_adds_marks_and_takes_away_names_with_reasons(desk: Desk) -> None:
    house = desk.world.house
    await house.database.transaction(
        lambda conn: domains.settle(conn, house.settings, desk.world.at)
    )
    new = {"host": "demo.localhost", "reason": "a second door"}
    assert "only names of this machine" not in await desk.does("/domains", **new)
    assert "in the list already" in await desk.does("/domains", **new)
    assert "names of this machine" in await desk.does("/domains", **(new | {"host": "evil.com"}))
    why = {"reason": "WeChat shows a warning"}
    assert "take another name" in await desk.does("/domains/shop.test/marks", mark="blocked", **why)
    assert "blocked already" in await desk.does("/domains/shop.test/marks", mark="blocked", **why)
    shown = (await desk.get("/domains")).text
    assert "WeChat shows a warning" in shown and "No name is healthy and open" in shown
    assert "links go over it again" in (
        await desk.does("/domains/shop.test/marks", mark="open", **why)
    ).lower()  # fmt: skip
    assert "PUBLIC_URL" in await desk.does("/domains/shop.test/removal", **why)
    assert "no longer answered" in await desk.does("/domains/demo.localhost/removal", **why)
    assert (await desk.post("/domains/demo.localhost/removal", **why)).status_code == 404
    kinds = [act.kind for act in await desk.log()]
    assert kinds == ["domain_removed", "domain_unblocked", "domain_blocked", "domain_added"]
    assert "Marked shop.test as blocked" in (await desk.get("/acts")).text


async def test_we_answer_by_the_name_we_were_asked(world: World) -> None:
    """The whole way of a look: the worker's question through the application."""
    house, through = world.house, httpx.ASGITransport(world.app)
    here = msgspec.structs.replace(house.settings, public_url="http://localhost:8000")
    await probing.probe(house.database, house.keyring, here, world.at, through)
    async with house.database.connection() as conn:
        [home] = await domains.listed(conn)
    assert (home.host, home.state, home.why) == ("localhost:8000", "healthy", "")
    assert home.looked_at == world.at
    assert (await world.browser().get("/.well-known/littleshop/short")).status_code == 404


@pytest.mark.parametrize("host", ["evil.test", "shop.test.evil.test", ""])
async def test_a_name_that_is_not_ours_is_never_written_into_a_page(
    world: World, host: str
) -> None:
    page = await world.browser().get("/", headers={"host": host})
    assert "evil" not in page.text


APPS = {
    "wechat": ("MicroMessenger/8.0.50", "点右上角的", ["微信支付"], ["支付宝", "百度钱包"]),
    "alipay": ("AlipayClient/10.8.30", "点右上角的", ["支付宝"], ["微信支付", "百度钱包"]),
    "qq": ("QQ/9.0.8.612", "点右上角的", ["支付宝"], ["微信支付", "百度钱包"]),
    "weibo": (
        "Weibo (iPhone13,2__weibo__14.11.0)",
        "点右上角的",
        ["支付宝", "微信支付"],
        ["百度钱包"],
    ),
    "baidu": ("baiduboxapp/15.21.0.10", "打开下方的", ["百度钱包", "支付宝", "微信支付"], []),
    "douyin": ("aweme_29.8.0 JsSdk/2.0", "点右上角的", ["支付宝"], ["微信支付", "百度钱包"]),
    "browser": ("Version/17.5 Safari/604.1", "", ["支付宝", "微信支付", "百度钱包"], []),
}


async def test_in_each_app_the_shop_says_what_works_and_how_to_get_out(market: Market) -> None:
    """And the way there stands at the foot of the shared page, where an app is left only."""
    world = market.world
    alipay = world.house.rails["alipay"]

    class Able:
        """Any rail as far as offering goes."""

        hows, currencies = frozenset(How), alipay.currencies

        async def disconnect(self) -> None:
            return

    able = Able()
    house: Any = world.house
    house.rails = dict.fromkeys(("alipay", "wechat_pay", "baidu_wallet"), able)
    house.wechat_login = able
    for app, (agent, menu, here, there) in APPS.items():
        phone = world.browser(
            "zh-CN", user_agent=f"Mozilla/5.0 (iPhone; CPU) Mobile/15E148 {agent}"
        )
        page = (await phone.get(f"/@xiaoman/p/{market.product}/elsewhere")).text
        works, _, outside = page.partition("到浏览器里能付")
        assert menu in page and ("点右上角" in page or "打开下方" in page) == bool(menu), app
        assert [
            name for name in ("支付宝", "微信支付", "百度钱包") if f'ti">{name}' in works
        ] == sorted(here, key=("支付宝", "微信支付", "百度钱包").index), app
        assert all(f'ti">{name}' in outside for name in there), app
        assert f'data-copy="{ORIGIN}/@xiaoman/p/{market.product}"' in page and "<svg" in page
        shelf = (await phone.get(f"/@xiaoman/p/{market.product}")).text
        assert ("/elsewhere" in shelf) == (app != "browser"), app


async def test_live_answers_to_every_name_of_the_desk_and_to_no_other(dsn: str, home: Path) -> None:
    async with clients.opened(dsn, home, mode="live") as world:
        house = world.house

        async def at_b() -> int:
            return (await world.browser().get("/", headers={"host": "B.test:443"})).status_code

        assert await at_b() == 421
        async with house.database.connection() as conn:
            await domains.add(conn, "b.test", world.at)
        await heard(world)
        assert await at_b() == 200
        async with house.database.connection() as conn:
            await domains.block(conn, "b.test", why="WeChat", at=world.at)
        await heard(world)
        assert await at_b() == 200  # blocked elsewhere; who reaches it is served
        async with house.database.connection() as conn:
            await domains.remove(conn, "b.test")
        await heard(world)
        assert await at_b() == 421
