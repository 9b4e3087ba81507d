"""Pages that nobody looks at hold no connection, and know what they missed when they are seen."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.flows.conftest import Device
from tests.flows.people import Shopkeeper, Shopper
from tests.flows.running import Running

HIDDEN = """(hidden) => {
  Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def today(littleshop: Running, stall: Shopkeeper, device: Device) -> Page:
    context = device()
    context.add_cookies(stall.cookies)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{littleshop.web}{stall.root}")
    return page


def test_ten_tabs_of_a_console_leave_room_for_the_one_that_is_looked_at(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    """A browser has six connections to a site."""
    first = today(littleshop, stall, device)
    expect(first.locator("[data-live-state].on")).to_be_attached()
    first.evaluate(HIDDEN, True)
    expect(first.locator("[data-live-state].on")).not_to_be_attached()
    for _ in range(8):
        page = first.context.new_page()
        page.goto(f"{littleshop.web}{stall.root}")
        expect(page.locator("[data-live-state].on")).to_be_attached()
        page.evaluate(HIDDEN, True)
    bought = Shopper(littleshop).buy("stall", product)
    number = littleshop.payment(bought.reference)["number"]
    news = first.locator("[data-live-top]")
    expect(news).not_to_contain_text(str(number))
    first.evaluate(HIDDEN, False)
    expect(news).to_contain_text(str(number))
    expect(first.locator("[data-live-state].on")).to_be_attached()
