"""What was kept of what was taken: money that went back, all of it or a part, is told apart."""

from __future__ import annotations

from littleshop import clock
from littleshop.customers import customers
from littleshop.insights import sales
from tests.cast import CNY, Town
from tests.sale.after_sale import AfterSale, after


async def span(town: Town) -> tuple[int, list[sales.Thing]]:
    """What is gone of the last day's orders, and its things."""
    day = town.at.astimezone(clock.SHANGHAI).date()
    async with town.database.connection() as conn:
        reach = await sales.reach(conn, town.shop_id, "Asia/Shanghai", day, day)
        found = await sales.days(conn, reach)
        return found[day].gone_minor, await sales.things(conn, reach, 5)


async def spent(town: Town, sale: AfterSale) -> int:
    """What this buyer's customer row says was spent."""
    order = await town.order(sale.placed)
    async with town.database.connection() as conn:
        [row] = await customers.by_phone(conn, town.shop_id, order.phone_index)
    return row.spent_minor


async def test_a_part_that_went_back_is_no_turnover_of_the_thing(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    await sale.asks("refund", "30.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    gone, things = await span(town)
    assert gone == 30_00
    assert [(each.pieces, each.minor - each.gone_minor) for each in things] == [(1, 70_00)]
    assert await spent(town, sale) == 70_00


async def test_what_went_back_whole_after_receipt_was_not_sold(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    await town.receives(sale.placed)
    await sale.asks("refund", "100.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    assert (await town.order(sale.placed)).status == "received"
    gone, things = await span(town)
    assert (gone, things) == (100_00, [])


async def test_a_called_off_order_counts_as_gone_before_the_rail_has_sent_it(town: Town) -> None:
    sale = await after(town)
    await sale.asks("refund", "100.00", "not_wanted")
    await sale.seller_agrees()
    gone, things = await span(town)
    assert (gone, things) == (100_00, [])


async def test_nothing_went_back_of_an_order_that_stands(town: Town) -> None:
    await after(town)
    gone, things = await span(town)
    assert gone == 0
    assert [each.minor for each in things] == [CNY("100.00").minor]
