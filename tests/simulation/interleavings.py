"""Every order in which the things around one payment can happen, and how it must end.

One order, two rails whose cashiers are open. A path is a row of events; wherever it stops, the
world is then left alone until nothing moves any more (rails are asked, clocks strike, refunds
arrive), and the end must be "accepted with stock" or "refunded in full", with the books proved.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from littleshop import audit, db
from littleshop.errors import Refused
from littleshop.ledger import bridging
from littleshop.money import Money
from littleshop.pay import payments, refunds
from littleshop.sale import (
    charging_back,
    paying,
    receiving,
    refunding,
    returning,
    shipping,
    ticking,
)
from littleshop.sale.paying import Paid
from littleshop.sale.placing import Placed
from littleshop.sale.returning import Wish
from littleshop.trade import orders, timers
from littleshop.trade.orders import Order
from tests.cast import CNY, Town

T = TypeVar("T")
PRICE = CNY("100.00")
RAILS = ("alipay", "stripe")
# A walk asks the same again and again of a few rows: planning it anew is most of the work.
QUICKER = "set local plan_cache_mode = force_generic_plan"


class OneConnection(db.Database):
    """A database that is one open transaction: each of its transactions is a savepoint."""

    def __init__(self, conn: db.Connection) -> None:
        self.conn = conn

    async def transaction(self, work: Callable[[db.Connection], Awaitable[T]]) -> T:
        async with self.conn.transaction():
            return await work(self.conn)

    async def statement(self, work: Callable[[db.Connection], Awaitable[T]]) -> T:
        return await work(self.conn)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[db.Connection]:
        yield self.conn


@dataclass(frozen=True)
class World:
    """One order and what only the rails know: which have taken the buyer's money."""

    town: Town
    placed: Placed
    references: tuple[str, str]
    taken: frozenset[str] = field(default_factory=frozenset)

    @property
    def conn(self) -> db.Connection:
        assert isinstance(self.town.database, OneConnection)
        return self.town.database.conn

    async def order(self) -> Order:
        return await orders.lock(self.conn, self.town.shop_id, self.placed.order_id)

    async def hear(self, reference: str, amount: Money = PRICE) -> str:
        paid = Paid(reference, amount, f"T{reference}", self.town.at)
        return await paying.hear(self.conn, self.town.shop_id, paid, self.town.at)


class NotNow(Exception):
    """The event cannot happen here, so no path goes on with it."""


async def opened(town: Town) -> World:
    """An order of the last piece is placed, and both cashiers are open."""
    item = await town.stock(price=PRICE, pieces=1)
    placed = await town.place([item], PRICE)
    first, second = [
        (
            await town.database.transaction(
                lambda conn, rail=rail: paying.ask(  # type: ignore[misc]
                    conn, town.shop_id, placed.order_id, gateway=rail, method="wap", at=town.at
                )
            )
        ).reference
        for rail in RAILS
    ]
    return World(town, placed, (first, second))


async def accepted(town: Town) -> World:
    """The same, paid at the first rail."""
    return await notice_comes(await buyer_pays(await opened(town)))


async def hold_expires(world: World) -> World:
    clocks = await timers.of(world.conn, world.town.shop_id, world.placed.order_id)
    timer = next((clock for clock in clocks if clock.kind == "pay_by"), None)
    if timer is None or not await ticking.tick(world.conn, timer, timer.due_at):
        raise NotNow
    return world


async def buyer_pays(world: World) -> World:
    """At the first rail; nobody has told us yet."""
    if world.references[0] in world.taken:
        raise NotNow
    return replace(world, taken=world.taken | {world.references[0]})


async def notice_comes(world: World) -> World:
    """Of the first rail; the second time it is the same notice again."""
    if world.references[0] not in world.taken:
        raise NotNow
    await world.hear(world.references[0])
    return world


async def browser_returns(world: World) -> World:
    """The page has the rail asked; what the rail says is heard like a notice."""
    if world.references[0] not in world.taken:
        raise NotNow
    payment = await payments.get(world.conn, world.town.shop_id, world.references[0])
    assert payment is not None
    if payment.status == "paid":
        raise NotNow
    await paying.question(world.conn, payment, world.town.at, world.town.at)
    await world.hear(world.references[0])
    return world


async def wrong_amount_comes(world: World) -> World:
    return await _wrongly(world, CNY("99.99"))


async def wrong_currency_comes(world: World) -> World:
    return await _wrongly(world, Money(PRICE.minor, "USD"))


async def _wrongly(world: World, amount: Money) -> World:
    """Of the second rail, which has taken nothing yet."""
    if world.references[1] in world.taken:
        raise NotNow
    assert await world.hear(world.references[1], amount) == "returned"
    return replace(world, taken=world.taken | {world.references[1]})


async def other_rail_pays(world: World) -> World:
    if world.references[1] in world.taken:
        raise NotNow
    await world.hear(world.references[1])
    return replace(world, taken=world.taken | {world.references[1]})


async def buyer_cancels(world: World) -> World:
    await paying.withdraw(world.conn, world.town.shop_id, world.placed.order_id, world.town.at)
    return world


async def seller_calls_off(world: World) -> World:
    await refunding.call_off(
        world.conn, world.town.shop_id, world.placed.order_id, by="seller", reason="broken",
        at=world.town.at,
    )  # fmt: skip
    return world


async def seller_ships(world: World) -> World:
    await shipping.ship(
        world.conn, world.town.shop_id, world.placed.order_id, carrier="sf",
        number="SF1408223100671", at=world.town.at,
    )  # fmt: skip
    return world


async def buyer_receives(world: World) -> World:
    await receiving.receive(
        world.conn, world.town.shop_id, world.placed.order_id, by="buyer", at=world.town.at
    )
    return world


async def all_is_agreed_back(world: World) -> World:
    return await _agreed_back(world, await refunding.left_of(world.conn, await world.order()))


async def a_part_is_agreed_back(world: World) -> World:
    return await _agreed_back(world, CNY("30.00"))


async def _agreed_back(world: World, amount: Money) -> World:
    wish = Wish("refund", "damaged", amount, "坏了")
    at = world.town.at
    case = await returning.ask(world.conn, world.town.shop_id, world.placed.order_id, wish, at)
    await returning.agree(world.conn, world.town.shop_id, case.case_id, by="seller", at=at)
    return world


async def rail_sends_back(world: World) -> World:
    """Every refund that was asked is done."""
    if not await _send_back(world):
        raise NotNow
    return world


async def _send_back(world: World) -> int:
    shop_id, at = world.town.shop_id, world.town.at
    every = await refunds.of_order(world.conn, shop_id, world.placed.order_id)
    asked = [each for each in every if each.status == "asked"]
    for refund in asked:
        await refunding.hear(world.conn, shop_id, refund.refund_id, at)
    return len(asked)


async def bank_takes_it_back(world: World) -> World:
    """The buyer's bank charges the first rail's payment back, all of it, and the seller loses."""
    payment = await payments.get(world.conn, world.town.shop_id, world.references[0])
    if payment is None or payment.status != "paid":
        raise NotNow
    if await world.conn.fetchval("select 1 from jobs where name = $1", charging_back.LOSE):
        raise NotNow
    heard = await charging_back.hear_ended(
        world.conn, world.town.shop_id, payment.reference, PRICE, won=False, at=world.town.at
    )
    if not heard:
        raise NotNow
    return world


async def rail_says_what_the_loss_met(world: World) -> World:
    """It was asked about the refunds that were under way, and sends none of them any more."""
    if not await _lost(world):
        raise NotNow
    return world


Event = Callable[[World], Awaitable[World]]
EVENTS: tuple[Event, ...] = (
    hold_expires,
    buyer_pays,
    notice_comes,
    browser_returns,
    wrong_amount_comes,
    wrong_currency_comes,
    other_rail_pays,
    buyer_cancels,
    seller_calls_off,
    seller_ships,
    buyer_receives,
    all_is_agreed_back,
    a_part_is_agreed_back,
    rail_sends_back,
    bank_takes_it_back,
    rail_says_what_the_loss_met,
)


async def left_alone(world: World) -> None:
    """The world without people: rails are asked, the time to pay ends, refunds arrive."""
    for reference in sorted(world.taken):
        payment = await payments.get(world.conn, world.town.shop_id, reference)
        assert payment is not None
        if payment.status != "paid":
            await world.hear(reference)
    clocks = await timers.of(world.conn, world.town.shop_id, world.placed.order_id)
    for timer in clocks:
        if timer.kind == "pay_by":
            await ticking.tick(world.conn, timer, timer.due_at)
    await _lost(world)
    await _send_back(world)
    jobs = await world.conn.fetch("delete from jobs where name = 'bridging.lend' returning *")
    for job in jobs:
        told = job["arguments"]
        amount = Money(told["minor"], told["currency"])
        await bridging.lend(world.conn, told["reference"], amount, world.town.at)


async def _lost(world: World) -> bool:
    """What was lost while refunds were under way: the rail sends those no more."""
    of = "delete from jobs where name = $1 returning arguments"
    jobs = await world.conn.fetch(of, charging_back.LOSE)
    for job in jobs:
        told = job["arguments"]
        payment = await payments.get(world.conn, world.town.shop_id, told["reference"])
        assert payment is not None
        refused = [one.refund_id for one in await charging_back.under_way(world.conn, payment)]
        about = (world.town.shop_id, told["reference"], told["dispute"], refused)
        await charging_back.lose(world.conn, *about, world.town.at)
    return bool(jobs)


async def faults(world: World) -> list[str]:
    """What is wrong with the end of a path; empty when it ended well."""
    shop_id, order_id = world.town.shop_id, world.placed.order_id
    order = await world.order()
    every = await payments.of_order(world.conn, shop_id, order_id)
    back = await refunds.of_order(world.conn, shop_id, order_id)
    lost = await world.conn.fetch(
        "select payment_id, amount_minor, unbooked_minor from chargebacks"
        " where shop_id = $1 and order_id = $2",
        shop_id,
        order_id,
    )
    wrong = [f"{one.rule} {one.subject} {one.says}" for one in await audit.prove(world.conn)]
    accepted = [one for one in every if one.outcome == "accepted"]
    for one in every:
        went = sum(r.amount_minor for r in back if r.payment_id == one.payment_id)
        went += sum(
            row["amount_minor"] - row["unbooked_minor"]
            for row in lost
            if row["payment_id"] == one.payment_id
        )
        if one.outcome == "returned" and went != one.paid.minor:
            wrong.append(f"{one.reference} was returned, and {went} went back")
        if one.outcome == "accepted" and order.status == "refunded" and went != PRICE.minor:
            wrong.append(f"the order is refunded, and {went} went back")
    if any(each.status != "done" for each in back):
        wrong.append("a refund is not done")
    alive = ("to_ship", "shipped", "received", "closed", "refunded")
    if len(accepted) != (order.status in alive):
        wrong.append(f"{order.status} with {len(accepted)} accepted payments")
    return wrong


@dataclass
class Walked:
    """How much was walked: `ends` are the paths whose ends were looked at, `steps` the events that
    happened."""

    ends: list[tuple[str, ...]] = field(default_factory=list)
    steps: int = 0
    wrong: list[str] = field(default_factory=list)


async def walk(
    world: World,
    depth: int,
    walked: Walked,
    path: tuple[str, ...] = (),
    only: Callable[[Event], bool] = lambda event: True,
) -> None:
    """Every path of up to `depth` events from here, each tried and taken back.

    `only` chooses the first event, so that a walk can be shared out.
    """
    await _look(world, walked, path)
    if depth == 0:
        return
    for event in EVENTS:
        if not path and not only(event):
            continue
        attempt = world.conn.transaction()
        await attempt.start()
        try:
            after = await event(world)
        except (NotNow, Refused):  # it changed nothing: the paths from here are walked already
            pass
        else:
            walked.steps += 1
            await walk(after, depth - 1, walked, (*path, event.__name__), only)
        finally:
            await attempt.rollback()


async def _look(world: World, walked: Walked, path: tuple[str, ...]) -> None:
    attempt = world.conn.transaction()
    await attempt.start()
    try:
        await left_alone(world)
        wrong = await faults(world)
    finally:
        await attempt.rollback()
    walked.ends.append(path)
    walked.wrong += [f"{' > '.join(path) or 'nothing'}: {fault}" for fault in wrong]


__all__ = [
    "EVENTS",
    "OneConnection",
    "Walked",
    "World",
    "accepted",
    "faults",
    "left_alone",
    "opened",
    "walk",
]
