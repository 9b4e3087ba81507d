"""The town of a simulation: its program, its clock, its books, and the count of what happened."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import asyncpg
import httpx

from littleshop import db, installation, postgres
from littleshop.clock import Clock
from littleshop.errors import Refused
from tests.flows.people import Shopkeeper, hidden, open_shop
from tests.flows.running import Running

T = TypeVar("T")
Work = Callable[[db.Connection, datetime], Awaitable[T]]
PERSONS = (  # name, number, card
    ("林小满", "11010519491231002X", "6222021234567890128"),
    ("陈一帆", "330106198804123011", "6217000012345678901"),
    ("周可心", "440305199109231621", "6228480012345678908"),
)
# Price and stock of each shop's goods: one of them sells out now and then.
GOODS = (("168.00", 400), ("35.50", 9), ("9.90", 400))
COUPON, COUPON_OFF, COUPON_FROM = "SIM5", "5", "20"
OWN = "merchant_of_record"  # who holds the money unless an institution does
PATIENCE = 60.0  # seconds of ours, for processes to come back
_MAY_COME_BACK = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, db.Unavailable)


class Away(Exception):
    """The program did not come back in time: that is a fault of its own."""


class Gone(Exception):
    """A page says no: trying again would hear the same."""


@dataclass
class Town:
    """Everything that plays; `happened` counts what really happened, `spent` seconds by phase."""

    littleshop: Running
    chance: random.Random
    rails: tuple[str, ...] = ("alipay", "wechat_pay", "stripe", "baidu_wallet")
    escrow: str = OWN
    happened: Counter[str] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)
    shops: list[Shopkeeper] = field(default_factory=list)
    products: dict[int, list[str]] = field(default_factory=dict)
    left: dict[str, object] = field(default_factory=dict)
    links: dict[int, str] = field(default_factory=dict)  # by shop: the share by which two earn
    looked_at: set[object] = field(default_factory=set)  # orders that a seller thought over
    _runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    _database: db.Database | None = None

    def open(self, count: int) -> None:
        """Shops with goods, owners known and cards verified."""
        for number in range(len(self.shops), len(self.shops) + count):
            phone = f"1370000{1000 + number}"
            shop = open_shop(self.littleshop, f"sim{number}", phone, f"模拟小店{number}")
            name, id_number, card = PERSONS[number % len(PERSONS)]
            shop.register(card, name, id_number)
            self.shops.append(shop)
            self.products[shop.shop_id] = [
                shop.put_on_sale(f"物件{number}-{one}", price=price, stock=stock)
                for one, (price, stock) in enumerate(GOODS)
            ]
            _offer_coupon(shop)

    def close(self) -> None:
        """Let the connection go."""
        with contextlib.suppress(*_MAY_COME_BACK):
            self._runner.run(self._let_go())
        self._runner.close()

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What is done in here counts as time spent on `name`."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.spent[name] += time.monotonic() - began  # type: ignore[assignment]

    def act(self, work: Work[T]) -> T:
        """One flow in one transaction, as the program's role, whatever was killed meanwhile."""
        return self._insist(lambda: self._runner.run(self._act(work)))

    def read(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Rows as the program may see them."""

        async def look(conn: db.Connection, _: datetime) -> list[dict[str, Any]]:
            return [dict(row) for row in await conn.fetch(sql, *values)]

        return self.act(look)

    def at_desk(self, work: Callable[[db.Database, datetime], Awaitable[T]]) -> T:
        """A flow that makes transactions of its own; repeated when the database is back."""
        return self._insist(lambda: self._runner.run(self._at_desk(work)))

    def now(self) -> datetime:
        async def look(_: db.Connection, at: datetime) -> datetime:
            return at

        return self.act(look)

    def tell(self, where: str) -> bool:
        """Somebody does something at the sandbox, by its control API; whether he could."""
        answer = httpx.post(f"{self.littleshop.sandbox}/{where}", json={}, trust_env=False)
        return answer.status_code == 200

    def books(self) -> dict[str, Any]:
        """The sandbox's own books, all of them."""
        answer = httpx.get(f"{self.littleshop.sandbox}/books.json", trust_env=False, timeout=60)
        told: dict[str, Any] = answer.json()
        return told

    def does(self, name: str, work: Work[object]) -> bool:
        """An act that may be refused, which is counted when it happened."""
        try:
            self.act(work)
        except Refused:
            return False
        self.happened[name] += 1
        return True

    def over_http(self, call: Callable[[], T]) -> T | None:
        """Something a person does in a browser; a page that fails is tried again, then left."""
        for _ in range(4):
            try:
                return call()
            except Gone:
                self.happened["pages_said_no"] += 1
                return None
            except (httpx.HTTPError, AssertionError):
                self.happened["pages_failed"] += 1
                time.sleep(0.3)
        return None

    async def _act(self, work: Work[T]) -> T:
        async def whole(conn: db.Connection) -> T:
            return await work(conn, Clock(await installation.clock_offset(conn)).now())

        try:
            return await (await self._opened()).transaction(whole)
        except _MAY_COME_BACK:
            await self._let_go()
            raise

    async def _at_desk(self, work: Callable[[db.Database, datetime], Awaitable[T]]) -> T:
        try:
            database = await self._opened()
            async with database.connection() as conn:
                at = Clock(await installation.clock_offset(conn)).now()
            return await work(database, at)
        except _MAY_COME_BACK:
            await self._let_go()
            raise

    async def _opened(self) -> db.Database:
        if self._database is None:
            dsn = postgres.Cluster(self.littleshop.home).dsn()
            self._database = await db.open_database(dsn, size=1)
        return self._database

    async def _let_go(self) -> None:
        if self._database is not None:
            self._database.pool.terminate()
            self._database = None

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


def _offer_coupon(shop: Shopkeeper) -> None:
    """A code that anybody may type, as often as he likes."""
    page = shop.client.get(f"{shop.root}/coupons/new")
    shop.post(
        f"{shop.root}/coupons/new", form_key=hidden(page, "form_key"), code=COUPON, label="模拟券",
        kind="fixed", off=COUPON_OFF, least=COUPON_FROM, most="", each="99", channel="",
        until="", **{"from": ""},
    )  # fmt: skip
