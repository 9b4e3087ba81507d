"""A payout lists the orders whose money lay where it was paid from, and no others."""

from __future__ import annotations

from littleshop import db
from littleshop.settlement import payouts, seller_statements
from littleshop.web.console import money
from tests.cast import CNY, Town
from tests.sale.escrow import SELLER, holding, is_admitted
from tests.sale.institution import HoldingRail
from tests.settlement.paper_bank import PaperBank, beijing, settle, verify
from tests.settlement.paper_rail import PaperInstitution, withdrawing
from tests.settlement.test_settling import MON, TUE, bank, of_shop

__all__ = ["bank"]  # the fixture


async def test_each_of_two_payouts_of_a_run_lists_its_own_orders(
    town: Town, owner: db.Connection, bank: PaperBank
) -> None:
    held = await holding(town, owner, commission_bps=0)
    await is_admitted(town, owner, "alipay", SELLER)
    await verify(town)
    numbers, rails = {}, []
    for name in ("alipay", "wechat_pay"):
        held.institution = PaperInstitution(name=name, pays_out=name == "alipay")
        held.rail = HoldingRail(held.institution, SELLER)
        rails.append(withdrawing(held.institution))
        placed = await held.sells("39.90")
        await held.receives(placed)
        await held.is_released(placed)
        numbers[name] = await town.order(placed)
    bank.others = tuple(rails)
    beijing(town, TUE, 8)
    await settle(town, bank)
    found = await of_shop(town)
    assert sorted(one.rail for one in found) == ["alipay_settle", "wechat_pay_withdraw"]
    async with town.database.connection() as conn:
        for one, lines in zip(found, await money.explained(conn, found, []), strict=True):
            order = numbers[one.held_by]
            assert [(each.number, each.amount) for each in lines] == [(order.number, CNY("39.90"))]
            carried = await payouts.carrying(conn, town.shop_id, order.order_id)
            assert carried is not None and carried.rail == one.rail
    told = await seller_statements.total(town.database, town.shop_id, "CNY", MON, TUE, 100)
    kinds = [each.kind for each in told if each.kind in ("payout", "paid_out")]
    assert kinds == sorted(kinds, key=lambda kind: kind == "paid_out")
    await town.books_balance()
