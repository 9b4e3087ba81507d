"""From "I also want to open a little shop" to a first thing that is shared: fields, taps, seconds.

Every field on the way counts, filled in ahead or not; what is folded away does not.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.flows.conftest import Device
from tests.flows.people import Shopkeeper, picture
from tests.flows.running import Running, until

MOST_FIELDS = 9
FIELDS = """() => [...new Set([...document.querySelectorAll(
    "main input, main select, main textarea")]
  .filter((one) => one.type !== "hidden" && !one.readOnly && !one.closest("details:not([open])")
    && one.closest("label, div").getClientRects().length)
  .map((one) => one.name))]"""


class Way:
    """What a person meets on the way: fields of every page, taps, seconds since the first one."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.fields: list[str] = []
        self.taps = 0
        self.began = time.monotonic()

    def tap(self, what: str) -> None:
        self.taps += 1
        self.page.click(what)

    def arrive(self, where: str) -> None:
        """On a page: note its fields."""
        self.page.wait_for_url(re.compile(where))
        self.page.wait_for_load_state()
        self.fields += self.page.evaluate(FIELDS)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


def named_share(littleshop: Running, stall: Shopkeeper, product: str) -> str:
    """The link of a share of this product that its seller made."""
    stall.post(f"{stall.root}/shares", name="老同学", product=product)
    page = stall.client.get(f"{stall.root}/shares?product={product}").text
    row = page[page.index("老同学") :]
    found = re.search(r'data-copy="([^"]+)"', row)
    assert found is not None
    return found[1]


def open_and_share(way: Way, littleshop: Running, phone: str, photo: Path) -> str:
    """Press the button, open a shop, put one thing on sale, have its link; the link."""
    page = way.page
    way.tap("main a[href^='/open?']")
    way.arrive(r"/open\?")
    page.fill("input[name=phone]", phone)
    way.tap("main button.go")
    way.arrive("/open/phone/code")
    page.fill("input[name=code]", littleshop.code_for(phone))  # sent by itself
    way.arrive("/open$")
    page.fill("input[name=name]", "阿蓝的布")
    way.tap("main button.go")
    way.arrive(r"/goods/new\?first=1")
    way.taps += 1  # the camera
    page.set_input_files("input[type=file]", str(photo))
    page.fill("input[name=title]", "蓝染方巾")
    page.fill("input[name=price]", "88")
    way.tap("main button.go")
    way.arrive(r"/opened\?product=")
    way.tap("main [data-copy]")
    link = page.locator("main [data-copy]").get_attribute("data-copy")
    assert link is not None
    return link


def test_from_the_button_to_a_first_shared_thing_in_few_fields(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device, tmp_path: Path
) -> None:
    photo = tmp_path / "cloth.jpg"
    photo.write_bytes(picture(900, 900))
    friend = device().new_page()
    friend.goto(named_share(littleshop, stall, product))
    way = Way(friend)
    link = open_and_share(way, littleshop, "13900007301", photo)
    print(
        f"\nfrom the button to the first share: {len(way.fields)} fields"
        f" ({', '.join(way.fields)}), {way.taps} taps, {way.seconds:.1f} seconds"
    )
    assert len(way.fields) <= MOST_FIELDS

    other = device().new_page()
    other.goto(link)
    expect(other.locator("h1")).to_contain_text("蓝染方巾")
    expect(other.locator("button[value=checkout]")).to_be_visible()

    context = device()
    context.add_cookies(stall.cookies)  # type: ignore[arg-type]
    seller = context.new_page()

    def credited() -> bool:
        seller.goto(f"{littleshop.web}{stall.root}/shares?by=tree")
        return "阿蓝的布" in seller.locator("main").inner_text()

    until(credited, every=0.5)
    seller.goto(f"{littleshop.web}{stall.root}/shares?product={product}")
    row = seller.locator(".share-row", has_text="老同学")
    assert row.locator(".trio b").all_inner_texts()[2] == "1"  # a shop opened
