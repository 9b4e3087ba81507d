"""The bank sends a payout back: it stands in the balance again and the seller reads why."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.flows.conftest import Device
from tests.flows.people import Shopper, open_shop
from tests.flows.running import Running, until

CLOSED_ACCOUNT = "6222020200112230010"  # the sandbox's bank returns it on the next day


def test_a_payout_that_comes_back_is_in_the_balance_again_and_says_why(
    littleshop: Running, device: Device
) -> None:
    keeper = open_shop(littleshop, "returned", "13900005005", "退潮小店")
    keeper.register(CLOSED_ACCOUNT)
    product = keeper.put_on_sale("潮汐石", "77.00", 5)
    shopper = Shopper(littleshop)
    placed = shopper.buy("returned", product)
    number = littleshop.payment(placed.reference)["number"]
    keeper.post(
        f"{keeper.root}/orders/{number}/parcels", tracking_number="SF1408223100673", carrier="sf"
    )
    answer = shopper.client.post(f"/o/{placed.token}/receipt")
    assert answer.status_code == 303, answer.text[-1000:]

    def payout() -> str:
        rows = littleshop.rows("select status from payouts where shop_id = $1", keeper.shop_id)
        return str(rows[-1]["status"]) if rows else ""

    for _ in range(8):  # days: settled, booked, sent back, read
        littleshop.advance("1d")
        littleshop.settle()
        if payout() == "returned":
            break
    until(lambda: payout() == "returned")
    context = device()
    context.add_cookies(keeper.cookies)  # type: ignore[arg-type]
    seller = context.new_page()
    seller.goto(f"{littleshop.web}{keeper.root}/money")
    expect(seller.locator(".pots > div").first).to_contain_text(re.compile("77"))
    expect(seller.locator("main .bad-word").first).to_be_visible()
    expect(seller.locator("main .bad-word").first).not_to_be_empty()
