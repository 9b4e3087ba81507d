"""The town of a simulation: its shops, its buyers, and the acts they do through pages and flows."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import asyncpg
import httpx

from littleshop import db, installation, postgres
from littleshop.clock import Clock
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.sale import (
    arbitrating,
    paying,
    receiving,
    refunding,
    returning,
    sending_back,
    shipping,
)
from littleshop.sale.returning import Wish
from littleshop.trade import orders
from littleshop.trade.orders import Order
from tests.flows.people import Shopkeeper, Shopper, open_shop
from tests.flows.running import Running

T = TypeVar("T")
OPERATOR = UUID("7f1b6a90-0000-4000-8000-000000000001")
CARDS = ("6222021234567890128", "6217000012345678901", "6228480012345678908")
PATIENCE = 60.0  # seconds of ours, for processes to come back


_MAY_COME_BACK = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, db.Unavailable)


class Away(Exception):
    """The program did not come back in time: that is a fault of its own."""


@dataclass
class Town:
    """Everything that plays; `happened` counts what really happened."""

    littleshop: Running
    chance: random.Random
    happened: Counter[str] = field(default_factory=Counter)
    shops: list[Shopkeeper] = field(default_factory=list)
    products: dict[int, list[str]] = field(default_factory=dict)
    left: dict[str, object] = field(default_factory=dict)
    shopper: Shopper = field(init=False)

    def __post_init__(self) -> None:
        self.shopper = Shopper(self.littleshop)

    def open(self, count: int) -> None:
        """Shops with goods, owners known and cards verified."""
        for number in range(count):
            phone = f"1370000{1000 + number}"
            shop = open_shop(self.littleshop, f"sim{number}", phone, f"模拟小店{number}")
            shop.register(CARDS[number % len(CARDS)])
            self.shops.append(shop)
            self.products[shop.shop_id] = [
                shop.put_on_sale(f"物件{number}-{one}", price=price, stock=stock)
                for one, (price, stock) in enumerate((("168.00", 400), ("35.50", 9), ("9.90", 400)))
            ]

    def act(self, work: Callable[[db.Connection, datetime], Awaitable[T]]) -> T:
        """One flow in one transaction, as the program's role, whatever was killed meanwhile."""
        return self._insist(lambda: asyncio.run(self._act(work)))

    def read(self, sql: str, *values: object) -> list[dict[str, object]]:
        return self._insist(lambda: self.littleshop.rows(sql, *values))

    def now(self) -> datetime:
        async def look(_: db.Connection, at: datetime) -> datetime:
            return at

        return self.act(look)

    async def _act(self, work: Callable[[db.Connection, datetime], Awaitable[T]]) -> T:
        dsn = postgres.Cluster(self.littleshop.home).dsn()
        database = await db.open_database(dsn, size=1)
        try:
            async with database.connection() as conn:
                at = Clock(await installation.clock_offset(conn)).now()
            return await database.transaction(lambda conn: work(conn, at))
        finally:
            await database.close()

    def _insist(self, call: Callable[[], T]) -> T:
        """The database may be starting anew."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return call()
            except _MAY_COME_BACK as fault:
                if time.monotonic() > end:
                    raise Away(str(fault)) from fault
                time.sleep(0.2)

    def over_http(self, call: Callable[[], T]) -> T | None:
        """Something a person does in a browser; a page that fails is tried again, then left."""
        for _ in range(4):
            try:
                return call()
            except (httpx.HTTPError, AssertionError):
                self.happened["pages_failed"] += 1
                time.sleep(0.3)
        return None

    # --- buyers

    def orders_something(self) -> None:
        """Somebody orders, and pays, or not, or twice, or too late."""
        shop = self.chance.choice(self.shops)
        product = self.chance.choice(self.products[shop.shop_id])
        pieces = self.chance.choice((1, 1, 1, 2))
        placed = self.over_http(lambda: self.shopper.order(shop.slug, product, pieces))
        if placed is None:
            self.happened["not_placed"] += 1
            return
        self.happened["orders"] += 1
        fate = self.chance.random()
        if fate < 0.12:
            self.happened["abandoned"] += 1
            return
        if self.over_http(lambda: self.shopper.pay(placed)) is None:
            return
        self.happened["paid_at_rail"] += 1
        if fate > 0.6:
            self.over_http(lambda: self.shopper.come_back(placed))
        if fate > 0.9:
            self.tries_again(placed.reference)

    def tries_again(self, reference: str) -> None:
        """The same order is paid in a second tab, over a second attempt."""
        [row] = self.read("select shop_id, order_id from payments where reference = $1", reference)

        async def ask(conn: db.Connection, at: datetime) -> str:
            payment = await paying.ask(
                conn, int(str(row["shop_id"])), UUID(str(row["order_id"])), gateway="alipay",
                method="page", at=at,
            )  # fmt: skip
            return payment.reference

        try:
            again = self.act(ask)
        except Refused:
            return
        told = self.littleshop.trade(again)
        self.happened["second_attempts"] += told is None

    # --- sellers and what follows

    def every_order(self, *status: str) -> list[tuple[int, UUID]]:
        rows = self.read(
            "select shop_id, order_id from orders where status = any ($1) order by order_id",
            list(status),
        )
        return [(int(str(row["shop_id"])), UUID(str(row["order_id"]))) for row in rows]

    def does(self, name: str, work: Callable[[db.Connection, datetime], Awaitable[object]]) -> bool:
        """An act that may be refused, which is counted when it happened."""
        try:
            self.act(work)
        except Refused:
            return False
        self.happened[name] += 1
        return True

    def sellers_ship(self) -> None:
        for shop_id, order_id in self.every_order("to_ship"):
            fate = self.chance.random()
            if fate < 0.7:
                self._ship(shop_id, order_id)
            elif fate < 0.76:
                self.does(
                    "called_off",
                    lambda conn, at, s=shop_id, o=order_id: refunding.call_off(  # type: ignore[misc]
                        conn, s, o, by="seller", reason="broken", at=at
                    ),
                )

    def _ship(self, shop_id: int, order_id: UUID) -> None:
        number = f"SF{self.chance.randrange(10**12, 10**13)}"
        self.does(
            "shipped",
            lambda conn, at: shipping.ship(
                conn, shop_id, order_id, carrier="sf", number=number, at=at
            ),
        )

    def buyers_receive(self) -> None:
        for shop_id, order_id in self.every_order("shipped"):
            fate = self.chance.random()
            if fate < 0.35:
                self.does(
                    "received",
                    lambda conn, at, s=shop_id, o=order_id: receiving.receive(  # type: ignore[misc]
                        conn, s, o, by="buyer", at=at
                    ),
                )
            elif fate < 0.45:
                self.asks_back(shop_id, order_id)

    def buyers_regret(self) -> None:
        for shop_id, order_id in self.every_order("received", "to_ship"):
            if self.chance.random() < 0.08:
                self.asks_back(shop_id, order_id)

    def asks_back(self, shop_id: int, order_id: UUID) -> None:
        """Money back in part or in full, goods back, or another piece."""
        kind = self.chance.choice(("refund", "refund", "return", "exchange"))
        part = self.chance.choice((0.2, 0.5, 1.0))
        reason = self.chance.choice(("damaged", "not_wanted", "missing"))

        async def ask(conn: db.Connection, at: datetime) -> None:
            order = await orders.lock(conn, shop_id, order_id)
            most = await returning.most(conn, order, kind, reason)
            amount = Money(max(int(most.minor * part), 1), most.currency)
            wish = Wish(kind, reason, amount, "模拟")
            await returning.ask(conn, shop_id, order_id, wish, at)

        self.does(f"asked_{kind}", ask)

    def cases_go_on(self) -> None:
        """Each open case moves, or somebody is silent."""
        rows = self.read(
            "select shop_id, case_id, status from cases where ended_at is null order by case_id"
        )
        for row in rows:
            if self.chance.random() < 0.75:
                shop_id, case_id = int(str(row["shop_id"])), UUID(str(row["case_id"]))
                self._case_goes_on(shop_id, case_id, str(row["status"]))

    def _case_goes_on(self, shop_id: int, case_id: UUID, status: str) -> None:
        number = f"SF{self.chance.randrange(10**12, 10**13)}"
        fate = self.chance.random()

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

        self.does(f"case_{status}", step)

    async def _decide(
        self, conn: db.Connection, shop_id: int, case_id: UUID, fate: float, at: datetime
    ) -> object:
        """An operator gives back nothing, a part or all that is left."""
        order: Order
        order, case = await returning.lock(conn, shop_id, case_id)
        left = await refunding.left_of(conn, order)
        back = Money(int(left.minor * (0, 0.5, 1)[int(fate * 3)]), left.currency)
        return await arbitrating.decide(
            conn, shop_id, case.case_id, back=back, words="裁定", operator=OPERATOR, at=at
        )

    def open_cases(self) -> int:
        return len(self.read("select 1 from cases where ended_at is null"))
