"""The main job in English: a friend who was shown a thing opens a shop of their own."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.flows.conftest import Device
from tests.flows.people import Shopkeeper
from tests.flows.running import Running
from tests.flows.steps import (
    buy,
    enter_phone,
    name_the_shop,
    prove_identity,
    put_on_sale,
)


def test_who_was_shown_a_thing_opens_a_shop_sells_and_is_paid_in_english(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device, photo: Path
) -> None:
    sheet = stall.client.get(f"/@stall/p/{product}/shares").text
    share = re.search(r"/s/([0-9a-v]+-[2-9a-z]{6})", sheet)
    assert share is not None
    page = device(locale="en-GB").new_page()
    page.goto(f"{littleshop.web}/s/{share[1]}")
    page.click("aside.open a")
    expect(page.locator(".brought")).to_contain_text("晚风小铺")
    expect(page.locator(".brought")).to_contain_text("青灰釉盖碗")
    enter_phone(page, littleshop, "13900004004")
    name_the_shop(page, "harbour", "Harbour Cups")
    page.wait_for_url(re.compile(r"/goods/new\?first=1"))  # a first thing, before any paper
    [brought] = littleshop.rows(
        "select brought_by_shop_id, brought_by_share, brought_by_product_id::text"
        " from shops where slug = 'harbour'"
    )
    assert list(brought.values()) == [stall.shop_id, share[1], product]
    console = re.sub("/goods/new.*", "", page.url)
    page.goto(f"{console}/opened")
    page.click("a[href*='/open?shop=']")  # the payout waits for a name and a card
    prove_identity(page)
    page.wait_for_url(re.compile("/console/"))
    put_on_sale(page, "A cup for rain", "42", "3", photo)

    friend = device(locale="en-GB").new_page()
    token = buy(friend, littleshop, "harbour")
    expect(friend.locator("h1").first).to_contain_text("to send it")
    page.goto(f"{console}/orders/1001")
    page.fill("input[name=tracking_number]", "SF1408223100672")
    page.locator("button.go").first.click()
    expect(page.locator("main")).to_contain_text("SF14")
    friend.goto(f"{littleshop.web}/o/{token}")
    friend.locator("a[href$='/receipt']").click()
    friend.locator("form[action$='/receipt'] button").click()
    expect(friend.locator("h1").first).to_contain_text("Harbour Cups")
    littleshop.advance("2d")
    littleshop.settle()  # or the worker did, when midnight came meanwhile
    paid = littleshop.rows("select amount_minor from payouts")
    assert 4200 in [one["amount_minor"] for one in paid]
    page.goto(f"{console}/money")
    expect(page.locator("main details").first).to_contain_text("42")
