"""A process that dies between any two steps of a run, and two that run at once: paid once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from littleshop import db
from littleshop.settlement import daily
from littleshop.settlement.bank_answers import BankReason
from littleshop.settlement.daily import Day
from littleshop.settlement.desks import Desk
from tests.cast import CNY, Town
from tests.settlement.paper_bank import PaperBank, beijing, sells, settle, verify
from tests.settlement.test_settling import TUE, WED, bank, of_shop, paid_on_tuesday, told

__all__ = ["bank"]  # the fixture
T = TypeVar("T")


class Killed(Exception):
    """The process ends here."""


class Mortal(db.Database):
    """A database whose process dies right after so many commits."""

    left = 0

    async def transaction(self, work: Callable[[db.Connection], Awaitable[T]]) -> T:
        done = await super().transaction(work)
        self.left -= 1
        if self.left < 0:
            raise Killed
        return done


async def killed_after_each_commit(town: Town, bank: PaperBank) -> tuple[Day, int]:
    """Run the day, dying after one commit, then after two, until a pass lives to its end."""
    mortal = Mortal(town.database.pool)
    bank.today = town.at.date()
    for commits in range(200):
        mortal.left = commits
        desk = Desk(mortal, bank, town.keyring, town.calendar)
        try:
            return await daily.settle_day(desk, bank.today, town.at), commits
        except Killed:
            await town.books_balance()
    raise AssertionError("it never ended")


async def test_a_kill_between_any_two_steps_repeats_nothing(
    town: Town, bank: PaperBank, owner: db.Connection
) -> None:
    await verify(town)
    await sells(town, CNY("168.00"))
    beijing(town, TUE, 8)
    day, kills = await killed_after_each_commit(town, bank)
    assert kills > 5
    assert [(one.status, one.amount) for one in day.payouts] == [("sent", CNY("168.00"))]
    assert len(bank.files) == 1
    bank.pays(TUE, day.payouts[0])
    bank.returns(TUE, day.payouts[0], BankReason.OTHER)
    beijing(town, WED, 8)
    await killed_after_each_commit(town, bank)
    booked = await owner.fetch(
        "select kind from journals where shop_id = $1 and reference = $2 order by kind",
        town.shop_id,
        day.payouts[0].reference,
    )
    assert [row["kind"] for row in booked] == ["funded", "paid_out", "payout", "payout_returned"]
    assert sorted(await told(town, day.payouts[0])) == ["payout_done", "payout_returned"]
    await town.books_balance()


async def test_a_kill_while_a_rejection_is_heard_gives_back_once(
    town: Town, bank: PaperBank
) -> None:
    payout = await paid_on_tuesday(town, bank)
    bank.says(payout, "rejected", "RJCT", BankReason.ACCOUNT_CLOSED)
    town.later(hours=2)
    day, _ = await killed_after_each_commit(town, bank)
    assert day.run.closed_at is not None
    assert await town.balance("payable") == CNY("168.00")
    await town.books_balance()


async def test_two_passes_at_once_pay_once(town: Town, bank: PaperBank) -> None:
    await verify(town)
    await sells(town, CNY("168.00"))
    beijing(town, TUE, 8)
    await asyncio.gather(*(settle(town, bank) for _ in range(4)))
    assert [one.status for one in await of_shop(town)] == ["sent"]
    assert sum(len(batch.instructions) for batch in bank.batches) == 1
    await town.books_balance()
