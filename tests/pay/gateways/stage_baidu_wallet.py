"""Baidu Wallet on the stage: a merchant at the sandbox, signing by SHA-1 or by MD5."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

from littleshop.pay import gateways
from littleshop.pay.gateways.contract import Gateway
from tests.pay.gateways.stage import Bend, Plant, Sent, Stage, Trouble
from tests.sandbox_process import Sandbox


def _gateway(**faults: object) -> object:
    return {"baidu_wallet": {"gateway": faults}}


class BaiduWalletStage(Stage):
    """One merchant. Notices come by GET and bear no time of their own; there are no bills."""

    notifies_by = "GET"
    tells_time = False
    faults: ClassVar[dict[Trouble | Bend | Plant, object]] = {
        Trouble.FAILING: _gateway(fail=1),
        Trouble.BUSY: _gateway(busy=1),
        Trouble.LOST: _gateway(timeout=1, timeout_seconds=0),
        Trouble.GARBLED: _gateway(malformed=1),
        Bend.FORGED: {"baidu_wallet": {"notify": {"forge": 1}}},
        Bend.TWICE: {"baidu_wallet": {"notify": {"copies": 2}}},
    }

    def __init__(self, sandbox: Sandbox, sign_method: str) -> None:
        super().__init__(sandbox)
        self.sign_method = sign_method
        self.sp_no = ""
        self.strangers: list[Gateway] = []

    async def register(self, name: str) -> dict[str, object]:
        """A fresh merchant; his settings."""
        told = await self.sandbox.control("/control/baidu_wallet/merchants", {"name": name})
        return {
            **told,
            "base_url": f"{self.sandbox.url}/baidu",
            "sign_method": self.sign_method,
            "refund_notify_url": self.notify_url,
            "enabled": True,
        }

    async def pays(self, reference: str) -> bool:
        before = await self._trade(reference)
        after = await self.sandbox.control(self._path(reference, "/pay"))
        return before["paid_at"] is None and after["paid_at"] is not None

    async def given_back(self, reference: str) -> int:
        return int(str((await self._trade(reference))["refunded_minor"]))

    async def send_again(self, reference: str) -> None:
        await self.sandbox.control(self._path(reference, "/resend"))

    def tamper(self, sent: Sent) -> Sent:
        changed = sent.body.replace(b"total_amount=8888", b"total_amount=8887")
        assert changed != sent.body
        return Sent(sent.method, sent.headers, changed)

    async def stranger(self) -> Gateway:
        rail = await self.register("stranger")
        found = gateways.open({"baidu_wallet": rail}, self.clock)["baidu_wallet"]
        self.strangers.append(found)
        return found

    async def leave(self) -> None:
        for stranger in self.strangers:
            await stranger.disconnect()
        await super().leave()

    async def _trade(self, reference: str) -> dict[str, object]:
        return await self.sandbox.read(self._path(reference))

    def _path(self, reference: str, act: str = "") -> str:
        return f"/control/baidu_wallet/trades/{reference}{act}?sp_no={self.sp_no}"


@asynccontextmanager
async def baidu_wallet(sandbox: Sandbox, sign_method: str) -> AsyncIterator[Stage]:
    """The stage of a fresh merchant; `sign_method` is 1 (MD5) or 2 (SHA-1)."""
    stage = BaiduWalletStage(sandbox, sign_method)
    await stage.listen()
    rail = await stage.register("merchant")
    stage.sp_no = str(rail["sp_no"])
    stage.secrets = (str(rail["key"]),)
    stage.gateway = gateways.open({"baidu_wallet": rail}, stage.clock)["baidu_wallet"]
    try:
        yield stage
    finally:
        await stage.leave()
