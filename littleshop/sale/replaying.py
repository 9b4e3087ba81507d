"""Replaying: what a seller did where there was no signal is done once when there is one again.

The phone gives each act an id and says what it saw. An act whose ground has moved meanwhile is not
done: the answer says how things stand, and the seller chooses. What was done already, because only
the answer was lost, is answered as done.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.catalog import prices, products, stock
from littleshop.catalog.products import Variant
from littleshop.errors import Conflict, NotFound, Refused
from littleshop.sale import shipping
from littleshop.shop import shop_acts
from littleshop.trade import deliveries, offline_acts, orders
from littleshop.trade.offline_acts import Known

State = Literal["done", "conflict", "refused"]
PATIENCE = 10.0  # seconds that a press waits for an equal one before it
RIGHTS = {"ship": "ship", "price": "goods", "stock": "goods"}


class _Quicker(Exception):
    """Another process has done the same act meanwhile: what we did is undone, its answer holds."""


class _Turn:
    """Equal presses of this process that are under way."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.presses = 0


_turns: dict[tuple[int, int, UUID], _Turn] = {}


class Act(msgspec.Struct, frozen=True):
    """`ship`: an order's number, the tracking number and its carrier. `price` and `stock`: a kind
    of a product, what was seen and what it shall be (minor units; pieces)."""

    kind: Literal["ship", "price", "stock"]
    order: int = 0
    number: str = ""
    carrier: str = ""
    product: UUID | None = None
    choice: tuple[str, ...] = ()
    seen: int = 0
    wanted: int = 0


class Answer(msgspec.Struct, frozen=True):
    """What became of an act; `code` names the sentence that `details` fill, `now` is how it
    stands (minor units, pieces), `order` which one."""

    state: State
    code: str = ""
    now: int = 0
    order: int = 0
    details: dict[str, str | int] = {}


async def replay(
    database: db.Database, shop_id: int, person_id: UUID, act_id: UUID, act: Act, at: datetime
) -> Answer:
    """Do it, or say why not; the second time, also one that came at the same moment, says what the
    first said. Presses of one act wait for one another outside of the pool.

    Raises Conflict for a known id with other content; NotFound; db.Unavailable when the first was
    not done within PATIENCE.
    """
    async with _in_turn(database, shop_id, act_id):
        return await _replay(database, shop_id, person_id, act_id, act, at)


@asynccontextmanager
async def _in_turn(database: db.Database, shop_id: int, act_id: UUID) -> AsyncIterator[None]:
    """Of one act one press at a time in this process; of the other processes each has one that
    waits for the first one's row."""
    place = (id(database), shop_id, act_id)
    turn = _turns.setdefault(place, _Turn())
    turn.presses += 1
    try:
        try:
            await asyncio.wait_for(turn.lock.acquire(), PATIENCE)
        except TimeoutError as fault:
            raise db.Unavailable("another press of the same act takes long") from fault
        try:
            yield
        finally:
            turn.lock.release()
    finally:
        turn.presses -= 1
        if not turn.presses:
            del _turns[place]


async def _replay(
    database: db.Database, shop_id: int, person_id: UUID, act_id: UUID, act: Act, at: datetime
) -> Answer:
    content = hashlib.sha256(msgspec.json.encode(act)).digest()

    async def once(conn: db.Connection) -> Answer:
        known = await offline_acts.find(conn, shop_id, act_id)
        if known is not None:
            return _again(known, content)
        answer = await _do(conn, shop_id, person_id, act, at)
        told = Known(content, msgspec.to_builtins(answer))
        if await offline_acts.keep(conn, shop_id, act_id, person_id, act.kind, told, at):
            return answer
        raise _Quicker

    async def again(conn: db.Connection) -> Answer:
        known = await offline_acts.find(conn, shop_id, act_id)
        assert known is not None  # we waited until it was written
        return _again(known, content)

    try:
        return await database.transaction(once)
    except _Quicker:
        return await database.transaction(again)
    except NotFound:
        raise
    except Refused as no:
        return await _refused(database, shop_id, person_id, act_id, act, content, no, at)


def _again(known: Known, content: bytes) -> Answer:
    if known.content_hash != content:
        raise Conflict("this act's id was used for another one")
    return msgspec.convert(known.answer, Answer)


async def _refused(
    database: db.Database,
    shop_id: int,
    person_id: UUID,
    act_id: UUID,
    act: Act,
    content: bytes,
    no: Refused,
    at: datetime,
) -> Answer:
    """Nothing was done; that it was refused is kept as any other answer."""
    details = {name: each for name, each in no.details.items() if isinstance(each, str | int)}
    answer = Answer("refused", no.code, order=act.order, details=details)
    told = Known(content, msgspec.to_builtins(answer))

    async def keep(conn: db.Connection) -> Answer:
        if await offline_acts.keep(conn, shop_id, act_id, person_id, act.kind, told, at):
            return answer
        known = await offline_acts.find(conn, shop_id, act_id)
        assert known is not None
        return _again(known, content)

    return await database.transaction(keep)


async def _do(conn: db.Connection, shop_id: int, person_id: UUID, act: Act, at: datetime) -> Answer:
    if act.kind == "ship":
        return await _ship(conn, shop_id, person_id, act, at)
    variant = await _kind(conn, shop_id, act)
    now = variant.price_minor if act.kind == "price" else variant.on_hand
    if now == act.wanted:
        return Answer("done", now=now)
    if now != act.seen:
        return Answer("conflict", f"{act.kind}_moved", now=now)
    if act.kind == "price":
        done = await prices.change(
            conn, shop_id, variant.variant_id, seen_minor=act.seen, to_minor=act.wanted
        )
        if not done:
            return Answer("conflict", "price_moved", now=now)
    else:
        await stock.move(
            conn, shop_id, variant.variant_id, act.wanted - now,
            reason="counted", at=at, person_id=person_id,
        )  # fmt: skip
    title = (await products.get(conn, shop_id, variant.product_id)).title
    what = "product_priced" if act.kind == "price" else "stock_corrected"
    await shop_acts.note(
        conn, shop_id, person_id, what, at=at, subject=str(variant.product_id), title=title
    )
    return Answer("done", now=act.wanted)


async def _kind(conn: db.Connection, shop_id: int, act: Act) -> Variant:
    """Raises Refused variant_gone_offline."""
    assert act.product is not None
    if not await prices.is_own(conn, shop_id, act.product):
        raise Refused("variant_gone_offline")
    await prices.lock(conn, shop_id, act.product)
    for each in await products.variants(conn, shop_id, act.product):
        if each.choice == act.choice:
            return each
    raise Refused("variant_gone_offline")


async def _ship(
    conn: db.Connection, shop_id: int, person_id: UUID, act: Act, at: datetime
) -> Answer:
    order = await orders.by_number(conn, shop_id, act.order)
    if order is None:
        raise Refused("offline_no_order")
    order = await orders.lock(conn, shop_id, order.order_id)
    number = shipping.tracking_number(act.number)
    sent = {
        each.tracking_number for each in await deliveries.of_order(conn, shop_id, order.order_id)
    }
    if order.status != "to_ship":
        same = number in sent
        return Answer("done" if same else "conflict", "" if same else f"order_{order.status}",
                      order=act.order)  # fmt: skip
    await shipping.ship(conn, shop_id, order.order_id, carrier=act.carrier, number=number, at=at)
    await shop_acts.note(
        conn, shop_id, person_id, "shipped", at=at, subject=str(order.order_id), number=order.number
    )
    return Answer("done", order=act.order)
