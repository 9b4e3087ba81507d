"""Payouts that wait because the card was changed or somebody said that it was not he."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest

from littleshop import db
from littleshop.clock import SHANGHAI
from littleshop.risk import holds
from littleshop.risk.holds import Hold, Kind
from littleshop.settlement import due, payouts, settling
from littleshop.settlement.outlook import Expected
from littleshop.settlement.payouts import Payout
from littleshop.shop import cards
from tests.cast import CNY, Town
from tests.settlement.paper_bank import PaperBank, beijing, desk, sells, settle, verify

MON, TUE, WED, THU, FRI = (date(2026, 11, day) for day in (23, 24, 25, 26, 27))


@pytest.fixture
def bank() -> PaperBank:
    """A bank that has the rail's money since Sunday."""
    made = PaperBank()
    made.lump(date(2026, 11, 22), CNY("9000.00"))
    return made


async def hold(town: Town, kind: Kind, until_at: datetime | None = None) -> Hold:
    """Something happens now that holds this shop's payouts."""

    async def work(conn: db.Connection) -> Hold:
        await holds.place(
            conn, town.shop_id, uuid4(), kind, reason="a test", at=town.at, until_at=until_at
        )
        found = await holds.current(conn, town.shop_id, town.at)
        assert found is not None
        return found

    return await town.database.transaction(work)


async def of_shop(town: Town) -> list[Payout]:
    async with town.database.connection() as conn:
        return await payouts.of_shop(conn, town.shop_id)


async def expects(town: Town) -> Expected:
    async with town.database.connection() as conn:
        return await settling.expected(conn, town.shop_id, town.calendar, town.at)


async def owed_since_monday(town: Town) -> None:
    """168 yuan were received on Monday at noon, and Tuesday's run would pay them."""
    await verify(town)
    beijing(town, MON, 12)
    await sells(town, CNY("168.00"))


@pytest.mark.parametrize(
    ("changed_at", "pays_on"),
    [
        (6, WED),  # 48 hours are over at six on Wednesday: its run, at half past seven, pays
        (8, THU),
        (20, THU),
    ],
)
async def test_after_a_change_of_card_the_first_run_after_48_hours_pays(
    town: Town, bank: PaperBank, changed_at: int, pays_on: date
) -> None:
    await owed_since_monday(town)
    beijing(town, MON, changed_at)
    await hold(town, "card_changed", town.at + timedelta(hours=48))
    beijing(town, MON, 21)
    seen = await expects(town)
    assert (seen.available, seen.next_on) == (CNY("168.00"), pays_on)
    assert seen.hold is not None and seen.waits == ()
    for today in (TUE, WED, THU):
        town.at = datetime.combine(today, due.RUN_AT, tzinfo=SHANGHAI)
        await settle(town, bank)
        if today < pays_on:
            assert await of_shop(town) == [] and await town.balance("payable") == CNY("168.00")
    assert [one.run_on for one in await of_shop(town)] == [pays_on]
    await town.books_balance()


async def test_an_objection_stops_everything_until_it_is_lifted(
    town: Town, bank: PaperBank
) -> None:
    await owed_since_monday(town)
    stopped = await hold(town, "not_me")
    for today in (TUE, WED, THU):
        beijing(town, today, 8)
        await settle(town, bank)
        seen = await expects(town)
        assert (seen.available, seen.next_on) == (CNY("168.00"), None)
    assert await of_shop(town) == []
    operator = uuid4()
    await town.database.transaction(
        lambda conn: holds.lift(conn, town.shop_id, stopped.hold_id, by=operator, at=town.at)
    )
    assert (await expects(town)).next_on == FRI
    beijing(town, FRI, 8)
    await settle(town, bank)
    assert [one.run_on for one in await of_shop(town)] == [FRI]
    await town.books_balance()


async def test_what_was_asked_for_before_the_objection_and_is_in_no_file_waits_too(
    town: Town, bank: PaperBank
) -> None:
    await owed_since_monday(town)
    beijing(town, TUE, 8)
    run = await settling.open_run(desk(town, bank), TUE, town.at)
    await settling.make(desk(town, bank), run, set(), town.at)  # and then the process was killed
    stopped = await hold(town, "not_me")
    await settle(town, bank)
    assert [one.status for one in await of_shop(town)] == ["asked"] and bank.batches == []
    operator = uuid4()
    await town.database.transaction(
        lambda conn: holds.lift(conn, town.shop_id, stopped.hold_id, by=operator, at=town.at)
    )
    await settle(town, bank)
    assert [one.status for one in await of_shop(town)] == ["sent"]
    await town.books_balance()


async def test_a_payout_that_is_under_way_to_the_old_card_still_goes_there(
    town: Town, bank: PaperBank
) -> None:
    await owed_since_monday(town)
    beijing(town, TUE, 8)
    run = await settling.open_run(desk(town, bank), TUE, town.at)
    await settling.make(desk(town, bank), run, set(), town.at)

    async def change(conn: db.Connection) -> None:
        card, card_id = cards.accept("6222021502003456781"), uuid4()
        await cards.propose(
            conn, town.keyring, town.shop_id, card,
            card_id=card_id, holder="林小满", phone="+8613900001001", at=town.at,
        )  # fmt: skip
        await cards.hear(conn, town.shop_id, card_id, matched=True, reason="", at=town.at)
        await cards.take_over(conn, town.shop_id, card_id)

    await town.database.transaction(change)
    await hold(town, "card_changed", town.at + timedelta(hours=48))
    await settle(town, bank)
    assert [one.account for one in bank.batches[0].instructions] == ["6214830000001234"]
    await town.books_balance()


async def test_one_shop_waits_and_its_neighbour_is_paid(town: Town, bank: PaperBank) -> None:
    await owed_since_monday(town)
    await hold(town, "not_me")
    held_id = town.shop_id
    town.shop_id = await town.open_shop("阿达", "ada", "+8613900001009")
    await verify(town)
    beijing(town, MON, 13)
    await sells(town, CNY("66.00"), "SF1408223100672")
    beijing(town, TUE, 8)
    await settle(town, bank)
    assert [one.amount for one in await of_shop(town)] == [CNY("66.00")]
    town.shop_id = held_id
    assert await of_shop(town) == []
    await town.books_balance()


async def test_of_two_holds_the_one_that_ends_last_counts_and_a_repeat_adds_none(
    town: Town,
) -> None:
    cause = uuid4()

    async def work(conn: db.Connection) -> list[bool]:
        return [
            await holds.place(
                conn, town.shop_id, cause, kind, reason="", at=town.at,
                until_at=None if kind == "not_me" else town.at + timedelta(hours=48),
            )
            for kind in ("card_changed", "not_me", "card_changed")
        ]  # fmt: skip

    assert await town.database.transaction(work) == [True, True, False]
    async with town.database.connection() as conn:
        found = await due.held(conn, town.shop_id, town.at)
        assert await holds.stopped(conn) == {town.shop_id}
    assert found is not None and found.kind == "not_me"
