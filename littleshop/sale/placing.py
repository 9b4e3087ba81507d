"""Placing an order: what waits is placed together, each order is answered for itself."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from littleshop import db, ids
from littleshop.catalog import provinces
from littleshop.crypto import Keyring
from littleshop.errors import Conflict, Refused
from littleshop.money import Money
from littleshop.pricing import facts as pricing_facts
from littleshop.pricing import quotes
from littleshop.pricing.facts import Loader, VariantFacts
from littleshop.pricing.offers import Asker
from littleshop.pricing.quotes import Agreed, Item, Quote
from littleshop.sale import discounting
from littleshop.trade import claims
from littleshop.trade.orders import Delivery

HOLD = timedelta(minutes=30)
HOLD_LAST = timedelta(minutes=10)  # the last of what can be had so many times keeps others out


class Busy(Exception):
    """More orders wait than can be placed soon; try again in a moment."""


class Said(msgspec.Struct, frozen=True):
    """What a page said beside its price: whether the shop is settled directly, which products
    can't come back without a reason, and why, and whether no rail has admitted the shop yet."""

    direct: bool
    no_return: dict[UUID, str]
    waits: bool = False


class Placing(msgspec.Struct, frozen=True):
    """What a buyer asks. `total_seen` is the sum on the page; `key` is the page's own, random;
    `device` the hash of the device's cookie; `address` where he asks from, as far as anybody
    knows. A new attempt with the same cart and phone replaces the buyer's own unpaid order."""

    shop_id: int
    items: tuple[Item, ...]
    way: str
    delivery: Delivery
    total_seen: Money
    key: str
    device: bytes
    locale: str
    note: str = ""
    cart_id: UUID | None = None
    share_code: str | None = None
    address: str | None = None
    said: Said | None = None  # None: nobody asked on a page
    waits: bool = False  # it holds nothing and is paid later: no rail has admitted the shop, or
    # (of another kind than checkout) somebody else is to pay
    kind: str = "checkout"
    spot: str = ""  # of a local delivery
    asker: Asker | None = None  # by what he has privileges and coupons here


class Placed(msgspec.Struct, frozen=True):
    """The order and the token of its link; a second press finds the same."""

    order_id: UUID
    number: int
    token: str


class Answer(msgspec.Struct, frozen=True):
    """What place_orders said of one order."""

    code: str
    order_id: UUID | None
    number: int | None
    variant_id: UUID | None
    remaining: int | None


class _Waiting(msgspec.Struct):
    order: tuple[object, ...]
    items: list[tuple[object, ...]]
    at: datetime
    future: asyncio.Future[Answer]


class Flusher:
    """One per process: while one call is in flight the next orders gather, up to `most`."""

    def __init__(self, database: db.Database, most: int = 64, bound: int = 1024) -> None:
        self._database = database
        self._most = most
        self._bound = bound
        self._queue: list[_Waiting] = []
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False

    async def place(
        self, order: tuple[object, ...], items: list[tuple[object, ...]], at: datetime
    ) -> Answer:
        """Answered only after commit. Raises Busy when the queue is full or being drained."""
        if self._closed or len(self._queue) >= self._bound:
            raise Busy
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(order, items, at, future))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return await future

    async def need_share(self, placing: Placing, quote: Quote, origin: bytes | None) -> None:
        """Raises Refused as claims.need_share; nothing is read for who uses no scarce coupon."""
        coupons = [take.claim for take in quote.takes if take.kind == "coupon"]
        if coupons:
            async with self._database.connection() as conn:
                await claims.need_share(
                    conn, placing.shop_id, coupons, placing.device, origin, placing.cart_id
                )

    async def known(self, shop_id: int, key: str, request_hash: bytes) -> Answer | None:
        """What was answered to this page's key before, if it was placed."""
        async with self._database.connection() as conn:
            return await db.one(
                conn,
                Answer,
                "select case when request_hash = $3 then 'placed' else 'conflict' end as code,"
                " order_id, number, null::uuid as variant_id, null::integer as remaining"
                " from orders where shop_id = $1 and key = $2",
                shop_id,
                ids.hashed(key),
                request_hash,
            )

    async def drain(self) -> None:
        """Take no more and place what waits (shutdown)."""
        self._closed = True
        if self._flushing is not None:
            await self._flushing

    async def _flush(self) -> None:
        try:
            while self._queue:
                batch, self._queue = self._queue[: self._most], self._queue[self._most :]
                await self._place(batch)
        finally:
            self._flushing = None

    async def _place(self, batch: list[_Waiting]) -> None:
        try:
            answers = await self._call(batch)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as fault:
            if len(batch) == 1:
                _refuse(batch, fault)
                return
            for waiting in batch:  # one that the database cannot take must not cost the others
                await self._place([waiting])
        except Exception as fault:  # the database stays away: each caller says so to his person
            _refuse(batch, fault)
        else:
            self._answer(batch, answers)

    def _answer(self, batch: list[_Waiting], answers: list[Answer]) -> None:
        for waiting, answer in zip(batch, answers, strict=True):
            if answer.code == "again":  # its cart was placed elsewhere meanwhile: replace that
                self._queue.append(waiting)
            elif not waiting.future.done():
                waiting.future.set_result(answer)

    async def _call(self, batch: list[_Waiting]) -> list[Answer]:
        at = max(waiting.at for waiting in batch)
        orders = [waiting.order for waiting in batch]
        items = [
            (asked, *item) for asked, waiting in enumerate(batch, start=1) for item in waiting.items
        ]

        async def work(conn: db.Connection) -> list[Answer]:
            return await _place_orders(conn, orders, items, at + HOLD, at)

        return await self._database.statement(work)


async def _place_orders(
    conn: db.Connection,
    orders: list[tuple[object, ...]],
    items: list[tuple[object, ...]],
    pay_by: datetime,
    at: datetime,
) -> list[Answer]:
    return await db.all(
        conn,
        Answer,
        "select code, order_id, number, variant_id, remaining"
        " from place_orders($1, $2, $3::asked_order[], $4::asked_item[]) order by asked",
        at,
        pay_by,
        orders,
        items,
    )


def _refuse(batch: list[_Waiting], fault: Exception) -> None:
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(fault)


async def place(
    flusher: Flusher, loader: Loader, keyring: Keyring, placing: Placing, at: datetime
) -> Placed:
    """Quote, compare with what the person saw, and place.

    Raises Refused: what quotes.quote raises, price_changed(now=, seen=), terms_changed,
    stock_short(left=, title=), variant_gone, shop_closed; claim_held; hold_share(left=, title=),
    hold_person, hold_address, hold_lines(left=), hold_orders(left=) when too much of what is
    scarce would be held unpaid; Conflict when the page's key was used for another order; Busy;
    db.Unavailable.
    """
    try:
        answer = await _answer(flusher, loader, keyring, placing, at)
    except Refused:
        known = await flusher.known(placing.shop_id, placing.key, _request_hash(placing, keyring))
        if known is None:
            raise
        answer = known  # the second press of a button whose first press was placed
    return _placed(keyring, placing, answer)


def _placed(keyring: Keyring, placing: Placing, answer: Answer) -> Placed:
    if answer.code == "conflict":
        raise Conflict("this page's key was used for another order")
    assert answer.order_id is not None and answer.number is not None
    return Placed(answer.order_id, answer.number, link(keyring, placing.shop_id, answer.order_id))


async def place_within(
    conn: db.Connection,
    keyring: Keyring,
    placing: Placing,
    *,
    pay_within: timedelta,
    agreed: Agreed | None = None,
    at: datetime,
) -> tuple[Placed, bool]:
    """Place one order of another kind than checkout, in the transaction of its flow, which locks
    what it claims before; and whether it is new: a second press finds the first one's.

    Raises what `place` raises, but Busy.
    """
    wanted = [item.variant_id for item in placing.items]
    facts = await pricing_facts.load(conn, placing.shop_id, wanted, placing.asker)
    quote = quotes.quote(
        facts, placing.items, placing.way, agreed, _code(placing), goes_to(placing)
    )
    if quote.total != placing.total_seen:
        raise Refused("price_changed", now=quote.total, seen=placing.total_seen)
    order = _order(placing, quote, keyring, at)
    items = [(1, *item) for item in _items(quote)]
    (answer,) = await _place_orders(conn, [order], items, at + pay_within, at)
    if answer.code == "again":  # its cart was placed elsewhere meanwhile: that is locked now
        (answer,) = await _place_orders(conn, [order], items, at + pay_within, at)
    if answer.code in ("again", "price_changed"):
        raise Refused("terms_changed")  # the shop changed between two statements: drawn anew
    _need_placed(answer, facts)
    return _placed(keyring, placing, answer), answer.order_id == order[1]


def link(keyring: Keyring, shop_id: int, order_id: UUID, role: str = "chooser") -> str:
    """A role's link token: derived, so that a message can carry it and a repeat finds it."""
    seed = str(order_id) if role == "chooser" else f"{order_id}:{role}"
    return ids.order_token(keyring.link_key, shop_id, seed)


async def _answer(
    flusher: Flusher,
    loader: Loader,
    keyring: Keyring,
    placing: Placing,
    at: datetime,
) -> Answer:
    wanted = [item.variant_id for item in placing.items]
    facts = await loader.facts(placing.shop_id, wanted, placing.asker)
    quote = quotes.quote(
        facts, placing.items, placing.way, code=_code(placing), to=goes_to(placing)
    )
    if quote.total != placing.total_seen:
        raise Refused("price_changed", now=quote.total, seen=placing.total_seen)
    if placing.said is not None and placing.said != said(quote, waits=placing.waits):
        raise Refused("terms_changed")
    order = _order(placing, quote, keyring, at)
    await flusher.need_share(placing, quote, _origin(keyring, placing.address, at))
    answer = await flusher.place(order, _items(quote), at)
    _need_placed(answer, facts)
    return answer


def where(delivery: Delivery) -> str:
    """The province's code that an order is charged for; a gift's is not known yet."""
    return provinces.code_of(delivery.province) or provinces.ELSEWHERE


def goes_to(placing: Placing) -> str:
    """The same of what is asked; of a local delivery its spot. Raises Refused local_where."""
    if placing.way == "local" and not placing.spot:
        raise Refused("local_where")
    return placing.spot if placing.way == "local" else where(placing.delivery)


def _code(placing: Placing) -> str:
    return placing.asker.code if placing.asker is not None else ""


def _need_placed(answer: Answer, facts: Mapping[UUID, VariantFacts]) -> None:
    if answer.code not in ("placed", "conflict"):
        known = facts.get(answer.variant_id) if answer.variant_id else None
        raise Refused(answer.code, left=answer.remaining, title=known.title if known else "")


def said(quote: Quote, *, waits: bool) -> Said:
    """What a page with this quote has to say."""
    facts = [line.facts for line in quote.lines if line.facts is not None]
    no_return = {each.product_id: each.no_return_why for each in facts if each.no_return_why}
    return Said(any(each.direct for each in facts), no_return, waits)


def _order(placing: Placing, quote: Quote, keyring: Keyring, at: datetime) -> tuple[object, ...]:
    delivery, order_id = placing.delivery, ids.uuid7(at)
    return (
        placing.shop_id,
        order_id,
        ids.hashed(placing.key),
        _request_hash(placing, keyring),
        keyring.index(delivery.phone),
        keyring.seal(delivery.phone),
        delivery.seal(keyring),
        "pickup" if quote.way == "local" else quote.way,  # given by hand, against a code
        quote.total.currency,
        placing.locale,
        quote.pricing_version,
        quote.goods.minor,
        quote.shipping.minor,
        quote.total.minor,
        placing.note,
        placing.cart_id,
        placing.share_code,
        ids.hashed(link(keyring, placing.shop_id, order_id)),
        placing.device,
        _origin(keyring, placing.address, at),
        placing.waits,
        placing.kind,
        *discounting.of_order(quote),
    )


def _origin(keyring: Keyring, address: str | None, at: datetime) -> bytes | None:
    """Three bytes by which orders of one address find each other within a day: enough to count
    them in one shop, and 256 addresses share each of them, another 256 tomorrow."""
    if address is None:
        return None
    return hmac.digest(keyring.link_key, f"origin:{at.date()}:{address}".encode(), "sha256")[:3]


def _request_hash(placing: Placing, keyring: Keyring) -> bytes:
    """What the page's key stands for: the same key with another hash is a Conflict."""
    asked = (
        placing.items,
        placing.way,
        placing.delivery,
        placing.total_seen,
        placing.note,
        *((placing.kind,) if placing.kind != "checkout" else ()),
        *(("waits",) if placing.kind == "invitation" and placing.waits else ()),
    )
    return hmac.digest(keyring.link_key, msgspec.json.encode(asked), "sha256")


def _items(quote: Quote) -> list[tuple[object, ...]]:
    return [
        (
            line.facts.product_id,
            line.facts.variant_id,
            line.facts.title,
            line.facts.choice,
            line.facts.photo,
            line.facts.price_minor,
            line.quantity,
            line.off,
            line.opened,
        )
        for line in quote.lines
        if line.facts is not None
    ]
