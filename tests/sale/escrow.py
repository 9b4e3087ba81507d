"""A shop in psp_escrow: admitted at a paper institution, which holds what its buyers pay."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import cast
from uuid import UUID

from littleshop import db
from littleshop.ledger import bridging, chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.pay import payments, refunds, releases
from littleshop.pay.gateways import Escrow, Gateway
from littleshop.pay.payments import Payment
from littleshop.pay.refunds import Refund
from littleshop.pay.releases import Release
from littleshop.sale import paying, refunding, releasing, taking_back
from littleshop.sale.paying import Paid
from littleshop.sale.placing import Placed
from littleshop.settlement import funding, payouts, runs
from littleshop.settlement.payouts import Payout
from littleshop.shop import admissions, cards
from littleshop.shop.cards import BankCard
from tests.cast import CNY, Town
from tests.sale.institution import HoldingRail, Institution

SELLER = "1900000109"


@dataclass
class Holding:
    """The town's shop and the institution that holds its buyers' money."""

    town: Town
    institution: Institution
    rail: HoldingRail

    @property
    def escrows(self) -> dict[str, Escrow]:
        return {self.institution.name: cast(Escrow, self.institution)}

    async def sells(self, total: str = "100.00", *, pays: str | None = None) -> Placed:
        """Somebody orders and pays (`pays`: another sum)."""
        one = await self.town.stock(f"茶 {total}", price=CNY(total))
        placed = await self.town.place([one], CNY(total))
        await self.takes(await self.cashier(placed), CNY(pays or total))
        return placed

    async def cashier(self, placed: Placed) -> Payment:
        town = self.town
        return await town.database.transaction(
            lambda conn: paying.ask(
                conn, town.shop_id, placed.order_id, gateway=self.institution.name,
                method="qr", escrow="psp_escrow", at=town.at,
            )
        )  # fmt: skip

    async def takes(self, payment: Payment, amount: Money) -> str:
        """The buyer has paid: it is frozen, and we hear of it."""
        town = self.town
        self.institution.frozen[payment.reference] += amount.minor
        paid = Paid(payment.reference, amount, f"42{payment.reference}", town.at)
        return await town.database.transaction(
            lambda conn: paying.hear(conn, town.shop_id, paid, town.at)
        )

    async def receives(self, placed: Placed) -> None:
        await self.town.ships(placed)
        await self.town.receives(placed)
        self.town.later(minutes=1)

    async def payment(self, placed: Placed) -> Payment:
        async with self.town.database.connection() as conn:
            return await payments.accepted(conn, self.town.shop_id, placed.order_id)

    async def release(self, placed: Placed) -> Release | None:
        payment = await self.payment(placed)
        async with self.town.database.connection() as conn:
            return await releases.find(conn, self.town.shop_id, payment.payment_id)

    async def is_released(self, placed: Placed) -> None:
        """The job of releasing, once. Raises GatewayError."""
        payment = await self.payment(placed)
        await releasing.send(
            self.town.database, self.escrows, self.town.shop_id, payment.payment_id, self.town.at
        )

    async def goes_back(self, placed: Placed, amount: str, name: str = "part") -> UUID:
        """So much is to go back; the answer is the refund."""
        town = self.town
        order = await town.order(placed)

        async def ask(conn: db.Connection) -> UUID:
            refund = await refunding.give_back(
                conn, order, CNY(amount), reason=name,
                refund_id=UUID(int=order.order_id.int ^ hash(name) & 0xFFFF), at=town.at,
            )  # fmt: skip
            return refund.refund_id

        return await town.database.transaction(ask)

    async def refunds_are_sent(self, placed: Placed) -> None:
        """The job of refunding for each that is not done, once. Raises GatewayError."""
        town = self.town
        async with town.database.connection() as conn:
            asked = await refunds.of_order(conn, town.shop_id, placed.order_id)
            paid = await payments.of_order(conn, town.shop_id, placed.order_id)
        for refund in [each for each in asked if each.status == "asked"]:
            payment = next(each for each in paid if each.payment_id == refund.payment_id)
            await self.is_sent(payment, refund)

    async def is_sent(self, payment: Payment, refund: Refund) -> None:
        """One run of the job of refunding, which read the refund so. Raises GatewayError."""
        town = self.town
        by_us = await taking_back.send(
            town.database, cast(Gateway, self.rail), self.escrows, payment, refund, town.at
        )
        hear = partial(refunding.hear, shop_id=town.shop_id, refund_id=refund.refund_id, at=town.at)
        await town.database.transaction(partial(hear, advanced=by_us))

    async def lent_is_booked(self) -> None:
        """The jobs that book the platform's side of what it lent."""
        town = self.town
        async with town.database.connection() as conn:
            rows = await conn.fetch("select arguments from jobs where name = $1", bridging.LEND)
        for told in [row["arguments"] for row in rows]:
            amount = Money(told["minor"], told["currency"])
            await town.database.transaction(
                partial(bridging.lend, reference=told["reference"], amount=amount, at=town.at)
            )

    async def withdraws(self, amount: Money) -> None:
        """The seller has so much of it on his card."""
        self.institution.available[SELLER] -= amount.minor
        await self.town.database.transaction(partial(self._withdraw, amount=amount))

    async def _withdraw(self, conn: db.Connection, amount: Money) -> None:
        town, rail, payout = self.town, self._rail, await self.is_to_have(conn, amount)
        assert await self.put_apart(conn, payout)
        assert await payouts.mark_sent(conn, payout, town.at.date(), town.at)
        assert await payouts.mark_done(conn, payout, "1", town.at)
        gone = chart.leaving(rail)
        await self._book(conn, "paid_out", payout.reference, chart.IN_TRANSIT, gone, amount)

    @property
    def _rail(self) -> str:
        return "alipay_settle" if self.institution.name == "alipay" else "wechat_pay_withdraw"

    async def put_apart(self, conn: db.Connection, payout: Payout) -> bool:
        """A payout's money leaves what is released; False while that is short."""
        source = chart.withdrawable(self.institution.name)
        return await funding.put_apart(conn, payout, source, self.town.at)

    async def is_to_have(self, conn: db.Connection, amount: Money) -> Payout:
        """A run has asked for so much of it, and got no further."""
        town = self.town
        day, at = town.at.date(), town.at
        run = await runs.open(conn, town.keyring, day, day, at)
        payout = await payouts.ask(
            conn, run, town.shop_id, amount, await self._card(conn), at, kept=CNY("0.00"),
            rail=self._rail,
        )  # fmt: skip
        assert payout is not None
        await self._book(conn, "payout", payout.reference, chart.PAYABLE, chart.IN_TRANSIT, amount)
        return payout

    async def _card(self, conn: db.Connection) -> BankCard:
        known = await conn.fetchval(
            "select card_id from cards where shop_id = $1 limit 1", self.town.shop_id
        )
        card = await cards.get(conn, self.town.shop_id, known)
        assert card is not None
        return card

    async def _book(
        self, conn: db.Connection, kind: str, reference: str, debit: str, credit: str, amount: Money
    ) -> None:
        await journals.post(
            conn, self.town.shop_id, kind=kind, reference=reference,
            value_on=self.town.at.date(), booked_at=self.town.at,
            transfers=[Transfer(debit, credit, amount)],
        )  # fmt: skip

    async def mirrors(self) -> None:
        """Our books say of the institution's pockets what it says itself, and add up."""
        name = self.institution.name
        frozen = Money(sum(self.institution.frozen.values()), "CNY")
        available = Money(sum(self.institution.available.values()), "CNY")
        assert await self.town.balance(f"held_at:{name}") == frozen
        assert await self.town.balance(f"withdrawable:{name}") == available
        await self.town.books_balance()


async def holding(town: Town, owner: db.Connection, *, commission_bps: int = 300) -> Holding:
    """The town's shop, admitted; and what the platform takes of a sale."""
    await owner.execute("update shops set commission_bps = $1", commission_bps)
    await is_admitted(town, owner, "wechat_pay", SELLER)
    institution = Institution()
    return Holding(town, institution, HoldingRail(institution, SELLER))


async def is_admitted(town: Town, owner: db.Connection, gateway: str, merchant_id: str) -> None:
    """The shop is a sub-merchant from now on."""
    card = await owner.fetchval(
        "insert into cards (shop_id, card_id, number_sealed, number_index, tail, bank_code, kind,"
        " holder_sealed, phone_sealed, active, verdict, asked_at, verified_at)"
        " values ($1, gen_random_uuid(), '', '', '0099', 'ICBC', 'debit', '', '', false,"
        " 'matched', $2, $2) returning card_id",
        town.shop_id, town.at,
    )  # fmt: skip

    async def work(conn: db.Connection) -> None:
        asked = await admissions.ask(
            conn, town.shop_id, gateway, card_id=card, shop_name="小满茶器", at=town.at
        )
        assert asked is not None
        await admissions.admit(conn, asked, merchant_id, town.at)

    await town.database.transaction(work)
