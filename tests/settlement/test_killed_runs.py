"""A process that dies between any two steps of a run, and two that run at once: paid once.

Each death begins from the same state: the town's database is copied for every boundary.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

import asyncpg
import pytest

from littleshop import db
from littleshop.postgres import Cluster
from littleshop.settlement.bank_answers import BankReason
from tests.cast import CNY, Town
from tests.kept import Kept
from tests.settlement.paper_bank import PaperBank, beijing, sells, settle, verify
from tests.settlement.test_settling import TUE, WED, bank, of_shop, paid_on_tuesday, told

__all__ = ["bank"]  # the fixture
AT_A_TIME = 4  # deaths tried side by side, each in a copy of its own
T = TypeVar("T")
Check = Callable[[Town, PaperBank], Awaitable[None]]


class Killed(BaseException):
    """The process ends here."""


class Mortal(db.Database):
    """A database whose process dies after so many commits: at once, or when it would go on to the
    next transaction, with what it did on the wire in between."""

    lives = 0
    at_once = True

    async def transaction(self, work: Callable[[db.Connection], Awaitable[T]]) -> T:
        if self.lives == 0:
            raise Killed
        done = await super().transaction(work)
        self.lives -= 1
        if self.lives == 0 and self.at_once:
            raise Killed
        return done


class Crypt:
    """Copies of one town, which nobody is connected to meanwhile."""

    def __init__(self, cluster: Cluster, town: Town, bank: PaperBank, name: str) -> None:
        self.cluster, self.town, self.bank, self.name = cluster, town, bank, name

    @asynccontextmanager
    async def copied(self, number: int) -> AsyncIterator[tuple[Town, PaperBank]]:
        """The town and its bank as they were."""
        name = f"{self.name}_{number}"
        conn = await asyncpg.connect(self.cluster.dsn())
        try:
            await conn.execute(f"create database {name} template {self.name} strategy file_copy")
            database = await db.open_database(self.cluster.dsn(name), size=2)
            try:
                yield replace(self.town, database=database), copy.deepcopy(self.bank)
            finally:
                await database.close()
                await conn.execute(f"drop database {name} with (force)")
        finally:
            await conn.close()

    async def dies(self, commits: int, check: Check, *, at_once: bool) -> bool:
        """Die after so many commits, prove the books, run to the end and look; False when the
        whole day took fewer."""
        async with self.copied(commits) as (town, bank):
            mortal = Mortal(town.database.pool)
            mortal.lives, mortal.at_once = commits, at_once
            died = False
            try:
                await settle(replace(town, database=mortal), bank)
            except Killed:
                died = True
            await town.books_balance()
            await settle(town, bank)
            await town.books_balance()
            await check(town, bank)
            return died


async def dies_everywhere(
    cluster: Cluster, town: Town, bank: PaperBank, lent: Kept, check: Check, *, at_once: bool
) -> int:
    """Die at every boundary of the day's pass; how many there were."""
    await lent.leave()
    crypt = Crypt(cluster, town, bank, lent.name)
    for first in itertools.count(1, AT_A_TIME):
        some = range(first, first + AT_A_TIME)
        died = await asyncio.gather(*(crypt.dies(each, check, at_once=at_once) for each in some))
        if not all(died):
            return first + died.index(False) - 1
    raise AssertionError("unreachable")


async def sent_once(town: Town, bank: PaperBank) -> None:
    assert [(one.status, one.amount) for one in await of_shop(town)] == [("sent", CNY("168.00"))]
    assert len(bank.files) == len(bank.batches) == 1


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_kill_between_any_two_steps_repeats_nothing(
    town: Town, bank: PaperBank, cluster: Cluster, lent: Kept, at_once: bool
) -> None:
    await verify(town)
    await sells(town, CNY("168.00"))
    beijing(town, TUE, 8)
    assert await dies_everywhere(cluster, town, bank, lent, sent_once, at_once=at_once) > 12


async def returned_once(town: Town, bank: PaperBank) -> None:
    back = (await of_shop(town))[-1]
    async with town.database.connection() as conn:
        booked = await conn.fetch(
            "select kind from journals where shop_id = $1 and reference = $2 order by kind",
            town.shop_id,
            back.reference,
        )
    assert [row["kind"] for row in booked] == ["funded", "paid_out", "payout", "payout_returned"]
    assert sorted(await told(town, back)) == ["payout_done", "payout_returned"]


async def test_a_kill_while_the_statement_is_heard_books_it_once(
    town: Town, bank: PaperBank, cluster: Cluster, lent: Kept
) -> None:
    payout = await paid_on_tuesday(town, bank)
    bank.pays(TUE, payout)
    bank.returns(TUE, payout, BankReason.OTHER)
    bank.lump(TUE, CNY("11.00"))
    beijing(town, WED, 8)
    assert await dies_everywhere(cluster, town, bank, lent, returned_once, at_once=True) > 6


async def given_back_once(town: Town, bank: PaperBank) -> None:
    assert [one.status for one in await of_shop(town)] == ["rejected"]
    assert await town.balance("payable") == CNY("168.00")


async def test_a_kill_while_a_rejection_is_heard_gives_back_once(
    town: Town, bank: PaperBank, cluster: Cluster, lent: Kept
) -> None:
    payout = await paid_on_tuesday(town, bank)
    bank.says(payout, "rejected", "RJCT", BankReason.ACCOUNT_CLOSED)
    town.later(hours=2)
    assert await dies_everywhere(cluster, town, bank, lent, given_back_once, at_once=True) > 3


async def test_two_passes_at_once_pay_once(town: Town, bank: PaperBank) -> None:
    await verify(town)
    await sells(town, CNY("168.00"))
    beijing(town, TUE, 8)
    await asyncio.gather(*(settle(town, bank) for _ in range(4)))
    assert [one.status for one in await of_shop(town)] == ["sent"]
    assert sum(len(batch.instructions) for batch in bank.batches) == 1
    await town.books_balance()
