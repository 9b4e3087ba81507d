"""A rail's fee is the platform's, also when the commission that bore it has gone back."""

from __future__ import annotations

from datetime import date

from littleshop import db
from tests.cast import CNY, Town
from tests.sale.after_sale import after
from tests.settlement.paper_bank import PaperBank, beijing, settle, verify
from tests.settlement.test_reconciling_bills import TUE, Biller, reads
from tests.settlement.test_settling import of_shop


async def test_a_fee_that_our_commission_bears_no_longer_is_lent_so_that_the_next_seller_is_paid(
    town: Town, owner: db.Connection
) -> None:
    """The rail keeps its fee of what goes back, our commission goes back with it, and the fee was
    taken from what another order brings."""
    rail, bank = Biller(), PaperBank()
    await verify(town)
    await owner.execute("update shops set commission_bps = 300")
    sale = await after(town)
    await town.ships(sale.placed)
    await town.receives(sale.placed)
    rail.took(str(await owner.fetchval("select reference from payments")), "100.00", fee="0.60")
    beijing(town, TUE, 12)
    await reads(town, rail)
    assert await town.balance("due_to_shop") == CNY("0.00")
    await owner.execute("update shops set commission_bps = 0")
    cup = await town.buys([await town.stock("茶杯", CNY("50.00"))], CNY("50.00"), key="cup")
    await sale.asks("refund", "100.00", "not_wanted")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    assert await town.balance("due_to_shop") == CNY("0.60")
    await town.ships(cup, "SF1408223100672")
    await town.receives(cup)
    bank.lump(date(2026, 11, 25), CNY("50.00"))
    for day in (25, 26):
        beijing(town, date(2026, 11, day), 8)
        await settle(town, bank)
    assert [(one.status, one.amount) for one in await of_shop(town)] == [("sent", CNY("50.00"))]
    await town.books_balance()
