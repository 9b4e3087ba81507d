"""The desk's refunds that did not arrive: seen, sent another way, in the log."""

from __future__ import annotations

import asyncio
from typing import cast
from uuid import UUID

import asyncpg

from littleshop import db
from littleshop.errors import Refused
from littleshop.oversight import redirecting
from littleshop.pay import refunds
from littleshop.pay.gateways import BuyerCard, Gateway
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
        *_, waits = await redirecting.waiting(conn, {})
    return f"/refunds/{town.shop_id}/{waits.refund.refund_id}"


async def test_a_refund_that_came_back_is_paid_by_hand_with_the_banks_number(
    desk: Desk,
) -> None:
    refund = await stuck(desk)
    assert "1 refund did not reach its buyer" in shown(await desk.get())
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


class Slow:
    """A rail that sends refunds to another card and takes its time to say so."""

    def __init__(self) -> None:
        self.asked = 0

    async def redirect_refund(self, request: object, card: object) -> None:
        self.asked += 1
        await asyncio.sleep(0.2)


async def test_three_presses_ask_the_rail_once_and_the_act_names_the_card(
    desk: Desk, owner: db.Connection
) -> None:
    refund_id = UUID((await stuck(desk)).rpartition("/")[2])
    operator, rail = await owner.fetchval("select operator_id from acts limit 1"), Slow()
    card = BuyerCard("6214830000001234", "陈婉婷", "CMB")
    said = await asyncio.gather(
        *(
            redirecting.redirect(
                desk.town.database, {"alipay": cast(Gateway, rail)}, operator, desk.town.shop_id,
                refund_id, card=card, reason="card is gone", at=desk.town.at,
            )
            for _ in range(3)
        ),
        return_exceptions=True,
    )  # fmt: skip
    assert rail.asked == 1
    assert sum(isinstance(one, Refused) for one in said) == 2
    rows = await owner.fetch("select details::text from acts where kind = 'refund_to_card'")
    assert len(rows) == 1 and '"1234"' in rows[0][0]
    await desk.town.books_balance()


async def test_the_desk_reads_any_number_of_refunds_at_once(desk: Desk) -> None:
    """As many statements for three as for one."""
    asked: list[str] = []

    def note(query: asyncpg.connection.LoggedQuery) -> None:
        asked.append(query.query)

    for count in (1, 2, 3):
        await stuck(desk)
        async with desk.town.database.connection() as conn:
            asked.clear()
            conn.add_query_logger(note)
            found = await redirecting.waiting(conn, {})
            conn.remove_query_logger(note)
        assert (len(found), len(asked)) == (count, 2), asked
