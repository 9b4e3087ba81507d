"""Every main page: nothing scrolls sideways, nothing is too small to press, nothing complains."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.flows.conftest import PHONE, Device
from tests.flows.people import Shopkeeper, Shopper
from tests.flows.running import Running

WIDTHS = (360, 390, 430, 1280)
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# The last and innermost of what reaches beyond the page.
REACH = """() => [...document.querySelectorAll("body *")]
  .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth)
  .map(one => `${one.tagName}.${one.className} ${one.textContent.trim().slice(0, 60)}`).pop()"""
# Filters of a list that lie beside the page, where nobody looks for them.
BESIDE = """() => [...document.querySelectorAll(".filters a")]
  .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth
    || one.getBoundingClientRect().left < 0)
  .map(one => one.textContent.trim())"""
# What a finger meets 21 px around the middle of everything that can be pressed. A link inside a
# sentence is as high as its line; what a label covers is pressed through the label.
TOO_SMALL = """() => {
  const small = [];
  const pressed = "a[href], button, summary, select, textarea, input:not([type=hidden])";
  for (const one of document.querySelectorAll(pressed)) {
    const label = one.labels && one.labels[0];
    const shown = one.classList.contains("vh") || (label && one.offsetHeight < 30) ? label : one;
    if (!shown || !shown.checkVisibility({ visibilityProperty: true })) continue;
    if (shown.closest("[aria-hidden=true], .skip, [inert]")) continue;
    const style = getComputedStyle(shown);
    if (style.display === "inline" && shown.parentElement.textContent.trim() !==
        shown.textContent.trim()) continue;
    shown.scrollIntoView({ block: "center", behavior: "instant" });
    const box = shown.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const hits = (dx, dy) => {
      const met = document.elementFromPoint(x + dx, y + dy);
      return met && (shown.contains(met) || met.contains(shown) && met.closest("label, a, button")
        || (label && label.contains(met)));
    };
    if (!hits(0, 0)) continue;
    const tall = box.height >= 43.5 || (hits(0, -21) && hits(0, 21));
    const wide = box.width >= 43.5 || (hits(-21, 0) && hits(21, 0));
    if (!tall || !wide) {
      small.push(`${shown.outerHTML.slice(0, 120)} ${box.width | 0}x${box.height | 0}`);
    }
  }
  scrollTo(0, 0);
  return small;
}"""


def too_wide(page: Page, width: int) -> list[str]:
    """What reaches beyond the page at this width."""
    page.set_viewport_size({"width": width, "height": 844})
    over = page.evaluate(WIDE)
    return [f"{page.url} {width}: {over} px too wide ({page.evaluate(REACH)})"] if over > 0 else []


def looks_right(page: Page) -> list[str]:
    """What is wrong with the page that is open: at every width, in the dark at the narrowest."""
    page.wait_for_function("document.body !== null")  # a press leads on to a page that only comes
    page.wait_for_load_state()
    page.emulate_media(color_scheme="light")
    wrong = [words for width in WIDTHS for words in too_wide(page, width)]
    page.emulate_media(color_scheme="dark")
    wrong += too_wide(page, min(WIDTHS))
    page.set_viewport_size({"width": 390, "height": 844})
    wrong += [f"{page.url}: {one}" for look in (TOO_SMALL, BESIDE) for one in page.evaluate(look)]
    return wrong


@pytest.fixture(scope="module")
def orders(littleshop: Running, stall: Shopkeeper, product: str) -> tuple[Shopper, str, str]:
    """Somebody with an unpaid order and a paid one; their tokens."""
    shopper = Shopper(littleshop)
    paid, unpaid = shopper.buy("stall", product), shopper.order("stall", product)
    return shopper, unpaid.token, paid.token


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_a_buyers_pages_fit_and_can_be_pressed(
    littleshop: Running,
    stall: Shopkeeper,
    product: str,
    orders: tuple[Shopper, str, str],
    device: Device,
    locale: str,
) -> None:
    shopper, unpaid, paid = orders
    shopper.to_checkout("stall", product)
    context = device(PHONE, locale)
    context.add_cookies(
        [
            {"name": cookie.name, "value": str(cookie.value), "url": littleshop.web}
            for cookie in shopper.client.cookies.jar
        ]
    )
    page, wrong = context.new_page(), []
    shop = "/@stall"
    for path in (
        "/", "/open", "/sign-in", "/legal", shop, f"{shop}/p/{product}",
        f"{shop}/p/{product}/shares", f"{shop}/basket", f"{shop}/checkout",
        f"/o/{unpaid}", f"/o/{unpaid}/payment", f"/o/{paid}",
    ):  # fmt: skip
        page.goto(littleshop.web + path)
        wrong += looks_right(page)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_a_sellers_pages_fit_and_can_be_pressed(
    littleshop: Running,
    stall: Shopkeeper,
    product: str,
    orders: tuple[Shopper, str, str],
    device: Device,
    locale: str,
) -> None:
    context = device(PHONE, locale)
    context.add_cookies(stall.cookies)  # type: ignore[arg-type]
    page, wrong = context.new_page(), []
    for path in (
        "", "/opened", "/orders", "/orders/1001", "/goods", "/goods/new", f"/goods/{product}",
        "/people", "/money", "/figures", "/share", "/shares", "/shares?by=tree", "/entrances",
        "/goods/new?first=1", "/settings", "/settings/shop", "/settings/shipping",
        "/settings/notices",
    ):  # fmt: skip
        page.goto(littleshop.web + stall.root + path)
        wrong += looks_right(page)
    assert not wrong, "\n".join(wrong)
