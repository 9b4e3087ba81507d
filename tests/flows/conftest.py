"""One running littleshop for all flows, a real browser, and phones and desks in front of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    expect,
    sync_playwright,
)

from tests.flows.people import PHONE_AGENT, Shopkeeper, open_shop
from tests.flows.running import Running, start, stop

expect.set_options(timeout=15_000)  # two cores may have other work too
CHROMIUM = next(
    (path for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
     if (path := shutil.which(name))),
    None,
)  # fmt: skip
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 1,
    "is_mobile": True,
    "has_touch": True,
    "user_agent": PHONE_AGENT,
}
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}


def _stands(page: Page) -> str:
    try:
        return page.locator("body").inner_text(timeout=2000)[:2000]
    except Error as no:  # it never came
        return str(no).partition("\n")[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A flow that fails shows what stood on its screens and what littleshop complained of."""
    report = yield
    if report.failed:
        opened, running = item.funcargs.get("browser"), item.funcargs.get("littleshop")
        for context in opened.contexts if isinstance(opened, Browser) else []:
            for page in context.pages:
                report.sections.append((f"at {page.url}", _stands(page)))
        if isinstance(running, Running):
            report.sections.append(("the logs", running.logged()[-4000:]))
    return report


@pytest.fixture(scope="session")
def littleshop() -> Iterator[Running]:
    """One littleshop without the demo town, for every flow."""
    with tempfile.TemporaryDirectory(prefix="ls-") as folder:
        running = start(Path(folder) / "home", "--empty")
        yield running
        stop(running)


@pytest.fixture(autouse=True)
def no_faults_left(littleshop: Running) -> Iterator[None]:
    """Whatever a flow broke on purpose is whole again after it, and the books add up."""
    yield
    littleshop.wait_ready()
    littleshop.control("faults/clear")
    audit = littleshop.audit()
    assert audit["ok"], audit


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real browser; without one these flows fail and say what to install."""
    assert CHROMIUM, "no browser: apt-get install -y chromium fonts-noto-cjk"
    with sync_playwright() as player:
        opened = player.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
        )
        yield opened
        opened.close()


class Faults(list[str]):
    """What the browser's console complained of, a refused policy and a thrown error alike."""

    def expect(self, word: str) -> None:
        """Take note of complaints with `word` in them: the flow brought them about on purpose."""
        self[:] = [fault for fault in self if word not in fault]


Device = Callable[..., BrowserContext]


@pytest.fixture
def faults() -> Iterator[Faults]:
    """A page fault fails the flow that met it."""
    met = Faults()
    yield met
    assert not met, met


@pytest.fixture
def device(browser: Browser, faults: Faults) -> Iterator[Device]:
    """Makes phones (and desks) of their own: their cookies, their language, all watched."""
    opened: list[BrowserContext] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            faults.append(f"{message.text} ({message.location.get('url', '')})")

    def make(kind: dict[str, Any] = PHONE, locale: str = "zh-CN", **more: Any) -> BrowserContext:
        context = browser.new_context(locale=locale, **kind, **more)
        context.set_default_timeout(15_000)
        context.on("console", note)
        context.on("weberror", lambda fault: faults.append(str(fault.error)))
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def seller(device: Device) -> Page:
    """The seller's phone."""
    return device().new_page()


@pytest.fixture
def buyer(device: Device) -> Page:
    """The buyer's phone."""
    return device().new_page()


@pytest.fixture(scope="session")
def stall(littleshop: Running) -> Shopkeeper:
    """A shop that stands ready, opened without a screen."""
    return open_shop(littleshop, "stall", "13900003003", "晚风小铺")


@pytest.fixture(scope="session")
def product(stall: Shopkeeper) -> str:
    """What the stall sells most of."""
    return stall.put_on_sale("青灰釉盖碗", "168.00", 500)


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bowl, as a phone would send it."""
    drawn = Image.new("RGB", (1600, 1200), (120, 150, 140))
    ImageDraw.Draw(drawn).ellipse((400, 200, 1200, 1000), fill=(240, 230, 210))
    path = tmp_path_factory.mktemp("photos") / "bowl.jpg"
    drawn.save(path, "JPEG")
    return path
