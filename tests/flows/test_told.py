"""The seller is told: on the open page, on the locked phone, by SMS."""

from __future__ import annotations

import json

import httpx
from playwright.sync_api import expect

from tests.flows.conftest import Device
from tests.flows.people import Shopkeeper, Shopper
from tests.flows.running import Running, until


def test_a_new_order_appears_on_the_open_page_by_itself(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    context = device()
    context.add_cookies(stall.cookies)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(littleshop.web + stall.root)
    expect(page.locator("[data-live-state]")).to_have_class("t12 soft live-dot js-only on")
    page.evaluate("window.notReloaded = true")
    waiting = page.locator("[data-live-count=waiting]")
    before = int("0" + "".join(each for each in waiting.inner_text() if each.isdigit()))
    placed = Shopper(littleshop).buy("stall", product)
    number = littleshop.payment(placed.reference)["number"]
    news = page.locator("[data-live-top=happened]")
    expect(news.locator(f"a[href$='/orders/{number}']").first).to_be_visible()
    expect(waiting).to_contain_text(str(before + 1))
    assert page.evaluate("window.notReloaded") is True


def test_a_new_order_comes_as_a_push_message_only_this_phone_can_read(
    littleshop: Running, stall: Shopkeeper, product: str
) -> None:
    made = httpx.post(f"{littleshop.sandbox}/push/subscriptions", trust_env=False).json()
    subscription = {"endpoint": made["endpoint"], "keys": made["keys"]}
    devices = f"{stall.root}/settings/notices/devices"
    answer = stall.client.post(devices, json=subscription)
    assert answer.status_code == 204, answer.text
    placed = Shopper(littleshop).buy("stall", product)
    number = littleshop.payment(placed.reference)["number"]
    received = f"{made['endpoint']}.json"

    def told() -> bool:
        messages = httpx.get(received, trust_env=False).json()
        return any(str(number) in json.dumps(one, ensure_ascii=False) for one in messages)

    until(told)


def test_a_new_order_that_nobody_looks_at_comes_as_sms_too(
    littleshop: Running, stall: Shopkeeper, product: str
) -> None:
    before = littleshop.inbox(stall.phone)[:1]  # the inbox shows the newest ones only
    Shopper(littleshop).buy("stall", product)
    littleshop.advance("14m")  # browsers are given a while, and a phone rings once in ten minutes
    until(lambda: littleshop.inbox(stall.phone)[:1] != before)
    assert "单" in littleshop.inbox(stall.phone)[0]["text"]
