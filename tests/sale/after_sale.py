"""What buyers, sellers and operators do after paying, each in a transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from uuid import UUID, uuid4

from littleshop import db
from littleshop.ledger import bridging, chart
from littleshop.money import Money
from littleshop.pay import refunds
from littleshop.sale import arbitrating, refunding, returning, sending_back
from littleshop.sale.placing import Placed
from littleshop.sale.returning import Wish
from littleshop.trade import cases
from littleshop.trade.cases import Case
from tests.cast import CNY, Town

T = TypeVar("T")
OPERATOR = uuid4()
NUMBER = "SF1234567890123"


@dataclass
class AfterSale:
    """One order's after-sale in a town."""

    town: Town
    placed: Placed

    async def asks(
        self, kind: str, amount: str = "0.00", reason: str = "damaged", words: str = "碎了"
    ) -> Case:
        wish = Wish(kind, reason, CNY(amount), words)
        return await self._do(
            lambda conn: returning.ask(
                conn, self.town.shop_id, self.placed.order_id, wish, self.town.at
            )
        )

    async def case(self) -> Case:
        async with self.town.database.connection() as conn:
            return (await cases.of_order(conn, self.town.shop_id, self.placed.order_id))[-1]

    async def seller_agrees(self) -> Case:
        case_id = await self._id()
        return await self._do(
            lambda conn: returning.agree(
                conn, self.town.shop_id, case_id, by="seller", at=self.town.at
            )
        )

    async def seller_refuses(self, words: str = "发货时完好") -> Case:
        case_id = await self._id()
        return await self._do(
            lambda conn: returning.refuse(
                conn, self.town.shop_id, case_id, words=words, at=self.town.at
            )
        )

    async def buyer_sends_back(self) -> Case:
        case_id = await self._id()
        return await self._do(
            lambda conn: sending_back.send_back(
                conn, self.town.shop_id, case_id, carrier="sf", number=NUMBER, at=self.town.at
            )
        )

    async def seller_takes_back(self, *, to_shelf: bool = True) -> Case:
        case_id = await self._id()
        return await self._do(
            lambda conn: sending_back.take_back(
                conn, self.town.shop_id, case_id, by="seller", to_shelf=to_shelf, at=self.town.at
            )
        )

    async def seller_replaces(self) -> Case:
        case_id = await self._id()
        return await self._do(
            lambda conn: sending_back.replace(
                conn, self.town.shop_id, case_id, carrier="sf", number=NUMBER, at=self.town.at
            )
        )

    async def buyer_withdraws(self) -> Case:
        case_id = await self._id()
        return await self._do(
            lambda conn: returning.withdraw(
                conn, self.town.shop_id, case_id, by="buyer", at=self.town.at
            )
        )

    async def buyer_escalates(self) -> Case:
        case_id = await self._id()
        return await self._do(
            lambda conn: arbitrating.escalate(
                conn, self.town.shop_id, case_id, words="照片在上面", at=self.town.at
            )
        )

    async def operator_decides(self, back: str, operator: UUID = OPERATOR) -> Case:
        case_id = await self._id()
        return await self._do(
            lambda conn: arbitrating.decide(
                conn,
                self.town.shop_id,
                case_id,
                back=CNY(back),
                words="两边的照片都看了",
                operator=operator,
                at=self.town.at,
            )
        )

    async def rail_sends_all_back(self) -> int:
        """The rail does every refund of the order, and the platform books what it lent."""
        async with self.town.database.connection() as conn:
            every = await refunds.of_order(conn, self.town.shop_id, self.placed.order_id)
        asked = [each for each in every if each.status == "asked"]
        for refund in asked:
            await self._do(partial(self._is_back, refund.refund_id))
        return len(asked)

    async def _is_back(self, refund_id: UUID, conn: db.Connection) -> bool:
        return await refunding.hear(conn, self.town.shop_id, refund_id, self.town.at)

    async def _id(self) -> UUID:
        return (await self.case()).case_id

    async def _do(self, work: Callable[[db.Connection], Awaitable[T]]) -> T:
        return await self.town.database.transaction(work)


async def after(town: Town, price: str = "100.00", pieces: int = 3) -> AfterSale:
    """Somebody bought one thing and paid."""
    placed = await town.buys([await town.stock(price=CNY(price), pieces=pieces)], CNY(price))
    return AfterSale(town, placed)


async def lends(town: Town, owner: db.Connection) -> Money:
    """The worker books the platform's side of what it bridged; what it has lent then."""
    rows = await owner.fetch("select id, arguments from jobs where name = 'bridging.lend'")
    for row in rows:
        told = row["arguments"]
        amount = Money(told["minor"], told["currency"])
        await town.database.transaction(
            partial(bridging.lend, reference=told["reference"], amount=amount, at=town.at)
        )
        await owner.execute("delete from jobs where id = $1", row["id"])
    lent = await owner.fetchval(
        "select debits_minor - credits_minor from accounts where shop_id = 0 and account = $1",
        chart.DUE_FROM_SHOP,
    )
    return Money(lent or 0, "CNY")
