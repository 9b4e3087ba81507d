"""The people of the town: buyers, sellers, operators, and the buyers' banks; what each does."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from littleshop import db
from littleshop.catalog import stock
from littleshop.errors import Refused
from littleshop.jobs import queue
from littleshop.money import Money
from littleshop.oversight import acts, deciding, explaining
from littleshop.pay import switches
from littleshop.sale import (
    arbitrating,
    receiving,
    refunding,
    returning,
    sending_back,
    shipping,
)
from littleshop.sale.returning import Wish
from littleshop.settlement import bills
from littleshop.trade import orders
from tests.simulation import desks, holding, kinds
from tests.simulation.rails import BAD_CARD, Buyers, Cashier, Deck
from tests.simulation.town import COUPON, Town

OPERATOR = UUID("7f1b6a90-0000-4000-8000-000000000001")
DESK = "simulation"


@dataclass
class People:
    """Everybody who acts. `late` are cashiers that were left open, `disputed` what banks took,
    `invited` who ordered from a shop that could not be paid yet."""

    town: Town
    buyers: Buyers = field(init=False)
    deck: Deck = field(init=False)
    late: list[Cashier] = field(default_factory=list)
    invited: list[tuple[int, Cashier]] = field(default_factory=list)
    disputed: dict[str, bool] = field(default_factory=dict)
    tastes: random.Random = field(default_factory=lambda: random.Random(1))

    def __post_init__(self) -> None:
        self.buyers = Buyers(self.town)
        self.deck = Deck(self.town.chance, self.town.rails)

    # --- buyers

    def order_something(self) -> None:
        """Somebody orders, and pays, or not, or twice, or too late."""
        town, chance = self.town, self.town.chance
        shop = chance.choice(town.shops)
        product = chance.choice(town.products[shop.shop_id])
        rail, pieces = self.deck.draw(), chance.choice((1, 1, 1, 2))
        phone, desk = f"139{chance.randrange(10**8):08}", chance.random() < 0.25
        taste = self.tastes.random()
        if (kind := kinds.paid_by_others(taste, town.escrow)) and self._can_be_paid(shop.shop_id):
            self._ask_others(kind, shop.slug, product, pieces, phone, rail)
            return
        gift = taste < kinds.GIFTS
        coupon = COUPON if kinds.GIFTS <= taste < kinds.GIFTS + kinds.COUPONS else ""
        cashier = town.over_http(
            lambda: self.buyers.order(
                rail, shop.slug, product, pieces, phone=phone, desk=desk, gift=gift, coupon=coupon
            )
        )
        if cashier is None:
            town.happened["not_placed"] += 1
            return
        town.happened["orders"] += 1
        town.happened[f"orders {rail}"] += 1
        if not self._can_be_paid(shop.shop_id):
            town.happened["ordered_early"] += 1
            self.invited.append((shop.shop_id, cashier))
            return
        if cashier.page is None:  # the rail was away, or switched off: over another one then
            town.happened[f"no_page {rail}"] += 1
            cashier = self._another_way(cashier)
        if cashier is not None and cashier.page is not None:
            self._decide_to_pay(cashier, chance.random())

    def _ask_others(
        self, kind: str, slug: str, product: str, pieces: int, phone: str, rail: str
    ) -> None:
        """Somebody else pays, or several friends: all, too little, twice, or nobody does."""
        town = self.town
        token = town.over_http(
            lambda: self.buyers.ask(slug, product, pieces, phone=phone, kind=kind)
        )
        if token is None:
            town.happened["not_placed"] += 1
            return
        town.happened["orders"] += 1
        town.happened[f"orders {rail}"] += 1
        for amount in ("500", "rest") if kind == "chip_in" else ("rest",):
            if self.tastes.random() < 0.15:
                continue  # he has read it, and that is all
            cashier = town.over_http(
                lambda amount=amount: self.buyers.give(rail, token, amount)  # type: ignore[misc]
            )
            if cashier is not None and cashier.page is not None:
                self._decide_to_pay(cashier, self.tastes.random())

    def _can_be_paid(self, shop_id: int) -> bool:
        if self.town.escrow != "psp_escrow":
            return True
        return shop_id in holding.open_shops(self.town)

    def pay_invited(self, share: float = 0.8) -> None:
        """Who ordered from a shop before it was admitted pays now that it is, or never."""
        there = holding.open_shops(self.town) if self.invited else set()
        for shop_id, cashier in list(self.invited):
            if shop_id in there and self.town.chance.random() < share:
                self.invited.remove((shop_id, cashier))
                rail = self.deck.draw()
                begun = self.town.over_http(
                    lambda rail=rail, cashier=cashier: self.buyers.begin(rail, cashier)  # type: ignore[misc]
                )
                if begun is not None and begun.page is None:
                    begun = self._another_way(begun)
                if begun is not None and begun.page is not None:
                    self.town.happened["invited_went_to_pay"] += 1
                    self._decide_to_pay(begun, self.town.chance.random())

    def _another_way(self, cashier: Cashier) -> Cashier | None:
        others = [rail for rail in self.town.rails if rail not in (cashier.rail, "stripe")]
        if cashier.rail == "stripe":  # who is abroad knows no other rail than cards
            others = ["stripe"]
        rail = self.town.chance.choice(others)
        return self.town.over_http(lambda: self.buyers.begin(rail, cashier))

    def _decide_to_pay(self, cashier: Cashier, fate: float) -> None:
        if fate < 0.08:
            self.town.happened["abandoned"] += 1
            return
        if fate < 0.14:
            self.late.append(cashier)
            return
        second = self._second_tab(cashier) if fate > 0.92 else None
        if fate < 0.2 and cashier.rail == "stripe":
            self._press(cashier, BAD_CARD)
        self._press(cashier)
        if second is not None and second.page is not None:
            self._press(second)
            self.town.happened["second_tabs"] += 1
        if fate > 0.6:
            self.town.over_http(lambda: self.buyers.come_back(cashier))

    def _second_tab(self, cashier: Cashier) -> Cashier | None:
        """The same order is about to be paid over another rail too."""
        rail = "wechat_pay" if cashier.rail == "alipay" else "alipay"
        if cashier.rail == "stripe":
            return None
        return self.town.over_http(lambda: self.buyers.begin(rail, cashier))

    def _press(self, cashier: Cashier, card: str = "pm_card_visa") -> None:
        self.town.over_http(lambda: self.buyers.pay(cashier, card))

    def pay_late(self) -> None:
        """Cashiers that were left open hours ago: somebody presses after all."""
        for cashier in self.late:
            self._press(cashier)
            self.town.happened["pressed_late"] += 1
        self.late.clear()

    # --- sellers, and what buyers do once it is there

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

    # --- banks, and the desks of the rails and of the platform

    def banks_take_back(self, share: float = 0.1) -> None:
        """Some buyer's bank takes a card payment back; each payment is looked at once."""
        rows = self.town.read(
            "select /* all shops: the town's people */ reference from payments"
            " where gateway = 'stripe' and status = 'paid' order by reference"
        )
        for reference in (str(row["reference"]) for row in rows):
            if reference not in self.disputed:
                taken = self.town.chance.random() < share
                self.disputed[reference] = False
                if taken and self.buyers.tell("stripe", reference, "/dispute"):
                    self.disputed[reference] = True
                    self.town.happened["charged_back"] += 1

    def banks_decide(self, share: float = 0.3) -> None:
        for reference in [one for one, is_open in self.disputed.items() if is_open]:
            if self.town.chance.random() < share:
                won = self.town.chance.random() < 0.4
                if self.buyers.tell("stripe", reference, "/dispute/close", won=won):
                    self.disputed[reference] = False
                    self.town.happened["chargeback_" + ("won" if won else "lost")] += 1

    def rails_unstick(self, share: float = 0.4) -> None:
        """WeChat's desk looks after some refunds that got stuck."""
        for refund in self.town.books()["wechat_pay"]["refunds"]:
            wanted = refund["status"] == "ABNORMAL" and self.town.chance.random() < share
            if wanted and self.buyers.unstick(refund["out_refund_no"]):
                self.town.happened["refund_unstuck"] += 1

    def operators_switch(self, share: float = 0.08) -> None:
        """A rail is switched off for some hours; the one that was off is switched on."""

        async def on(conn: db.Connection, at: datetime) -> None:
            for gateway in await switches.off(conn):
                await switches.switch_on(conn, gateway)

        self.town.act(on)
        if self.town.chance.random() < share:
            rail = self.town.chance.choice(self.town.rails)

            async def off(conn: db.Connection, at: datetime) -> object:
                return await switches.switch_off(conn, rail, why="模拟", by=DESK, at=at)

            self.town.does(f"switched_off {rail}", off)

    def operators_redirect(self, share: float = 0.5) -> None:
        """Refunds that did not arrive are sent another way."""
        desks.handle_stuck(self.town, share)

    def operators_try_again(self) -> None:
        """Every job that was given up is tried once more: what stopped it may be mended."""
        for row in self.town.read(
            "select id, name from jobs where held_at is not null and dropped_at is null"
            " and name not like 'messages%'"
        ):

            async def release(conn: db.Connection, at: datetime, row: dict[str, Any] = row) -> None:
                await queue.release(conn, row["id"])

            self.town.does(f"tried_again {row['name']}", release)

    def operators_explain(self) -> None:
        """Lines of Stripe's bill that are a chargeback which the rail's own books know."""
        rows = self.town.read(
            "select difference_id, words from differences where kind = 'unread'"
            " and gateway = 'stripe' and explained_at is null"
        )
        known = [str(one["id"]) for one in self.town.books()["stripe"]["disputes"]] if rows else []
        for row in rows:
            if any(number in row["words"] for number in known):

                async def explain(
                    conn: db.Connection, at: datetime, row: dict[str, Any] = row
                ) -> object:
                    one, why = row["difference_id"], "a chargeback"
                    if not await bills.explain(conn, one, by=DESK, why=why, at=at):
                        return False
                    about = explaining.subject(one)
                    return await acts.record(
                        conn, OPERATOR, "difference_explained", about, reason=why, at=at
                    )

                self.town.does("explained", explain)
