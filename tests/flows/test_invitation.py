"""A letter that asks to be paid: written at the desk, opened in a chat, paid on a phone."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.flows.conftest import PHONE, Device
from tests.flows.people import Shopkeeper
from tests.flows.running import Running, until
from tests.flows.steps import ADDRESS
from tests.flows.test_looks import looks_right

FIRST = 700  # px of a phone that are seen without a thumb


def writes(seller: Page, where: str, **typed: str) -> str:
    """The seller picks what stands first on the shelf; the link of the letter."""
    seller.goto(f"{where}/collect")
    seller.click("main a.btn.go")
    for name, value in typed.items():
        seller.fill(f"[name={name}]", value)
    pieces = seller.locator("input[name^='q-']").first
    pieces.fill("1")
    variant = (pieces.get_attribute("name") or "").removeprefix("q-")
    seller.fill(f"[name='p-{variant}']", "150")
    seller.click("button[value=send]")
    seller.wait_for_url(re.compile(r"/collect/[0-9a-f-]{36}"))
    return seller.locator(".address input").input_value()


def test_a_letter_is_written_seen_taken_up_and_paid_and_the_next_one_knows_the_way(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device, buyer: Page
) -> None:
    context = device()
    context.add_cookies(stall.cookies)  # type: ignore[arg-type]
    seller, desk = context.new_page(), f"{littleshop.web}{stall.root}"
    link = writes(seller, desk, to_name="阿婷", words="上回你说想要的那只，先替你留着。")

    buyer.goto(link)
    go = buyer.locator(".btn.pay")
    for needed in (buyer.locator("h1"), buyer.locator(".sum .price"), go):
        box = needed.bounding_box()
        assert box is not None and box["y"] + box["height"] <= FIRST
    assert looks_right(buyer) == []
    buyer.set_viewport_size(PHONE["viewport"])
    go.click()
    buyer.fill("[name=pasted]", ADDRESS)
    expect(buyer.locator("[name=street]")).not_to_have_value("")
    buyer.click("button.pay")
    buyer.wait_for_url(re.compile("/alipay/cashier"))
    buyer.click("button.go")
    buyer.wait_for_url(re.compile("/o/"))

    def paid() -> bool:
        seller.reload()
        return "付了" in seller.locator("h2").first.inner_text()

    until(paid, every=0.5)
    buyer.goto(link)
    expect(buyer.locator("main")).to_contain_text("看我的订单")
    buyer.goto(writes(seller, desk, to_name="阿婷"))
    buyer.click(".btn.pay")
    expect(buyer.locator("[name=recipient]")).to_have_value("陈婉婷")
    expect(buyer.locator("[name=street]")).to_have_value("文三路 478 号 2 幢 301")
