"""A seller ships where there is no signal: it is sent once there is one, and once."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.flows.conftest import Device, Faults
from tests.flows.people import Shopkeeper, Shopper, open_shop
from tests.flows.running import Running, until

KNOWN = """async () => {
  await navigator.serviceWorker.ready;
  return Boolean(await caches.match('/offline'));
}"""

TRIED = """async () => {
  const { active } = await navigator.serviceWorker.ready;
  const wire = new MessageChannel();
  const told = new Promise((resolve) => { wire.port1.onmessage = resolve; });
  active.postMessage({ say: 'replay' }, [wire.port2]);
  await told;
}"""


def test_what_is_shipped_in_a_dead_spot_is_sent_once_and_a_cancelled_order_is_not(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device, faults: Faults
) -> None:
    placed = [Shopper(littleshop).buy("stall", product) for _ in range(2)]
    first, second = (littleshop.payment(each.reference)["number"] for each in placed)
    context = device()
    context.add_cookies(stall.cookies)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{littleshop.web}{stall.root}/orders/{first}")
    until(lambda: page.evaluate(KNOWN), 10)
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.wait_for_timeout(300)
    context.set_offline(True)
    expect(page.locator("[data-dead-spot]")).to_be_visible()
    page.fill("[data-ship] input[name=tracking_number]", "SF1408223100671")
    page.locator("[data-ship] button.go").click()
    queue = page.locator("[data-queue]")
    expect(queue).to_contain_text("SF1408223100671")
    page.fill("#f-order", str(second))
    page.fill("#f-number", "SF1408223100688")
    page.click("[data-queue-ship] button")
    expect(queue).to_contain_text("SF1408223100688")
    called_off = f"{stall.root}/orders/{second}/cancellation"
    assert stall.client.post(called_off, data={"reason": "坏了"}).status_code == 303
    with littleshop.nobody_restarts():  # there is a signal again, and nobody who answers
        littleshop.kill("littleshop web")
        context.set_offline(False)
        page.evaluate(TRIED)
        expect(queue).to_contain_text("SF1408223100671")
    littleshop.wait_ready()
    until(lambda: littleshop.payment(placed[0].reference)["order_status"] == "shipped")
    expect(queue.locator("li", has_text="SF1408223100671")).to_contain_text("已经发出去了")
    expect(page.locator("[data-queue-on]")).to_have_attribute("href", f"{stall.root}/orders")
    expect(queue).to_contain_text("别寄出去")
    page.locator("[data-theirs]:visible").click()
    expect(queue).not_to_contain_text("别寄出去")
    faults.expect("ERR_INTERNET_DISCONNECTED")  # the courier is guessed while a number is typed
    faults.expect("ERR_CONNECTION_REFUSED")  # while nobody answered


def test_what_waits_is_seen_and_sent_by_nobody_but_who_made_it(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device, faults: Faults
) -> None:
    """Somebody else signs in on the same phone, without a sign-out before."""
    placed = Shopper(littleshop).buy("stall", product)
    number = littleshop.payment(placed.reference)["number"]
    context = device()
    context.add_cookies(stall.cookies)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{littleshop.web}{stall.root}/orders/{number}")
    until(lambda: page.evaluate(KNOWN), 10)
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.wait_for_timeout(300)
    context.set_offline(True)
    page.fill("[data-ship] input[name=tracking_number]", "SF1408223100695")
    page.locator("[data-ship] button.go").click()
    expect(page.locator("[data-queue]")).to_contain_text("SF1408223100695")
    context.clear_cookies()
    other = open_shop(littleshop, "other-phone", "13900003117", "别家")
    context.add_cookies(other.cookies)  # type: ignore[arg-type]
    context.set_offline(False)
    page.goto(f"{littleshop.web}{other.root}/orders")
    page.evaluate(TRIED)
    page.goto(f"{littleshop.web}/offline")
    expect(page.locator("[data-queue-none]")).to_be_visible()
    assert littleshop.payment(placed.reference)["order_status"] == "to_ship"
    context.clear_cookies()
    context.add_cookies(stall.cookies)  # type: ignore[arg-type]
    page.goto(f"{littleshop.web}{stall.root}/orders")
    until(lambda: littleshop.payment(placed.reference)["order_status"] == "shipped")
    faults.expect("ERR_INTERNET_DISCONNECTED")  # the courier is guessed while a number is typed
