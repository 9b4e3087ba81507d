"""The main job: a stranger opens a shop on a phone, a friend buys, the seller is paid."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.flows.people import Shopkeeper, Shopper
from tests.flows.running import Running
from tests.flows.steps import (
    buy,
    open_a_shop,
    put_on_sale,
)


def test_a_shop_is_opened_stocked_bought_from_shipped_received_and_paid(
    littleshop: Running, seller: Page, buyer: Page, photo: Path
) -> None:
    open_a_shop(seller, littleshop, "xiaoman", "13900001001", "小满茶器")
    console = re.sub("/opened.*", "", seller.url)
    put_on_sale(seller, "青灰釉盖碗", "168", "5", photo)

    token = buy(buyer, littleshop, "xiaoman")
    expect(buyer.locator("h1").first).to_contain_text("发货")

    seller.goto(f"{console}/orders/1001")
    seller.fill("input[name=tracking_number]", "SF1408223100671")
    seller.locator("button.go").first.click()
    expect(seller.locator("main")).to_contain_text("SF14")

    buyer.goto(f"{littleshop.web}/o/{token}")
    expect(buyer.locator("main")).to_contain_text("顺丰")
    buyer.locator("a[href$='/receipt']").click()
    buyer.locator("form[action$='/receipt'] button").click()
    expect(buyer.locator("h1").first).to_contain_text("小满茶器")
    assert littleshop.audit()["ok"]

    littleshop.advance("2d")
    paid = littleshop.settle()["payouts"]
    assert [one["amount_minor"] for one in paid] == [16800]
    seller.goto(f"{console}/money")
    expect(seller.locator("main details").first).to_contain_text("168")


def test_a_friend_with_the_link_sees_and_cannot_act(
    littleshop: Running, stall: Shopkeeper, product: str, buyer: Page
) -> None:
    order = f"{littleshop.web}/o/{Shopper(littleshop).buy('stall', product).token}"
    buyer.goto(order)
    for secret in ("文三路", "陈婉婷", "2046"):
        expect(buyer.locator("main")).not_to_contain_text(secret)
    assert buyer.locator("a[href$='/receipt'], form[action$='/reminder']").count() == 0
    answer = buyer.request.post(f"{order}/cancellation", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status == 409
