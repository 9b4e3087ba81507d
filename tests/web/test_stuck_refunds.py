"""The desk's refunds that did not arrive: seen, sent another way, in the log."""

from __future__ import annotations

from littleshop.pay import refunds
from littleshop.sale import resending
from tests.sale.after_sale import after
from tests.web.back_room import shown
from tests.web.night_shift import Desk


async def stuck(desk: Desk) -> str:
    """A refund that failed days after it was done; its address at the desk."""
    town = desk.town
    town.at = desk.world.at
    sale = await after(town)
    await town.ships(sale.placed)
    await sale.asks("refund", "30.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    async with town.database.connection() as conn:
        (done,) = await refunds.of_order(conn, town.shop_id, sale.placed.order_id)
    await town.database.transaction(
        lambda conn: resending.hear_failed(conn, town.shop_id, done.reference, town.at)
    )
    async with town.database.connection() as conn:
        (waits,) = await refunds.stuck(conn)
    return f"/refunds/{town.shop_id}/{waits.refund_id}"


async def test_a_refund_that_came_back_is_paid_by_hand_with_the_banks_number(
    desk: Desk,
) -> None:
    refund = await stuck(desk)
    assert "A refund did not reach its buyer" in shown(await desk.get())
    page = await desk.get("/refunds")
    assert "called it done, then it failed" in shown(page) and "¥ 30 .00" in shown(page)
    assert f"{refund}/by-hand" in page.text and f"{refund}/card" not in page.text
    assert "nowhere else" in await desk.does(f"{refund}/to-us", reason="try")
    assert "Paid and booked" in await desk.does(f"{refund}/by-hand", reason="bank no. 20261122")
    assert "dealt with" in await desk.does(f"{refund}/by-hand", reason="bank no. 20261122")
    (act,) = await desk.log()
    assert (act.kind, act.facts["minor"]) == ("refund_by_hand", 30_00)
    assert "Paid the buyer of order" in shown(await desk.get("/acts"))
    await desk.town.books_balance()
