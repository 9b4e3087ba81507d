"""Stripe on the stage: an account at the sandbox whose webhooks lead to the stage's ear."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from littleshop.money import Money
from littleshop.pay import gateways
from littleshop.pay.gateways.contract import Gateway
from tests.pay.gateways.stage import Bend, Plant, Sent, Stage, Trouble
from tests.sandbox_process import Sandbox


def _api(**faults: object) -> object:
    return {"stripe": {"api": faults}}


class StripeStage(Stage):
    """One account in test mode."""

    faults: ClassVar[dict[Trouble | Bend | Plant, object]] = {
        Trouble.FAILING: _api(fail=1),
        Trouble.BUSY: _api(busy=1),
        Trouble.LOST: _api(timeout=1, timeout_seconds=0),
        Trouble.GARBLED: _api(malformed=1),
        Bend.FORGED: {"stripe": {"notify": {"forge": 1}}},
        Bend.OLD: {"stripe": {"notify": {"old": 1}}},
        Bend.TWICE: {"stripe": {"notify": {"copies": 2}}},
        **{plant: {"stripe": {"bill": {plant.name.lower(): 1}}} for plant in Plant},
    }

    def __init__(self, sandbox: Sandbox, currency: str) -> None:
        super().__init__(sandbox)
        self.price = Money(8888, currency)
        self.account = ""
        self.rail: dict[str, Any] = {}
        self.strangers: list[Gateway] = []

    async def register(self, name: str) -> dict[str, Any]:
        """A fresh account; its settings."""
        asked = {"name": name, "webhook_url": self.notify_url}
        told = await self.sandbox.control("/control/stripe/accounts", asked)
        self.account = self.account or told["account"]
        return {
            "base_url": f"{self.sandbox.url}/stripe",
            "secret_key": told["secret_key"],
            "publishable_key": told["publishable_key"],
            "webhook_secrets": [told["webhook_secret"]],
            "currencies": [self.price.currency, "EUR"],
        }

    async def pays(self, reference: str) -> bool:
        return bool((await self.acts(reference, "/pay"))["moved"])

    async def acts(self, reference: str, act: str, **told: object) -> dict[str, Any]:
        """Something that happens to a payment at Stripe."""
        path = f"/control/stripe/payments/{reference}{act}?account={self.account}"
        return await self.sandbox.control(path, told)

    async def payment(self, reference: str) -> dict[str, Any]:
        """A payment as the sandbox's books know it."""
        path = f"/control/stripe/payments/{reference}?account={self.account}"
        return await self.sandbox.read(path)

    async def given_back(self, reference: str) -> int:
        return int((await self.payment(reference))["intent"]["refunded_minor"])

    async def send_again(self, reference: str) -> None:
        await self.acts(reference, "/resend")

    def tamper(self, sent: Sent) -> Sent:
        changed = sent.body.replace(b'"amount_total": 8888', b'"amount_total": 8887')
        assert changed != sent.body
        return Sent(sent.method, sent.headers, changed)

    async def stranger(self) -> Gateway:
        found = gateways.open({"stripe": await self.register("stranger")}, self.clock)["stripe"]
        self.strangers.append(found)
        return found

    async def leave(self) -> None:
        for stranger in self.strangers:
            await stranger.disconnect()
        await super().leave()


@asynccontextmanager
async def stripe(sandbox: Sandbox, currency: str = "USD") -> AsyncIterator[StripeStage]:
    """The stage of a fresh account that sells in this currency."""
    stage = StripeStage(sandbox, currency)
    await stage.listen()
    stage.rail = await stage.register("merchant")
    stage.secrets = (stage.rail["secret_key"], *stage.rail["webhook_secrets"])
    stage.gateway = gateways.open({"stripe": stage.rail}, stage.clock)["stripe"]
    try:
        yield stage
    finally:
        await stage.leave()
