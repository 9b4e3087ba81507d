"""A shop at an institution of the sandbox: what both sides' books say must be the same."""

from __future__ import annotations

import abc
from datetime import timedelta
from functools import partial

from obstore.store import MemoryStore

from littleshop.entry import admitting
from littleshop.files import Files
from littleshop.pay import payments, refunds
from littleshop.pay.gateways import Escrow
from littleshop.pay.payments import Payment
from littleshop.pay.refunds import Refund
from littleshop.sale import paying, refunding, taking_back
from littleshop.sale.placing import Placed
from littleshop.shop import admissions
from tests.cast import CNY
from tests.entry.id_card import shows
from tests.pay.gateways import pockets
from tests.pay.gateways.stage import Stage
from tests.sale.escrow import Holding


class Mirror(Holding, abc.ABC):
    """A shop whose buyers' money an institution holds; `merchant_id` once it is admitted."""

    stage: Stage
    escrow: Escrow
    merchant_id: str = ""
    files = Files(MemoryStore())

    async def frozen_and_available(self) -> tuple[int, int]:
        """By the sandbox's own books."""
        books = await self.stage.sandbox.read("/books.json")
        return pockets.frozen_and_free(books, self.institution.name, self.merchant_id)

    @abc.abstractmethod
    async def signs(self, reference: str) -> None:
        """The seller agrees."""

    @property
    def escrows(self) -> dict[str, Escrow]:
        return {self.institution.name: self.escrow}

    async def passes(self, **span: float) -> None:
        await self.stage.passes(timedelta(**span))
        self.town.at = self.stage.clock.now()

    async def mirrors(self) -> None:
        ours = [
            await self.town.balance(f"{each}:{self.institution.name}")
            for each in ("held_at", "withdrawable")
        ]
        assert tuple(each.minor for each in ours) == await self.frozen_and_available()
        await self.town.books_balance()

    async def sells(self, total: str = "100.00", *, pays: str | None = None) -> Placed:
        assert pays is None
        town = self.town
        placed = await town.place([await town.stock(f"茶 {total}", price=CNY(total))], CNY(total))
        payment = await self.cashier(placed)
        assert payment.held_for == self.merchant_id
        answer = await paying.send(
            self.stage.gateway, payment, subject="茶", return_url="https://shop.test/o",
            notify_url=self.stage.notify_url, client_ip="203.0.113.7",
        )  # fmt: skip
        assert await self.stage.opens(answer) and await self.stage.pays(payment.reference)
        paid = await paying.find_out(self.stage.gateway, payment)
        assert paid is not None
        said = await town.database.transaction(
            lambda conn: paying.hear(conn, town.shop_id, paid, town.at)
        )
        assert said == "accepted"
        return placed

    async def refunds_are_sent(self, placed: Placed) -> None:
        town = self.town
        async with town.database.connection() as conn:
            asked = await refunds.of_order(conn, town.shop_id, placed.order_id)
            payment = await payments.accepted(conn, town.shop_id, placed.order_id)
        for refund in [each for each in asked if each.status == "asked"]:
            await self.is_sent(payment, refund)

    async def refund(self, placed: Placed) -> Refund:
        """The one refund of an order, as it stands."""
        async with self.town.database.connection() as conn:
            (found,) = await refunds.of_order(conn, self.town.shop_id, placed.order_id)
        return found

    async def is_sent(self, payment: Payment, refund: Refund) -> None:
        """One run of the job of refunding, which read the refund so. Raises GatewayError."""
        town = self.town
        by_us = await taking_back.send(
            town.database, self.stage.gateway, self.escrows, payment, refund, town.at
        )
        hear = partial(refunding.hear, shop_id=town.shop_id, refund_id=refund.refund_id, at=town.at)
        await town.database.transaction(partial(hear, advanced=by_us))

    async def is_admitted(self) -> str:
        """The job of admitting, once, with what the institution wants to see; how it stands."""
        town = self.town
        async with town.database.connection() as conn:
            last = await admissions.latest(conn, town.shop_id, self.institution.name)
        assert last is not None
        if self.escrow.wants_id_card and last.status == "asked":
            await shows(town, self.files, self.escrows)
        await admitting.send(
            town.database, town.keyring, self.files, self.escrows, town.shop_id,
            last.admission_id, town.at,
        )  # fmt: skip
        async with town.database.connection() as conn:
            found = await admissions.get(conn, town.shop_id, last.admission_id)
        assert found is not None
        if found.status == "signing":
            await self.signs(found.reference)
        self.merchant_id = found.merchant_id or ""
        return found.status

    async def pockets(self) -> dict[str, int]:
        """What lies in each of the seller's pockets at the institution."""
        books = await self.stage.sandbox.read("/books.json")
        return pockets.of_owner(books, self.institution.name, self.merchant_id)


class WechatPayMirror(Mirror):
    """At WeChat."""

    async def signs(self, reference: str) -> None:
        await self.stage.sandbox.control(f"/control/wechat_pay/applyments/{reference}/sign")


class AlipayMirror(Mirror):
    """At Alipay."""

    async def signs(self, reference: str) -> None:
        await self.stage.sandbox.control(f"/control/alipay/sellers/{reference}/sign")
