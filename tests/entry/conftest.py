"""The street on which shops are opened: a clock, an SMS vendor and a register one can look into."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest

from littleshop import crypto, ids, jobs
from littleshop.crypto import Keyring
from littleshop.db import Database
from littleshop.entry import signing_in, verifying
from littleshop.identity.codes import Asker
from littleshop.identity.people import Person
from littleshop.identity.verifier import SignedVerifier, Verifier, open
from littleshop.notify import messages
from littleshop.notify.channels import Channels
from littleshop.notify.sms import Sms
from littleshop.wires import Wire

XIAOMAN = "138 0000 2046"
XIAOMAN_ID = "36020319920503120X"
XIAOMAN_CARD = "6222021502003456781"
ADA = "+44 7400 123456"


class Street:
    """Everything around the house: time passes, texts arrive, the authority answers."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self.database = database
        self.keyring = keyring
        self.at = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
        self.inbox: list[tuple[str, str]] = []  # (phone as dialled, code)
        self.told: list[tuple[str, str, dict[str, str]]] = []  # (phone, text, what fills it)
        self.register_says: dict[str, object] = {"match": True, "reason": None}
        self.asked: list[dict[str, str]] = []
        self.sms_away = 0
        self._sms = Sms(
            {
                "base_url": "http://127.0.0.1:1/sms",
                "access_key_id": "key",
                "access_key_secret": "very-secret",
                "sign_name": "littleshop",
            },
            Wire("sms", "http://127.0.0.1:1/sms", transport=httpx.MockTransport(self._take_sms)),
        )
        self.verifier: Verifier | None = open(
            {"identity": {"base_url": "http://127.0.0.1:1/identity", "key": "k" * 20}},
            httpx.MockTransport(self._answer),
        )
        assert isinstance(self.verifier, SignedVerifier)

    def now(self) -> datetime:
        return self.at

    def pass_time(self, **span: float) -> None:
        self.at += timedelta(**span)

    def _take_sms(self, request: httpx.Request) -> httpx.Response:
        if self.sms_away:
            self.sms_away -= 1
            return httpx.Response(503)
        form = parse_qs(request.content.decode())
        phone, words = form["PhoneNumbers"][0], json.loads(form["TemplateParam"][0])
        self.told.append((phone, form["TemplateCode"][0], words))
        if "code" in words:
            self.inbox.append((phone, words["code"]))
        return httpx.Response(200, json={"Code": "OK", "BizId": "1"})

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content))
        return httpx.Response(200, json=self.register_says)

    async def work(self) -> int:
        """Let the worker do what is due."""
        tasks = signing_in.tasks(self._sms, self.keyring)
        tasks |= verifying.tasks(self.verifier, self.keyring)
        tasks |= messages.tasks(Channels(sms=self._sms, push=None), self.keyring)
        return await jobs.drain(self.database, tasks, self)

    async def ask(
        self,
        phone: str,
        browser: str = "own",
        address: str = "10.0.0.1",
        purpose: str = signing_in.PURPOSE,
    ) -> signing_in.Asked:
        return await signing_in.ask_code(
            self.database,
            self.keyring,
            phone,
            Asker(ids.hashed(browser), address),
            locale="zh-CN",
            at=self.at,
            purpose=purpose,
        )

    async def confirm(self, phone: str, digits: str, browser: str = "own") -> signing_in.SignedIn:
        return await signing_in.confirm_code(
            self.database,
            self.keyring,
            phone,
            digits,
            browser=ids.hashed(browser),
            device="iPhone",
            locale="zh-CN",
            at=self.at,
        )

    async def sign_in(self, phone: str, browser: str = "own") -> Person:
        """Ask, read the inbox, type the code."""
        await self.ask(phone, browser)
        await self.work()
        return (await self.confirm(phone, self.inbox[-1][1], browser)).person

    def wrong(self) -> str:
        """Six digits that are not the newest code."""
        return f"{(int(self.inbox[-1][1]) + 1) % 1_000_000:06}"


@pytest.fixture
def keyring() -> Keyring:
    return crypto.read_keys(crypto.make_keys())


@pytest.fixture
def street(database: Database, keyring: Keyring) -> Street:
    return Street(database, keyring)
