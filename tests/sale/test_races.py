"""Races for one order: both are in flight, one wins, and every sum is accepted or goes back."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from littleshop import db
from littleshop.errors import Refused
from littleshop.pay import payments, refunds
from littleshop.sale.placing import Placed
from littleshop.trade import orders
from tests.cast import CNY, PRIYA, Town
from tests.sale.acts import (
    calls_off,
    ends_well,
    extends,
    rail_sends_back,
    refused,
    strikes,
    withdraws,
)
from tests.sale.gates import Act, Gate, hold_order, hold_stock, race

PRICE = CNY("168.00")
BOTH_WAYS = pytest.mark.parametrize("turn", [1, -1], ids=["as_said", "the_other_way"])

pytestmark = pytest.mark.usefixtures("impatient")


@BOTH_WAYS
async def test_money_arrives_as_the_time_to_pay_ends(
    town: Town, twin: Town, gate: Gate, turn: int
) -> None:
    placed = await town.place([await town.stock(pieces=1)], PRICE)
    reference = await town.opens_cashier(placed)
    twin.at = town.later(minutes=30)
    await hold_order(gate, town, placed)
    acts = [lambda: town.money_arrives(reference, PRICE), lambda: strikes(twin, placed, "pay_by")]
    heard, struck = (await race(gate, *acts[::turn]))[::turn]
    assert (heard, struck) == ("accepted", turn == -1)
    assert (await town.order(placed)).status == "to_ship"
    await ends_well(town, placed)


@BOTH_WAYS
async def test_late_money_and_another_buyer_want_the_last_piece(
    town: Town, twin: Town, gate: Gate, turn: int
) -> None:
    bowl = await town.stock(pieces=1)
    placed = await town.place([bowl], PRICE)
    reference = await town.opens_cashier(placed)
    twin.at = town.later(minutes=31)
    await town.clocks_strike()
    await hold_stock(gate, town.shop_id)
    acts = [
        lambda: town.money_arrives(reference, PRICE),
        lambda: twin.place([bowl], PRICE, who=PRIYA),
    ]
    heard, other = (await race(gate, *acts[::turn]))[::turn]
    if turn == 1:
        assert heard == "accepted"
        assert refused(other, "stock_short")
    else:
        assert heard == "returned"
        assert isinstance(other, Placed)
    await ends_well(town, placed)


async def test_late_money_of_two_orders_wants_the_last_piece(
    town: Town, twin: Town, gate: Gate
) -> None:
    bowl = await town.stock(pieces=2)
    late = [await town.place([bowl], PRICE) for _ in range(2)]
    references = [await town.opens_cashier(placed) for placed in late]
    twin.at = town.later(minutes=31)
    await town.clocks_strike()
    await town.place([bowl], PRICE)
    await hold_stock(gate, town.shop_id)
    ends = await race(
        gate,
        lambda: town.money_arrives(references[0], PRICE),
        lambda: twin.money_arrives(references[1], PRICE),
    )
    assert ends == ["accepted", "returned"]
    await ends_well(town, *late)


async def test_two_attempts_are_paid_in_the_same_moment(town: Town, twin: Town, gate: Gate) -> None:
    placed = await town.place([await town.stock()], PRICE)
    phone, desk = await town.opens_cashier(placed), await town.opens_cashier(placed, "qr")
    await hold_order(gate, town, placed)
    ends = await race(
        gate,
        lambda: town.money_arrives(phone, PRICE),
        lambda: twin.money_arrives(desk, PRICE),
    )
    assert ends == ["accepted", "returned"]
    await ends_well(town, placed)


async def test_one_notice_is_heard_by_two_workers(town: Town, twin: Town, gate: Gate) -> None:
    placed = await town.place([await town.stock()], PRICE)
    reference = await town.opens_cashier(placed)
    await hold_order(gate, town, placed)
    ends = await race(
        gate,
        lambda: town.money_arrives(reference, PRICE),
        lambda: twin.money_arrives(reference, PRICE),
    )
    assert ends == ["accepted", "known"]
    await ends_well(town, placed)


@BOTH_WAYS
async def test_money_arrives_as_the_buyer_withdraws(
    town: Town, twin: Town, gate: Gate, turn: int
) -> None:
    placed = await town.place([await town.stock(pieces=1)], PRICE)
    reference = await town.opens_cashier(placed)
    await hold_order(gate, town, placed)
    acts = [lambda: town.money_arrives(reference, PRICE), lambda: withdraws(twin, placed)]
    heard, withdrawn = (await race(gate, *acts[::turn]))[::turn]
    if turn == 1:
        assert heard == "accepted"
        assert refused(withdrawn, "not_cancellable")
    else:
        assert (heard, withdrawn) == ("returned", "cancelled")
    await ends_well(town, placed)


@BOTH_WAYS
async def test_money_arrives_as_a_new_attempt_replaces_its_order(
    town: Town, twin: Town, gate: Gate, turn: int
) -> None:
    bowl, cart = await town.stock(pieces=2), uuid4()
    placed = await town.place([bowl], PRICE, cart_id=cart)
    reference = await town.opens_cashier(placed)
    await hold_order(gate, town, placed)
    acts = [
        lambda: town.money_arrives(reference, PRICE),
        lambda: twin.place([bowl], PRICE, cart_id=cart),
    ]
    heard, anew = (await race(gate, *acts[::turn]))[::turn]
    assert heard == ("accepted" if turn == 1 else "returned")
    assert isinstance(anew, Placed), anew
    assert (await town.order(placed)).status == ("to_ship" if turn == 1 else "cancelled")
    await ends_well(town, placed, anew)


@BOTH_WAYS
async def test_the_cashier_opens_as_the_buyer_withdraws(
    town: Town, twin: Town, gate: Gate, owner: db.Connection, turn: int
) -> None:
    placed = await town.place([await town.stock()], PRICE)
    await hold_order(gate, town, placed)
    acts = [lambda: town.opens_cashier(placed), lambda: withdraws(twin, placed)]
    opened, withdrawn = (await race(gate, *acts[::turn]))[::turn]
    assert withdrawn == "cancelled"
    closing = await owner.fetch("select once_key from jobs where name = 'paying.close'")
    if turn == 1:
        assert [row["once_key"] for row in closing] == [opened]
    else:
        assert refused(opened, "not_payable")
        assert closing == []
    await ends_well(town, placed)


@BOTH_WAYS
async def test_the_seller_ships_as_the_order_is_called_off(
    town: Town, twin: Town, gate: Gate, turn: int
) -> None:
    placed = await town.buys([await town.stock(pieces=1)], PRICE)
    await hold_order(gate, town, placed)
    acts = [lambda: town.ships(placed), lambda: calls_off(twin, placed)]
    shipped, called = (await race(gate, *acts[::turn]))[::turn]
    if turn == 1:
        assert shipped.status == "shipped"
        assert refused(called, "not_cancellable")
    else:
        assert refused(shipped, "not_to_ship")
        assert called == "refunded"
    await ends_well(town, placed)


@BOTH_WAYS
async def test_the_buyer_confirms_as_the_clock_does(
    town: Town, twin: Town, gate: Gate, turn: int
) -> None:
    placed = await town.buys([await town.stock()], PRICE)
    await town.ships(placed)
    twin.at = town.later(days=10)
    await hold_order(gate, town, placed)
    acts = [lambda: town.receives(placed), lambda: strikes(twin, placed, "confirm_by")]
    confirmed, struck = (await race(gate, *acts[::turn]))[::turn]
    if turn == 1:
        assert (confirmed.status, struck) == ("received", False)
    else:
        assert refused(confirmed, "not_receivable")
        assert struck is True
    assert await town.balance("payable") == PRICE
    await ends_well(town, placed)


async def test_the_buyer_confirms_twice_at_once(town: Town, twin: Town, gate: Gate) -> None:
    placed = await town.buys([await town.stock()], PRICE)
    await town.ships(placed)
    await hold_order(gate, town, placed)
    ends = await race(gate, lambda: town.receives(placed), lambda: twin.receives(placed))
    assert ends[0].status == "received"
    assert refused(ends[1], "not_receivable")
    assert ends[1].details["status"] == "received"
    await ends_well(town, placed)


@BOTH_WAYS
async def test_the_buyer_extends_as_the_clock_confirms(
    town: Town, twin: Town, gate: Gate, turn: int
) -> None:
    placed = await town.buys([await town.stock()], PRICE)
    await town.ships(placed)
    twin.at = town.later(days=10)
    await hold_order(gate, town, placed)
    acts = [lambda: extends(town, placed), lambda: strikes(twin, placed, "confirm_by")]
    extended, struck = (await race(gate, *acts[::turn]))[::turn]
    if turn == 1:
        assert (extended, struck) == (None, False)
        assert (await town.order(placed)).status == "shipped"
    else:
        assert refused(extended, "not_extendable")
        assert struck is True
    await ends_well(town, placed)


async def test_the_buyer_extends_twice_at_once(town: Town, twin: Town, gate: Gate) -> None:
    placed = await town.buys([await town.stock()], PRICE)
    await town.ships(placed)
    await hold_order(gate, town, placed)
    ends = await race(gate, lambda: extends(town, placed), lambda: extends(twin, placed))
    assert ends[0] is None
    assert refused(ends[1], "not_extendable")


@BOTH_WAYS
async def test_money_arrives_as_its_attempt_is_closed(
    town: Town, twin: Town, gate: Gate, turn: int
) -> None:
    placed = await town.place([await town.stock()], PRICE)
    reference = await town.opens_cashier(placed)

    async def closes() -> bool:
        return await twin.database.transaction(
            lambda conn: payments.close(conn, town.shop_id, reference)
        )

    await gate.shut("select from payments where reference = $1 for update", reference)
    acts: list[Act] = [lambda: town.money_arrives(reference, PRICE), closes]
    heard, closed = (await race(gate, *acts[::turn]))[::turn]
    assert (heard, closed) == ("accepted", turn == -1)
    await ends_well(town, placed)


@BOTH_WAYS
async def test_the_buyer_withdraws_as_the_time_to_pay_ends(
    town: Town, twin: Town, gate: Gate, turn: int
) -> None:
    placed = await town.place([await town.stock(pieces=1)], PRICE)
    twin.at = town.later(minutes=30)
    await hold_order(gate, town, placed)
    acts = [lambda: withdraws(town, placed), lambda: strikes(twin, placed, "pay_by")]
    withdrawn, struck = (await race(gate, *acts[::turn]))[::turn]
    if turn == 1:
        assert (withdrawn, struck) == ("cancelled", False)
    else:
        assert refused(withdrawn, "not_cancellable")
        assert struck is True
    await ends_well(town, placed)


async def test_a_refund_that_two_workers_hear_of_is_booked_once(
    town: Town, twin: Town, gate: Gate
) -> None:
    placed = await town.buys([await town.stock()], PRICE)
    await calls_off(town, placed)
    async with town.database.connection() as conn:
        (refund,) = await refunds.of_order(conn, town.shop_id, placed.order_id)
    await hold_order(gate, town, placed)
    ends = await race(
        gate,
        lambda: rail_sends_back(town, refund.refund_id),
        lambda: rail_sends_back(twin, refund.refund_id),
    )
    assert ends == [True, False]
    assert await town.balance("escrow") == CNY("0.00")
    await ends_well(town, placed)


async def test_a_payment_that_is_decided_on_is_nobody_elses(
    town: Town, owner: db.Connection
) -> None:
    placed = await town.place([await town.stock()], PRICE)
    reference = await town.opens_cashier(placed)

    async def work(conn: db.Connection) -> None:
        await payments.lock(conn, town.shop_id, reference)
        with pytest.raises(asyncpg.LockNotAvailableError):
            await owner.execute(
                "select from payments where shop_id = $1 for no key update nowait", town.shop_id
            )

    await town.database.transaction(work)


async def test_what_is_paid_is_not_paid_again(town: Town) -> None:
    """The guards behind the locks: a state is entered only from those that lead to it."""
    placed = await town.buys([await town.stock()], PRICE)
    await town.ships(placed)
    async with town.database.connection() as conn:
        (paid,) = await payments.of_order(conn, town.shop_id, placed.order_id)
        assert await orders.mark_paid(conn, town.shop_id, placed.order_id, town.at) is None
        again = await payments.succeed(
            conn,
            town.shop_id,
            paid.reference,
            outcome="accepted",
            paid=PRICE,
            gateway_trade_no="2026",
            at=town.at,
        )
    assert again is None
    await ends_well(town, placed)


async def everything_at_once(town: Town, twin: Town, placed: Placed) -> list[Any]:
    """All that can happen to one unpaid order, in no order at all."""
    phone, desk = await town.opens_cashier(placed), await twin.opens_cashier(placed, "qr")
    return [
        town.money_arrives(phone, PRICE),
        twin.money_arrives(phone, PRICE),
        twin.money_arrives(desk, PRICE),
        strikes(town, placed, "pay_by"),
        withdraws(twin, placed),
        calls_off(town, placed),
        twin.ships(placed),
    ]


async def test_two_dozen_orders_to_which_everything_happens_at_once(town: Town, twin: Town) -> None:
    bowl = await town.stock(pieces=48)
    every = [await town.place([bowl], PRICE) for _ in range(24)]
    acts = [await everything_at_once(town, twin, placed) for placed in every]
    twin.at = town.later(minutes=30)
    ends = await asyncio.gather(*(act for those in acts for act in those), return_exceptions=True)
    faults = [end for end in ends if isinstance(end, BaseException)]
    assert [end for end in faults if not isinstance(end, Refused)] == []
    await ends_well(town, *every)
