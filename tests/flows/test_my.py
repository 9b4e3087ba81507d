"""The buyer's home on another phone, without a script: the code, what waits, paying it; and how the
page looks."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.flows.conftest import Device
from tests.flows.people import Shopkeeper, Shopper
from tests.flows.running import Running, until
from tests.flows.test_looks import looks_right

PHONE, OTHER = "13900005077", "13900005078"


def comes_in(page: Page, littleshop: Running, phone: str, *, scripts: bool = True) -> None:
    """The phone, and the code that comes to it; with scripts the sixth digit sends it."""
    page.goto(f"{littleshop.web}/my")
    before = len(littleshop.inbox(phone))
    page.fill("input[name=phone]", phone)
    page.click("main button.go")
    until(lambda: len(littleshop.inbox(phone)) > before)
    page.fill("input[name=digits]", str(littleshop.inbox(phone)[0]["code"]))
    if not scripts:
        page.click("main button.go")
    page.wait_for_url(re.compile("/my$"))


def test_what_waits_is_found_and_paid_on_another_phone_without_a_script(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    shopper = Shopper(littleshop)
    shopper.buy("stall", product, phone=PHONE)
    waits = shopper.order("stall", product, phone=PHONE)
    number = littleshop.payment(waits.reference)["number"]
    page = device(java_script_enabled=False).new_page()
    comes_in(page, littleshop, PHONE, scripts=False)
    button = page.locator(f"form[action='/my/orders/{stall.shop_id}/{number}'] button.btn")

    def entered() -> bool:  # the list lags by seconds
        page.goto(f"{littleshop.web}/my")
        return button.count() == 1

    until(entered, every=0.4)
    button.click()
    page.wait_for_url(re.compile("/o/"))
    page.click("main button.pay")
    page.wait_for_url(re.compile("/alipay/cashier"))
    page.click("button.go")
    page.wait_for_url(re.compile(re.escape(littleshop.web) + "/o/"))

    def paid() -> bool:
        page.goto(f"{littleshop.web}/my")
        return page.locator(".my-orders li", has_text=str(number)).filter(
            has_text="付了，等发货"
        ).count() == 1  # fmt: skip

    until(paid, every=0.4)


def test_the_home_fits_and_can_be_pressed(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    Shopper(littleshop).order("stall", product, phone=OTHER)
    page = device().new_page()
    page.goto(f"{littleshop.web}/my")
    wrong = looks_right(page)
    page.goto(f"{littleshop.web}/@stall/p/{product}/elsewhere")
    wrong += looks_right(page)
    comes_in(page, littleshop, OTHER)
    expect(page.locator("h1")).to_have_text("我的订单")
    wrong += looks_right(page)
    assert wrong == []
