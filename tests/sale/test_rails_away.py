"""What waits for a rail, or for another job, is tried again and is no work for a person."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import pytest

from littleshop import db, tasks
from littleshop.clock import Clock
from littleshop.errors import GatewayError
from littleshop.jobs import Context
from littleshop.ledger import bridging
from tests.cast import CNY, Town


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
