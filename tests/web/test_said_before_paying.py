"""What is said before paying, and holds only when it was: what can't come back, whose the money is
at once."""

from __future__ import annotations

import re

import httpx
import pytest

from littleshop import i18n
from littleshop.shop import terms
from littleshop.shop.terms import Terms
from tests.web.back_room import shown
from tests.web.client import hidden, says
from tests.web.market import WANTING, Market, reference_of
from tests.web.street import PHONE


async def excepts(market: Market, why: str) -> httpx.Response:
    """The seller says in the product's form why it can't come back; "" is that it can."""
    path = f"/console/{market.shop_id}/goods/{market.product}"
    sheet = {"title": "青灰釉盖碗", "description": "", "price": "168.00", "stock": "10"}
    form = sheet | {"seen": "10", "no_return": why, "then": "save"}
    return await market.seller.post(path, data=form)


async def settles_directly(market: Market, direct: bool = True) -> None:
    """The platform gives the shop its privilege, or takes it away."""
    at = market.world.at
    new = Terms(direct_since=at, direct_why="三年老店") if direct else Terms()
    await market.world.house.database.transaction(
        lambda conn: terms.agree(conn, market.shop_id, new, at)
    )
    market.world.later(seconds=10)


async def product_page(market: Market, locale: str = "en") -> str:
    page = await market.world.browser(locale, user_agent=PHONE).get(f"/@xiaoman/p/{market.product}")
    return shown(page)


async def form(market: Market, **more: str) -> dict[str, str]:
    """The checkout as it stands now, filled in."""
    page = await market.buyer.get("/@xiaoman/checkout?lang=en")
    names = ("key", "items", "cart", "total", "said")
    return {name: hidden(page, name) for name in names} | WANTING | more


async def test_a_thing_can_come_back_and_the_pages_say_so(market: Market) -> None:
    assert "7 days to send it back, without a reason" in await product_page(market)
    await market.to_checkout()
    page = await market.buyer.get("/@xiaoman/checkout?lang=en")
    assert "7 days to send it back" in shown(page) and "no_return_seen" not in page.text


@pytest.mark.parametrize("locale", i18n.LOCALES)
@pytest.mark.parametrize("why", ["made", "fresh", "digital", "press", "opened", "used", "flawed"])
async def test_every_exception_is_said_where_it_is_bought(
    market: Market, why: str, locale: str
) -> None:
    assert (await excepts(market, why)).status_code == 303
    said = i18n.t(locale, f"cases.promise.why.{why}")
    assert said in await product_page(market, locale)
    await market.to_checkout()
    page = await market.buyer.get(f"/@xiaoman/checkout?lang={locale}")
    assert said in shown(page)


async def test_an_exception_that_needs_a_tick_is_not_bought_without_it(market: Market) -> None:
    await excepts(market, "opened")
    await market.to_checkout()
    wish = await form(market)
    answer = await market.place(wish)
    assert answer.status_code == 409 and says(answer, "en", "no_return_unseen")
    assert re.search(r'name="street" type="text" value="文三路', answer.text)
    assert await market.orders() == 0
    reference_of(await market.place(wish | {"no_return_seen": "yes"}))
    assert await market.orders() == 1


async def test_what_no_law_excepts_is_refused(market: Market) -> None:
    answer = await excepts(market, "because")
    assert answer.status_code == 422 and says(answer, "zh-CN", "product_no_return")
    assert "7 days to send it back" in await product_page(market)


async def test_a_page_that_said_something_else_places_nothing(market: Market) -> None:
    await market.to_checkout()
    before = await form(market)
    await excepts(market, "made")
    answer = await market.place(before)
    assert answer.status_code == 409 and says(answer, "en", "terms_changed")
    assert "it is made to your order." in shown(answer) and await market.orders() == 0
    reference_of(await market.place(await form(market)))
    await market.to_checkout()
    for lie in ("{", '{"direct":false,"no_return":{}}', "[]"):
        answer = await market.place(await form(market, said=lie))
        assert answer.status_code == 409 and says(answer, "en", "terms_changed"), lie
    assert await market.orders() == 1


async def test_direct_settlement_is_on_every_page_before_the_money(market: Market) -> None:
    assert "We hold your money" in await product_page(market)
    await market.to_checkout()
    before = await form(market)
    await settles_directly(market)
    assert "at once: we do not hold it" in await product_page(market)
    answer = await market.place(before)
    assert answer.status_code == 409 and says(answer, "en", "terms_changed")
    assert "at once: we do not hold it" in shown(answer)
    sent = await market.place(await form(market))
    token = re.search(r"%2Fo%2F([^%]+)", sent.headers["location"])
    assert token is not None
    page = await market.buyer.get(f"/o/{token[1]}?lang=en")
    assert "at once: we do not hold it" in shown(page)
    await market.notify(reference_of(sent))
    await market.world.work()
    page = await market.buyer.get(f"/o/{token[1]}?lang=en")
    assert "You paid 小满茶器" in shown(page) and "with 小满茶器" in shown(page)
    desk = shown(await market.seller.get(f"/console/{market.shop_id}/orders/1001?lang=en"))
    assert "in your balance since it was paid" in desk
    await market.books_balance()
    await settles_directly(market, direct=False)
    assert "We hold your money" in await product_page(market)


async def test_an_order_placed_before_the_privilege_is_held_whenever_it_is_paid(
    market: Market,
) -> None:
    await market.to_checkout()
    reference = reference_of(await market.place(await form(market)))
    await settles_directly(market)
    await market.notify(reference)
    await market.world.work()
    async with market.world.house.database.connection() as conn:
        row = await conn.fetchrow("select direct, held_minor from orders")
    assert row is not None and (row["direct"], row["held_minor"]) == (False, 168_00)
    await market.books_balance()
