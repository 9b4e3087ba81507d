"""One bad part of a run stands aside, is seen by a person, and keeps nobody else waiting."""

from __future__ import annotations

from datetime import date

import pytest
import pytest_asyncio

from littleshop import db, jobs
from littleshop.errors import GatewayError
from littleshop.jobs import HeldJob
from littleshop.settlement import asides, settling
from littleshop.settlement.bank_answers import Statement
from littleshop.settlement.routing import Routing
from tests.cast import CNY, Town
from tests.settlement.paper_bank import PaperBank, beijing, desk, sells, settle, verify
from tests.settlement.test_settling import MON, THU, TUE, WED, bank, of_shop

__all__ = ["bank"]  # the fixture


@pytest_asyncio.fixture
async def first_shop(town: Town) -> int:
    """Two shops are owed money since Monday; the town's is the second."""
    first = town.shop_id
    await verify(town)
    await sells(town, CNY("168.00"))
    await town.open_shop("Ada's Attic", "ada", "+447400123456")
    await verify(town, number="6217000000000000000")
    await sells(town, CNY("12.00"), "SF1408223100672")
    return first


async def held(town: Town) -> list[HeldJob]:
    async with town.database.connection() as conn:
        return await jobs.held(conn)


async def works(town: Town, bank: PaperBank, day: date, hour: int, name: str) -> None:
    """The worker does what is due at this hour, beginning with this job."""
    beijing(town, day, hour)
    bank.today = day

    class Now:
        def now(self) -> object:
            return town.at

    await town.database.transaction(lambda conn: jobs.defer(conn, name, at=town.at))
    does = settling.tasks(Routing(bank), town.keyring, town.calendar)
    await jobs.drain(town.database, does, Now())  # type: ignore[arg-type]


async def test_a_shop_whose_books_do_not_add_up_waits_alone(
    town: Town, bank: PaperBank, owner: db.Connection, first_shop: int
) -> None:
    await owner.execute("update variants set on_hand = on_hand + 1 where shop_id = $1", first_shop)
    beijing(town, TUE, 8)
    day = await settle(town, bank)
    assert [(one.shop_id, one.status) for one in day.payouts] == [(town.shop_id, "sent")]
    assert [(one.shop_id, one.why) for one in day.waiting] == [(first_shop, ("books",))]
    await owner.execute("update variants set on_hand = on_hand - 1 where shop_id = $1", first_shop)
    town.later(hours=1)
    day = await settle(town, bank)
    assert {one.status for one in day.payouts} == {"sent"} and len(day.payouts) == 2
    assert day.problems == []
    await town.books_balance()


async def test_books_of_the_platform_that_do_not_add_up_stop_all(
    town: Town, bank: PaperBank, owner: db.Connection, first_shop: int
) -> None:
    beijing(town, MON, 20)
    await settle(town, bank)
    await owner.execute("update accounts set debits_minor = debits_minor + 1 where shop_id = 0")
    beijing(town, TUE, 8)
    with pytest.raises(settling.BrokenBooks) as said:
        await settle(town, bank)
    assert {one.shop_id for one in said.value.findings} == {0}
    await settling.advance(desk(town, bank), town.at)
    assert await of_shop(town) == []
    assert bank.handed_in == 0


@pytest.mark.parametrize(
    "breaks",
    [
        "alter table payouts add constraint made check (shop_id <> 1)",
        "alter table payouts add constraint funds check (shop_id <> 1 or status = 'asked')",
        "update cards set number_sealed = 'not what was sealed' where shop_id = 1",
    ],
)
async def test_a_payout_that_cannot_be_made_or_written_keeps_no_other_waiting(
    town: Town, bank: PaperBank, owner: db.Connection, first_shop: int, breaks: str
) -> None:
    assert first_shop == 1
    await owner.execute(breaks)
    await works(town, bank, TUE, 8, "settling.run")
    assert [one.status for one in await of_shop(town)] == ["sent"]
    assert [one.name for one in await held(town)] == [asides.JOB]
    await works(town, bank, TUE, 9, "settling.advance")
    assert len(await held(town)) == 1  # told once, not by every pass
    await town.books_balance()


async def test_a_held_part_that_was_mended_goes_on(
    town: Town, bank: PaperBank, owner: db.Connection, first_shop: int
) -> None:
    seals = await owner.fetchval("select number_sealed from cards where shop_id = $1", first_shop)
    mend = "update cards set number_sealed = $1 where shop_id = 1"
    await owner.execute(mend, b"not what was sealed")
    await works(town, bank, TUE, 8, "settling.run")
    job = (await held(town))[0]
    await owner.execute(mend, seals)
    await town.database.transaction(lambda conn: jobs.release(conn, job.id))
    await works(town, bank, TUE, 10, "settling.advance")
    assert await held(town) == []
    town.shop_id = first_shop
    assert [one.status for one in await of_shop(town)] == ["sent"]
    await town.books_balance()


class Smudged(PaperBank):
    """Its statement of one day cannot be read."""

    smudge: date | None = TUE

    async def statements(self, on: date) -> list[Statement]:
        if on == self.smudge:
            raise GatewayError("the bank's file cannot be taken: it is not XML", retryable=False)
        return await super().statements(on)


async def test_a_day_that_cannot_be_read_stands_aside_and_later_days_go_on(town: Town) -> None:
    bank = Smudged()
    bank.lump(TUE, CNY("5.00"))
    bank.lump(WED, CNY("7.00"))
    await works(town, bank, THU, 8, "settling.advance")
    town.shop_id = 0
    assert await town.balance("bank") == CNY("7.00")
    job = (await held(town))[0]
    assert job.arguments == {"what": "statement of 2026-11-24", "day": "2026-11-24"}
    assert "not XML" in job.fault
    bank.smudge = None
    bank.booked[TUE], later = bank.booked[TUE], date(2026, 12, 31)
    await town.database.transaction(lambda conn: jobs.release(conn, job.id))
    await works(town, bank, later, 8, "settling.advance")  # long after a pass would ask for it
    assert await town.balance("bank") == CNY("12.00")
    assert await held(town) == []
    await town.books_balance()
