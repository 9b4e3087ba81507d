"""What moves on pages that are open: hints by NOTIFY, one listener per process, SSE behind it.

A hint says that something of a shop changed; the truth is the row. So hints may be lost: who
may have missed some is told to reload. NOTIFY never runs in the transaction that changed the
row (it would queue all such commits behind one another): `publish` leaves a job, and the job
notifies from a connection of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime

import asyncpg
import msgspec

from littleshop import db, jobs

CHANNEL = "live"
PUBLISH = "live.publish"
LONGEST_BYTES = 600
QUEUE_LIMIT = 32
HEARTBEAT_SECONDS = 15.0
CHECK_SECONDS = 30.0  # how often the listener asks whether the server is still there
_RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
_log = logging.getLogger(__name__)


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """A hint: what `kind` of thing happened to which `subject`, and a line to show at once."""

    kind: str
    subject: str = ""
    line: str = ""


RELOAD = Event("reload")  # something may have been missed: fetch the page's pieces anew
HEARTBEAT = Event("heartbeat")  # nothing happened; shows that both ends are there


class _Hint(msgspec.Struct, frozen=True, array_like=True):
    shop_id: int
    event: Event


def _packed(shop_id: int, event: Event) -> str:
    payload = msgspec.json.encode(_Hint(shop_id, event)).decode()
    assert len(payload.encode()) <= LONGEST_BYTES, "a hint is a line, not a page"
    return payload


async def publish(conn: db.Connection, shop_id: int, event: Event, *, at: datetime) -> None:
    """Hint at `event` once the caller's transaction has committed (within about a second).

    Equal hints that were not sent yet become one.
    """
    payload = _packed(shop_id, event)
    await jobs.defer(conn, PUBLISH, at=at, key=payload, payload=payload)


async def hint(database: db.Database, shop_id: int, event: Event) -> None:
    """Hint at once; only after the commit, from outside of any transaction."""
    assert not db.in_transaction(), "NOTIFY inside a transaction holds up every other commit"
    await _notify(database, _packed(shop_id, event))


async def _notify(database: db.Database, payload: str) -> None:
    async with database.connection() as conn:
        await conn.execute("select pg_notify($1, $2)", CHANNEL, payload)


async def _publish(context: jobs.Context, *, payload: str) -> None:
    await _notify(context.database, payload)


def tasks() -> dict[str, jobs.Task]:
    """The job of this module; a hint that is minutes old helps nobody, so it gives up soon."""
    return {PUBLISH: jobs.Task(_publish, attempts=5)}


class Events:
    """The hints of one open page, in order; never more than QUEUE_LIMIT wait."""

    def __init__(self, heartbeat_seconds: float) -> None:
        self._queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE_LIMIT)
        self._heartbeat_seconds = heartbeat_seconds

    def put(self, event: Event) -> None:
        """Give it to the page; one that does not keep up is told to reload instead."""
        if event == RELOAD or self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
            event = RELOAD
        self._queue.put_nowait(event)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            try:
                async with asyncio.timeout(self._heartbeat_seconds):
                    event = await self._queue.get()
            except TimeoutError:
                event = HEARTBEAT
            yield event


class Hub:
    """The one listener of a process and the pages that are open in it."""

    def __init__(self, dsn: str, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._dsn = dsn
        self._heartbeat_seconds = heartbeat_seconds
        self._pages: dict[int, set[Events]] = {}
        self.listening = asyncio.Event()

    @property
    def open_pages(self) -> int:
        """How many pages listen in this process."""
        return sum(len(pages) for pages in self._pages.values())

    @contextmanager
    def subscribe(self, shop_id: int) -> Iterator[Events]:
        """`with hub.subscribe(shop_id) as events: async for event in events: ...`"""
        events = Events(self._heartbeat_seconds)
        self._pages.setdefault(shop_id, set()).add(events)
        try:
            yield events
        finally:
            pages = self._pages[shop_id]
            pages.discard(events)
            if not pages:
                del self._pages[shop_id]

    async def run(self) -> None:
        """Listen until cancelled; a lost connection is made again and everybody reloads."""
        failures = 0
        while True:
            try:
                conn = await asyncpg.connect(
                    self._dsn, timeout=10, server_settings={"application_name": "littleshop live"}
                )
            except (OSError, TimeoutError, asyncpg.PostgresError) as fault:
                _log.warning("cannot listen", extra={"fault": str(fault)[:200]})
                await asyncio.sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
                failures += 1
                continue
            failures = 0
            try:
                await self._listen(conn)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                _log.warning("the listener lost its connection")
            finally:
                self.listening.clear()
                conn.terminate()

    async def _listen(self, conn: asyncpg.Connection[asyncpg.Record]) -> None:
        ended = asyncio.Event()
        conn.add_termination_listener(lambda _: ended.set())
        await conn.add_listener(CHANNEL, self._heard)
        self._reload_all()
        self.listening.set()
        while not ended.is_set():
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await ended.wait()
            except TimeoutError:
                await conn.execute("select 1", timeout=5)

    def _heard(self, conn: object, pid: int, channel: str, payload: object) -> None:
        try:
            hint = msgspec.json.decode(str(payload), type=_Hint)
        except msgspec.DecodeError:
            _log.error("a hint that nobody can read")
            return
        for events in self._pages.get(hint.shop_id, ()):
            events.put(hint.event)

    def _reload_all(self) -> None:
        for pages in self._pages.values():
            for events in pages:
                events.put(RELOAD)
