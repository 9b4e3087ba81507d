"""What is frozen for a sharer is his, whatever the seller gives back to others meanwhile."""

from __future__ import annotations

from littleshop import db
from littleshop.sale import passing_on
from tests.cast import CNY, Town
from tests.sale.after_sale import AfterSale, lends
from tests.sale.referred import Chain, chain
from tests.settlement.paper_bank import PaperBank, beijing, settle, verify
from tests.settlement.test_settling import MON, TUE, WED, of_shop


async def gave_back_what_was_on_his_card(town: Town) -> Chain:
    """A bowl of 100 was paid out; then a friend buys another by a share, and the first goes back:
    the rail takes it from what it owes for the second, of which ten are the sharer's."""
    beijing(town, MON, 10)
    told, bank = await chain(town), PaperBank()
    await verify(town)
    await told.agrees(1000, 0)
    first = await town.buys([told.bowl], CNY("100.00"))
    await town.ships(first)
    await town.receives(first)
    bank.lump(TUE, CNY("100.00"))
    beijing(town, TUE, 8)
    await settle(town, bank)
    bank.pays(TUE, (await of_shop(town))[0])
    beijing(town, WED, 8)
    await settle(town, bank)
    shared = await told.buys()
    sale = AfterSale(town, first)
    await sale.asks("refund", "100.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    await told.is_received(shared)
    assert (await told.has())[3] == CNY("10.00")
    assert await told.balance(told.seller, "gateway_clearing:alipay") == CNY("0.00")
    await town.books_balance()
    return told


async def test_a_refund_of_the_seller_does_not_make_his_sharer_wait(
    town: Town, owner: db.Connection
) -> None:
    """What it took of the sharer's the platform lends when it is his, and no fen more."""
    told = await gave_back_what_was_on_his_card(town)
    await told.window_closes()
    assert await told.balance(told.seller, "due_to_shop") == CNY("10.00")
    assert await lends(town, owner) == CNY("10.00")
    await told.jobs_are_done()
    assert await told.has() == (CNY("-10.00"), CNY("10.00"), CNY("0.00"), CNY("0.00"))
    assert await told.balance(told.lower, "gateway_clearing:alipay") == CNY("10.00")
    await town.books_balance()


async def test_nothing_is_lent_where_the_money_lies(town: Town) -> None:
    """The seller has sold again before the window closed."""
    told = await gave_back_what_was_on_his_card(town)
    again = await town.buys([told.bowl], CNY("100.00"))
    await town.ships(again)
    await town.receives(again)
    await told.window_closes()
    assert await told.balance(told.seller, "due_to_shop") == CNY("0.00")
    await told.jobs_are_done()
    assert await told.balance(told.lower, "gateway_clearing:alipay") == CNY("10.00")
    assert await told.has() == (CNY("90.00"), CNY("10.00"), CNY("0.00"), CNY("0.00"))
    async with town.database.connection() as conn:
        assert await passing_on.pass_on(
            conn, told.seller, told.lower, "CNY", town.at
        ) == CNY("0.00")  # fmt: skip
    await town.books_balance()
