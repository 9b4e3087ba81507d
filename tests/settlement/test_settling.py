"""The T+1 run: who is paid when, what waits and why, and that no kill pays twice."""

from __future__ import annotations

from datetime import date
from typing import TypeVar

import pytest

from littleshop import jobs
from littleshop.clock import BusinessCalendar, UncoveredYear
from littleshop.errors import Refused
from littleshop.notify import messages
from littleshop.settlement import daily, due, outlook, payouts, runs, settling, telling
from littleshop.settlement.bank_answers import BankReason
from littleshop.settlement.desks import Desk
from littleshop.settlement.payouts import Payout
from littleshop.settlement.routing import Routing
from tests.cast import CNY, Town
from tests.settlement.paper_bank import PaperBank, beijing, sells, settle, verify

MON, TUE, WED, THU, FRI = (date(2026, 11, day) for day in (23, 24, 25, 26, 27))
T = TypeVar("T")


@pytest.fixture
def bank() -> PaperBank:
    """A bank that has the rail's money since Sunday: nothing need wait for it."""
    made = PaperBank()
    made.lump(date(2026, 11, 22), CNY("9000.00"))
    return made


async def of_shop(town: Town) -> list[Payout]:
    async with town.database.connection() as conn:
        return await payouts.of_shop(conn, town.shop_id)


async def told(town: Town, payout: Payout) -> list[str]:
    async with town.database.connection() as conn:
        sent = await messages.of(conn, town.shop_id, payout.payout_id)
    return [message.about for message in sent if message.channel == "sms"]


async def paid_on_tuesday(town: Town, bank: PaperBank) -> Payout:
    """A tea bowl of 168 yuan is received on Monday and its money sent on Tuesday."""
    await verify(town)
    await sells(town, CNY("168.00"))
    beijing(town, TUE, 8)
    day = await settle(town, bank)
    return day.payouts[0]


async def test_what_was_received_on_monday_is_on_the_card_on_tuesday(
    town: Town, bank: PaperBank
) -> None:
    payout = await paid_on_tuesday(town, bank)
    assert (payout.amount, payout.status, payout.arrives_on) == (CNY("168.00"), "sent", TUE)
    assert await town.balance("payable") == CNY("0")
    assert await town.balance("in_transit") == CNY("168.00")
    instruction = bank.batches[0].instructions[0]
    assert (instruction.account, instruction.name) == ("6214830000001234", "林小满")
    assert (instruction.reference, bank.batches[0].execute_on) == (payout.reference, TUE)
    bank.pays(TUE, payout)
    beijing(town, WED, 8)
    await settle(town, bank)
    assert [one.status for one in await of_shop(town)] == ["done"]
    assert await town.balance("in_transit") == CNY("0")
    assert await town.balance("bank") == CNY("0")
    assert await told(town, payout) == ["payout_done"]
    async with town.database.connection() as conn:
        run = await runs.find(conn, TUE)
    assert run is not None and all(run.done(step) for step in runs.STEPS)
    await town.books_balance()


@pytest.mark.parametrize(
    ("day", "hour", "pays_on"),
    [
        (MON, 17, TUE),
        (MON, 18, WED),  # the cut-off is six in the evening: it counts for Tuesday
        (THU, 12, FRI),
        (FRI, 12, date(2026, 11, 28)),  # a make-up Saturday
        (FRI, 19, date(2026, 12, 1)),  # counts for that Saturday; Sunday and Monday are off
        (date(2026, 11, 29), 12, date(2026, 12, 2)),
    ],
)
async def test_a_run_pays_what_counted_for_an_earlier_business_day(
    town: Town, bank: PaperBank, day: date, hour: int, pays_on: date
) -> None:
    town.calendar = BusinessCalendar({date(2026, 11, 28): True, date(2026, 11, 30): False})
    await verify(town)
    beijing(town, day, hour)
    await sells(town, CNY("168.00"))
    async with town.database.connection() as conn:
        seen = await settling.expected(conn, town.shop_id, town.calendar, town.at)
    assert (seen.available, seen.next_on, seen.arrives_on) == (CNY("168.00"), pays_on, pays_on)
    today = day
    while not await of_shop(town):
        beijing(town, today, 20)
        if town.calendar.is_working(today):
            await settle(town, bank)
        today = date.fromordinal(today.toordinal() + 1)
    assert [payout.run_on for payout in await of_shop(town)] == [pays_on]
    await town.books_balance()


@pytest.mark.parametrize(
    ("day", "hour", "pays_on"),
    [
        (FRI, 17, date(2026, 11, 30)),
        (FRI, 18, date(2026, 12, 1)),  # counts for Saturday
        (date(2026, 11, 28), 12, date(2026, 12, 1)),
        (date(2026, 11, 29), 12, date(2026, 12, 1)),
    ],
)
async def test_fridays_receipts_are_paid_on_monday_and_the_weekends_on_tuesday(
    town: Town, bank: PaperBank, day: date, hour: int, pays_on: date
) -> None:
    await verify(town)
    beijing(town, day, hour)
    await sells(town, CNY("168.00"))
    for today in (FRI, date(2026, 11, 30), date(2026, 12, 1)):
        beijing(town, today, 20)
        async with town.database.connection() as conn:
            seen = await settling.expected(conn, town.shop_id, town.calendar, town.at)
        if seen.available:
            assert seen.next_on == pays_on
            await settle(town, bank)
    assert [payout.run_on for payout in await of_shop(town)] == [pays_on]
    await town.books_balance()


async def test_a_year_without_calendar_stops_new_runs_and_nothing_else(town: Town) -> None:
    bank = PaperBank()
    bank.lump(date(2026, 12, 29), CNY("9000.00"))
    beijing(town, date(2026, 12, 30), 10)
    await verify(town)
    await sells(town, CNY("168.00"))
    beijing(town, date(2026, 12, 31), 8)
    payout = (await settle(town, bank)).payouts[0]
    bank.pays(date(2026, 12, 31), payout)
    bank.returns(date(2027, 1, 1), payout, BankReason.OTHER)
    beijing(town, date(2027, 1, 4), 8)
    await sells(town, CNY("12.00"), "SF1408223100672")
    await settling.advance(settle_desk(town, bank, date(2027, 1, 4)), town.at)
    assert [one.status for one in await of_shop(town)] == ["returned"]
    async with town.database.connection() as conn:
        seen = await settling.expected(conn, town.shop_id, town.calendar, town.at)
    assert (seen.available, seen.next_on) == (CNY("180.00"), None)
    with pytest.raises(UncoveredYear):
        await settle(town, bank)
    await town.books_balance()


async def test_a_day_off_a_day_to_come_and_a_year_without_calendar_have_no_run(
    town: Town, bank: PaperBank
) -> None:
    with pytest.raises(Refused, match="run_not_working"):
        await settle(town, bank, date(2026, 11, 22))
    with pytest.raises(Refused, match="run_too_early"):
        await settle(town, bank, TUE)
    await verify(town)
    await sells(town, CNY("168.00"))
    beijing(town, date(2027, 1, 4), 8)
    with pytest.raises(UncoveredYear):
        await settle(town, bank)
    async with town.database.connection() as conn:
        assert await runs.unfinished(conn) == []
        seen = await settling.expected(conn, town.shop_id, town.calendar, town.at)
    assert (seen.available, seen.next_on) == (CNY("168.00"), None)


async def test_money_waits_until_we_know_whom_to_pay(town: Town, bank: PaperBank) -> None:
    await sells(town, CNY("168.00"))
    beijing(town, TUE, 8)
    day = await settle(town, bank)
    assert day.payouts == []
    assert [(one.amount, one.why) for one in day.waiting] == [(CNY("168.00"), ("identity", "card"))]
    assert day.run.closed_at is not None
    await verify(town)
    beijing(town, WED, 8)
    assert [one.amount for one in (await settle(town, bank)).payouts] == [CNY("168.00")]
    await town.books_balance()


async def test_a_payout_waits_for_the_rails_money(town: Town) -> None:
    bank = PaperBank()
    payout = await paid_on_tuesday(town, bank)
    assert payout.status == "asked"
    assert bank.batches == []
    async with town.database.connection() as conn:
        seen = await settling.expected(conn, town.shop_id, town.calendar, town.at)
    assert [(one.amount, one.waits) for one in seen.on_the_way] == [(CNY("168.00"), "rail_money")]
    bank.lump(TUE, CNY("100.00"))
    beijing(town, WED, 8)
    await settling.advance(settle_desk(town, bank, WED), town.at)
    assert [one.status for one in await of_shop(town)] == ["asked"]
    bank.lump(WED, CNY("68.00"))
    beijing(town, THU, 8)
    await settling.advance(settle_desk(town, bank, THU), town.at)
    assert [(one.status, one.arrives_on) for one in await of_shop(town)] == [("sent", THU)]
    await town.books_balance()


def settle_desk(town: Town, bank: PaperBank, today: date) -> Desk:
    bank.today = today
    return Desk(town.database, bank, town.keyring, town.calendar)


async def test_a_returned_payout_is_owed_again_and_paid_under_a_new_reference(
    town: Town, bank: PaperBank
) -> None:
    first = await paid_on_tuesday(town, bank)
    bank.pays(TUE, first)
    beijing(town, WED, 8)
    await settle(town, bank)
    bank.returns(WED, first, BankReason.ACCOUNT_CLOSED)
    beijing(town, THU, 8)
    await settle(town, bank)
    back = (await of_shop(town))[0]
    assert (back.status, back.state, back.reason) == ("returned", "returned", "account_closed")
    assert await told(town, first) == ["payout_done", "payout_returned"]
    assert await town.balance("payable") == CNY("168.00")
    assert await town.balance("bank") == CNY("168.00")
    beijing(town, FRI, 8)
    second = (await settle(town, bank)).payouts[0]
    assert second.reference != first.reference
    assert (second.status, second.amount, second.need) == ("sent", CNY("168.00"), CNY("0"))
    bank.pays(FRI, second)
    beijing(town, date(2026, 11, 30), 8)
    await settle(town, bank)
    assert [one.status for one in await of_shop(town)] == ["done", "returned"]
    assert await town.balance("bank") == CNY("0")
    await town.books_balance()


async def test_what_came_back_pays_a_part_and_the_rail_the_rest(
    town: Town, bank: PaperBank
) -> None:
    first = await paid_on_tuesday(town, bank)
    bank.pays(TUE, first)
    bank.returns(TUE, first, BankReason.WRONG_ACCOUNT)
    beijing(town, WED, 8)
    await settle(town, bank)
    town.later(hours=1)
    await sells(town, CNY("32.00"), "SF1408223100672")
    beijing(town, THU, 8)
    second = (await settle(town, bank)).payouts[0]
    assert (second.amount, second.need) == (CNY("200.00"), CNY("32.00"))
    async with town.database.connection() as conn:
        _, lines, _ = await due.lines(
            conn,
            town.shop_id,
            "CNY",
            [due.span(first), due.span(second)],
            after=first.counts_before,
            until=second.asked_at,
        )
    assert [(one.kind, one.amount) for one in lines] == [
        ("returned", CNY("168.00")),
        ("order", CNY("32.00")),
    ]
    await town.books_balance()


async def test_a_payout_the_bank_rejects_is_back_the_same_day(town: Town, bank: PaperBank) -> None:
    payout = await paid_on_tuesday(town, bank)
    bank.says(payout, "rejected", "RJCT", BankReason.NAME_MISMATCH)
    town.later(hours=2)
    day = await settle(town, bank)
    assert [(one.status, one.reason) for one in day.payouts] == [("rejected", "name_mismatch")]
    assert day.run.closed_at is not None
    assert await town.balance("payable") == CNY("168.00")
    assert await town.balance("gateway_clearing:alipay") == CNY("168.00")
    assert await told(town, payout) == ["payout_returned"]
    assert day.waiting[0].why == ("next_run",)
    beijing(town, WED, 8)
    again = (await settle(town, bank)).payouts[0]
    assert (again.status, again.amount) == ("sent", CNY("168.00"))
    assert again.reference != payout.reference
    await town.books_balance()


async def test_what_the_bank_is_still_doing_is_not_done(town: Town, bank: PaperBank) -> None:
    payout = await paid_on_tuesday(town, bank)
    assert (payout.status, payout.bank_says) == ("sent", "ACSP")
    bank.says(payout, "done", "ACSC")
    town.later(hours=4)
    day = await settle(town, bank)
    assert [(one.status, one.bank_says) for one in day.payouts] == [("sent", "ACSC")]
    assert day.run.done("answered") and not day.run.done("read")
    assert await town.balance("in_transit") == CNY("168.00")


async def test_a_file_whose_receipt_was_lost_is_handed_in_again_unchanged(
    town: Town, bank: PaperBank
) -> None:
    bank.deaf = 1
    payout = await paid_on_tuesday(town, bank)
    assert payout.status == "funded"
    town.later(minutes=10)
    day = await settle(town, bank)
    assert day.payouts[0].status == "sent"
    assert (bank.handed_in, len(bank.files)) == (2, 1)


async def test_a_bank_that_is_away_stops_nothing_for_good(town: Town, bank: PaperBank) -> None:
    bank.lump(MON, CNY("10.00"))
    await verify(town)
    await sells(town, CNY("168.00"))
    beijing(town, TUE, 8)
    bank.away = True
    day = await settle(town, bank)
    assert day.problems and day.payouts[0].status == "asked"
    bank.away = False
    assert (await settle(town, bank)).payouts[0].status == "sent"
    await town.books_balance()


async def test_every_shop_is_paid_by_one_file(town: Town, bank: PaperBank) -> None:
    await verify(town)
    await sells(town, CNY("168.00"))
    await town.open_shop("Ada's Attic", "ada", "+447400123456")
    await verify(town, number="6217000000000000000")
    await sells(town, CNY("12.00"), "SF1408223100672")
    beijing(town, TUE, 8)
    day = await settle(town, bank)
    assert sorted(one.amount.minor for one in day.payouts) == [1200, 16800]
    assert len(bank.batches) == 1
    bank.says(day.payouts[0], "rejected", "RJCT", BankReason.LIMIT)
    bank.pays(TUE, day.payouts[1])
    beijing(town, WED, 8)
    await settle(town, bank)
    async with town.database.connection() as conn:
        states = [one.status for one in await payouts.of_run(conn, day.run.run_id)]
    assert states == ["rejected", "done"]
    await town.books_balance()


async def test_what_the_bank_tells_and_nobody_asked_for_waits_for_a_person(
    town: Town, bank: PaperBank
) -> None:
    payout = await paid_on_tuesday(town, bank)
    bank.pays(TUE, payout)
    twice = bank.pays(TUE, payout)
    wrong = bank.book(TUE, "debit", CNY("1.00"), reference=payout.reference)
    fee = bank.book(TUE, "debit", CNY("5.00"))
    beijing(town, WED, 8)
    day = await settle(town, bank)
    waiting = {entry.entry_key: entry.waits for entry in day.entries}
    assert waiting == {twice: "not_under_way", wrong: "amount_differs"}
    assert fee not in waiting
    assert [one.status for one in await of_shop(town)] == ["done"]
    await town.books_balance()


async def test_a_shop_that_sells_in_another_currency_waits_and_is_told_why(
    town: Town, bank: PaperBank
) -> None:
    async with town.database.connection() as conn:
        assert await outlook.blocks(conn, town.shop_id, "GBP") == (
            "identity", "card", "currency",
        )  # fmt: skip


async def test_the_worker_runs_the_day_and_hears_the_bank(town: Town, bank: PaperBank) -> None:
    await verify(town)
    await sells(town, CNY("168.00"))
    beijing(town, TUE, 8)
    bank.today = TUE
    does = settling.tasks(Routing(bank), town.keyring, town.calendar)
    assert set(does) > set(settling.TIMETABLE)

    class Now:
        def now(self) -> object:
            return town.at

    await town.database.transaction(lambda conn: jobs.defer(conn, "settling.run", at=town.at))
    assert await jobs.drain(town.database, does, Now()) >= 1  # type: ignore[arg-type]
    payout = (await of_shop(town))[0]
    bank.pays(TUE, payout)
    beijing(town, WED, 8)
    bank.today = WED
    await town.database.transaction(lambda conn: jobs.defer(conn, "settling.advance", at=town.at))
    await jobs.drain(town.database, does, Now())  # type: ignore[arg-type]
    assert [one.status for one in await of_shop(town)] == ["done"]


async def test_the_days_report_speaks_both_languages(town: Town, bank: PaperBank) -> None:
    await paid_on_tuesday(town, bank)
    day = await settle(town, bank)
    said = "\n".join(daily.sentences(day))
    assert "小满茶器" in said and "bank transfer" in said and "银行转账" in said
    assert daily.summary(day)["payouts"][0]["amount_minor"] == 16800


@pytest.mark.parametrize("reason", BankReason)
def test_every_reason_of_a_bank_is_a_sentence(reason: BankReason) -> None:
    assert {telling.why("en", reason)[-1], telling.why("zh-CN", reason)[-1]} == {".", "。"}
