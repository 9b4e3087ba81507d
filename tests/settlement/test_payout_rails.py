"""Payouts over the rails beside the bank: who is paid over which, once, and what comes back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from littleshop import db
from littleshop.entry import choosing_payee
from littleshop.errors import Refused
from littleshop.settlement import payouts, seller_statements
from littleshop.settlement.payouts import Payout
from littleshop.shop.payees import Rail
from tests.cast import CNY, Town
from tests.sale.escrow import SELLER, Holding, holding
from tests.sale.institution import HoldingRail
from tests.settlement.paper_bank import PaperBank, beijing, sells, settle, verify
from tests.settlement.paper_rail import PaperInstitution, PaperTransfers, sending, withdrawing
from tests.settlement.test_settling import FRI, THU, TUE, WED, bank, of_shop, told

__all__ = ["bank"]  # the fixture
NEXT = date(2026, 11, 30)  # Monday


@pytest.fixture
def alipay(bank: PaperBank) -> PaperTransfers:
    """Alipay is the usual rail here, the bank carries the rest."""
    made = PaperTransfers()
    bank.others, bank.usual = (sending(made),), "alipay"
    return made


async def owed(town: Town, price: str = "168.00") -> None:
    """What is received on Monday is owed on Tuesday."""
    await verify(town)
    await sells(town, CNY(price))
    beijing(town, TUE, 8)


def over(found: list[Payout]) -> dict[str, tuple[str, str]]:
    return {one.rail: (one.status, str(one.amount.minor / 100)) for one in found}


async def test_the_usual_rail_pays_the_card_out_of_its_own_money(
    town: Town, bank: PaperBank, alipay: PaperTransfers
) -> None:
    await owed(town)
    for _ in range(2):
        await settle(town, bank)
    (payout,) = await of_shop(town)
    assert (payout.rail, payout.status, payout.amount) == ("alipay", "done", CNY("168.00"))
    (request,) = alipay.asked.values()
    assert (request.payee.kind, request.payee.account) == ("bank_card", "6214830000001234")
    assert bank.handed_in == 0
    for account in ("gateway_clearing:alipay", "leaving:alipay", "in_transit", "payable"):
        assert await town.balance(account) == CNY("0")
    assert await told(town, payout) == ["payout_done"]
    async with town.database.connection() as conn:
        day = await payouts.of_run(conn, payout.run_id)
    assert len(day) == 1
    await town.books_balance()


async def test_money_lacking_at_the_rail_waits_and_goes_under_the_same_reference(
    town: Town, bank: PaperBank, alipay: PaperTransfers
) -> None:
    await owed(town)
    alipay.left = CNY("100.00")
    await settle(town, bank)
    (waiting,) = await of_shop(town)
    assert (waiting.status, waiting.state, alipay.asked) == ("asked", "waits", {})
    alipay.left = CNY("168.00")
    alipay.lost = 1  # it pays, and nobody hears it
    await settle(town, bank)
    assert [one.status for one in await of_shop(town)] == ["funded"]
    await town.books_balance()
    await settle(town, bank)
    assert [(one.status, one.reference) for one in await of_shop(town)] == [
        ("done", waiting.reference)
    ]
    assert alipay.left == CNY("0")
    await town.books_balance()


async def test_a_rail_that_refuses_gives_it_back_and_a_later_run_pays_under_a_new_reference(
    town: Town, bank: PaperBank, alipay: PaperTransfers
) -> None:
    await owed(town)
    alipay.ends = "pending"
    await settle(town, bank)
    (payout,) = await of_shop(town)
    assert (payout.status, payout.confirm_sealed is not None) == ("sent", True)
    beijing(town, WED, 8)
    await settle(town, bank)
    assert len(await of_shop(town)) == 1, "a new reference before the old one was final"
    alipay.ends_as(payout.reference, "failed")
    await settle(town, bank)
    (refused,) = await of_shop(town)
    assert (refused.status, refused.reason) == ("rejected", "card_refused")
    assert await told(town, refused) == ["payout_returned"]
    assert await town.balance("gateway_clearing:alipay") == CNY("168.00")
    await town.books_balance()
    alipay.ends = "done"
    beijing(town, THU, 8)
    await settle(town, bank)
    again, before = await of_shop(town)
    assert (again.status, before.status) == ("done", "rejected")
    assert again.reference != before.reference
    await town.books_balance()


async def test_a_success_that_comes_back_days_later_is_owed_again(
    town: Town, bank: PaperBank, alipay: PaperTransfers
) -> None:
    await owed(town)
    await settle(town, bank)
    (payout,) = await of_shop(town)
    alipay.ends_as(payout.reference, "returned")
    await settle(town, bank)  # it is asked about once a day, not at every pass
    assert [one.status for one in await of_shop(town)] == ["done"]
    town.at += timedelta(days=3)
    await settle(town, bank, THU)
    back = (await of_shop(town))[-1]
    assert (back.status, back.reason) == ("returned", "card_refused")
    assert sorted(await told(town, back)) == ["payout_done", "payout_returned"]
    assert await town.balance("payable") == CNY("168.00")
    assert await town.balance("gateway_clearing:alipay") == CNY("168.00")
    await town.books_balance()


async def test_a_shop_is_paid_where_it_chose_to_be_after_two_days(
    town: Town, bank: PaperBank, alipay: PaperTransfers
) -> None:
    bank.usual = "bank"
    with pytest.raises(Refused, match="card_first"):
        await chooses(town, "13900001001")
    await owed(town)
    await chooses(town, "13900001001")
    await settle(town, bank)
    assert await of_shop(town) == [], "a new payee is paid before two days are over"
    beijing(town, FRI, 8)
    await settle(town, bank)
    (payout,) = await of_shop(town)
    (request,) = alipay.asked.values()
    assert (request.payee.kind, request.payee.account) == ("account", "13900001001")
    assert (payout.status, payout.tail, payout.bank_code) == ("done", "1001", "")
    await town.database.transaction(
        lambda conn: choosing_payee.back_to_card(conn, town.shop_id, town.at)
    )
    await sells(town, CNY("12.00"), "SF1408223100698")
    beijing(town, NEXT, 8)
    await settle(town, bank)
    assert (await of_shop(town))[0].rail == "bank"
    await town.books_balance()


async def test_what_the_chosen_rail_has_not_got_goes_by_the_bank(
    town: Town, bank: PaperBank
) -> None:
    bank.others = (sending(PaperTransfers(name="wechat_pay")),)
    await verify(town)
    await chooses(town, "oXiaoman", rail="wechat_pay")
    await sells(town, CNY("168.00"))  # paid with Alipay: WeChat has nothing of it
    beijing(town, FRI, 8)
    await settle(town, bank)
    assert over(await of_shop(town)) == {"bank": ("sent", "168.0")}
    await town.books_balance()


async def chooses(town: Town, account: str, rail: Rail = "alipay") -> None:
    """The shop asks to be paid there."""
    await town.database.transaction(
        lambda conn: choosing_payee.choose(conn, town.keyring, town.shop_id, rail, account, town.at)
    )


@pytest.mark.parametrize("by_itself", [False, True])
async def test_each_rail_carries_its_part_once_per_run(
    town: Town, owner: db.Connection, bank: PaperBank, by_itself: bool
) -> None:
    held = await held_and_taken(town, owner, bank, by_itself=by_itself)
    beijing(town, TUE, 8)
    for _ in range(2):
        await settle(town, bank)
    rail = "alipay_settle" if by_itself else "wechat_pay_withdraw"
    found = await of_shop(town)
    assert over(found) == {rail: ("done", "97.0"), "bank": ("sent", "50.0")}
    assert sorted(one.kept_minor for one in found) == [0, 5000]
    said = await seller_statements.total(town.database, town.shop_id, "CNY", TUE, TUE, 99)
    told = [line.kept_minor for line in said if line.kind == "payout"]
    assert told == [0, 0], "what the next rail pays is called kept back"
    assert await town.balance(f"withdrawable:{held.institution.name}") == CNY("0")
    await town.books_balance()
    with pytest.raises(Exception, match="payouts_one_per_run_and_rail"):
        await owner.execute(
            "insert into payouts (shop_id, payout_id, run_id, run_on, counts_before, reference,"
            " amount_minor, currency, card_id, bank_code, tail, asked_at, rail) select shop_id,"
            " gen_random_uuid(), run_id, run_on, counts_before, 'ABCDEFGHIJKLMNOPQRST', 1,"
            " currency, card_id, bank_code, tail, asked_at, rail from payouts where rail = $1",
            rail,
        )


async def test_a_withdrawal_that_comes_back_is_withdrawable_again(
    town: Town, owner: db.Connection, bank: PaperBank
) -> None:
    held = await held_and_taken(town, owner, bank)
    beijing(town, TUE, 8)
    await settle(town, bank)
    institution = held.institution
    assert isinstance(institution, PaperInstitution)
    (reference,) = institution.gone
    institution.sends_back(reference)
    town.at += timedelta(days=2)
    await settle(town, bank, WED)
    assert await town.balance("withdrawable:wechat_pay") == CNY("97.00")
    assert institution.available[SELLER] == 9700
    assert await town.balance("payable") == CNY("97.00")
    await town.books_balance()


async def held_and_taken(
    town: Town, owner: db.Connection, bank: PaperBank, *, by_itself: bool = False
) -> Holding:
    """On Monday 100 yuan are received that an institution holds (97 of them the seller's), and 50
    that the platform took."""
    made = await holding(town, owner)
    name = "alipay" if by_itself else "wechat_pay"
    if by_itself:
        await owner.execute("update admissions set gateway = 'alipay'")
    made.institution = PaperInstitution(name=name, pays_out=by_itself)
    made.rail = HoldingRail(made.institution, SELLER)
    bank.others = (withdrawing(made.institution),)
    await verify(town)
    placed = await made.sells("100.00")
    await made.receives(placed)
    await made.is_released(placed)
    await owner.execute("update shops set commission_bps = 0")
    await sells(town, CNY("50.00"), "SF1408223100699")
    return made


async def test_what_is_done_over_a_rail_is_found_by_its_index(
    town: Town, owner: db.Connection
) -> None:
    await owner.execute("set enable_seqscan = off")
    asked: list[str] = []

    class Noting:
        async def fetch(self, sql: str, *args: object) -> list[object]:
            asked.extend(row[0] for row in await owner.fetch(f"explain {sql}", *args))
            return []

    await payouts.done_since(Noting(), "alipay", town.at)
    assert any("payouts_done_by_rail" in line for line in asked), asked
