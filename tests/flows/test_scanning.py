"""Parcels are scanned one after the other, before a real camera stream of drawn slips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.flows.conftest import CHROMIUM, PHONE
from tests.flows.people import Shopkeeper, Shopper, open_shop
from tests.flows.running import Running

THING = "6901234567892"
SLIPS = ("SF1408223100111", "YT1408223100222")
SHOWN = 45  # frames each: a second and a half


def drawn(text: str, kind: zxingcpp.BarcodeFormat) -> Image.Image:
    """A slip with one barcode, as a camera sees it."""
    bars = zxingcpp.write_barcode_to_image(zxingcpp.create_barcode(text, kind), scale=3)
    high, wide = bars.shape[:2]
    slip = Image.new("RGB", (640, 480), (222, 216, 205))
    grey = memoryview(bars).tobytes()  # type: ignore[arg-type]
    slip.paste(Image.frombytes("L", (wide, high), grey), (70, 150))
    return slip


def film(path: Path, slips: list[Image.Image]) -> Path:
    """What the camera sees, again and again (Motion JPEG, 30 frames a second)."""
    with path.open("wb") as reel:
        for slip in slips:
            for _ in range(SHOWN):
                slip.save(reel, "JPEG", quality=85)
    return path


@pytest.fixture
def camera_phone(tmp_path: Path, browser: Browser) -> Iterator[Page]:
    """A phone whose camera looks at a thing's barcode and at two parcels' in turn."""
    seen = [drawn(THING, zxingcpp.BarcodeFormat.EAN13)]
    seen += [drawn(each, zxingcpp.BarcodeFormat.Code128) for each in SLIPS]
    reel = film(tmp_path / "slips.mjpeg", seen)
    opened = browser.browser_type.launch(
        executable_path=CHROMIUM,
        args=[
            "--no-sandbox",
            "--disable-gpu",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={reel}",
        ],
    )
    yield opened.new_context(locale="zh-CN", permissions=["camera"], **PHONE).new_page()
    opened.close()


def test_two_parcels_are_scanned_and_shipped_without_leaving_the_camera(
    littleshop: Running, camera_phone: Page
) -> None:
    keeper: Shopkeeper = open_shop(littleshop, "scanned", "13900004170", "一扫小铺")
    product = keeper.put_on_sale("竹篮", "36.00", 9)
    for _ in SLIPS:
        Shopper(littleshop).buy("scanned", product)
    page = camera_phone
    page.context.add_cookies(keeper.cookies)  # type: ignore[arg-type]
    page.goto(f"{littleshop.web}{keeper.root}/orders")
    page.evaluate("window.notReloaded = true")
    asked = [each for each in page.evaluate(LOADED) if "zxing" in each]
    assert not asked, "the reader is fetched when scanning begins, not before"
    page.locator("[data-scan]").click()
    number = page.locator("input[name=tracking_number]")
    expect(number).not_to_have_value("")
    page.locator("[data-ship] .btn.go").click()
    page.locator("[data-undo] button").click()  # the wrong parcel: nobody has been told yet
    expect(page.locator("[data-undo]")).to_have_count(0)
    expect(page.locator("[data-camera] video")).to_be_visible()
    sent = set()
    for left in (1, 0):
        expect(number).not_to_have_value("")
        sent.add(number.input_value().replace(" ", ""))
        expect(page.locator("[data-scan-says]")).to_contain_text("扫到了")
        expect(page.locator("[data-carrier-list] input:checked")).not_to_have_value("")
        page.locator("[data-ship] .btn.go").click()
        if left:
            expect(page.locator("[data-undo]")).to_be_visible()
            expect(page.locator("[data-camera] video")).to_be_visible()
    expect(page.locator("[data-ship]")).to_have_count(0)
    assert sent == set(SLIPS)
    assert page.evaluate("window.notReloaded") is True


LOADED = "performance.getEntriesByType('resource').map((each) => each.name)"
