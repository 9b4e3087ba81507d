"""Playing in the past: flows as they are, with nobody told today and nothing seen half done.

A transaction here holds a whole life of an order, or a whole shop: the workers, whose clocks
stand at today, never see a timer that should have struck weeks ago, and a kill leaves no halves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from littleshop import db, jobs
from littleshop.notify import live, messages
from littleshop.pay import payments
from littleshop.sale import refunding, tracking

T = TypeVar("T")
RAIL_ANSWERS = timedelta(seconds=40)  # how long a refund was under way


class Held(db.Database):
    """One open transaction as a database: what flows begin in it are savepoints."""

    def __init__(self, conn: db.Connection) -> None:
        self._conn = conn

    async def transaction(self, work: Callable[[db.Connection], Awaitable[T]]) -> T:
        """Run `work` in the held transaction; what it raises undoes its own part only."""
        async with self._conn.transaction():
            return await work(self._conn)

    async def statement(self, work: Callable[[db.Connection], Awaitable[T]]) -> T:
        """One statement is part of the held transaction too."""
        return await self.transaction(work)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[db.Connection]:
        """The connection that holds the transaction."""
        yield self._conn


class Past(db.Database):
    """A database whose transactions do their own jobs: the player is the worker of the past."""

    def __init__(self, database: db.Database) -> None:
        super().__init__(database.pool)

    async def transaction(self, work: Callable[[db.Connection], Awaitable[T]]) -> T:
        """Run `work` and what it deferred, and commit both."""

        async def whole(conn: db.Connection) -> T:
            with jobs.set_aside() as deferred:
                answer = await work(conn)
                while deferred:
                    done, deferred[:] = list(deferred), []
                    await _do(conn, done)
            return answer

        return await super().transaction(whole)


async def _do(conn: db.Connection, deferred: Sequence[jobs.Deferred]) -> None:
    """What the workers would have done at the time. Wires of the past are told in bulk later."""
    told: dict[int, list[UUID]] = {}
    for job in deferred:
        match job.name:
            case messages.DELIVER:
                message = UUID(job.arguments["message_id"])
                told.setdefault(int(job.arguments["shop_id"]), []).append(message)
            case "paying.close":
                shop_id, reference = int(job.arguments["shop_id"]), job.arguments["reference"]
                await payments.close(conn, shop_id, reference)
            case refunding.SEND:
                shop_id, refund = int(job.arguments["shop_id"]), UUID(job.arguments["refund_id"])
                at = job.at + RAIL_ANSWERS
                await refunding.hear(conn, shop_id, refund, at)
            case tracking.SUBSCRIBE:
                pass  # of what is still on its way the service is told when the past is over
            case live.PUBLISH | "opening.send_identity" | "opening.send_card":
                pass  # no page was open; the authority's answer is played with the opening
            case _:
                raise AssertionError(f"nobody does {job.name} in the past")
    for shop_id, ids in told.items():
        await messages.told(conn, shop_id, ids)


async def done(conn: db.Connection, name: str) -> datetime | None:
    """When a step of the town was done, or None."""
    at: datetime | None = await db.value(
        conn, "select done_at from town_steps where name = $1", name
    )
    return at


async def mark(conn: db.Connection, name: str, at: datetime) -> datetime:
    """Note that a step is done; the first time stands and is answered."""
    await db.run(
        conn,
        "insert into town_steps (name, done_at) values ($1, $2)"
        " on conflict on constraint town_steps_pkey do nothing",
        name,
        at,
    )
    known = await done(conn, name)
    assert known is not None
    return known
