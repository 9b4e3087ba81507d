"""Sellers, and what buyers do once it is there: parcels, stock, and all that comes after a sale."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from littleshop import db
from littleshop.catalog import stock
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.oversight import acts, deciding
from littleshop.sale import (
    arbitrating,
    receiving,
    refunding,
    returning,
    sending_back,
    shipping,
)
from littleshop.sale.returning import Wish
from littleshop.trade import orders
from tests.simulation.desks import OPERATOR
from tests.simulation.town import Town

GIVEN = "given_back_after_release"
# Of an order that others have a part of.
SHARED_OUT = (
    "(o.kind = 'resale' or exists (select 1 from referrals r"
    " where r.shop_id = o.shop_id and r.order_id = o.order_id))"
)


@dataclass
class Selling:
    """Both ends of every parcel."""

    town: Town

    def every_order(self, *status: str) -> list[tuple[int, UUID]]:
        rows = self.town.read(
            "select /* all shops: the town's people */ shop_id, order_id from orders"
            " where status = any ($1) order by order_id",
            list(status),
        )
        return [(row["shop_id"], row["order_id"]) for row in rows]

    def sellers_ship(self, share: float = 0.7) -> None:
        for shop_id, order_id in self.every_order("to_ship"):
            fate = self.town.chance.random()
            if fate < share:
                self._ship(shop_id, order_id)
            elif fate < share + 0.06:
                self._call_off(shop_id, order_id)

    def _ship(self, shop_id: int, order_id: UUID) -> None:
        number = f"SF{self.town.chance.randrange(10**12, 10**13)}"

        async def ship(conn: db.Connection, at: datetime) -> object:
            order = await orders.lock(conn, shop_id, order_id)
            if order.way == "none":
                return await shipping.done(conn, shop_id, order_id, at)
            return await shipping.ship(conn, shop_id, order_id, carrier="sf", number=number, at=at)

        self.town.does("shipped", ship)

    def _call_off(self, shop_id: int, order_id: UUID) -> None:
        async def call_off(conn: db.Connection, at: datetime) -> object:
            return await refunding.call_off(
                conn, shop_id, order_id, by="seller", reason="broken", at=at
            )

        self.town.does("called_off", call_off)

    def sellers_restock(self) -> None:
        """What sold out comes again."""
        rows = self.town.read(
            "select /* all shops: the town's people */ shop_id, variant_id from variants"
            " where on_hand - held < 3 order by shop_id, variant_id"
        )
        for row in rows:

            async def restock(
                conn: db.Connection, at: datetime, row: dict[str, Any] = row
            ) -> object:
                return await stock.move(
                    conn, row["shop_id"], row["variant_id"], 9, reason="received", at=at
                )

            self.town.does("restocked", restock)

    def buyers_receive(self, share: float = 0.35) -> None:
        for shop_id, order_id in self.every_order("shipped"):
            fate = self.town.chance.random()
            if fate < share:
                self._receive(shop_id, order_id)
            elif fate < share + 0.1:
                self.ask_back(shop_id, order_id)

    def _receive(self, shop_id: int, order_id: UUID) -> None:
        async def receive(conn: db.Connection, at: datetime) -> object:
            return await receiving.receive(conn, shop_id, order_id, by="buyer", at=at)

        self.town.does("received", receive)

    def buyers_regret(self, share: float = 0.08) -> None:
        for shop_id, order_id in self.every_order("received", "to_ship"):
            if self.town.chance.random() < share:
                self.ask_back(shop_id, order_id)

    def ask_back(self, shop_id: int, order_id: UUID) -> None:
        """Money back in part or in full, goods back, or another piece."""
        kind = self.town.chance.choice(("refund", "refund", "return", "exchange"))
        part = self.town.chance.choice((0.2, 0.5, 1.0))
        reason = self.town.chance.choice(("damaged", "not_wanted", "missing"))

        async def ask(conn: db.Connection, at: datetime) -> None:
            order = await orders.lock(conn, shop_id, order_id)
            most = await returning.most(conn, order, kind, reason)
            amount = Money(max(int(most.minor * part), 1), most.currency)
            wish = Wish(kind, reason, amount, "模拟")
            await returning.ask(conn, shop_id, order_id, wish, at)

        self.town.does(f"asked_{kind}", ask)

    def sellers_give_back(self, share: float = 0.5) -> int:
        """When a sharer or a re-seller has got his part the seller gives some of it back, or
        all; each order is looked at once. How often they did."""
        before = self.town.happened[GIVEN]
        for row in self.town.read(
            "select /* all shops: the town's people */ o.shop_id, o.order_id from orders o"
            f" where o.status = 'closed' and {SHARED_OUT} order by o.order_id"
        ):
            if row["order_id"] not in self.town.looked_at:
                self.town.looked_at.add(row["order_id"])
                if self.town.chance.random() < share:
                    self._give_back(row["shop_id"], row["order_id"])
        return self.town.happened[GIVEN] - before

    def _give_back(self, shop_id: int, order_id: UUID) -> None:
        part = self.town.chance.choice((0.3, 1.0))

        async def give(conn: db.Connection, at: datetime) -> object:
            order = await orders.lock(conn, shop_id, order_id)
            left = await refunding.left_of(conn, order)
            if not left:
                raise Refused("case_not_now")
            amount = Money(max(int(left.minor * part), 1), left.currency)
            return await returning.offer(
                conn, shop_id, order_id, amount, words="模拟", case_id=uuid4(), at=at
            )

        self.town.does(GIVEN, give)

    # --- after-sales

    def cases_go_on(self, share: float = 0.75) -> None:
        """Each open case moves, or somebody is silent."""
        rows = self.town.read(
            "select /* all shops: the town's people */ shop_id, case_id, status from cases"
            " where ended_at is null order by case_id"
        )
        for row in rows:
            if self.town.chance.random() < share:
                self._case_goes_on(row["shop_id"], row["case_id"], row["status"])

    def _case_goes_on(self, shop_id: int, case_id: UUID, status: str) -> None:
        number = f"SF{self.town.chance.randrange(10**12, 10**13)}"
        fate = self.town.chance.random()

        async def step(conn: db.Connection, at: datetime) -> object:
            parcel = {"carrier": "sf", "number": number}
            match status:
                case "asked" if fate < 0.6:
                    return await returning.agree(conn, shop_id, case_id, by="seller", at=at)
                case "asked":
                    return await returning.refuse(conn, shop_id, case_id, words="不同意", at=at)
                case "returning":
                    return await sending_back.send_back(conn, shop_id, case_id, at=at, **parcel)
                case "sent_back":
                    return await sending_back.take_back(
                        conn, shop_id, case_id, by="seller", to_shelf=fate < 0.5, at=at
                    )
                case "replacing":
                    return await sending_back.replace(conn, shop_id, case_id, at=at, **parcel)
                case "refused" if fate < 0.6:
                    return await arbitrating.escalate(conn, shop_id, case_id, words="请看", at=at)
                case "refused":
                    return await returning.withdraw(conn, shop_id, case_id, by="buyer", at=at)
                case "disputed":
                    return await self._decide(conn, shop_id, case_id, fate, at)
                case _:
                    raise Refused("case_moved")

        self.town.does(f"case_{status}", step)

    async def _decide(
        self, conn: db.Connection, shop_id: int, case_id: UUID, fate: float, at: datetime
    ) -> object:
        """An operator gives back nothing, a part or all that is left."""
        order, case = await returning.lock(conn, shop_id, case_id)
        left = await refunding.left_of(conn, order)
        back = Money(int(left.minor * (0, 0.5, 1)[int(fate * 3)]), left.currency)
        decided = await arbitrating.decide(
            conn, shop_id, case.case_id, back=back, words="裁定", operator=OPERATOR, at=at
        )
        about = deciding.subject(shop_id, case.case_id)
        await acts.record(conn, OPERATOR, "case_decided", about, reason="裁定", at=at)
        return decided
