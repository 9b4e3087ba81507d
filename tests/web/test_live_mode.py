"""What the demo has and a live installation must not have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from littleshop import i18n
from tests.web import client as clients
from tests.web.client import World

POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
KEYS = {"p256dh": POINT, "auth": "BTBZMqHH6r4Tts7J_aSIgg"}


@pytest_asyncio.fixture
async def live(dsn: str, home: Path) -> AsyncIterator[World]:
    """A live installation over a fresh database."""
    async with clients.opened(dsn, home, mode="live") as made:
        yield made


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1:1/push/one", "https://127.0.0.1:1/push/one", "http://localhost/push/one"],
)
async def test_this_machine_is_no_push_service(live: World, endpoint: str) -> None:
    """The rail of the tests names 127.0.0.1:1 as allowed; in live mode that counts for nothing."""
    client = live.browser()
    root = f"/console/{await live.open_shop(client)}"
    told = {"endpoint": endpoint, "keys": KEYS}
    answer = await client.post(f"{root}/settings/notices/devices", json=told)
    assert answer.status_code == 422


@pytest.mark.parametrize("locale", i18n.LOCALES)
async def test_no_page_speaks_of_a_demo_or_an_inbox(live: World, locale: str) -> None:
    await live.open_shop(live.browser())
    client, ribbon = live.browser(locale), i18n.t(locale, "words.demo")
    for path in ("/", "/sign-in", "/open", "/@xiaoman", "/legal"):
        page = await client.get(path)
        assert page.status_code == 200, path
        assert ribbon not in page.text and "inbox" not in page.text.lower(), path
    assert (await client.get("/inbox")).status_code == 404


async def test_a_code_is_on_the_phone_and_nowhere_else(
    live: World, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    client = live.browser()
    with caplog.at_level("DEBUG"):
        await client.post("/sign-in", data={"phone": clients.SELLER})
        await live.work()
    page = await client.get("/sign-in/code")
    printed = capfd.readouterr()
    for said in (page.text, caplog.text, printed.out, printed.err, str(page.headers)):
        assert live.code() not in said
