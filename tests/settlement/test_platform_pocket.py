"""What the platform's pocket pays of a shop's balance, beside what an institution holds for it."""

from __future__ import annotations

import pytest

from littleshop import db
from littleshop.settlement.rails import Claim, part_of_bank
from tests.cast import CNY, Town
from tests.sale.escrow import SELLER, Holding, holding
from tests.sale.institution import HoldingRail
from tests.settlement.paper_bank import PaperBank, beijing, sells, settle, verify
from tests.settlement.paper_rail import PaperInstitution, PaperTransfers, sending, withdrawing
from tests.settlement.test_settling import THU, TUE, WED, bank, of_shop

__all__ = ["bank"]  # the fixture


async def held_there(town: Town, owner: db.Connection, bank: PaperBank, fee: int = 0) -> Holding:
    """A verified shop whose buyers' money WeChat holds; it keeps `fee` fen of each release."""
    made = await holding(town, owner)
    made.institution = PaperInstitution(fee=fee)
    made.rail = HoldingRail(made.institution, SELLER)
    bank.others = (withdrawing(made.institution),)
    await verify(town)
    return made


async def over(town: Town) -> list[tuple[str, str, int]]:
    return [(one.rail, one.status, one.amount.minor) for one in reversed(await of_shop(town))]


async def test_the_fee_an_institution_keeps_is_paid_to_the_seller_out_of_our_commission(
    town: Town, owner: db.Connection, bank: PaperBank
) -> None:
    held = await held_there(town, owner, bank, fee=60)
    for day in (TUE, WED):
        placed = await held.sells("100.00")
        await held.receives(placed)
        await held.is_released(placed)
        await held.sells("10.00")  # something is always open there
        beijing(town, day, 8)
        await settle(town, bank)
    assert await over(town) == [
        ("wechat_pay_withdraw", "done", 96_40),
        ("bank", "sent", 60),
        ("wechat_pay_withdraw", "done", 96_40),
        ("bank", "sent", 60),
    ]
    assert await town.balance("payable") == CNY("0")
    await town.books_balance()


@pytest.mark.parametrize("gone", [False, True])
async def test_money_that_a_payout_of_the_bank_has_taken_is_not_promised_to_the_next(
    town: Town, owner: db.Connection, bank: PaperBank, gone: bool
) -> None:
    """The bank pays 50 on Tuesday; what is received then lies at the institution, unreleased."""
    held = await held_there(town, owner, bank)
    await owner.execute("update shops set commission_bps = 0")
    await sells(town, CNY("50.00"), "SF1408223100699")
    await held.sells("10.00")
    beijing(town, TUE, 8)
    await settle(town, bank)
    if gone:
        bank.pays(TUE, (await of_shop(town))[0])
    placed = await held.sells("100.00")
    await held.receives(placed)
    beijing(town, WED, 8)
    await settle(town, bank)
    assert len(await over(town)) == 1, "fifty yuan were promised twice"
    await held.is_released(placed)
    beijing(town, THU, 8)
    await settle(town, bank)
    assert await over(town) == [
        ("bank", "done" if gone else "sent", 50_00),
        ("wechat_pay_withdraw", "done", 100_00),
    ]
    assert await town.balance("payable") == CNY("0")
    await town.books_balance()


async def test_after_a_change_of_mode_nothing_leaves_from_what_the_platform_holds_for_buyers(
    town: Town, owner: db.Connection, bank: PaperBank
) -> None:
    """An order from before lies with us and is open; a later one is received, and its institution
    has not released it."""
    held = await held_there(town, owner, bank)
    before = await town.buys([await town.stock(price=CNY("100.00"))], CNY("100.00"))
    astray = await town.place([await town.stock(price=CNY("60.00"))], CNY("60.00"), key="late")
    reference = await town.opens_cashier(astray)
    assert await town.money_arrives(reference, CNY("59.00")) == "returned"
    after = await held.sells("100.00")
    await held.receives(after)
    beijing(town, TUE, 8)
    await settle(town, bank)
    assert await over(town) == []
    assert await town.balance("payable") == CNY("97.00")
    await town.ships(before, "SF1408223100699")
    await town.receives(before)
    beijing(town, WED, 8)
    await settle(town, bank)
    assert await over(town) == [("bank", "sent", 94_00)], "and of our commission 3 lies elsewhere"
    await held.is_released(after)
    beijing(town, THU, 8)
    await settle(town, bank)
    assert (await over(town))[1:] == [
        ("wechat_pay_withdraw", "done", 97_00),
        ("bank", "sent", 3_00),
    ]
    assert await town.balance("payable") == CNY("0")
    await town.books_balance()


def test_what_orders_hold_at_the_platform_is_not_paid_out() -> None:
    there = {"gateway_clearing:alipay": 9700, "held_at:wechat_pay": 1}
    claim = Claim(1, CNY("97.00"), there, {}, None, "alipay", escrowed=9000)
    assert part_of_bank(claim) == sending(PaperTransfers()).part(claim) == CNY("7.00")


def claims(balances: dict[str, int], waiting: dict[str, int], left: str = "97.00") -> Claim:
    return Claim(1, CNY(left), balances, waiting, None, "alipay")


def test_what_the_platform_lent_is_not_paid_out_as_the_shops_own() -> None:
    lent = {"gateway_clearing:alipay": 9700, "due_to_shop": 9000, "held_at:wechat_pay": 1}
    assert part_of_bank(claims(lent, {})) == CNY("7.00")
    assert sending(PaperTransfers()).part(claims(lent, {})) == CNY("7.00")


def test_money_that_a_payout_waits_for_is_not_promised_a_second_time() -> None:
    taken, waits = {"gateway_clearing:alipay": 9700}, {"alipay": 9000}
    assert sending(PaperTransfers()).part(claims(taken, waits)) == CNY("7.00")
    released = {"withdrawable:wechat_pay": 9700}
    rail = withdrawing(PaperInstitution())
    assert rail.part(claims(released, {"wechat_pay_withdraw": 9000})) == CNY("7.00")
    both = {**taken, **released}
    assert part_of_bank(claims(both, {"wechat_pay_withdraw": 9000, "alipay": 90})) == CNY("96.10")
