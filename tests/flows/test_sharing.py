"""A share is followed: who came by it, what they bought, and the seller sees it."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, expect

from tests.flows.conftest import PHONE, Device
from tests.flows.people import PHONE_AGENT, Shopkeeper
from tests.flows.running import Running, until
from tests.flows.steps import ADDRESS

IN_WECHAT = PHONE | {"user_agent": f"{PHONE_AGENT} MicroMessenger/8.0.50 NetType/WIFI"}


def test_a_named_share_brings_a_visitor_an_order_and_its_turnover(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device, buyer: Page
) -> None:
    context = device()
    context.add_cookies(stall.cookies)  # type: ignore[arg-type]
    seller = context.new_page()
    seller.goto(f"{littleshop.web}{stall.root}/shares")
    seller.fill("input[name=name]", "楼下咖啡馆")
    seller.click("main button.go")
    row = seller.locator(".share-row", has_text="楼下咖啡馆")
    link = row.locator("button[data-copy]").get_attribute("data-copy")
    assert link is not None

    buyer.goto(link)
    buyer.click(f"main a[href*='/p/{product}']")
    buyer.click("button[value=checkout]")
    buyer.fill("[name=pasted]", ADDRESS)
    expect(buyer.locator("[name=street]")).not_to_have_value("")
    buyer.click("button.pay")
    buyer.wait_for_url(re.compile("/alipay/cashier"))
    buyer.click("button.go")
    buyer.wait_for_url(re.compile("/o/"))
    expect(buyer.locator("h1").first).to_contain_text("发货")

    def seen() -> bool:
        seller.reload()
        figures = row.locator(".trio b").all_inner_texts()
        # visitor, visit, shops opened; ordered, paid, kept
        return figures == ["1", "1", "0", "1", "1", "1"] and "168" in row.inner_text()

    until(seen, every=0.5)


def test_the_sheet_of_a_product_hands_out_one_link_per_device(
    littleshop: Running, stall: Shopkeeper, product: str, buyer: Page
) -> None:
    buyer.goto(f"{littleshop.web}/@stall/p/{product}")
    buyer.click("a[data-dialog]")
    field = buyer.locator("dialog [data-link-field]")
    link = field.input_value()
    assert re.search(r"/s/[0-9a-v]+-[2-9a-z]{6}$", link)
    buyer.click("dialog > button.ib")
    buyer.click("a[data-dialog]")
    expect(field).to_have_value(link)
    expect(buyer.locator("dialog .qr svg")).to_be_visible()


def test_inside_wechat_the_card_is_set_because_wechat_believes_our_signature(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    inside = device(IN_WECHAT).new_page()
    inside.goto(f"{littleshop.web}/@stall/p/{product}?from=singlemessage")
    inside.click("a[data-sheet]")
    expect(inside).to_have_url(re.compile(f"/p/{product}/shares$"))  # a page of its own
    expect(inside.locator("[data-wx-ready]")).to_be_visible()
    kept = inside.locator("html").get_attribute("data-updateappmessagesharedata")
    card = json.loads(kept or "{}")
    assert card["title"].startswith("青灰釉盖碗") and card["imgUrl"].startswith(littleshop.web)
    inside.goto(card["link"])
    expect(inside.locator("h1")).to_contain_text("青灰釉盖碗")
