"""What the platform's pocket pays of a shop's balance, beside what an institution holds for it."""

from __future__ import annotations

from littleshop import db
from tests.cast import CNY, Town
from tests.sale.escrow import SELLER, Holding, holding
from tests.sale.institution import HoldingRail
from tests.settlement.paper_bank import PaperBank, beijing, settle, verify
from tests.settlement.paper_rail import PaperInstitution, withdrawing
from tests.settlement.test_settling import TUE, WED, bank, of_shop

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
