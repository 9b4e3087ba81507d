"""A process that dies between any two steps of a run, and two that run at once: paid once.

Each death begins from the same state: what the one before wrote is deleted.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from littleshop import db
from littleshop.settlement.bank_answers import BankReason
from tests.cast import CNY, Town
from tests.kept import Kept
from tests.settlement.paper_bank import PaperBank, beijing, sells, settle, verify
from tests.settlement.test_settling import TUE, WED, bank, of_shop, paid_on_tuesday, told

__all__ = ["bank"]  # the fixture
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


async def dies(town: Town, bank: PaperBank, commits: int, check: Check, *, at_once: bool) -> bool:
    """Die after so many commits, prove the books, run to the end and look; False when the whole
    day took fewer."""
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
    town: Town, bank: PaperBank, lent: Kept, check: Check, *, at_once: bool
) -> int:
    """Die at every boundary of the day's pass; how many there were."""
    as_it_is = await lent.remembered()
    for commits in itertools.count(1):
        if not await dies(town, copy.deepcopy(bank), commits, check, at_once=at_once):
            return commits - 1
        assert await as_it_is.clean()
    raise AssertionError("unreachable")


async def sent_once(town: Town, bank: PaperBank) -> None:
    assert [(one.status, one.amount) for one in await of_shop(town)] == [("sent", CNY("168.00"))]
    assert len(bank.files) == len(bank.batches) == 1


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_kill_between_any_two_steps_repeats_nothing(
    town: Town, bank: PaperBank, lent: Kept, at_once: bool
) -> None:
    await verify(town)
    await sells(town, CNY("168.00"))
    beijing(town, TUE, 8)
    assert await dies_everywhere(town, bank, lent, sent_once, at_once=at_once) > 12


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
    town: Town, bank: PaperBank, lent: Kept
) -> None:
    payout = await paid_on_tuesday(town, bank)
    bank.pays(TUE, payout)
    bank.returns(TUE, payout, BankReason.OTHER)
    bank.lump(TUE, CNY("11.00"))
    beijing(town, WED, 8)
    assert await dies_everywhere(town, bank, lent, returned_once, at_once=True) > 6


async def given_back_once(town: Town, bank: PaperBank) -> None:
    assert [one.status for one in await of_shop(town)] == ["rejected"]
    assert await town.balance("payable") == CNY("168.00")


async def test_a_kill_while_a_rejection_is_heard_gives_back_once(
    town: Town, bank: PaperBank, lent: Kept
) -> None:
    payout = await paid_on_tuesday(town, bank)
    bank.says(payout, "rejected", "RJCT", BankReason.ACCOUNT_CLOSED)
    town.later(hours=2)
    assert await dies_everywhere(town, bank, lent, given_back_once, at_once=True) > 3


async def test_two_passes_at_once_pay_once(town: Town, bank: PaperBank) -> None:
    await verify(town)
    await sells(town, CNY("168.00"))
    beijing(town, TUE, 8)
    await asyncio.gather(*(settle(town, bank) for _ in range(4)))
    assert [one.status for one in await of_shop(town)] == ["sent"]
    assert sum(len(batch.instructions) for batch in bank.batches) == 1
    await town.books_balance()
