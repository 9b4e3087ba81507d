"""A seller's statement is the ledger, to the fen, wherever its days begin and end."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

import pytest

from littleshop import db
from littleshop.errors import Refused
from littleshop.ledger import accounts, chart
from littleshop.settlement import seller_statements
from littleshop.settlement.bank_answers import BankReason
from littleshop.settlement.seller_statements import Line, Pockets
from littleshop.shop import terms
from littleshop.shop.terms import Terms
from littleshop.trade.fees import Rate
from tests.cast import CNY, Town
from tests.sale.after_sale import after
from tests.sale.charges import schedule
from tests.settlement.paper_bank import PaperBank, beijing, sells, settle, verify

MON, TUE, WED, THU, FRI = (date(2026, 11, 23) + timedelta(days=n) for n in range(5))
NEXT = date(2026, 11, 30)
BEGIN, END = date(2026, 11, 1), date(2026, 12, 31)


async def full_of_events(town: Town) -> None:
    """Sales, fees, a refund on the way, a claw-back with a loan, a payout, one that came back, a
    reserve and a loan that is repaid."""
    bank = PaperBank()
    await verify(town)
    await schedule(town, {"": Rate(300, 50)})
    agreed = Terms(reserve_bps=1000, reserve_days=2)
    await town.database.transaction(
        partial(terms.agree, shop_id=town.shop_id, terms=agreed, at=town.at)
    )
    beijing(town, MON, 10)
    await sells(town, CNY("168.00"))
    unshipped = await after(town, "40.00")
    await unshipped.asks("refund", "15.00")
    await unshipped.seller_agrees()
    await unshipped.rail_sends_all_back()
    clawed = await after(town, "99.99")
    await town.ships(clawed.placed, "SF1408223100681")
    await town.receives(clawed.placed)
    bank.lump(TUE, CNY("292.99"))
    beijing(town, TUE, 8)
    day = await settle(town, bank)
    bank.pays(TUE, day.payouts[0])
    await clawed.asks("refund", "33.33")
    await clawed.seller_agrees()
    await clawed.rail_sends_all_back()
    beijing(town, WED, 8)
    await settle(town, bank)
    bank.returns(WED, day.payouts[0], BankReason.ACCOUNT_CLOSED)
    beijing(town, THU, 8)
    await settle(town, bank)
    await sells(town, CNY("500.00"), "SF1408223100682")
    bank.lump(FRI, CNY("500.00"))
    beijing(town, FRI, 8)
    await settle(town, bank)


async def read(town: Town, first: date, last: date) -> tuple[Pockets, list[Line]]:
    async with town.database.connection() as conn:
        opened = await seller_statements.opening(conn, town.shop_id, "CNY", first)
    found = await seller_statements.total(town.database, town.shop_id, "CNY", first, last, 1000)
    return opened, found


async def in_the_books(town: Town) -> Pockets:
    async with town.database.connection() as conn:
        told = [
            (await accounts.balance(conn, town.shop_id, name, "CNY")).minor
            for name in (chart.ESCROW, chart.PAYABLE, chart.IN_TRANSIT, chart.DUE_TO_SHOP)
        ]
    return Pockets(*told)


def after_all(opened: Pockets, lines: list[Line]) -> Pockets:
    return sum((line.moved for line in lines), opened)


async def test_opening_and_lines_are_the_ledger_for_every_span(town: Town) -> None:
    await full_of_events(town)
    opened, lines = await read(town, BEGIN, END)
    assert opened == Pockets()
    assert after_all(opened, lines) == await in_the_books(town)
    kinds = {line.kind for line in lines}
    assert kinds >= {"paid", "order", "fee", "fee_back", "clawed_back", "refund", "payout",
                     "paid_out", "returned"}  # fmt: skip
    assert any(line.kept_minor for line in lines if line.kind == "payout")
    for cut in (TUE, WED, THU, FRI, NEXT):
        _, before = await read(town, BEGIN, cut - timedelta(days=1))
        opened, rest = await read(town, cut, END)
        assert opened == after_all(Pockets(), before)
        assert after_all(opened, rest) == await in_the_books(town)
        assert before + rest == lines
    await town.books_balance()


async def test_what_the_platform_lent_and_got_back_is_told(town: Town) -> None:
    """The seller has it on his card; the rail takes the refund from what is not there."""
    bank = PaperBank()
    await verify(town)
    beijing(town, MON, 10)
    sale = await after(town, "100.00")
    await town.ships(sale.placed)
    await town.receives(sale.placed)
    bank.lump(TUE, CNY("100.00"))
    beijing(town, TUE, 8)
    bank.pays(TUE, (await settle(town, bank)).payouts[0])
    beijing(town, WED, 8)
    await settle(town, bank)
    await sale.asks("refund", "60.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    await sells(town, CNY("300.00"), "SF1408223100682")
    bank.lump(THU, CNY("240.00"))
    beijing(town, THU, 8)
    await settle(town, bank)
    _, lines = await read(town, BEGIN, END)
    owed = [(line.kind, line.moved.owed) for line in lines if line.moved.owed]
    assert owed == [("loan", 60_00), ("repaid", -60_00)]
    assert after_all(Pockets(), lines) == await in_the_books(town)


async def test_a_fee_and_its_order_are_two_lines_that_sum_to_what_is_owed(
    town: Town, owner: db.Connection
) -> None:
    await owner.execute("update shops set commission_bps = 300")
    beijing(town, MON, 10)
    await sells(town, CNY("100.00"))
    _, lines = await read(town, MON, MON)
    assert [(line.kind, line.moved.held, line.moved.balance) for line in lines] == [
        ("paid", 100_00, 0),
        ("order", -100_00, 100_00),
        ("fee", 0, -3_00),
    ]
    assert {line.number for line in lines} == {1001}


async def test_a_span_is_a_year_at_most_and_a_sheet_has_an_end(town: Town) -> None:
    seller_statements.check(date(2026, 1, 1), date(2026, 12, 31))
    for first, last in ((TUE, MON), (date(2025, 1, 1), date(2026, 12, 31))):
        with pytest.raises(Refused, match="statement_span"):
            seller_statements.check(first, last)
    beijing(town, MON, 10)
    await sells(town, CNY("100.00"))
    with pytest.raises(Refused, match="statement_long"):
        await seller_statements.total(town.database, town.shop_id, "CNY", MON, MON, 1)
