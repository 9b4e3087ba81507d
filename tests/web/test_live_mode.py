"""What the demo has and a live installation must not have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from littleshop import i18n
from littleshop.web.page_cache import PageCache
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


async def test_a_name_that_is_not_ours_is_told_where_we_are(live: World) -> None:
    """The kept pages too; probes, and who sits on this machine, ask by any name."""
    await live.open_shop(live.browser())
    front = PageCache(live.app)
    transport = httpx.ASGITransport(front)
    for url in ("http://evil.test", "http://shop.test:8443", "http://shop.test.evil.test"):
        async with httpx.AsyncClient(transport=transport, base_url=url) as stranger:
            for path in ("/", "/@xiaoman", "/callbacks/alipay"):
                answer = await stranger.get(path, headers={"accept-language": "zh-CN"})
                assert (answer.status_code, "http://shop.test" in answer.text) == (421, True)
                assert "这个地址不是本平台的" in answer.text
            assert (await stranger.get("/healthz")).status_code == 200
            assert (await stranger.get("/readyz")).text == "ready"
    sent_on = {"x-forwarded-for": "203.0.113.7"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as near:
        assert (await near.get("/@xiaoman")).status_code == 200
        assert (await near.get("/@xiaoman", headers=sent_on)).status_code == 421
    for host in ("SHOP.test", "shop.test:80", "shop.test."):
        async with httpx.AsyncClient(transport=transport, base_url=clients.ORIGIN) as buyer:
            answer = await buyer.get("/@xiaoman", headers={"host": host} | sent_on)
            assert answer.status_code == 200, host


async def test_the_demo_is_reached_by_any_name(world: World) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(world.app), base_url="http://192.168.1.5:8000"
    ) as anybody:
        assert (await anybody.get("/")).status_code == 200
