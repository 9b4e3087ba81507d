"""A process that dies between any two steps of a run over several rails: each paid once."""

from __future__ import annotations

from littleshop import db
from tests.cast import CNY, Town
from tests.kept import Kept
from tests.sale.escrow import SELLER
from tests.settlement.paper_bank import PaperBank, beijing, settle
from tests.settlement.paper_rail import PaperInstitution, PaperTransfers, sending
from tests.settlement.test_killed_runs import dies_everywhere
from tests.settlement.test_payout_rails import held_and_taken
from tests.settlement.test_settling import TUE, bank, of_shop

__all__ = ["bank"]  # the fixture


def wires(bank: PaperBank) -> tuple[PaperInstitution, PaperTransfers]:
    """The two papers, as they were copied with the bank."""
    withdrawing, paying = (one._remitter for one in bank.others)  # type: ignore[attr-defined]
    return withdrawing._escrow, paying._transfers


async def paid_once(town: Town, bank: PaperBank) -> None:
    institution, alipay = wires(bank)
    assert {one.rail: one.status for one in await of_shop(town)} == {
        "wechat_pay_withdraw": "done",
        "alipay": "done",
    }
    assert institution.available[SELLER] == 0 and len(institution.gone) == 1
    assert alipay.left == CNY("8950.00") and len(alipay.asked) == 1
    assert bank.handed_in == 0


async def test_a_kill_anywhere_in_a_run_over_two_rails_pays_each_once(
    town: Town, owner: db.Connection, bank: PaperBank, lent: Kept
) -> None:
    await held_and_taken(town, owner, bank)
    bank.others, bank.usual = (*bank.others, sending(PaperTransfers())), "alipay"
    beijing(town, TUE, 8)
    assert await dies_everywhere(town, bank, lent, paid_once, at_once=False) > 8


async def back_once(town: Town, bank: PaperBank) -> None:
    institution, alipay = wires(bank)
    assert {one.status for one in await of_shop(town)} >= {"returned", "rejected"}
    assert institution.available[SELLER] == 9700
    assert alipay.left == CNY("9000.00")


async def test_a_kill_while_ends_are_heard_books_each_once(
    town: Town, owner: db.Connection, bank: PaperBank, lent: Kept
) -> None:
    await held_and_taken(town, owner, bank)
    bank.others, bank.usual = (*bank.others, sending(PaperTransfers(ends="pending"))), "alipay"
    beijing(town, TUE, 8)
    await settle(town, bank)
    institution, alipay = wires(bank)
    institution.sends_back(*institution.gone)
    (asked,) = alipay.asked
    alipay.ends_as(asked, "failed")
    town.later(days=1)  # what came back counts for a later run
    assert await dies_everywhere(town, bank, lent, back_once, at_once=True) > 3
