"""Takes the pictures of the README on a running demo, as its people would see it.

    ./run                                                 # in another window; wait for the town
    python tools/pictures.py http://127.0.0.1:8000 http://127.0.0.1:8001 [--out docs/pictures]

The first address is the shops', the second the sandbox's. Nothing is drawn: a thing is bought,
paid, shipped and signed in for, so each run leaves one order and a half opened shop in the demo.
Needs Chromium, and the development packages (playwright, pillow).
"""

from __future__ import annotations

import argparse
import io
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
PHONE = {"width": 390, "height": 844}
SEEN_AS = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Mobile Safari/537.36"
)
ADA, XIAOMAN = "13800000002", "13800000001"
COLOURS = 256


class Studio:
    """A browser, the two addresses, and where the pictures go."""

    def __init__(self, browser: Browser, web: str, sandbox: str, out: Path) -> None:
        self._browser = browser
        self.web = web.rstrip("/")
        self.sandbox = sandbox.rstrip("/")
        self._out = out
        self._doors: dict[str, tuple[str, list[Any]]] = {}  # a second code so soon is refused

    @contextmanager
    def phone(self, locale: str, *, dark: bool = False) -> Iterator[Page]:
        """A fresh phone that speaks `locale`."""
        context = self._browser.new_context(
            viewport={"width": PHONE["width"], "height": PHONE["height"]},
            device_scale_factor=2,
            is_mobile=True,
            has_touch=True,
            locale=locale,
            timezone_id="Asia/Shanghai",
            color_scheme="dark" if dark else "light",
            user_agent=SEEN_AS,
        )
        try:
            yield context.new_page()
        finally:
            context.close()

    def go(self, page: Page, path: str) -> None:
        """Open a page of the shops and let its pictures come."""
        page.goto(path if path.startswith("http") else self.web + path)
        page.wait_for_load_state("load")
        page.wait_for_timeout(500)

    def take(self, page: Page, name: str) -> None:
        """One picture, of few colours so that it is light."""
        page.wait_for_timeout(300)
        full = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        few = full.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        path = self._out / f"{name}.png"
        few.save(path, optimize=True)
        print(f"{path} {path.stat().st_size // 1024} KB")

    def codes(self, phone: str) -> list[str]:
        """The codes in the sandbox's inbox, newest first."""
        found = httpx.get(f"{self.sandbox}/inbox.json", params={"phone": phone}, trust_env=False)
        return [str(each["code"]) for each in found.json() if each["code"]]

    def prove(self, page: Page, phone: str) -> None:
        """Ask for a code on the page with the phone's field, wait for it and type it."""
        known = len(self.codes(phone))
        page.fill("[name=phone]", phone)
        page.locator("form button.go").first.click()
        page.wait_for_selector("[name=code]")
        for _ in range(40):
            if len(self.codes(phone)) > known:
                break
            page.wait_for_timeout(250)
        page.fill("[name=code]", self.codes(phone)[0])
        page.wait_for_timeout(300)
        if page.locator("[name=code]").count():
            page.press("[name=code]", "Enter")

    def sign_in(self, page: Page, phone: str) -> str:
        """Into the back room; its address."""
        if phone in self._doors:
            root, cookies = self._doors[phone]
            page.context.add_cookies([each for each in cookies if each["name"] != "locale"])
            self.go(page, root)
            return root
        self.go(page, "/sign-in")
        self.prove(page, phone)
        page.wait_for_url("**/console/*")
        self._doors[phone] = (page.url, page.context.cookies())
        return page.url


def looking(studio: Studio) -> None:
    """The shop in English, the product in Chinese."""
    with studio.phone("en-GB") as page:
        studio.go(page, "/@adas-corner")
        studio.take(page, "shop")
    with studio.phone("zh-CN") as page:
        studio.go(page, "/@xiaoman")
        page.locator("a[href*='/p/']").first.click()
        page.wait_for_timeout(800)
        studio.take(page, "product")


def between_friends(studio: Studio) -> None:
    """A thing that three people buy together, and where a link can be sent."""
    with studio.phone("zh-CN") as page:
        studio.go(page, "/@xiaoman")
        page.locator(".tile a[href*='/p/']", has_text="老白茶").first.click()
        page.locator("a[href*='/team']").click()
        studio.take(page, "team")
    with studio.phone("en-GB") as page:
        studio.go(page, "/@adas-corner")
        page.locator(".tile:not(.out) a[href*='/p/']").nth(2).click()
        page.wait_for_timeout(500)
        studio.go(page, page.url + "/shares")
        studio.take(page, "share")


def to_the_checkout(studio: Studio, page: Page, shop: str, pasted: str) -> None:
    """Choose a thing and paste an address."""
    studio.go(page, f"/@{shop}")
    page.locator(".tile:not(.out) a[href*='/p/']").nth(2).click()
    page.locator("button[value=checkout]").click()
    page.fill("[data-paste]", pasted)
    page.wait_for_timeout(800)


def buying(studio: Studio) -> None:
    """The checkout at dusk, then an order on its way by day."""
    with studio.phone("zh-CN", dark=True) as page:
        address = "陈婉婷 13800002046 浙江省杭州市西湖区文三路 478 号 2 幢 301"
        to_the_checkout(studio, page, "xiaoman", address)
        page.evaluate("document.querySelector('.grp').scrollIntoView({block: 'center'})")
        studio.take(page, "checkout")
    with studio.phone("en-GB") as page:
        to_the_checkout(studio, page, "adas-corner", "林晚 13800002046 上海市徐汇区武康路 99 号 4")
        page.locator(".bar button.go").click()
        page.wait_for_url(f"{studio.sandbox}/**")  # a phone is led straight to the rail
        page.locator("form button.go").click()
        page.wait_for_url("**/o/**")
        order = page.url.partition("?")[0].removesuffix("/payment")
        page.wait_for_timeout(2500)
        studio.go(page, order)
        number = "".join(each for each in page.inner_text(".top") if each.isdigit())
        ship(studio, number)
        studio.go(page, order)
        studio.take(page, "order")


def ship(studio: Studio, number: str) -> None:
    """Ada sends the parcel."""
    with studio.phone("en-GB") as page:
        root = studio.sign_in(page, ADA)
        studio.go(page, f"{root}/orders/{number}")
        page.fill("[name=tracking_number]", f"SF14{secrets.randbelow(10**11):011d}")
        page.locator("form[data-ship] button.go").click()
        page.wait_for_timeout(800)


def opening(studio: Studio) -> None:
    """The second step of opening a shop, half an ID number typed."""
    phone = f"138{secrets.randbelow(10**8):08d}"
    with studio.phone("zh-CN") as page:
        studio.go(page, "/open")
        studio.prove(page, phone)
        page.wait_for_selector("[name=legal_name]")
        page.fill("[name=legal_name]", "林小满")
        page.locator("[name=id_number]").press_sequentially("36020319920503")
        studio.take(page, "opening")


def selling(studio: Studio) -> None:
    """The console: today in the dark, orders, thirty days."""
    with studio.phone("en-GB", dark=True) as page:
        studio.sign_in(page, ADA)
        page.wait_for_timeout(800)
        studio.take(page, "today")
    with studio.phone("zh-CN") as page:
        root = studio.sign_in(page, XIAOMAN)
        studio.go(page, f"{root}/orders")
        page.fill("[name=tracking_number]", "SF1408223100671")
        page.wait_for_timeout(800)
        page.evaluate("document.activeElement.blur()")
        studio.take(page, "orders")
    with studio.phone("en-GB") as page:
        root = studio.sign_in(page, ADA)
        studio.go(page, f"{root}/figures")
        studio.take(page, "figures")


def main() -> None:
    """Take all ten."""
    wish = argparse.ArgumentParser(description="Takes the pictures of the README.")
    wish.add_argument("web")
    wish.add_argument("sandbox")
    wish.add_argument("--out", type=Path, default=Path("docs/pictures"))
    told = wish.parse_args()
    told.out.mkdir(parents=True, exist_ok=True)
    found = next((path for path in CHROMIUM if Path(path).exists()), None)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        studio = Studio(browser, told.web, told.sandbox, told.out)
        for scene in (looking, between_friends, buying, opening, selling):
            scene(studio)
        browser.close()


if __name__ == "__main__":
    main()
