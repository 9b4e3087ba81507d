"""The pages that a phone keeps as an app: the browser reads what it needs for that, and may."""

from __future__ import annotations

import pytest

from tests.flows.conftest import Device
from tests.flows.people import Shopkeeper
from tests.flows.running import Running

OF_THE_BROWSER = {"in-incognito"}  # a test's browser keeps nothing; one without windows may


@pytest.mark.parametrize("console", [True, False])
def test_a_browser_may_keep_it_as_an_app(
    littleshop: Running, stall: Shopkeeper, device: Device, console: bool
) -> None:
    """A manifest is fetched without cookies unless the page says otherwise, and the console's is
    for who works there."""
    context = device()
    context.add_cookies(stall.cookies)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(littleshop.web + (stall.root if console else "/my"))
    asked = context.new_cdp_session(page)
    read = asked.send("Page.getAppManifest")
    assert read["url"].endswith("/manifest.webmanifest") and read["errors"] == [], read
    faults = {
        one["errorId"] for one in asked.send("Page.getInstallabilityErrors")["installabilityErrors"]
    }
    assert faults <= OF_THE_BROWSER, faults
