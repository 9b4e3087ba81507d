"""The whole program, started as `./run` starts it, and a phone's browser in front of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome")
     if (path := shutil.which(name))),
    None,
)  # fmt: skip
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 1, "is_mobile": True,
         "has_touch": True}  # fmt: skip
PHONE_AGENT = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Mobile Safari/537.36"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class Running:
    """A running littleshop: its addresses, its home, its process."""

    home: Path
    web: str
    sandbox: str
    process: subprocess.Popen[bytes]

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`./run WORDS` beside the running program."""
        return subprocess.run(
            [sys.executable, "-m", "littleshop", *words, "--home", str(self.home)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def audit(self) -> dict[str, Any]:
        """What `littleshop audit --json` says."""
        said: dict[str, Any] = json.loads(self.command("audit", "--json").stdout)
        return said

    def code_for(self, phone: str) -> str:
        """The newest code in the sandbox's SMS inbox for a phone."""
        for _ in range(100):
            inbox = httpx.get(f"{self.sandbox}/inbox.json", params={"phone": phone}).json()
            messages = inbox if isinstance(inbox, list) else inbox["messages"]
            found = [message["code"] for message in messages if message.get("code")]
            if found:
                return str(found[0])
            time.sleep(0.1)
        raise AssertionError(f"no code for {phone}")

    def children(self, word: str) -> list[int]:
        """The processes of this home whose command line has `word` in it."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                environment = (folder / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if word in line and str(self.home) in environment:
                found.append(int(folder.name))
        return found

    def kill(self, word: str) -> None:
        """kill -9 of every process whose command line has `word` in it."""
        for pid in self.children(word):
            os.kill(pid, signal.SIGKILL)

    def wait_ready(self, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if httpx.get(f"{self.web}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError("littleshop did not come back")


def start(home: Path, *options: str) -> Running:
    """Start the demo under `home` on free ports and wait until its first page can be served."""
    port, sandbox_port, ready = free_port(), free_port(), home / "ready.json"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "littleshop", "demo", "--home", str(home), "--port", str(port),
             "--sandbox-port", str(sandbox_port), "--ready-file", str(ready), *options],
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )  # fmt: skip
    for _ in range(600):
        if ready.exists():
            said = json.loads(ready.read_text())
            return Running(home, said["web"], said["sandbox"], process)
        assert process.poll() is None, (home / "log").read_text()
        time.sleep(0.1)
    raise AssertionError((home / "log").read_text()[-4000:])


def stop(running: Running) -> None:
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(timeout=30)


@pytest.fixture(scope="session")
def littleshop() -> Iterator[Running]:
    """One littleshop without the demo town, for every flow."""
    with tempfile.TemporaryDirectory(prefix="ls-") as folder:
        running = start(Path(folder) / "home", "--empty")
        yield running
        stop(running)


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


def phone(browser: Browser, locale: str = "zh-CN") -> BrowserContext:
    """A phone of its own: its cookies, its language; a page fault fails the test that made it."""
    return browser.new_context(locale=locale, user_agent=PHONE_AGENT, **PHONE)  # type: ignore[arg-type]


@pytest.fixture
def seller(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The seller's phone."""
    context = phone(browser)
    yield context.new_page()
    context.close()


@pytest.fixture
def buyer(browser: Browser) -> Iterator[Page]:
    """The buyer's phone."""
    context = phone(browser)
    yield context.new_page()
    context.close()
