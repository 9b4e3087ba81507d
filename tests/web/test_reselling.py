"""Re-selling through the pages: opened, put on another shelf in one press, bought there."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from html import unescape
from uuid import UUID, uuid4

import httpx
import pytest

from littleshop.sale import placing
from tests.web.client import hidden
from tests.web.market import WANTING, Market, reference_of

HERS = "/@xiaoxiao"


@dataclass
class Counter:
    """何晓晓's shop beside the market: what she sells is shipped from there."""

    market: Market
    her: httpx.AsyncClient
    shop_id: int
    product: str  # as her shop knows it

    async def basket(self, product: str, pieces: int = 1) -> None:
        told = {"product": product, "quantity": str(pieces), "then": "basket"}
        answer = await self.market.buyer.post(f"{HERS}/basket/items", data=told)
        assert answer.headers["location"] == f"{HERS}/basket"

    async def form(self) -> dict[str, str]:
        """The checkout of what the market ships, filled in."""
        led = await self.market.buyer.get(f"{HERS}/checkout")
        assert led.headers["location"].startswith(f"{HERS}/checkout/resold?only=")
        page = await self.market.buyer.get(led.headers["location"])
        assert "由小满茶器" in page.text
        return {name: hidden(page, name) for name in ("key", "items", "total", "said")} | WANTING

    async def place(self, form: dict[str, str]) -> httpx.Response:
        return await self.market.buyer.post(f"{HERS}/checkout/resold", data=form)

    async def again(self, form: dict[str, str]) -> httpx.Response:
        """The checkout's address, from his history."""
        address = f"{HERS}/checkout/resold"
        return await self.market.buyer.get(address, params={"only": form["items"]})

    async def rows(self, sql: str) -> list[tuple[object, ...]]:
        async with self.market.world.house.database.connection() as conn:
            return [tuple(row) for row in await conn.fetch(sql)]


async def offers(market: Market, **prices: str) -> httpx.Response:
    told = {"supply-0": "100", "open_to": "all", "then": "offer"} | prices
    return await market.seller.post(
        f"/console/{market.shop_id}/goods/{market.product}/resale", data=told
    )


async def counter(market: Market) -> Counter:
    """She came by the market's product, opened a shop, and sells it for 150."""
    assert (await offers(market)).status_code == 303
    her, world = market.world.browser("zh-CN"), market.world
    shop_id = await world.open_shop(
        her, "晓晓的小铺", "xiaoxiao", "13900002002",
        brought_by=f"?from=xiaoman&product={market.product}",
    )  # fmt: skip
    first = await her.get(f"/console/{shop_id}/goods/new?first=1")
    door = await her.get(f"/@xiaoman/p/{market.product}/resale")
    assert door.headers["location"] in first.text
    put_up = await her.post(door.headers["location"], data={"price-0": "150"})
    await world.work()
    return Counter(market, her, shop_id, put_up.headers["location"].split("/")[-2])


async def test_what_is_bought_in_her_shop_is_an_order_of_who_ships(market: Market) -> None:
    hers = await counter(market)
    await hers.basket(hers.product)
    sent = await hers.place(await hers.form())
    reference = reference_of(sent)
    assert await hers.rows("select shop_id, total_minor from orders") == [(market.shop_id, 15000)]
    assert await hers.rows("select * from cart_items") == []
    await market.notify(reference, total_amount="150.00")
    await market.world.work()
    assert await market.statuses() == ["to_ship"]
    sold = await hers.her.get(f"/console/{hers.shop_id}/resold")
    assert "陈婉婷" in sold.text and "¥50.00" in sold.text
    assert "13800002046" not in sold.text and "文三路" not in sold.text
    order = await market.seller.get(f"/console/{market.shop_id}/orders/1001")
    assert "晓晓的小铺" in order.text and "−¥50.00" in order.text
    mine = await market.seller.get(f"/console/{market.shop_id}/resale")
    assert "晓晓的小铺" in mine.text
    await market.books_balance()


async def test_she_finds_an_order_by_the_number_its_buyer_knows(market: Market) -> None:
    """At the supplier's it is 1002, in her books 1001."""
    hers = await counter(market)
    await market.to_checkout()
    await market.place()
    await hers.basket(hers.product)
    await market.notify(reference_of(await hers.place(await hers.form())), total_amount="150.00")
    await market.world.work()
    assert await hers.rows("select number, order_number from resold_orders") == [(1001, 1002)]
    book = f"/console/{hers.shop_id}/resold"
    assert "买家看到的订单号 1002" in (await hers.her.get(book)).text
    for found in ("1002", "1001", "#1002", "婉婷"):
        page = await hers.her.get(book, params={"q": found})
        assert "买家看到的订单号 1002" in page.text, found
    for nothing in ("1003", "13800002046", "林小满", "9" * 40):
        page = await hers.her.get(book, params={"q": nothing})
        assert page.status_code == 200 and f"转卖的订单里没有「{nothing}」" in page.text
    own = await hers.her.get(f"/console/{hers.shop_id}/orders", params={"q": "1002"})
    assert "转卖的订单里有 1 单" in own.text and "/resold?q=1002" in own.text
    other = await market.seller.get(f"/console/{market.shop_id}/orders", params={"q": "1002"})
    assert "陈婉婷" in other.text and "/resold?q=" not in other.text
    theirs = await market.seller.get(f"/console/{market.shop_id}/resold", params={"q": "1002"})
    assert "转卖的订单里没有" in theirs.text


async def test_her_margin_is_explained_where_her_money_is(market: Market) -> None:
    hers = await counter(market)
    await hers.basket(hers.product)
    sent = await hers.place(await hers.form())
    await market.notify(reference_of(sent), total_amount="150.00")
    await market.world.work()
    parcel = {"carrier": "sf", "tracking_number": "SF1408223001001", "form_key": str(uuid4())}
    await market.seller.post(f"/console/{market.shop_id}/orders/1001/parcels", data=parcel)
    placed = (await hers.rows("select order_id from orders"))[0][0]
    assert isinstance(placed, UUID)
    token = placing.link(market.world.house.keyring, market.shop_id, placed)
    order = await market.buyer.get(f"/o/{token}")
    assert "在晓晓的小铺买的，由小满茶器发货" in order.text
    await market.buyer.post(f"/o/{token}/receipt")
    await market.world.work()
    money = await hers.her.get(f"/console/{hers.shop_id}/money")
    assert "转卖差价" in money.text and "50" in money.text
    mine = await market.seller.get(f"/console/{market.shop_id}/money")
    assert "订单 1001" in mine.text
    await market.books_balance()


async def test_a_basket_that_ships_from_two_shops_says_so_and_keeps_the_rest(
    market: Market,
) -> None:
    hers = await counter(market)
    own = await market.world.add_product(hers.her, hers.shop_id, "茶杯", price="25.00")
    await hers.basket(hers.product)
    await hers.basket(own)
    basket = await market.buyer.get(f"{HERS}/basket")
    assert "这些由 2 家店发货，要下 2 个单" in basket.text
    led = await market.buyer.get(f"{HERS}/checkout")  # not both at once
    assert led.headers["location"] == f"{HERS}/basket"
    only = basket.text.split("/checkout?only=")[1].split('"')[0].replace("&amp;", "&")
    page = await market.buyer.get(f"{HERS}/checkout?only={only}")
    form = {name: hidden(page, name) for name in ("key", "items", "cart", "total")} | WANTING
    assert (await market.buyer.post(f"{HERS}/checkout", data=form)).status_code == 303
    assert await hers.rows("select shop_id, total_minor from orders") == [(hers.shop_id, 2500)]
    assert await hers.rows("select count(*) from cart_items") == [(1,)]
    assert (await hers.form())["total"] == "15000"


async def test_nothing_is_ordered_at_another_price_or_when_it_is_withdrawn(market: Market) -> None:
    hers = await counter(market)
    await hers.basket(hers.product)
    form = await hers.form()
    assert (await hers.place(form | {"total": "10000"})).status_code == 409
    straight = await market.buyer.post(f"{HERS}/checkout", data=form | {"cart": form["key"]})
    assert straight.status_code == 404
    await market.seller.post(
        f"/console/{market.shop_id}/goods/{market.product}/resale", data={"then": "withdraw"}
    )
    for gone in (await hers.place(form), await hers.again(form)):
        assert gone.status_code == 409
        assert "「青灰釉盖碗」在这家店买不到了" in gone.text
        assert "这件在这家店买不到了" in gone.text
    assert await market.orders() == 0


@pytest.mark.parametrize("who", ["supplier", "re-seller"])
async def test_a_second_press_goes_on_to_pay_what_was_withdrawn_meanwhile(
    market: Market, who: str
) -> None:
    hers = await counter(market)
    await hers.basket(hers.product)
    form = await hers.form()
    first = reference_of(await hers.place(form))
    if who == "supplier":
        await market.seller.post(
            f"/console/{market.shop_id}/goods/{market.product}/resale", data={"then": "withdraw"}
        )
    else:
        here = f"/console/{hers.shop_id}/goods/{hers.product}/resold"
        await hers.her.post(here, data={"then": "stop"})
    await market.world.work()
    assert reference_of(await hers.place(form)) == first
    new = await hers.place(form | {"key": "another page's key"})
    assert new.status_code == 409 and "没有下单" in new.text
    await market.notify(first, total_amount="150.00")
    await market.world.work()
    assert await market.statuses() == ["to_ship"]
    await market.books_balance()


async def test_what_is_offered_again_is_put_back_from_her_own_page(market: Market) -> None:
    hers = await counter(market)
    theirs = f"/console/{market.shop_id}/goods/{market.product}/resale"
    await market.seller.post(theirs, data={"then": "withdraw"})
    await market.world.work()
    here = f"/console/{hers.shop_id}/goods/{hers.product}/resold"
    assert "不再开放转卖" in (await hers.her.get(here)).text
    market.world.later(minutes=1)
    await offers(market)
    await market.world.work()
    page = await hers.her.get(here)
    again = f"/console/{hers.shop_id}/resell/{market.shop_id}/{market.product}"
    assert "供货的店又开放了" in page.text and again in page.text
    assert (await hers.her.get(again)).status_code == 200
    back = await hers.her.post(again, data={"price-0": "155"})
    assert back.headers["location"].startswith(here)
    assert "供货的店又开放了" not in (await hers.her.get(here)).text
    assert (await hers.her.get(again)).headers["location"] == here
    await hers.basket(hers.product)
    assert (await hers.form())["total"] == "15500"


async def test_a_price_below_supply_is_refused_at_its_field(market: Market) -> None:
    wrong = await offers(market, **{"least-0": "90"})
    assert wrong.status_code == 422 and "最低售价不能低于供货价" in wrong.text
    hers = await counter(market)
    here = f"/console/{hers.shop_id}/goods/{hers.product}/resold"
    low = await hers.her.post(here, data={"price-0": "99.99", "then": "save"})
    assert low.status_code == 422 and "供货价是一件" in low.text
    editor = await hers.her.get(f"/console/{hers.shop_id}/goods/{hers.product}")
    assert editor.headers["location"] == here
    chain = await hers.her.get(f"/console/{hers.shop_id}/goods/{hers.product}/resale")
    assert chain.status_code == 404
    stranger = await market.seller.get(here)
    assert stranger.status_code == 404


async def test_a_double_click_puts_one_thing_up_and_other_prices_belong_on_its_page(
    market: Market,
) -> None:
    await offers(market)
    her = market.world.browser("zh-CN")
    shop_id = await market.world.open_shop(her, "晓晓的小铺", "xiaoxiao", "13900002002")
    link = f"/console/{shop_id}/resell/{market.shop_id}/{market.product}"
    presses = [her.post(link, data={"price-0": "150"}) for _ in range(3)]
    answers = await asyncio.gather(*presses)
    assert [each.status_code for each in answers] == [303] * 3
    [here] = {each.headers["location"].partition("?")[0] for each in answers}
    other = await her.post(link, data={"price-0": "160"})
    page = await her.get(other.headers["location"])
    assert page.url.path == here and "已经在你店里卖了" in page.text and "150.00" in page.text


async def test_the_address_of_her_checkout_holds_its_goods_whatever_was_pressed(
    market: Market,
) -> None:
    hers = await counter(market)
    await hers.basket(hers.product)
    form = await hers.form()
    for pressed in ({"then": "quote"}, {"then": "split"}, {"total": "1"}):  # the last is refused
        drawn = await hers.place(form | pressed)
        shown = re.search(r'action="(/@xiaoxiao/checkout/resold\?only=[^"]+)"', drawn.text)
        assert shown is not None, drawn.text[:300]
        elsewhere = await market.world.browser().get(unescape(shown[1]))
        assert elsewhere.status_code == 200 and hidden(elsewhere, "items") == form["items"]


async def test_what_another_ships_has_no_team_price_and_what_others_sell_is_never_sent_as_a_text(
    market: Market,
) -> None:
    hers = await counter(market)
    team = {"seats": "3", "price-0": "120", "then": "offer"}
    hers_is = f"/console/{hers.shop_id}/goods/{hers.product}"
    no = await hers.her.post(f"{hers_is}/team", data=team)
    assert no.status_code == 422 and "由发货的店来定" in no.text
    assert await hers.rows("select * from team_offers") == []
    text = {"kind": "text", "text": "兑换方法在这里"}
    no = await hers.her.post(f"{hers_is}/virtual", data=text)
    assert no.status_code == 422 and "由发货的店来定" in no.text

    its = f"/console/{market.shop_id}/goods/{market.product}"
    no = await market.seller.post(f"{its}/virtual", data=text)
    assert no.status_code == 422 and "先停掉" in no.text
    assert (await market.seller.post(f"{its}/resale", data={"then": "withdraw"})).status_code == 303
    assert (await market.seller.post(f"{its}/virtual", data=text)).status_code == 303


async def test_what_she_hides_herself_is_hers_still_at_her_price(market: Market) -> None:
    """Nobody offered it again: her form stays, and the supplier's link leads to it."""
    hers = await counter(market)
    here = f"/console/{hers.shop_id}/goods/{hers.product}"
    hides = await hers.her.post(f"{here}/status", data={"status": "hidden"})
    assert hides.status_code == 303
    page = (await hers.her.get(f"{here}/resold")).text
    assert "供货的店又开放了" not in page and 'name="price-0"' in page
    link = f"/console/{hers.shop_id}/resell/{market.shop_id}/{market.product}"
    assert (await hers.her.get(link)).headers["location"] == f"{here}/resold"
