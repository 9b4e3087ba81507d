"""A coupon that a link offers is kept: what it does is said, and the way on is to the goods."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.web.client import hidden
from tests.web.market import Market
from tests.web.test_giving import COUPON


async def is_made(market: Market, **told: str) -> None:
    """The seller makes a coupon."""
    here = f"/console/{market.shop_id}/coupons/new"
    form = COUPON | {"form_key": hidden(await market.seller.get(here), "form_key")} | told
    assert (await market.seller.post(here, data=form)).status_code == 303


async def is_used_up(market: Market) -> None:
    """Somebody buys with it, as often as one may."""
    await market.to_checkout()
    typed = await market.form() | {"coupon": "SPRING20", "then": "quote"}
    counted = await market.place(typed)
    assert "coupon=SPRING20#coupon" in counted.text  # the address of the page keeps a good code
    bought = typed | {"total": hidden(counted, "total"), "then": "place"}
    assert (await market.place(bought)).status_code == 303


async def test_who_keeps_a_coupon_reads_that_it_comes_off_by_itself_and_goes_on_to_the_goods(
    market: Market,
) -> None:
    await is_made(market, least="")
    bare = await market.buyer.get("/@xiaoman/for-you")
    assert "结账时自动减，不用填券码" not in bare.text

    kept = await market.buyer.post(f"/@xiaoman/coupons/{COUPON['code']}")
    mine = await market.buyer.get(kept.headers["location"])
    assert "结账时自动减，不用填券码" in mine.text
    assert mine.text.count('class="btn go wide"') == 1  # shopping, before showing whose phone it is
    assert '<a class="btn go wide" href="/@xiaoman">去小满茶器逛逛</a>' in mine.text
    await market.to_checkout()
    checkout = await market.buyer.get("/@xiaoman/checkout")
    assert "春茶券" in checkout.text  # and so it does


async def test_a_code_that_takes_nothing_off_is_said_at_its_field_before_anybody_pays_in_full(
    market: Market,
) -> None:
    await is_made(market)
    await market.to_checkout()
    mistyped = await market.form() | {"coupon": "sprung 20"}
    no = await market.place(mistyped)
    assert no.status_code == 409 and await market.orders() == 0
    assert 'autofocus aria-invalid="true" aria-describedby="coupon-problem"' in no.text
    assert "这家店没有 SPRUNG20 这张券" in no.text and "再按一次就直接付款" in no.text

    other = mistyped | {"coupon_seen": hidden(no, "coupon_seen"), "coupon": "sprang20"}
    assert (await market.place(other)).status_code == 409  # another code, which nobody heard of
    again = mistyped | {"coupon_seen": hidden(no, "coupon_seen")}
    assert (await market.place(again)).status_code == 303
    assert await market.orders() == 1


async def test_a_good_code_is_not_asked_about(market: Market) -> None:
    await is_made(market)
    await market.to_checkout()
    typed = await market.form() | {"coupon": "spring-20", "then": "quote"}
    counted = await market.place(typed)
    assert "春茶券" in counted.text and "coupon_seen" not in counted.text
    paid = typed | {"total": hidden(counted, "total"), "then": "place"}
    assert (await market.place(paid)).status_code == 303


async def test_a_code_that_this_phone_has_used_up_is_said_too_and_leaves_the_address(
    market: Market,
) -> None:
    await is_made(market)
    await is_used_up(market)

    market.buyer = market.world.browser()  # the same person at another device
    await market.to_checkout()
    again = await market.form() | {"coupon": "SPRING20"}
    no = await market.place(again)
    assert no.status_code == 409 and await market.orders() == 1
    assert "春茶券 is used up" in no.text and hidden(no, "coupon_seen") == "SPRING20"
    assert "coupon=SPRING20" not in no.text


NOBODY_ASKS = {"then": "pay_for_me", "from_name": ""}
SAID_BEFORE = {"coupon_seen": "SPRING20", "total": "1"}


@pytest.mark.parametrize("wrong", [{}, SAID_BEFORE, NOBODY_ASKS])
async def test_an_address_that_tries_phone_after_phone_to_learn_who_used_a_code_is_stopped(
    market: Market, wrong: dict[str, str]
) -> None:
    """A fresh device each time, and nothing is ordered by it; also of phones that never used it,
    when the form says that a page told it before and its sum is wrong, or lacks a name."""
    await is_made(market)
    await is_used_up(market)
    answers = Counter[int]()
    for last in range(62):
        market.buyer = market.world.browser()
        await market.to_checkout()
        whose = {"phone": f"138 0000 3{last:03}"} if wrong else {}
        tried = await market.form() | {"coupon": "SPRING20"} | wrong | whose
        answers[(await market.place(tried)).status_code] += 1
    assert answers == {409: 60, 429: 2} and await market.orders() == 1


async def test_a_quiet_line_near_the_goods_leads_to_the_code_which_is_open_once_one_is_ready(
    market: Market,
) -> None:
    await market.to_checkout()
    bare = await market.buyer.get("/@xiaoman/checkout")
    assert "有优惠券" not in bare.text  # the shop has none
    await is_made(market, least="")

    shut = (await market.buyer.get("/@xiaoman/checkout")).text
    assert '<details class="ask-coupon">' in shut
    line, code = shut.index('href="#coupon-code"'), shut.index('id="coupon-code"')
    assert line < shut.index('id="where"') < code < shut.index('id="sums"')
    typed = await market.place(await market.form() | {"coupon": "spring-20", "then": "quote"})
    assert '<details class="ask-coupon" open>' in typed.text and "用券减了 ¥" in typed.text

    await market.buyer.post(f"/@xiaoman/coupons/{COUPON['code']}")
    kept = (await market.buyer.get("/@xiaoman/checkout")).text
    assert '<details class="ask-coupon" open>' in kept and "用券减了 ¥" in kept
