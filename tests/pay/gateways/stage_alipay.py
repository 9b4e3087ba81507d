"""Alipay on the stage: an application at the sandbox, by plain key or by certificates."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import msgspec

from littleshop.pay import gateways
from littleshop.pay.gateways import alipay_escrow
from littleshop.pay.gateways.contract import Gateway, How, PayRequest
from tests.pay.gateways.sellers import seller
from tests.pay.gateways.small_alipay import key_of, private_pem, public_pem
from tests.pay.gateways.stage import Bend, Plant, Sent, Stage, Trouble
from tests.sandbox_process import Sandbox


def _gateway(**faults: object) -> object:
    return {"alipay": {"gateway": faults}}


class AlipayStage(Stage):
    """An application of one seller."""

    faults: ClassVar[dict[Trouble | Bend | Plant, object]] = {
        Trouble.FAILING: _gateway(fail=1),
        Trouble.BUSY: _gateway(busy=1),
        Trouble.LOST: _gateway(timeout=1, timeout_seconds=0),
        Trouble.GARBLED: _gateway(malformed=1),
        Bend.FORGED: {"alipay": {"notify": {"forge": 1}}},
        Bend.OLD: {"alipay": {"notify": {"old": 1}}},
        Bend.TWICE: {"alipay": {"notify": {"copies": 2}}},
        **{plant: {"alipay": {"bill": {plant.name.lower(): 1}}} for plant in Plant},
    }

    def __init__(self, sandbox: Sandbox, mode: str, *, zft: bool) -> None:
        super().__init__(sandbox)
        self.mode = mode
        self.zft = zft
        self.held_for: str | None = None
        self.rail: dict[str, Any] = {}
        self.strangers: list[Gateway] = []

    async def register(self, name: str) -> dict[str, Any]:
        """A fresh application with the key of that name; its settings."""
        key = key_of(name)
        asked = {"public_key": public_pem(key), "name": name, "mode": self.mode, "zft": self.zft}
        told = await self.sandbox.control("/control/alipay/apps", asked)
        rail = {
            **{field: str(value) for field, value in told.items() if value is not None},
            "base_url": f"{self.sandbox.url}/alipay/gateway.do",
            "private_key": private_pem(key),
            "zft": self.zft,
            "zft_site_url": "https://shop.test/",
        }
        if self.mode == "cert":
            del rail["alipay_public_key"]
        return rail

    async def admits(self, **settings: object) -> str:
        """A seller who was admitted and has signed: his number."""
        escrow = alipay_escrow.open_escrow({**self.rail, **settings}, self.clock)
        request = seller()
        assert (await escrow.admit(request)).status == "signing"
        await self.sandbox.control(f"/control/alipay/sellers/{request.reference}/sign")
        found = await escrow.admission(request.reference)
        await escrow.disconnect()
        assert found.merchant_id is not None
        return found.merchant_id

    def asked(self, number: int, how: How) -> PayRequest:
        request = super().asked(number, how)
        return msgspec.structs.replace(request, held_for=self.held_for)

    async def pays(self, reference: str) -> bool:
        before = await self._trade(reference)
        after = await self.sandbox.control(self._path(reference, "/pay"))
        return before["paid_at"] is None and after["paid_at"] is not None

    async def given_back(self, reference: str) -> int:
        return int(str((await self._trade(reference))["refunded_minor"]))

    async def send_again(self, reference: str) -> None:
        await self.sandbox.control(self._path(reference, "/resend"))

    def tamper(self, sent: Sent) -> Sent:
        changed = sent.body.replace(b"total_amount=88.88", b"total_amount=88.87")
        assert changed != sent.body
        return Sent(sent.method, sent.headers, changed)

    async def stranger(self) -> Gateway:
        rail = await self.register("stranger")
        found = gateways.open({"alipay": rail}, self.clock)["alipay"]
        self.strangers.append(found)
        return found

    async def leave(self) -> None:
        for stranger in self.strangers:
            await stranger.disconnect()
        await super().leave()

    async def _trade(self, reference: str) -> dict[str, object]:
        return await self.sandbox.read(self._path(reference))

    def _path(self, reference: str, act: str = "") -> str:
        return f"/control/alipay/trades/{reference}{act}?app_id={self.rail['app_id']}"


@asynccontextmanager
async def alipay(sandbox: Sandbox, mode: str, *, held: bool = False) -> AsyncIterator[Stage]:
    """The stage of a fresh application; `mode` is key or cert. `held`: it is a platform's, and
    every payment is held for a seller of its."""
    stage = AlipayStage(sandbox, mode, zft=held)
    stage.rail = await stage.register("merchant")
    pem = stage.rail["private_key"]
    stage.secrets = (pem, pem.splitlines()[1])
    stage.held_for = await stage.admits() if held else None
    stage.gateway = gateways.open({"alipay": stage.rail}, stage.clock)["alipay"]
    await stage.listen()
    try:
        yield stage
    finally:
        await stage.leave()
