"""At a desk: the rail's code is on the page, another phone pays, the page notices."""

from __future__ import annotations

import re

import segno
from playwright.sync_api import expect

from tests.flows.conftest import DESK, Device
from tests.flows.people import Shopkeeper
from tests.flows.running import Running
from tests.flows.steps import to_checkout


def test_a_desk_shows_the_rails_code_and_notices_the_other_phone(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    desk = device(DESK).new_page()
    to_checkout(desk, f"{littleshop.web}/@stall", product)
    desk.click("button.pay")
    desk.locator(".qr svg").wait_for()
    [asked] = littleshop.rows(
        "select reference, code_url from payments where method = 'qr'"
        " order by asked_at desc limit 1"
    )
    trade = littleshop.trade(asked["reference"])
    assert trade is not None and trade["trade_no"] in asked["code_url"]
    drawn = desk.locator(".qr svg path").last.get_attribute("d")
    right = segno.make(asked["code_url"], error="m").svg_inline(border=0)
    meant = re.search(r' d="([^"]+)"', right)
    assert meant is not None and drawn == meant[1]
    other = device().new_page()
    other.goto(asked["code_url"])  # what a phone's camera opens
    other.click("button.go")
    desk.wait_for_url(re.compile(r"/o/[^/]+$"))
    expect(desk.locator("h1").first).to_contain_text("发货")


def test_a_desk_may_pay_on_the_rails_own_page(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    desk = device(DESK).new_page()
    to_checkout(desk, f"{littleshop.web}/@stall", product)
    desk.click("button.pay")
    desk.click("form:has(input[name=how]) button.pay")
    desk.wait_for_url(re.compile("/alipay/cashier"))
    desk.click("button.go")
    desk.wait_for_url(re.compile(r"/o/[^/]+$"))
    expect(desk.locator("h1").first).to_contain_text("发货")
