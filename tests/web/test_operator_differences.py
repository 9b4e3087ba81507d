"""Differences at the operator's desk: explained, asked about again, and the day closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest_asyncio

from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import Gateway, PaymentState, QueryAnswer, RefundAnswer, RefundRequest
from littleshop.settlement import bills, reconciling_bills
from littleshop.settlement.bills import Difference
from tests.cast import CNY
from tests.sale.after_sale import AfterSale, after
from tests.settlement.test_reconciling_bills import MON, Biller
from tests.web.back_room import shown
from tests.web.night_shift import Desk


@dataclass
class Rail(Biller):
    """A rail with bills that also answers when it is asked."""

    knows: dict[str, Money] = field(default_factory=dict)
    silent: bool = False
    asked_about: list[str] = field(default_factory=list)

    async def query(self, reference: str) -> QueryAnswer:
        self.asked_about.append(reference)
        if self.silent:
            raise GatewayError("away", retryable=True)
        if reference not in self.knows:
            return QueryAnswer(state=PaymentState.CREATED)
        return QueryAnswer(
            state=PaymentState.PAID,
            amount=self.knows[reference],
            gateway_trade_no=f"2026{reference}",
        )

    async def refund_query(self, request: RefundRequest) -> RefundAnswer:
        self.asked_about.append(request.refund_reference)
        return RefundAnswer(status="done", amount=request.amount)

    async def disconnect(self) -> None:
        pass


@dataclass
class Reconciled:
    """A desk with a rail whose bill of Monday was read."""

    desk: Desk
    rail: Rail
    sale: AfterSale

    async def left(self) -> list[Difference]:
        async with self.desk.world.house.database.connection() as conn:
            return await bills.unexplained(conn)

    async def reads(self) -> list[Difference]:
        """The bill is read the next morning; what differs."""
        world = self.desk.world
        world.later(days=1)
        self.desk.town.at = world.at
        await reconciling_bills.read(world.house.database, cast(Gateway, self.rail), world.at)
        await self.desk.comes()  # another day at the desk
        return await self.left()

    async def value(self, sql: str, *values: object) -> Any:
        async with self.desk.world.house.database.connection() as conn:
            return await conn.fetchval(sql, *values)


@pytest_asyncio.fixture
async def monday(desk: Desk) -> Reconciled:
    """Somebody paid 100 yuan on Monday."""
    desk.town.at = desk.world.at
    rail = Rail()
    desk.world.house.rails = {"alipay": cast(Gateway, rail)}
    made = Reconciled(desk, rail, await after(desk.town))
    rail.took(str(await made.value("select reference from payments")), "100.00")
    return made


async def test_a_row_of_somebody_else_is_explained_and_the_day_closed(monday: Reconciled) -> None:
    desk = monday.desk
    monday.rail.took("STRANGER000000000001", "8.00")
    [one] = await monday.reads()
    page = shown(await desk.get("/differences"))
    assert "The bill has ¥8.00, our books have nothing" in page and "None of our numbers" in page
    assert "bill line and our books differ" in shown(await desk.get())
    close = f"/days/{MON}/closing"
    assert "One difference" in await desk.does(close, reason="all is well")
    here = f"/differences/{one.difference_id}"
    assert "few words" in await desk.does(f"{here}/explanation", reason="")
    assert "None of our payments" in await desk.does(f"{here}/question", reason="what is it")
    why = "a test of the shop next door, same merchant"
    assert "Explained" in await desk.does(f"{here}/explanation", reason=why)
    assert "before you" in await desk.does(f"{here}/explanation", reason=why)
    assert "closed" in await desk.does(close, reason="all is well")
    assert "before you" in await desk.does(close, reason="all is well")
    assert "not over yet" in await desk.does("/days/2026-11-24/closing", reason="all is well")
    assert [act.kind for act in await desk.log()] == ["day_closed", "difference_explained"]
    assert (await desk.post("/days/yesterday/closing", reason="what")).status_code == 404
    assert await monday.value("select explained_by from differences") == str(desk.person_id)


async def test_a_payment_whose_notice_was_lost_is_asked_about_and_explains_itself(
    monday: Reconciled,
) -> None:
    desk = monday.desk
    town = desk.town
    placed = await town.place([await town.stock(price=CNY("60.00"))], CNY("60.00"))
    reference = await town.opens_cashier(placed)
    monday.rail.took(reference, "60.00")
    [one] = await monday.reads()
    here = f"/differences/{one.difference_id}/question"
    monday.rail.silent = True
    assert "no answer" in await desk.does(here, reason="a notice was lost?")
    monday.rail.silent = False
    assert "does not know" in await desk.does(here, reason="is it back?")
    assert "asked the rail" in shown(await desk.get("/differences"))
    monday.rail.knows[reference] = CNY("60.00")
    assert "what was missing is booked" in await desk.does(here, reason="and now?")
    assert await monday.left() == []  # the books agree by themselves now
    assert (await town.order(placed)).status == "to_ship"
    assert monday.rail.asked_about == [reference] * 3
    asked = await desk.log()
    assert [act.facts["said"] for act in asked] == ["paid", "created", "silent"]
    await town.books_balance()


async def test_a_refund_that_the_rail_has_done_is_booked(monday: Reconciled) -> None:
    desk = monday.desk
    await monday.sale.asks("refund", "20.00")
    await monday.sale.seller_agrees()
    payment = str(await monday.value("select reference from payments"))
    back = str(await monday.value("select reference from refunds"))
    monday.rail.took(payment, "20.00", back=back)
    [one] = await monday.reads()
    said = await desk.does(f"/differences/{one.difference_id}/question", reason="a lost answer?")
    assert "went back" in said
    assert await monday.value("select status from refunds") == "done"
    assert await monday.left() == []
    await desk.town.books_balance()


async def test_a_row_that_nobody_can_read_is_shown_and_not_asked_about(monday: Reconciled) -> None:
    monday.rail.unread = ("row 7: ????",)
    [one] = await monday.reads()
    page = await monday.desk.get("/differences")
    assert "row 7: ????" in page.text
    assert f"/differences/{one.difference_id}/question" not in page.text
