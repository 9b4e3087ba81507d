"""A browser without JavaScript buys as well."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.flows.conftest import Device
from tests.flows.people import Shopkeeper
from tests.flows.running import Running, until
from tests.flows.steps import ADDRESS, token


def test_without_scripts_one_buys_by_plain_forms(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    page = device(java_script_enabled=False).new_page()
    page.goto(f"{littleshop.web}/@stall/p/{product}")
    page.click("button[value=basket]")
    expect(page.locator("main")).to_contain_text("青灰釉盖碗")
    page.click(".count-row button >> nth=2")
    expect(page.locator(".count-row .num")).to_have_text("2")
    page.click("a.pay")
    page.fill("[name=pasted]", ADDRESS)
    page.click("button[value=split]")
    expect(page.locator("[name=street]")).to_have_value(re.compile("文三路"))
    expect(page.locator("[name=province]")).to_have_value("浙江省")
    page.click("button.pay")
    page.wait_for_url(re.compile("/alipay/cashier"))
    page.click("button.go")
    page.wait_for_url(re.compile("/o/"))
    order = f"{littleshop.web}/o/{token(page)}"

    def packed() -> bool:
        page.goto(order)
        return "发货" in page.locator("h1").first.inner_text()

    until(packed, every=0.5)
    expect(page.locator("main")).to_contain_text("336")
