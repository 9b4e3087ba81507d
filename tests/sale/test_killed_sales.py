"""A process that dies after any commit or any call of the rail: what is due ends as it must."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from littleshop import db, files, jobs
from littleshop.config import Settings
from littleshop.errors import Conflict, Refused
from littleshop.http import House
from littleshop.money import Money
from littleshop.notify.channels import Channels
from littleshop.pay import notices, payments, refunds
from littleshop.pay.gateways import (
    Bill,
    BillNotReady,
    How,
    Notice,
    PayAnswer,
    PaymentState,
    PayRequest,
    QueryAnswer,
    RefundAnswer,
    RefundRequest,
)
from littleshop.risk.limits import Meters
from littleshop.sale import paying
from littleshop.sale.placing import Placed
from littleshop.shop.doors import Doors
from littleshop.tasks import tasks
from tests.cast import CNY, MORNING, PRIYA, Town
from tests.sale.acts import calls_off, ends_well, withdraws

T = TypeVar("T")
PRICE = CNY("168.00")


class Killed(BaseException):
    """The process ends here: nothing that handles faults sees it."""


class Fuse:
    """Burns with each step that the outside or the database has seen; the process dies at 0."""

    left = 10**9

    def burn(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


class Mortal(db.Database):
    """A database whose process may die right after any commit."""

    def __init__(self, database: db.Database, fuse: Fuse) -> None:
        super().__init__(database.pool)
        self.fuse = fuse

    async def transaction(self, work: Callable[[db.Connection], Awaitable[T]]) -> T:
        done = await super().transaction(work)
        self.fuse.burn()
        return done


class PlayedRail:
    """A rail with books of its own; each call may be the last thing our process sees."""

    name = "alipay"
    hows = frozenset({How.WAP})
    currencies = frozenset({"CNY"})
    has_bills = False
    heard = b"success"
    not_heard = b"failure"
    answer_type = "text/plain"

    def __init__(self, fuse: Fuse) -> None:
        self.fuse = fuse
        self.paid: dict[str, Money] = {}
        self.closed: set[str] = set()
        self.sent_back: dict[str, tuple[str, Money]] = {}

    def buyer_pays(self, reference: str) -> bool:
        """The buyer presses; False when the trade was closed before."""
        if reference in self.closed:
            return False
        self.paid[reference] = PRICE
        return True

    @property
    def keeps(self) -> Money:
        """What the rail has of ours: taken less sent back."""
        back = sum(amount.minor for _, amount in self.sent_back.values())
        return Money(sum(amount.minor for amount in self.paid.values()) - back, "CNY")

    async def pay(self, request: PayRequest) -> PayAnswer:
        self.fuse.burn()
        return PayAnswer(redirect_url=f"https://rail.example/{request.reference}")

    async def query(self, reference: str) -> QueryAnswer:
        self.fuse.burn()
        if reference in self.paid:
            return QueryAnswer(
                state=PaymentState.PAID,
                amount=self.paid[reference],
                gateway_trade_no=f"2026{reference}",
            )
        state = PaymentState.CLOSED if reference in self.closed else PaymentState.CREATED
        return QueryAnswer(state=state)

    async def close(self, reference: str) -> PaymentState:
        if reference not in self.paid:
            self.closed.add(reference)
        self.fuse.burn()
        return PaymentState.PAID if reference in self.paid else PaymentState.CLOSED

    async def refund(self, request: RefundRequest) -> RefundAnswer:
        asked = (request.reference, request.amount)
        if self.sent_back.setdefault(request.refund_reference, asked) != asked:
            raise Conflict("another refund under this reference")
        back = sum(a.minor for of, a in self.sent_back.values() if of == request.reference)
        assert back <= self.paid[request.reference].minor, "sent back more than was paid"
        self.fuse.burn()
        return RefundAnswer(status="done", amount=request.amount)

    async def refund_query(self, request: RefundRequest) -> RefundAnswer:
        raise AssertionError("the flows repeat a refund instead of asking")

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        raise AssertionError("notices are played as they are after they were verified")

    async def refresh_keys(self) -> None:
        return None

    async def fetch_bill(self, day: date) -> Bill:
        raise BillNotReady(self.name, day)

    async def disconnect(self) -> None:
        return None


class Process:
    """Web and worker in one, on the town's database, with the town's time."""

    def __init__(self, town: Town, rail: PlayedRail, fuse: Fuse, home: Path) -> None:
        self.town, self.rail = town, rail
        self.database = Mortal(town.database, fuse)
        self.town_here = Town(
            self.database, town.keyring, town.at, shop_id=town.shop_id, person_id=town.person_id
        )
        self.house = House(
            settings=Settings(home, "demo", "", "http://127.0.0.1", None, {}),
            keyring=town.keyring,
            database=self.database,
            clock=self,  # type: ignore[arg-type]  # the town's time
            calendar=town.calendar,
            rails={"alipay": rail},
            files=files.Files.open(home / "files"),
            flusher=town.flusher,
            loader=town.loader,
            meters=Meters(self.database),
            doors=Doors(self.database),
        )
        self.tasks = tasks(self.house, Channels())

    def now(self) -> datetime:
        return self.town.at

    async def works(self) -> None:
        """What is due is done."""
        await jobs.drain(self.database, self.tasks, self, wires=self.house)

    async def sweeps(self) -> None:
        """What is done again and again is done once."""
        for name in ("timers.sweep", "payments.sweep", "refunds.sweep"):
            await self.database.transaction(partial(self._asks_for, name))
        await self.works()

    async def _asks_for(self, name: str, conn: db.Connection) -> None:
        await jobs.defer(conn, name, at=self.town.at, key="")

    async def opens_cashier(self, placed: Placed, method: str = "wap") -> str:
        payment = await self.database.transaction(
            lambda conn: paying.ask(
                conn,
                self.town.shop_id,
                placed.order_id,
                gateway="alipay",
                method=method,
                at=self.town.at,
            )
        )
        await paying.send(self.rail, payment, subject="茶器", return_url="/", notify_url="/")
        return payment.reference

    async def is_paid(self, reference: str) -> None:
        """The buyer pays, the rail says so, the worker acts on it."""
        if not self.rail.buyer_pays(reference):
            return
        told = Notice(
            gateway="alipay",
            notice_id=reference,
            reference=reference,
            kind="paid",
            amount=PRICE,
            gateway_trade_no=f"2026{reference}",
            at=self.town.at,
            raw=reference,
        )

        async def take(conn: db.Connection) -> None:
            if await notices.record(conn, self.town.keyring, told, self.town.at):
                await jobs.defer(
                    conn, "paying.accept", at=self.town.at, gateway="alipay", notice_id=reference
                )

        await self.database.transaction(take)
        await self.works()


async def shipped_and_received(process: Process, placed: Placed) -> None:
    await process.is_paid(await process.opens_cashier(placed))
    await process.town_here.ships(placed)
    await process.town_here.receives(placed)
    await process.works()


async def called_off(process: Process, placed: Placed) -> None:
    await process.is_paid(await process.opens_cashier(placed))
    await calls_off(process.town_here, placed)
    await process.works()


async def paid_twice(process: Process, placed: Placed) -> None:
    phone, desk = await process.opens_cashier(placed), await process.opens_cashier(placed, "qr")
    await process.is_paid(phone)
    await process.is_paid(desk)


async def paid_too_late(process: Process, placed: Placed) -> None:
    reference = await process.opens_cashier(placed)
    process.town.later(minutes=31)
    process.rail.buyer_pays(reference)  # the notice is lost: the closing finds it
    await process.sweeps()


async def withdrawn_as_it_is_paid(process: Process, placed: Placed) -> None:
    reference = await process.opens_cashier(placed)
    await withdraws(process.town_here, placed)
    await process.is_paid(reference)
    await process.works()


Life = Callable[[Process, Placed], Awaitable[None]]
ENDS: dict[
    Life, set[str]
] = {  # how each life may end; being killed may only make it one that nobody pushed on
    shipped_and_received: {"cancelled", "refunded", "closed"},
    called_off: {"cancelled", "refunded"},
    paid_twice: {"cancelled", "refunded"},
    paid_too_late: {"cancelled", "refunded"},
    withdrawn_as_it_is_paid: {"cancelled"},
}
_WAITS = (2, 40, 60 * 24 * 2, 60 * 24 * 8, 60 * 24 * 12, 60 * 24 * 8)  # minutes


async def time_passes(process: Process) -> None:
    """Nobody comes back; leases end, clocks strike, jobs run to their end."""
    for minutes in _WAITS:
        process.town.later(minutes=minutes)
        process.town_here.at = process.town.at
        await process.sweeps()


async def nothing_is_left(town: Town, rail: PlayedRail, placed: Placed) -> None:
    """The books prove themselves, agree with the rail's, and nobody waits for anything."""
    await ends_well(town, placed)
    assert await town.balance("gateway_clearing:alipay") == rail.keeps
    assert await town.balance("suspense") == CNY("0.00")
    async with town.database.connection() as conn:
        asked = await payments.of_order(conn, town.shop_id, placed.order_id)
        back = await refunds.of_order(conn, town.shop_id, placed.order_id)
        waiting = await jobs.counts(conn)
    assert {one.status for one in asked} <= {"paid", "closed"}
    assert {one.status for one in back} <= {"done"}
    assert [one for one in waiting if one.name.startswith(("paying", "refunding", "timers"))] == []


def fuses() -> Iterator[Fuse]:
    """One that burns after one step, one after two..."""
    for steps in range(100):
        fuse = Fuse()
        fuse.left = steps
        yield fuse


@pytest.mark.parametrize("life", ENDS, ids=lambda life: life.__name__)
async def test_a_kill_after_any_step_of_a_sale_loses_and_doubles_nothing(
    town: Town, tmp_path: Path, life: Life
) -> None:
    rail = PlayedRail(Fuse())
    seen, kills = set(), 0
    for fuse in fuses():
        town.at = MORNING
        bowl = await town.stock(pieces=1)
        placed = await town.place([bowl], PRICE, who=PRIYA)
        rail.fuse = fuse
        try:
            await life(Process(town, rail, fuse, tmp_path), placed)
            alive = True
        except Killed:
            alive, kills = False, kills + 1
        except Refused:  # the clock was quicker than the one who acts
            alive = False
        await town.books_balance()
        rail.fuse = Fuse()
        await time_passes(Process(town, rail, rail.fuse, tmp_path))
        await nothing_is_left(town, rail, placed)
        seen.add((await town.order(placed)).status)
        if alive:
            break
    assert alive, "it never ended"
    assert kills > 3
    assert seen <= ENDS[life], seen
