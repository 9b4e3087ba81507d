"""Institutions that hold money for sellers, behind one face: the escrow suite is played on each."""

import abc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import ClassVar

from littleshop.money import Money
from littleshop.pay.gateways import alipay_escrow, wechat_pay_escrow
from littleshop.pay.gateways.contract import Declined
from littleshop.pay.gateways.escrow import Escrow, Held, ShareAnswer
from tests.pay.gateways.plays import paid
from tests.pay.gateways.stage import Stage
from tests.pay.gateways.stage_alipay import AlipayStage, alipay
from tests.pay.gateways.stage_wechat_pay import WechatPayStage, wechat_pay
from tests.sandbox_process import Sandbox


class Holder(abc.ABC):
    """A platform with one seller, for whom every payment is held.

    `acts` names the wire's call for a commission and for a release, as faults are limited to.
    """

    acts: ClassVar[dict[str, str]]

    def __init__(self, stage: Stage, escrow: Escrow, seller: str) -> None:
        self.stage = stage
        self.escrow = escrow
        self.seller = seller

    @abc.abstractmethod
    async def trouble(self, part: str, *, only: str | None = None, **faults: object) -> None:
        """Let these faults of a part strike, `only` a call."""

    @abc.abstractmethod
    async def signs(self, reference: str) -> None:
        """The seller agrees."""

    @abc.abstractmethod
    async def pockets(self) -> dict[str, int]:
        """By the sandbox's own books: what is `frozen`, the `seller`'s and the `platform`'s."""

    async def held(self) -> Held:
        """A payment of 88.88 that is frozen, and old enough to be shared."""
        reference = await paid(self.stage)
        found = await self.stage.gateway.query(reference)
        await self.stage.passes(timedelta(minutes=1))
        assert found.gateway_trade_no and found.amount
        return Held(
            reference=reference,
            gateway_trade_no=found.gateway_trade_no,
            merchant_id=self.seller,
            amount=found.amount,
        )

    async def take(self, payment: Held, number: str, share: Money) -> ShareAnswer:
        """Our commission; where the institution wants time before it, half a minute later."""
        try:
            return await self.escrow.take_commission(payment, number, share)
        except Declined as told:
            assert told.retryable
        await self.stage.passes(timedelta(seconds=31))
        return await self.escrow.take_commission(payment, number, share)

    async def _books(self, rail: str, names: dict[str, str]) -> dict[str, int]:
        books = await self.stage.sandbox.read("/books.json")
        found = {"frozen": 0, "seller": 0, "platform": 0}
        for row in books[rail]["pockets"]:
            name = names.get(f"{row['owner']} {row['pocket']}")
            if name:
                found[name] += row["balance_minor"]
        return found


class WechatPayHolder(Holder):
    """WeChat's ecommerce."""

    acts: ClassVar[dict[str, str]] = {
        "commission": "profitsharing/orders",
        "release": "finish-order",
        "admit": "applyments/",
    }

    async def trouble(self, part: str, *, only: str | None = None, **faults: object) -> None:
        limit = {} if only is None else {"path": self.acts[only]}
        faults = {"wechat_pay": {part: {**faults, **limit}}}
        await self.stage.sandbox.control("/control/faults", faults)

    async def signs(self, reference: str) -> None:
        await self.stage.sandbox.control(f"/control/wechat_pay/applyments/{reference}/sign")

    async def pockets(self) -> dict[str, int]:
        assert isinstance(self.stage, WechatPayStage)
        names = {f"{self.seller} frozen": "frozen", f"{self.seller} available": "seller"}
        return await self._books(
            "wechat_pay", {**names, f"{self.stage.rail['mchid']} basic": "platform"}
        )


class AlipayHolder(Holder):
    """Alipay's ZFT."""

    acts: ClassVar[dict[str, str]] = {
        "commission": "alipay.trade.order.settle",
        "release": "alipay.trade.order.settle",
        "admit": "ant.merchant.expand.indirect.zft.quickcreate",
    }

    async def trouble(self, part: str, *, only: str | None = None, **faults: object) -> None:
        limit = {} if only is None else {"method": self.acts[only]}
        faults = {"alipay": {part: {**faults, **limit}}}
        await self.stage.sandbox.control("/control/faults", faults)

    async def signs(self, reference: str) -> None:
        await self.stage.sandbox.control(f"/control/alipay/sellers/{reference}/sign")

    async def pockets(self) -> dict[str, int]:
        assert isinstance(self.stage, AlipayStage)
        names = {f"{self.seller} {pocket}": "frozen" for pocket in ("unsettled", "frozen")}
        names |= {f"{self.seller} account": "seller"}
        return await self._books(
            "alipay", {**names, f"{self.stage.rail['seller_id']} royalty": "platform"}
        )


@asynccontextmanager
async def _wechat_pay(sandbox: Sandbox) -> AsyncIterator[Holder]:
    async with wechat_pay(sandbox, "key", held=True) as stage:
        assert isinstance(stage, WechatPayStage) and stage.held_for
        escrow = wechat_pay_escrow.open_escrow(stage.rail, stage.clock)
        yield WechatPayHolder(stage, escrow, stage.held_for)
        await escrow.disconnect()


@asynccontextmanager
async def _alipay(sandbox: Sandbox) -> AsyncIterator[Holder]:
    async with alipay(sandbox, "key", held=True) as stage:
        assert isinstance(stage, AlipayStage) and stage.held_for
        escrow = alipay_escrow.open_escrow(stage.rail, stage.clock)
        yield AlipayHolder(stage, escrow, stage.held_for)
        await escrow.disconnect()


HOLDERS: dict[str, Callable[[Sandbox], AbstractAsyncContextManager[Holder]]] = {
    "wechat pay": _wechat_pay,
    "alipay": _alipay,
}
