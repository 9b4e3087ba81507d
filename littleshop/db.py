"""PostgreSQL by hand: connections, transactions that are retried whole, rows as structs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import asyncpg
import msgspec

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

T = TypeVar("T")
Row = TypeVar("Row", bound=msgspec.Struct)
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

_ATTEMPTS = 6
# Prepared on each connection, and kept: asyncpg would keep a hundred for five minutes, and the
# program has several hundreds, so most of them would be parsed and planned again and again.
STATEMENTS = 512
_RETRIED = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,  # those of a server that was killed are not all gone yet
    asyncpg.IdleInTransactionSessionTimeoutError,  # the server ended the session: it was paused
    asyncpg.InvalidCachedStatementError,  # a migration ran meanwhile; the next plan is a new one
    ConnectionError,
)
# So says asyncpg of a connection that was closed, and of our own misuse of one that is open.
_AMBIGUOUS = (asyncpg.InterfaceError, asyncpg.InternalClientError)
_inside: ContextVar[bool] = ContextVar("inside_transaction", default=False)


def in_transaction() -> bool:
    """Whether this task holds a transaction open; no wire call may happen then."""
    return _inside.get()


class Unavailable(Exception):
    """The database did not come back in time; the caller may say so and ask to try again."""


class Database:
    """A pool of connections as the program's role."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self.pool = pool

    async def transaction(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work(conn)` in one transaction and commit.

        The whole of `work` is repeated on what _RETRIED names (40001, 40P01, 08xxx, 57P0x and what
        else comes and goes with a server), so it must be free of side effects outside the
        database. A connection lost during COMMIT repeats it too: what carries an id of ours finds
        its first answer. Raises Unavailable when it stays away.
        """

        async def whole(conn: Connection) -> T:
            async with conn.transaction():
                return await work(conn)

        return await self._repeat(whole)

    async def statement(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """The same for `work` that is one statement, which is a transaction by itself: the round
        trips of BEGIN and COMMIT are saved."""
        return await self._repeat(work)

    async def _repeat(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        for attempt in range(_ATTEMPTS):
            try:
                return await self._once(work)
            except _RETRIED as fault:
                if attempt == _ATTEMPTS - 1:
                    raise Unavailable(str(fault)) from fault
                await asyncio.sleep(0.05 * 2**attempt * (0.5 + random.random()))
            except TimeoutError as fault:
                raise Unavailable("no connection in time") from fault
        raise AssertionError("unreachable")

    async def _once(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        conn = await self._acquire()
        marker = _inside.set(True)
        try:
            return await work(conn)
        except _AMBIGUOUS as fault:
            if _is_open(conn):
                raise
            raise ConnectionResetError(str(fault)) from fault
        finally:
            _inside.reset(marker)
            await self.pool.release(conn)

    async def _acquire(self) -> Connection:
        try:
            async with asyncio.timeout(10):
                return await self.pool.acquire()
        except TimeoutError:
            raise
        # Of the pool, or of a connection that nobody used yet; or the server that starts anew has
        # not made its socket yet (no such file), or cannot listen fast enough (would block).
        except (*_AMBIGUOUS, OSError) as fault:
            raise ConnectionResetError(str(fault)) from fault

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection outside any transaction: each statement stands alone."""
        try:
            conn = await self._acquire()
        except (TimeoutError, *_RETRIED) as fault:
            raise Unavailable(str(fault)) from fault
        try:
            yield conn
        finally:
            await self.pool.release(conn)

    async def close(self) -> None:
        await self.pool.close()


def _is_open(conn: Connection) -> bool:
    try:
        return not conn.is_closed()
    except asyncpg.InterfaceError:  # the pool took it back when it broke
        return False


class _Kept(asyncpg.Connection):  # type: ignore[misc]  # asyncpg tells mypy nothing
    """A pooled connection. Nothing of ours changes a session (no SET, no LISTEN, no advisory lock
    on these), so there is nothing to reset between two users: a round trip less each time. What a
    transaction left open is still rolled back."""

    def get_reset_query(self) -> str:
        return ""


async def open_database(
    dsn: str, *, role: str | None = "littleshop_app", size: int = 8, name: str = "littleshop"
) -> Database:
    """A pool on `dsn` that works as `role` (None: as the owner, for migrations and tests)."""
    settings = {"application_name": name, "timezone": "UTC", "jit": "off"}
    if role:
        settings["role"] = role
    pool = await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        init=prepare,
        server_settings=settings,
        command_timeout=30,
        statement_cache_size=STATEMENTS,
        max_cached_statement_lifetime=0,
        connection_class=_Kept,
    )
    return Database(pool)


async def prepare(conn: asyncpg.Connection[asyncpg.Record]) -> None:
    """Teach a connection that jsonb is Python values."""
    await conn.set_type_codec(
        "jsonb",
        encoder=lambda value: b"\x01" + msgspec.json.encode(value),
        decoder=lambda raw: msgspec.json.decode(raw[1:]),
        schema="pg_catalog",
        format="binary",
    )


async def one(conn: Connection, row: type[Row], sql: str, *values: object) -> Row | None:
    """The one row of a statement as `row`, or None; columns must be the struct's fields."""
    record = await conn.fetchrow(sql, *values)
    return None if record is None else row(**record)


async def the_one(conn: Connection, row: type[Row], sql: str, *values: object) -> Row:
    """The row of a statement that cannot be without one, as `row`."""
    found = await one(conn, row, sql, *values)
    assert found is not None, (row.__name__, values[:2])  # which; the rest may be somebody's
    return found


async def all(conn: Connection, row: type[Row], sql: str, *values: object) -> list[Row]:
    """Every row of a statement as `row`."""
    return [row(**record) for record in await conn.fetch(sql, *values)]


async def value(conn: Connection, sql: str, *values: object) -> Any:
    """The first column of the first row, or None."""
    return await conn.fetchval(sql, *values)


async def changed(conn: Connection, sql: str, *values: object) -> bool:
    """Run a guarded write of one row; False when the row was not in the state that it leaves."""
    return await run(conn, sql, *values) == 1


async def run(conn: Connection, sql: str, *values: object) -> int:
    """Run a statement; the number of rows it touched."""
    status = await conn.execute(sql, *values)
    last = status.rsplit(" ", 1)[-1]
    return int(last) if last.isdigit() else 0
