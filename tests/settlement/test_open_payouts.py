"""Payouts that are asked for and not gone: who is halted, what waits for a person, who visits."""

from __future__ import annotations

import pytest

from littleshop import audit, db, recoveries
from littleshop.pay.gateways.contract import Reason
from littleshop.settlement import settling
from littleshop.settlement.by_transfer import ByTransfer
from littleshop.settlement.desks import Desk
from littleshop.settlement.runs import Run
from tests.cast import CNY, Town
from tests.settlement.paper_bank import PaperBank, beijing, desk, settle
from tests.settlement.paper_rail import PaperTransfers, sending
from tests.settlement.test_payout_rails import alipay, owed
from tests.settlement.test_settling import TUE, WED, bank, of_shop

__all__ = ["alipay", "bank"]  # the fixtures


async def made(town: Town, bank: PaperBank) -> tuple[ByTransfer, Desk, Run]:
    """Tuesday's run with its payouts written, and Alipay's rail."""
    await owed(town)
    at = desk(town, bank)
    run = await settling.open_run(at, TUE, town.at)
    await settling.make(at, run, set(), town.at)
    (rail,) = bank.others
    assert isinstance(rail, ByTransfer)
    return rail, at, run


async def stands(town: Town) -> list[tuple[str, str]]:
    return [(one.status, one.state) for one in await of_shop(town)]


async def test_of_a_stopped_shop_nothing_is_put_apart_and_nothing_is_handed_in(
    town: Town, bank: PaperBank, alipay: PaperTransfers
) -> None:
    rail, at, run = await made(town, bank)
    await rail.fund(at, run, {town.shop_id}, town.at)
    assert await stands(town) == [("asked", "waits")]
    await rail.fund(at, run, set(), town.at)
    await rail.hand_in(at, run, {town.shop_id}, town.at)
    assert (await stands(town), alipay.heard) == ([("funded", "made")], 0)
    await rail.hand_in(at, run, set(), town.at)
    assert await stands(town) == [("done", "paid")]
    await town.books_balance()


async def test_a_restored_database_hands_nothing_in_before_it_is_released(
    town: Town, bank: PaperBank, alipay: PaperTransfers
) -> None:
    rail, at, run = await made(town, bank)
    await rail.fund(at, run, set(), town.at)
    await town.database.transaction(lambda conn: recoveries.begin(conn, town.at, town.at))
    await rail.hand_in(at, run, set(), town.at)
    assert (await stands(town), alipay.heard) == ([("funded", "made")], 0)
    await town.books_balance()


@pytest.mark.parametrize(
    ("reason", "state", "asides"),
    [(Reason.SELLER_FUNDS, "waits", 0), (Reason.NOT_ALLOWED, "made", 1)],
)
async def test_what_is_wrong_with_our_own_account_is_not_the_sellers_fault(
    town: Town,
    bank: PaperBank,
    alipay: PaperTransfers,
    reason: Reason,
    state: str,
    asides: int,
) -> None:
    """Money that lacks waits; settings that are wrong stand aside for a person. Then it goes."""
    rail, at, run = await made(town, bank)
    alipay.refuses = reason
    await rail.fund(at, run, set(), town.at)
    await rail.hand_in(at, run, set(), town.at)
    assert (await stands(town), len(at.asides)) == ([("funded", state)], asides)
    await town.books_balance()
    alipay.refuses = None
    await rail.hand_in(at, run, set(), town.at)
    assert (await stands(town), len(alipay.asked)) == ([("done", "paid")], 1)
    await town.books_balance()


async def test_settings_that_open_nothing_stand_aside_for_a_person(
    town: Town, bank: PaperBank, alipay: PaperTransfers
) -> None:
    rail, at, run = await made(town, bank)
    alipay.closed = True
    await rail.fund(at, run, set(), town.at)
    (payout,) = await of_shop(town)
    assert [one.what for one in at.asides] == [f"payout {payout.reference}"]
    await town.books_balance()


async def test_a_rail_that_is_taken_out_is_visited_to_the_end_or_missed(
    town: Town, bank: PaperBank, alipay: PaperTransfers
) -> None:
    alipay.ends = "pending"
    await owed(town)
    await settle(town, bank)
    bank.others, bank.usual = (), "bank"
    at = desk(town, bank)
    await settling.advance(at, town.at)
    assert [(one.what, one.fault) for one in at.asides] == [
        ("payouts over alipay", "1 are open and alipay is not set up")
    ]
    bank.others = (sending(alipay, ending=True),)
    (payout,) = await of_shop(town)
    alipay.ends_as(payout.reference, "done")
    at = desk(town, bank)
    await settling.advance(at, town.at)
    assert (await stands(town), at.asides) == ([("done", "paid")], [])
    await town.books_balance()


async def test_while_a_payout_waits_only_its_shop_is_proved(
    town: Town, bank: PaperBank, alipay: PaperTransfers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await owed(town)
    alipay.left = CNY("1.00")
    await settle(town, bank)
    proved: list[int | None] = []
    prove = audit.prove

    async def noting(conn: db.Connection, shop_id: int | None = None) -> list[audit.Finding]:
        proved.append(shop_id)
        return await prove(conn, shop_id)

    monkeypatch.setattr(audit, "prove", noting)
    await settling.advance(desk(town, bank), town.at)
    assert proved == [0, town.shop_id]
    beijing(town, WED, 8)
    alipay.left = CNY("168.00")
    await settling.advance(desk(town, bank), town.at)
    assert await stands(town) == [("done", "paid")]
    proved.clear()
    await settling.advance(desk(town, bank), town.at)
    assert proved == []
    await town.books_balance()
