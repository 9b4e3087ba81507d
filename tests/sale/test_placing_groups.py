"""The same requests in batches of any shape, over all shops or a call per shop: one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4

import msgspec

from littleshop import db
from littleshop.money import Money
from littleshop.pricing.quotes import Item
from littleshop.sale.flushing import Answer, Flusher
from littleshop.sale.placing import HOLD
from tests.cast import CNY, PRIYA, Town
from tests.sale.acts import neighbour
from tests.sale.passing_by import passer_by

T = TypeVar("T")
PRICE = CNY("168.00")
Request = tuple[tuple[Any, ...], list[tuple[Any, ...]]]


class Listening(Flusher):
    """Notes what it is asked to place, and places nothing."""

    def __init__(self, database: db.Database) -> None:
        super().__init__(database)
        self.requests: list[Request] = []

    async def place(
        self,
        order: tuple[object, ...],
        items: list[tuple[object, ...]],
        at: datetime,
        pay_by: datetime,
    ) -> Answer:
        self.requests.append((order, items))
        return Answer("placed", cast(UUID, order[1]), 0, None, None)


class Rehearsal:
    """A database that a flusher fills in a transaction of ours, which is then undone."""

    def __init__(self, conn: db.Connection) -> None:
        self._conn = conn
        self.calls = 0

    async def statement(self, work: Callable[[db.Connection], Awaitable[T]]) -> T:
        self.calls += 1
        return await work(self._conn)


_STATE = (
    "select array_agg((v.shop_id, variant_id, held) order by v.shop_id, variant_id)::text"
    " from variants v",
    "select array_agg(c order by c.shop_id)::text from order_counters c",
    "select array_agg((o.shop_id, number, order_id, status, cancel_reason, replaced_by)"
    " order by o.shop_id, number)::text from orders o",
    "select array_agg((i.shop_id, order_id, position, variant_id, quantity)"
    " order by i.shop_id, order_id, position)::text from order_items i",
    "select array_agg((t.shop_id, subject, kind) order by t.shop_id, subject)::text from timers t",
    "select array_agg((shop_id, phone_index) order by shop_id, phone_index)::text from customers",
    "select array_agg((shop_id, token_hash) order by shop_id, token_hash)::text from order_links",
)


class Outcome(msgspec.Struct, frozen=True):
    """What was answered, request by request, and what then stood in the database."""

    answers: list[Answer]
    state: list[str]


async def rehearse(
    owner: db.Connection, requests: list[Request], at: datetime, *, most: int, apart: bool
) -> tuple[Outcome, int]:
    """Place the requests, `most` in a call, each shop's in calls of its own or all together."""
    shops = {order[0] for order, _ in requests} if apart else {None}
    answers: dict[int, Answer] = {}
    undone = owner.transaction()
    await undone.start()
    rehearsal = Rehearsal(owner)
    for shop_id in sorted(shops, key=str):
        flusher = Flusher(cast(db.Database, rehearsal), most)
        mine = [n for n, (order, _) in enumerate(requests) if shop_id in (None, order[0])]
        told = await asyncio.gather(*(flusher.place(*requests[n], at, at + HOLD) for n in mine))
        answers.update(zip(mine, told, strict=True))
    state = [await owner.fetchval(sql) for sql in _STATE]
    await undone.rollback()
    return Outcome([answers[n] for n in range(len(requests))], state), rehearsal.calls


def many(thing: Item, pieces: int) -> tuple[list[Item], Money]:
    return [Item(thing.variant_id, pieces)], PRICE * pieces


async def a_busy_minute(town: Town, owner: db.Connection) -> list[Request]:
    """Requests to three shops: last pieces, repeats, an own order replaced, things that changed."""
    shops = [
        town,
        await neighbour(town, "隔壁", "gebi", "+8613900001002"),
        await neighbour(town, "对门", "duimen", "+8613900001003"),
    ]
    listening = Listening(town.database)
    for shop in shops:
        bowl, cup = await shop.stock(pieces=3), await shop.stock("杯", CNY("48.00"), 4)
        gone, dear = await shop.stock("壶"), await shop.stock("盘")
        plate = await shop.stock("碟", pieces=12)
        cart, hers = uuid4(), passer_by(1)
        used = "page 3" if shop is shops[2] else "page 1"  # nothing is placed in the last one
        await shop.place([bowl], PRICE, cart_id=cart)
        asks = replace(shop)
        asks.flusher, asks.loader = listening, shop.loader
        pair = Money(PRICE.minor + 4800, "CNY")
        wishes: list[tuple[list[Item], Money, dict[str, Any]]] = [
            ([bowl], PRICE, {"key": "page 1"}),
            ([cup], CNY("48.00"), {"key": "page 2"}),
            ([bowl], PRICE, {"key": "page 1"}),  # the second press
            ([cup], CNY("48.00"), {"key": used}),  # one key, another thing
            ([bowl, cup], pair, {"who": PRIYA}),
            ([bowl], PRICE, {"cart_id": cart}),  # replaces
            ([gone], PRICE, {"key": "page 4", "cart_id": cart}),  # replaces nothing
            ([gone], PRICE, {"key": "page 4", "cart_id": cart}),  # the second press of a refusal
            ([cup], CNY("48.00"), {"cart_id": cart}),  # replaces what replaced
            ([bowl], PRICE, {"cart_id": cart, "who": PRIYA}),  # hers, whatever the cart
            ([cup, dear], pair, {}),
            ([bowl], PRICE, {"who": PRIYA}),
            ([Item(cup.variant_id, 2)], CNY("96.00"), {}),
            ([cup], CNY("48.00"), {}),
            (*many(plate, 11), hers),  # too large a share
            (*many(plate, 6), hers | {"cart_id": cart}),
            (*many(plate, 5), hers),
            (*many(plate, 9), hers | {"cart_id": cart}),
        ]
        for items, total, more in wishes:
            await asks.place(items, total, **more)
        await owner.execute(
            "update variants set withdrawn = true where variant_id = $1", gone.variant_id
        )
        await owner.execute(
            "update variants set price_minor = price_minor + 1 where variant_id = $1",
            dear.variant_id,
        )
    await owner.execute("update shops set status = 'paused' where shop_id = $1", shops[2].shop_id)
    each = len(listening.requests) // 3
    return [listening.requests[shop * each + n] for n in range(each) for shop in range(3)]


async def test_batches_of_any_shape_and_calls_per_shop_answer_the_same(
    town: Town, owner: db.Connection
) -> None:
    """One call of all, a few at a time, one by one; over all shops as on one server, or a call
    per shop as on a sharded cluster."""
    requests = await a_busy_minute(town, owner)
    together, calls = await rehearse(owner, requests, town.at, most=64, apart=False)
    assert calls == 1
    assert {answer.code for answer in together.answers} == {
        "placed",
        "conflict",
        "stock_short",
        "variant_gone",
        "price_changed",
        "shop_closed",
        "hold_share",
        "hold_orders",
    }
    for most in (1, 5, 64):
        for apart in (False, True):
            again, calls = await rehearse(owner, requests, town.at, most=most, apart=apart)
            assert again == together, (most, apart)
            assert calls >= (3 if apart else 1)
