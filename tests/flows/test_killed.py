"""Processes die in the middle of things; nothing is lost and nobody pays twice."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.flows.conftest import DESK, Device, Faults
from tests.flows.people import Shopkeeper, Shopper
from tests.flows.running import Running, until
from tests.flows.steps import to_cashier, to_checkout, token


def test_everything_is_killed_in_the_middle_and_comes_back(
    littleshop: Running, stall: Shopkeeper, product: str, buyer: Page, faults: Faults
) -> None:
    to_cashier(buyer, f"{littleshop.web}/@stall", product)
    cashier = buyer.url
    with littleshop.nobody_restarts():
        for name in ("littleshop work", "postgres", "littleshop web"):
            littleshop.kill(name)
        buyer.click("button.go")  # paid; the way back leads to a shop that is not there
        buyer.wait_for_url(re.compile("chrome-error"))
    littleshop.wait_ready()
    buyer.goto(cashier)
    buyer.click("a.go")
    expect(buyer.locator("h1").first).to_contain_text("发货", timeout=30_000)


def test_web_and_worker_die_between_asking_and_hearing(
    littleshop: Running, stall: Shopkeeper, product: str
) -> None:
    shopper = Shopper(littleshop)
    placed = shopper.order("stall", product)
    with littleshop.nobody_restarts():
        littleshop.kill("littleshop web")
        littleshop.kill("littleshop work")
        shopper.pay(placed)  # the notice finds nobody
    littleshop.wait_ready()
    assert littleshop.payment(placed.reference)["status"] == "asked"
    shopper.come_back(placed)
    until(lambda: littleshop.payment(placed.reference)["outcome"] == "accepted", 30)


def test_a_notice_that_was_taken_outlives_the_worker(
    littleshop: Running, stall: Shopkeeper, product: str
) -> None:
    shopper = Shopper(littleshop)
    placed = shopper.order("stall", product)
    with littleshop.nobody_restarts():
        littleshop.kill("littleshop work")
        shopper.pay(placed)
        until(lambda: littleshop.rows(
            "select 1 from notices where reference = $1", placed.reference))  # fmt: skip
        assert littleshop.payment(placed.reference)["status"] == "asked"
    until(lambda: littleshop.payment(placed.reference)["outcome"] == "accepted", 30)


def test_the_rail_is_away_while_paying_and_the_page_says_so(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    desk = device(DESK).new_page()
    to_checkout(desk, f"{littleshop.web}/@stall", product)
    with littleshop.nobody_restarts():
        littleshop.kill("-m sandbox")
        desk.click("button.pay")
        desk.wait_for_url(re.compile("failed=1"))
        expect(desk.locator("h1").first).to_contain_text("支付宝")
    littleshop.wait_ready()
    order = token(desk)
    desk.goto(f"{littleshop.web}/o/{order}")
    desk.locator("form[action$='/payment'] button").first.click()
    desk.locator(".qr svg").wait_for()
    desk.click("form:has([name=how]) button")
    desk.wait_for_url(re.compile("/alipay/cashier"))
    desk.click("button.go")
    desk.wait_for_url(re.compile(rf"/o/{order}$"))
    expect(desk.locator("h1").first).to_contain_text("发货")


def test_the_database_dies_while_placing_and_a_second_press_places_one_order(
    littleshop: Running, stall: Shopkeeper, product: str, buyer: Page, faults: Faults
) -> None:
    count = "select count(*) as many from orders where shop_id = $1"
    [before] = littleshop.rows(count, stall.shop_id)
    to_checkout(buyer, f"{littleshop.web}/@stall", product)
    with littleshop.nobody_restarts():
        littleshop.kill("postgres")
        with buyer.expect_response(
            lambda answer: answer.request.is_navigation_request()
        ) as answered:
            buyer.click("button.pay")
        assert answered.value.status == 503
        expect(buyer.locator("main")).to_contain_text(re.compile("稍|一会|再试|等"))
    littleshop.wait_ready()
    faults.expect("503")
    buyer.go_back()
    buyer.click("button.pay")
    buyer.wait_for_url(re.compile("/alipay/cashier"))
    [after] = littleshop.rows(count, stall.shop_id)
    assert after["many"] == before["many"] + 1
    buyer.click("button.go")
    buyer.wait_for_url(re.compile(r"/o/[^/]+$"))
    expect(buyer.locator("h1").first).to_contain_text("发货")
