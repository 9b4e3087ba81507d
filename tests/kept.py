"""What one test leaves to the next: an event loop, a database and warm connections to it.

A connection that is new learns every table and plans every statement anew, and a copy of the
template is 845 files: both cost more than most tests do. So after a test what it wrote is deleted
instead, and the next one works on the same connections. Whatever a test did that deleting does not
undo (a changed table, a connection that it broke or never gave back) ends all of it, and the next
test has a fresh copy.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg
import uvloop

from littleshop import db, postgres

USES = 64  # what was deleted still lies in the files: they are thrown away after so many tests
SIZE = 8  # of the pools that are kept
_open_database = db.open_database  # the program's own
_number = itertools.count(1)

# What a test does to the schema shows here; writing rows does not.
_SCHEMA = """
select concat_ws(' ',
    (select (count(*), sum(xmin::text::bigint), sum(reltuples::float8)) from pg_class),
    (select (count(*), sum(xmin::text::bigint)) from pg_constraint),
    (select (count(*), sum(xmin::text::bigint)) from pg_trigger),
    (select (count(*), sum(xmin::text::bigint)) from pg_proc
      where pronamespace = 'public'::regnamespace))"""
_WRITTEN = """
select relname from pg_class
 where relkind = 'r' and relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 0"""
_COLUMNS = """
select array_agg(attname::text order by attnum) from pg_attribute
 where attrelid = $1::text::regclass and attnum > 0 and not attisdropped and attgenerated = ''"""
_SEQUENCES = """
select format('select setval(%L, %s, %L)', s.schemaname || '.' || s.sequencename,
              coalesce(s.last_value, s.start_value), s.last_value is not null)
  from pg_sequences s"""
_STRANGERS = """
select pg_terminate_backend(pid) from pg_stat_activity
 where datname = current_database() and backend_type = 'client backend' and pid <> all ($1)"""


class Loop(uvloop.Loop):
    """The loop of every test of this process, one after another: each of them cancels its tasks
    and ends its threads as if it closed it, and connections outlive that."""

    lent = False

    def close(self) -> None:
        self.lent = False

    async def shutdown_asyncgens(self) -> None:
        """Nothing: a loop that did would warn of every later one."""

    async def shutdown_default_executor(self, *told: float | None) -> None:
        self.threads.shutdown()
        self.begin_threads()

    def begin_threads(self) -> None:
        """Threads for who comes next."""
        self.threads = ThreadPoolExecutor()
        self.set_default_executor(self.threads)

    def end(self) -> None:
        """Close it at last."""
        super().close()


_loop: list[Loop] = []
before_end: list[Callable[[], None]] = []  # what others keep open on the loop, to be closed first


def loop() -> asyncio.AbstractEventLoop:
    """The kept loop; who asks for a second one meanwhile has a loop of his own."""
    if threading.current_thread() is not threading.main_thread():
        return asyncio.SelectorEventLoop()
    if not _loop:
        _loop.append(Loop())
        _loop[0].begin_threads()
    [kept] = _loop
    if kept.lent or kept.is_running():
        return asyncio.SelectorEventLoop()
    kept.lent = True
    return kept


class _Closed:
    """The pool of a database that its user closed."""

    async def acquire(self) -> None:
        raise asyncpg.InterfaceError("pool is closed")


class Lent(db.Database):
    """A kept pool, for one test; closing it is giving it back."""

    async def close(self) -> None:
        self.pool = _Closed()


@dataclass
class Kept:
    """One database with its connections, as the template was before each test."""

    name: str
    dsn: str
    owner: asyncpg.Connection[asyncpg.Record]
    schema: str = ""
    sequences: list[str] = field(default_factory=list)
    seeds: dict[str, tuple[str, list[str], bytes]] = field(default_factory=dict)
    pools: list[asyncpg.Pool[asyncpg.Record]] = field(default_factory=list)
    lent: int = 0  # of the pools, to the test that runs
    uses: int = 0

    async def learn(self) -> None:
        """Remember how it is now."""
        self.schema = await self.owner.fetchval(_SCHEMA)
        self.sequences = [row[0] for row in await self.owner.fetch(_SEQUENCES)]
        for [table] in await self.owner.fetch(_WRITTEN):
            columns = await self.owner.fetchval(_COLUMNS, table)
            copied = io.BytesIO()
            await self.owner.copy_from_table(table, columns=columns, output=copied, format="binary")
            self.seeds[table] = (await self._sum(table), columns, copied.getvalue())

    async def _sum(self, table: str) -> str:
        rows = f"select md5(string_agg(t::text, '|' order by t::text)) from {table} t"
        return str(await self.owner.fetchval(rows))

    async def pool(self) -> asyncpg.Pool[asyncpg.Record]:
        """One that nobody has yet."""
        if self.lent == len(self.pools):
            self.pools.append((await _open_database(self.dsn, size=SIZE)).pool)
        self.lent += 1
        return self.pools[self.lent - 1]

    def _pids(self) -> list[int]:
        """Of the servers of our connections; ValueError when one was closed or not given back."""
        found = [self.owner.get_server_pid()]
        for pool in self.pools:
            if pool.is_closing():
                raise ValueError("a pool was closed")
            for holder in pool._holders:
                if holder._in_use is not None and not holder._in_use.done():
                    raise ValueError("a connection was not given back")
                if holder._con is not None and not holder._con.is_closed():
                    found.append(holder._con.get_server_pid())
        return found

    async def clean(self) -> bool:
        """Delete what was written; False when this is not enough."""
        self.lent, self.uses = 0, self.uses + 1
        if self.uses >= USES or self.owner.is_in_transaction():
            return False
        try:
            async with asyncio.timeout(20):
                await self._clean(self._pids())
                return bool(await self.owner.fetchval(_SCHEMA) == self.schema)
        except (ValueError, OSError, TimeoutError, asyncpg.PostgresError, *db._AMBIGUOUS):
            return False

    async def _clean(self, ours: list[int]) -> None:
        await self.owner.reset()
        await self.owner.fetch(_STRANGERS, ours)
        written = [row[0] for row in await self.owner.fetch(_WRITTEN)]
        changed = [one for one in self.seeds if await self._sum(one) != self.seeds[one][0]]
        gone = [one for one in written if one not in self.seeds or one in changed]
        async with self.owner.transaction():
            await self.owner.execute("set local session_replication_role = replica")
            if gone:
                await self.owner.execute(";".join(f'delete from "{one}"' for one in gone))
            for table in changed:
                _, columns, copied = self.seeds[table]
                await self.owner.copy_to_table(
                    table, columns=columns, source=io.BytesIO(copied), format="binary"
                )
        await self.owner.execute(";".join(self.sequences))

    async def remembered(self) -> Kept:
        """The same database, for a test that goes on from here many times: `clean` of what is
        returned brings it back to how it is now."""
        now = replace(self, seeds={}, uses=0)
        await now.learn()
        return now

    def end(self) -> None:
        """Let every connection go, whatever it does."""
        for pool in self.pools:
            pool.terminate()
        if not self.owner.is_closed():
            self.owner.terminate()


class Stable:
    """The kept database of this process: lent to one test after another."""

    def __init__(self, cluster: postgres.Cluster, template: str) -> None:
        self._cluster, self._template = cluster, template
        self._desk: asyncpg.Connection[asyncpg.Record] | None = None
        self._kept: Kept | None = None
        self._lent: Kept | None = None

    async def lend(self) -> Kept:
        """A database as the template is. One for a test that is no coroutine, and so has another
        loop, is not kept."""
        if not _on_kept_loop():
            self._lent = await self._make()
        elif self._kept is None:
            self._lent = self._kept = await self._make()
        else:
            self._lent = self._kept
        return self._lent

    async def _make(self) -> Kept:
        name = f"test_{os.getpid()}_{next(_number)}"
        # With wal_level = minimal copying the files is several times quicker than WAL_LOG.
        await self._ask(f"create database {name} template {self._template} strategy file_copy")
        dsn = self._cluster.dsn(name)
        owner = await asyncpg.connect(dsn, statement_cache_size=db.STATEMENTS)
        await db.prepare(owner)
        made = Kept(name, dsn, owner)
        await made.learn()
        return made

    async def take_back(self) -> None:
        """Make it as it was, or throw it away."""
        lent, self._lent = self._lent, None
        if lent is None or (lent is self._kept and await lent.clean()):
            return
        if lent is self._kept:
            self._kept = None
        lent.end()
        await self._ask(f"drop database {lent.name} with (force)")

    async def open_database(self, dsn: str, **told: Any) -> db.Database:
        """db.open_database for the test that runs: its own database has warm connections."""
        kept = self._lent
        usual = told.get("size", SIZE) == SIZE and told.get("role", "") == ""
        if kept is None or dsn != kept.dsn or not usual or not _on_kept_loop():
            return await _open_database(dsn, **told)
        return Lent(await kept.pool())

    async def _ask(self, sql: str) -> None:
        if not _on_kept_loop():
            passing = await asyncpg.connect(self._cluster.dsn())
            await passing.execute(sql)
            await passing.close()
            return
        if self._desk is None or self._desk.is_closed():
            self._desk = await asyncpg.connect(self._cluster.dsn())
        await self._desk.execute(sql)

    def end(self) -> None:
        """Let go of everything."""
        if self._kept is not None:
            self._kept.end()
        if self._desk is not None:
            self._desk.terminate()


def _on_kept_loop() -> bool:
    return bool(_loop) and asyncio.get_running_loop() is _loop[0]


def end() -> None:
    """Close the loop at last."""
    while before_end:
        before_end.pop()()
    for kept in _loop:
        kept.run_until_complete(asyncio.sleep(0))  # what was told to close does
        kept.end()
    _loop.clear()
