"""Goods change hands: the buyer shows a code, the seller types it in."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.flows.conftest import Device, Faults
from tests.flows.people import Shopkeeper
from tests.flows.running import Running, until
from tests.flows.steps import token


@pytest.fixture
def counter(littleshop: Running, stall: Shopkeeper) -> None:
    """The stall hands over at a place of its own."""
    stall.post(f"{stall.root}/settings/shipping", mode="free", pickup_place="西湖边 3 号亭")


def order_to_fetch(page: Page, littleshop: Running, product: str) -> str:
    """Buy and choose to fetch it; the order's token."""
    page.goto(f"{littleshop.web}/@stall/p/{product}")
    page.click("button[value=checkout]")
    page.check("input[name=delivery][value=by_hand]")
    page.fill("input[name=recipient]", "周野")
    page.fill("input[name=phone]", "13800003057")
    page.click("button.pay")
    page.wait_for_url(re.compile("/alipay/cashier"))
    page.click("button.go")
    page.wait_for_url(re.compile(r"/o/[^/]+$"))
    expect(page.locator("h1").first).to_contain_text("等你来拿")
    return token(page)


def number(littleshop: Running) -> int:
    [row] = littleshop.rows("select max(number) as number from orders where way = 'pickup'")
    return int(row["number"])


def test_the_code_hands_the_goods_over(
    littleshop: Running, stall: Shopkeeper, product: str, counter: None, device: Device, buyer: Page
) -> None:
    order = order_to_fetch(buyer, littleshop, product)
    buyer.goto(f"{littleshop.web}/o/{order}/pickup")
    shown = re.sub(r"\D", "", buyer.locator("p.t26.num").inner_text())
    expect(buyer.locator("main")).to_contain_text("西湖边 3 号亭")
    context = device()
    context.add_cookies(stall.cookies)  # type: ignore[arg-type]
    seller = context.new_page()
    seller.goto(f"{littleshop.web}{stall.root}/orders/{number(littleshop)}")
    seller.fill("input[name=code]", shown)
    seller.click("form[action$='/pick-up'] button")
    expect(seller.locator("form[action$='/pick-up']")).to_have_count(0)
    [row] = littleshop.rows(
        "select status from orders where shop_id = $1 and number = $2",
        stall.shop_id,
        number(littleshop),
    )
    assert row["status"] in ("delivered", "received")


def test_a_wrong_code_six_times_is_stopped_and_says_when_to_go_on(
    littleshop: Running,
    stall: Shopkeeper,
    product: str,
    counter: None,
    device: Device,
    buyer: Page,
    faults: Faults,
) -> None:
    order_to_fetch(buyer, littleshop, product)
    context = device()
    context.add_cookies(stall.cookies)  # type: ignore[arg-type]
    seller = context.new_page()
    seller.goto(f"{littleshop.web}{stall.root}/orders/{number(littleshop)}")
    tries = 0

    def stopped() -> bool:
        nonlocal tries
        seller.fill("input[name=code]", "000000")
        with seller.expect_navigation():
            seller.click("form[action$='/pick-up'] button")
        tries += 1
        said = seller.locator("main [role=alert]").first.inner_text()
        assert "码不对" in said or "分钟" in said, said
        return "分钟" in said

    until(stopped)  # two processes count: each learns of the other's count within a second
    assert 5 < tries <= 11
    faults.expect("status of 4")
