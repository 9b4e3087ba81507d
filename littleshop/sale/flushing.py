"""Flushing: orders that wait are placed together in one statement, each is answered for itself,
and what was answered to a page's key is found again."""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from littleshop import db, ids


class Busy(Exception):
    """More orders wait than can be placed soon; try again in a moment."""


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
    pay_by: datetime
    future: asyncio.Future[Answer]


class Flusher:
    """One per process: while one call is in flight the next orders gather, up to `most`."""

    def __init__(self, database: db.Database, most: int = 64, bound: int = 1024) -> None:
        self.database = database
        self._most = most
        self._bound = bound
        self._queue: list[_Waiting] = []
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False

    async def place(
        self,
        order: tuple[object, ...],
        items: list[tuple[object, ...]],
        at: datetime,
        pay_by: datetime,
    ) -> Answer:
        """Answered only after commit. Raises Busy when the queue is full or being drained."""
        if self._closed or len(self._queue) >= self._bound:
            raise Busy
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(order, items, at, pay_by, future))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return await future

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
        pay_by = max(waiting.pay_by for waiting in batch)
        orders = [waiting.order for waiting in batch]
        items = [
            (asked, *item) for asked, waiting in enumerate(batch, start=1) for item in waiting.items
        ]

        async def work(conn: db.Connection) -> list[Answer]:
            return await place_orders(conn, orders, items, pay_by, at)

        return await self.database.statement(work)


async def place_orders(
    conn: db.Connection,
    orders: list[tuple[object, ...]],
    items: list[tuple[object, ...]],
    pay_by: datetime,
    at: datetime,
) -> list[Answer]:
    """What the database says of each; orders and items as its types asked_order, asked_item."""
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


async def known(conn: db.Connection, shop_id: int, key: str, request_hash: bytes) -> Answer | None:
    """What was answered to this page's key before, if it was placed: conflict where that was
    another wish."""
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


def _refuse(batch: list[_Waiting], fault: Exception) -> None:
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(fault)
