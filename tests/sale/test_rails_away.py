"""What waits for a rail, or for another job, is tried again and is no work for a person."""

from __future__ import annotations

import asyncio
import uuid
from functools import partial
from types import SimpleNamespace

import pytest

from littleshop import db, tasks
from littleshop.clock import Clock
from littleshop.errors import GatewayError
from littleshop.jobs import Context
from littleshop.ledger import bridging
from littleshop.pay import refunds
from littleshop.pay.gateways import RefundAnswer, RefundRequest
from littleshop.sale import sending_refunds
from tests.cast import CNY, Town
from tests.sale.acts import calls_off


def context(town: Town, attempt: int) -> Context:
    return Context(town.database, Clock(), town.at, uuid.uuid4(), attempt)


class Away:
    """A rail that answers nobody."""

    async def close(self, reference: str) -> None:
        raise GatewayError("alipay cannot be reached", retryable=True)


async def test_an_attempt_that_a_rail_does_not_close_is_left_to_the_sweep(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    rails = SimpleNamespace(rails={"alipay": Away()})
    monkeypatch.setattr(tasks, "_house", lambda _: rails)
    placed = await town.place([await town.stock()], CNY("168.00"))
    reference = await town.opens_cashier(placed)
    with pytest.raises(GatewayError):
        await tasks.close_payment(context(town, 1), shop_id=town.shop_id, reference=reference)
    last = context(town, tasks.CLOSINGS)
    await tasks.close_payment(last, shop_id=town.shop_id, reference=reference)
    async with town.database.connection() as conn:
        left = await db.value(conn, "select status from payments where reference = $1", reference)
    assert left == "asked"


async def test_what_a_shop_repaid_waits_for_the_booking_of_its_loan(town: Town) -> None:
    told = {"reference": bridging.named(town.shop_id, "1"), "minor": 500, "currency": "CNY"}
    with pytest.raises(GatewayError) as early:
        await tasks.take_back(context(town, 1), **told)  # type: ignore[arg-type]
    assert early.value.retryable
    await tasks.lend(context(town, 1), **told)  # type: ignore[arg-type]
    await tasks.take_back(context(town, 1), **told)  # type: ignore[arg-type]
    async with town.database.connection() as conn:
        owed = await db.value(
            conn,
            "select debits_minor - credits_minor from accounts"
            " where shop_id = 0 and account = 'due_from_shop'",
        )
    assert owed == 0


class Slow:
    """A rail that thinks about a refund until it is told to go on."""

    def __init__(self) -> None:
        self.asked, self.goes_on = asyncio.Event(), asyncio.Event()

    async def refund(self, request: RefundRequest) -> RefundAnswer:
        self.asked.set()
        await self.goes_on.wait()
        return RefundAnswer(status="done", amount=request.amount)


async def test_two_jobs_do_not_ask_for_one_refund_at_once(town: Town) -> None:
    """The one that waits reads anew, what the first one has decided too."""
    rail = Slow()
    placed = await town.buys([await town.stock()], CNY("168.00"))
    await calls_off(town, placed)
    async with town.database.connection() as conn:
        (refund,) = await refunds.of_order(conn, town.shop_id, placed.order_id)
    told = {"shop_id": town.shop_id, "refund_id": str(refund.refund_id)}
    send = partial(sending_refunds.send, {"alipay": rail}, {})  # type: ignore[dict-item]
    first = asyncio.create_task(send(context(town, 1), **told))  # type: ignore[arg-type]
    await rail.asked.wait()
    with pytest.raises(GatewayError, match="by another job") as no:
        await send(context(town, 1), **told)  # type: ignore[arg-type]
    assert no.value.retryable
    rail.goes_on.set()
    await first
    await send(context(town, 2), **told)  # type: ignore[arg-type]
    async with town.database.connection() as conn:
        (done,) = await refunds.of_order(conn, town.shop_id, placed.order_id)
    assert done.status == "done"
    await town.books_balance()
