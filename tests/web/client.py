"""Browsers that talk to the real application over a test database; rails are played in memory.

`world` holds the house, the app, a clock that tests move, the SMS that arrived and what the
register says; `client` is one browser in it. `world.browser()` is another one.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image
from starlette.applications import Starlette

from littleshop import app, config, http, i18n, jobs, tasks
from littleshop.clock import Clock
from littleshop.entry import verifying
from littleshop.http import House
from littleshop.identity import verifier
from littleshop.notify.channels import Channels
from littleshop.notify.push import Push
from littleshop.notify.sms import Sms
from littleshop.pay.gateways import Gateway
from littleshop.web import routes
from littleshop.wires import Wire
from tests.cast import MORNING

ORIGIN = "http://shop.test"
SELLER = "139 0000 1001"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


class Hands(Clock):
    """A clock that stands still until somebody moves it."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self.at = at

    def now(self) -> datetime:
        return self.at


def _vapid() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def rails() -> dict[str, dict[str, Any]]:
    """Settings of rails whose other side is played by `World`."""
    here = "http://127.0.0.1:1"
    return {
        "sms": {
            "vendor": "aliyun",
            "base_url": f"{here}/sms",
            "access_key_id": "key",
            "access_key_secret": "very-secret",
            "sign_name": "littleshop",
        },
        "identity": {"base_url": f"{here}/identity", "key": "k" * 20},
        "push": {
            "vapid_private_key": _vapid(),
            "contact": "mailto:post@shop.test",
            "allowed_hosts": ["127.0.0.1:1"],
        },
    }


@dataclass
class World:
    """The application and everything around it."""

    house: House
    app: Starlette
    clock: Hands
    inbox: list[tuple[str, str]] = field(default_factory=list)  # (phone as dialled, parameters)
    pushed: list[httpx.Request] = field(default_factory=list)
    register_says: dict[str, object] = field(
        default_factory=lambda: {"match": True, "reason": None}
    )
    open_browsers: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def at(self) -> datetime:
        return self.clock.at

    def later(self, **span: float) -> datetime:
        """Let time pass."""
        self.clock.at += timedelta(**span)
        return self.clock.at

    def browser(self, locale: str = "en", **headers: str) -> httpx.AsyncClient:
        """Another device: no cookies yet, same-origin as a browser says it; follows nothing."""
        made = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=True),
            base_url=ORIGIN,
            headers={
                "sec-fetch-site": "same-origin",
                "accept-language": locale,
                "user-agent": "Mozilla/5.0 (Linux; Android 14) Mobile",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        self.open_browsers.append(made)
        return made

    async def work(self) -> int:
        """Let the worker do what is due, the played rails answering."""
        sms_rail = self.house.settings.rails["sms"]
        sms = Sms(sms_rail, Wire("sms", str(sms_rail["base_url"]), transport=self._played()))
        push = Push(
            self.house.settings.rails["push"],
            demo=True,
            wire=Wire("push", transport=self._played()),
        )
        asked = verifier.open(self.house.settings.rails, self._played())
        todo = tasks.tasks(self.house, Channels(sms=sms, push=push))
        todo |= verifying.tasks(asked, self.house.keyring)
        try:
            return await jobs.drain(
                self.house.database,
                todo,
                self.clock,
                settings=self.house.settings,
                wires=self.house,
            )
        finally:
            await sms.close()
            await push.close()
            if asked is not None:
                await asked.disconnect()

    def _played(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/sms"):
            form = parse_qs(request.content.decode())
            self.inbox.append((form["PhoneNumbers"][0], form["TemplateParam"][0]))
            return httpx.Response(200, json={"Code": "OK", "BizId": "1"})
        if request.url.path.startswith("/identity"):
            return httpx.Response(200, json=self.register_says)
        self.pushed.append(request)
        return httpx.Response(201)

    def code(self) -> str:
        """The newest code in the inbox."""
        told = next(told for _, told in reversed(self.inbox) if '"code"' in told)
        return str(json.loads(told)["code"])

    async def sign_in(self, client: httpx.AsyncClient, phone: str = SELLER) -> None:
        """Sign in through the pages."""
        await client.post("/sign-in", data={"phone": phone})
        await self.work()
        answer = await client.post("/sign-in/code", data={"code": self.code()})
        assert answer.status_code == 303, answer.text

    async def open_shop(
        self,
        client: httpx.AsyncClient,
        name: str = "小满茶器",
        slug: str = "xiaoman",
        phone: str = SELLER,
        *,
        brought_by: str = "",
    ) -> int:
        """Open a shop through the pages on the path that asks least; its number."""
        await client.get(f"/open{brought_by}")
        await client.post("/open/phone", data={"phone": phone})
        await self.work()
        answer = await client.post("/open/phone/code", data={"code": self.code()})
        assert answer.status_code == 303, answer.text
        answer = await client.post("/open/shop", data={"name": name, "slug": slug})
        assert answer.status_code == 303, answer.text
        return int(answer.headers["location"].split("/")[2])

    async def add_product(
        self, client: httpx.AsyncClient, shop_id: int, title: str = "青灰釉盖碗", **fields: str
    ) -> str:
        """Put a product on sale from one photo through the pages; its id."""
        page = await client.get(f"/console/{shop_id}/goods/new")
        sent = {"title": title, "price": "168.00", "stock": "10", "then": "sale"} | fields
        answer = await client.post(
            f"/console/{shop_id}/goods/new",
            data={"form_key": hidden(page, "form_key")} | sent,
            files={"photos": ("photo.jpg", photo(), "image/jpeg")},
        )
        assert answer.status_code == 303, answer.text
        shelf = await client.get(f"/console/{shop_id}/goods")
        found = re.search(r'id="p-([0-9a-f-]{36})"', shelf.text)
        assert found is not None
        return found[1]


def hidden(page: httpx.Response, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', page.text)
    assert found is not None, f"no field {name}"
    return unescape(found[1])


def photo(
    width: int = 640, height: int = 480, colour: str = "#7C97A3", kind: str = "JPEG"
) -> bytes:
    """A small photo."""
    kept = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(kept, kind)
    return kept.getvalue()


def says(answer: httpx.Response, locale: str, code: str, **details: object) -> bool:
    """Whether the page says this refusal."""
    sentence = i18n.t(locale, f"errors.{code}", **details)
    return sentence in answer.text.replace("&#39;", "'").replace("&amp;", "&")


def chosen(*content: bytes, name: str = "photos") -> list[tuple[str, tuple[str, bytes, str]]]:
    """Files as a browser sends them."""
    return [
        (name, (f"IMG_{place}.jpg", each, "image/jpeg"))
        for place, each in enumerate(content, start=1)
    ]


@contextlib.asynccontextmanager
async def opened(
    dsn: str,
    home: Path,
    gateways: dict[str, Gateway] | None = None,
    *,
    mode: Literal["demo", "live"] = "demo",
) -> AsyncIterator[World]:
    """A world over a fresh database; `gateways` take the place of the house's rails."""
    settings = config.Settings(
        home=home,
        mode=mode,
        database_url=dsn,
        public_url=ORIGIN,
        sandbox_url=None,
        rails=rails(),
    )
    async with http.open_house(settings, name="test") as house:
        clock = Hands(MORNING)
        house.clock = clock
        if gateways is not None:
            house.rails = gateways
        built = app.build()
        built.state.house, built.state.mode = house, settings.mode
        world = World(house, built, clock)
        async with routes.open_rooms(built):
            try:
                yield world
            finally:
                for each in world.open_browsers:
                    await each.aclose()
