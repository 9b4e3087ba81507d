"""What the people of a sale and its clocks do, each in a transaction; and how a sale must end."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from littleshop.errors import Refused
from littleshop.pay import payments, refunds
from littleshop.sale import paying, receiving, refunding, ticking
from littleshop.sale.placing import Placed
from littleshop.trade import orders, timers
from tests.cast import Town


async def strikes(town: Town, placed: Placed, kind: str) -> bool:
    """A clock of an order strikes now, as the worker's sweep finds it."""
    async with town.database.connection() as conn:
        clocks = await timers.of(conn, town.shop_id, placed.order_id)
    timer = next((clock for clock in clocks if clock.kind == kind), None)
    if timer is None:
        return False
    return await town.database.transaction(lambda conn: ticking.tick(conn, timer, town.at))


async def withdraws(town: Town, placed: Placed) -> str:
    order = await town.database.transaction(
        lambda conn: paying.withdraw(conn, town.shop_id, placed.order_id, town.at)
    )
    return order.status


async def calls_off(town: Town, placed: Placed) -> str:
    order = await town.database.transaction(
        lambda conn: refunding.call_off(
            conn, town.shop_id, placed.order_id, by="seller", reason="sold_out", at=town.at
        )
    )
    return order.status


async def extends(town: Town, placed: Placed) -> None:
    await town.database.transaction(
        lambda conn: receiving.extend(conn, town.shop_id, placed.order_id, town.at)
    )


async def rail_sends_back(town: Town, refund_id: UUID) -> bool:
    return await town.database.transaction(
        lambda conn: refunding.hear(conn, town.shop_id, refund_id, town.at)
    )


async def ends_well(town: Town, *every: Placed) -> None:
    """What came in is accepted and kept, or goes back in full; books and stock add up."""
    for placed in every:
        order = await town.order(placed)
        async with town.database.connection() as conn:
            attempts = await payments.of_order(conn, town.shop_id, placed.order_id)
            back = await refunds.of_order(conn, town.shop_id, placed.order_id)
        kept = 0
        for one in attempts:
            returned = sum(r.amount_minor for r in back if r.payment_id == one.payment_id)
            assert returned in (0, one.paid_minor)
            kept += one.status == "paid" and not returned
        assert kept == (order.status in (*orders.PAID, "received", "closed")), order.status
    await town.books_balance()


def refused(end: object, code: str) -> bool:
    """Whether an act ended with this no."""
    return isinstance(end, Refused) and end.code == code


def at_shop(town: Town, shop_id: int) -> Town:
    """The same process at another shop: its flusher takes orders of both in one batch."""
    other = replace(town, shop_id=shop_id)
    other.flusher, other.loader = town.flusher, town.loader
    return other


async def neighbour(town: Town, name: str, slug: str, phone: str) -> Town:
    """Another shop in town; the first one stays the town's shop."""
    made = replace(town)
    await made.open_shop(name, slug, phone)
    return at_shop(town, made.shop_id)
