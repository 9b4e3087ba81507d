"""What was kept of what was taken: money that went back, all of it or a part, is told apart."""

from __future__ import annotations

from datetime import timedelta

from littleshop.customers import customers
from littleshop.insights import takings
from tests.cast import CNY, Town
from tests.sale.after_sale import AfterSale, after


async def span(town: Town) -> tuple[takings.Again, list[takings.SoldThing]]:
    """The last day's orders in figures."""
    since, until = town.at - timedelta(days=1), town.at + timedelta(days=1)
    async with town.database.connection() as conn:
        return (
            await takings.again(conn, town.shop_id, since, until),
            await takings.things(conn, town.shop_id, since, until),
        )


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
    again, things = await span(town)
    assert (again.refunds, again.refunded_minor) == (1, 30_00)
    assert [(each.sold, each.minor) for each in things] == [(1, 70_00)]
    assert await spent(town, sale) == 70_00


async def test_what_went_back_whole_after_receipt_was_not_sold(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    await town.receives(sale.placed)
    await sale.asks("refund", "100.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    assert (await town.order(sale.placed)).status == "received"
    again, things = await span(town)
    assert (again.refunds, again.refunded_minor, things) == (1, 100_00, [])


async def test_a_called_off_order_counts_as_gone_before_the_rail_has_sent_it(town: Town) -> None:
    sale = await after(town)
    await sale.asks("refund", "100.00", "not_wanted")
    await sale.seller_agrees()
    again, things = await span(town)
    assert (again.refunds, again.refunded_minor, things) == (1, 100_00, [])


async def test_nothing_went_back_of_an_order_that_stands(town: Town) -> None:
    await after(town)
    again, things = await span(town)
    assert (again.refunds, again.refunded_minor) == (0, 0)
    assert [each.minor for each in things] == [CNY("100.00").minor]
