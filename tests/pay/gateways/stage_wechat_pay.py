"""WeChat Pay on the stage: a merchant at the sandbox, by its public key or by certificates."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec

from littleshop.pay import gateways
from littleshop.pay.gateways import wechat_openid, wechat_pay_escrow
from littleshop.pay.gateways.contract import Gateway, How, PayAnswer, PayRequest
from tests.pay.gateways.sellers import seller
from tests.pay.gateways.small_alipay import key_of, private_pem, public_pem
from tests.pay.gateways.stage import Bend, Plant, Sent, Stage, Trouble
from tests.sandbox_process import Sandbox

BACK = "http://127.0.0.1:9/orders/1"


def _gateway(**faults: object) -> object:
    return {"wechat_pay": {"gateway": faults}}


class WechatPayStage(Stage):
    """One merchant, his official account and a person with a phone."""

    faults: ClassVar[dict[Trouble | Bend | Plant, object]] = {
        Trouble.FAILING: _gateway(fail=1),
        Trouble.BUSY: _gateway(busy=1),
        Trouble.LOST: _gateway(timeout=1, timeout_seconds=0),
        Trouble.GARBLED: _gateway(malformed=1),
        Bend.FORGED: {"wechat_pay": {"notify": {"forge": 1}}},
        Bend.OLD: {"wechat_pay": {"notify": {"old": 1}}},
        Bend.TWICE: {"wechat_pay": {"notify": {"copies": 2}}},
        **{plant: {"wechat_pay": {"bill": {plant.name.lower(): 1}}} for plant in Plant},
    }

    def __init__(self, sandbox: Sandbox, mode: str, ecommerce: bool) -> None:
        super().__init__(sandbox)
        self.mode = mode
        self.ecommerce = ecommerce
        self.held_for: str | None = None
        self.rail: dict[str, Any] = {}
        self.strangers: list[Gateway] = []
        self.person = secrets.token_hex(16)

    async def register(self, name: str) -> dict[str, Any]:
        """A fresh merchant with the key of that name; his settings."""
        key = key_of(name)
        asked = {"public_key": public_pem(key), "name": name, "mode": self.mode}
        told = await self.sandbox.control(
            "/control/wechat_pay/merchants", {**asked, "ecommerce": self.ecommerce}
        )
        here = f"{self.sandbox.url}/wechat"
        urls = {"base_url": here, "api_base_url": here, "open_base_url": here}
        return {**told, **urls, "private_key": private_pem(key)}

    def browser(self) -> httpx.AsyncClient:
        """The person's browser: known to WeChat by a cookie, coming from the shop's page."""
        return httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            verify=False,
            cookies={"weixin_person": self.person},
            headers={"referer": "https://shop.test/"},
        )

    async def signs_in(self) -> str:
        """The person's openid, by the login that the shop uses."""
        login = wechat_openid.open_login(self.rail)
        begun = login.begin("https://shop.test/back")
        async with self.browser() as browser:
            answer = await browser.get(begun.url)
        came = parse_qs(urlsplit(answer.headers["location"]).query)
        assert wechat_openid.is_same(begun.state, came["state"][0])
        try:
            return await login.openid(came["code"][0])
        finally:
            await login.disconnect()

    async def admits(self, card_number: str = "6222020200112230099") -> str:
        """A seller who was admitted and has signed: his number."""
        escrow = wechat_pay_escrow.open_escrow(self.rail, self.clock)
        request = seller(card_number)
        assert (await escrow.admit(request)).status == "signing"
        path = f"/control/wechat_pay/applyments/{request.reference}/sign"
        await self.sandbox.control(path)
        found = await escrow.admission(request.reference)
        await escrow.disconnect()
        assert found.merchant_id is not None
        return found.merchant_id

    def asked(self, number: int, how: How) -> PayRequest:
        request = super().asked(number, how)
        return msgspec.structs.replace(request, held_for=self.held_for)

    async def opens(self, answer: PayAnswer) -> bool:
        url = answer.redirect_url or answer.code_url or ""
        async with self.browser() as browser:
            if answer.invoke is not None:
                told = {**answer.invoke, "back": BACK}
                page = await browser.get(f"{self.sandbox.url}/wechat/jsapi", params=told)
            else:
                page = await browser.get(url)
            if page.status_code != 303:
                return False
            page = await browser.get(f"{self.sandbox.url}{page.headers['location']}")
        return page.status_code == 200

    async def pays(self, reference: str) -> bool:
        before = await self._trade(reference)
        after = await self.sandbox.control(self._path(reference, "/pay"))
        return before["paid_at"] is None and after["paid_at"] is not None

    async def given_back(self, reference: str) -> int:
        return int(str((await self._trade(reference))["refunded_minor"]))

    async def send_again(self, reference: str) -> None:
        await self.sandbox.control(self._path(reference, "/resend"))

    def tamper(self, sent: Sent) -> Sent:
        changed = sent.body.replace(b"TRANSACTION.SUCCESS", b"TRANSACTION.SUCCESZ")
        assert changed != sent.body
        return Sent(sent.method, sent.headers, changed)

    async def stranger(self) -> Gateway:
        rail = await self.register("stranger")
        found = gateways.open({"wechat_pay": rail}, self.clock)["wechat_pay"]
        self.strangers.append(found)
        return found

    async def leave(self) -> None:
        await asyncio.gather(*(stranger.disconnect() for stranger in self.strangers))
        await super().leave()

    async def _trade(self, reference: str) -> dict[str, object]:
        return await self.sandbox.read(self._path(reference))

    def _path(self, reference: str, act: str = "") -> str:
        return f"/control/wechat_pay/trades/{reference}{act}?mchid={self.rail['mchid']}"


@asynccontextmanager
async def wechat_pay(
    sandbox: Sandbox, mode: str, *, ecommerce: bool = False, held: bool = False
) -> AsyncIterator[Stage]:
    """The stage of a fresh merchant; `mode` is key or cert.

    `ecommerce`: he is a platform. `held`: every payment is held for a seller of his.
    """
    stage = WechatPayStage(sandbox, mode, ecommerce or held)
    stage.rail = await stage.register("merchant")
    await stage.listen()
    stage.rail["refund_notify_url"] = stage.notify_url
    pem = stage.rail["private_key"]
    stage.secrets = (
        pem,
        pem.splitlines()[1],
        stage.rail["apiv3_key"],
        stage.rail["app_secret"],
    )
    stage.openid = await stage.signs_in()
    stage.held_for = await stage.admits() if held else None
    stage.gateway = gateways.open({"wechat_pay": stage.rail}, stage.clock)["wechat_pay"]
    try:
        yield stage
    finally:
        await stage.leave()
