"""Who does the jobs: a worker that polls, and a drain that does all that is due."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from littleshop import db
from littleshop.config import Settings
from littleshop.errors import GatewayError
from littleshop.jobs import queue
from littleshop.jobs.queue import TakenJob
from littleshop.jobs.timetable import Timetable

BATCH = 64  # taken ahead of the hands that do them, so that a turn is two statements for many
AWAKE_SECONDS = 5.0  # how long a worker polls quickly after it had something to do
POLL_BUSY_SECONDS, POLL_IDLE_SECONDS = 0.2, 1.0
BEAT_SECONDS = queue.LEASE.total_seconds() / 4
PATIENT_FAULTS = (
    db.Unavailable,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,  # no connection, memory or room for a moment
    asyncpg.PostgresSystemError,  # its disk failed it
    asyncpg.ReadOnlySQLTransactionError,  # another server is just taking over
    asyncpg.IdleInTransactionSessionTimeoutError,  # these two ended the session
    asyncpg.TransactionTimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidCachedStatementError,  # a migration ran meanwhile
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # so says asyncpg of a connection closed while it slept
    ConnectionError,
    TimeoutError,
)
_log = logging.getLogger(__name__)


class Clock(Protocol):
    """Whatever tells the time: the real one, the demo's, or a test's."""

    def now(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a task may use. `at` is when this attempt began; `attempt` counts from 1."""

    database: db.Database
    clock: Clock
    at: datetime
    job_id: UUID
    attempt: int
    settings: Settings | None = None
    wires: Any = None  # what the process opened for the outside; tasks.py knows its type


@dataclass(frozen=True, slots=True)
class Task:
    """The function of a job and how patiently it is repeated.

    `run(context, **arguments)`; after `attempts` faults that a repeat may mend, or one that it
    cannot mend, the job is held. The wait doubles from `first_wait` to `longest_wait`.
    """

    run: Callable[..., Awaitable[None]]
    attempts: int = 10
    first_wait: timedelta = timedelta(seconds=5)
    longest_wait: timedelta = timedelta(hours=1)

    def wait(self, attempt: int, chance: float) -> timedelta:
        """How long to wait after `attempt` (from 1); `chance` in 0..1 spreads the upper half."""
        full = min(self.first_wait * 2.0 ** min(attempt - 1, 30), self.longest_wait)
        return full * (0.5 + chance / 2)


def retryable(fault: BaseException) -> bool:
    """Whether the same job may go better later: the outside or the database was away."""
    if isinstance(fault, GatewayError):
        return fault.retryable
    return isinstance(fault, PATIENT_FAULTS)


@dataclass(frozen=True, slots=True)
class Hands:
    """Does one taken job and writes down how it ended; the same for worker and drain."""

    database: db.Database
    tasks: Mapping[str, Task]
    clock: Clock
    settings: Settings | None = None
    wires: Any = None
    chance: Callable[[], float] = random.random

    async def do(self, job: TakenJob) -> bool:
        """Whether it was done; if not, it now waits for its next attempt or is held."""
        task = self.tasks.get(job.name, _UNKNOWN)
        context = Context(
            self.database,
            self.clock,
            self.clock.now(),
            job.id,
            job.attempts,
            self.settings,
            self.wires,
        )
        try:
            if job.attempts > task.attempts:
                raise GatewayError("the worker was lost while it ran", retryable=False)
            if task is _UNKNOWN:  # a newer program may have asked; its worker is about to start
                raise GatewayError(f"no task is called {job.name}", retryable=True)
            await task.run(context, **job.arguments)
        except Exception as fault:
            await self._failed(job, task, fault)
            return False
        return True

    async def _failed(self, job: TakenJob, task: Task, fault: Exception) -> None:
        at = self.clock.now()
        patient = retryable(fault)
        again = patient and job.attempts < task.attempts
        _log.log(
            logging.WARNING if again else logging.ERROR,
            "job to be repeated" if again else "job held",
            extra={"job": job.name, "job_id": str(job.id), "attempt": job.attempts},
            exc_info=None if patient else fault,
        )
        said = f"{type(fault).__name__}: {fault}"[:500]
        due_at = at + task.wait(job.attempts, self.chance())

        async def write(conn: db.Connection) -> None:
            if again:
                await queue.put_back(conn, job, due_at, said)
            else:
                await queue.hold(conn, job, at, said)

        await self.database.transaction(write)


async def _nothing(context: Context, **arguments: object) -> None:
    """Never runs: a name that this program does not know is repeated, then held."""


_UNKNOWN = Task(_nothing, attempts=6)


class Worker:
    """Takes due jobs and does `concurrency` of them at a time until it is stopped.

    Each turn finishes what was done and takes what is due in one transaction, so under load a
    turn carries as many jobs as were done during the last one. Nothing is lost by a kill: the
    leases end by the clock and another worker takes the jobs again.
    """

    def __init__(
        self,
        database: db.Database,
        tasks: Mapping[str, Task],
        clock: Clock,
        *,
        settings: Settings | None = None,
        wires: Any = None,
        timetable: Timetable | None = None,
        concurrency: int = 6,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._clock = clock
        self._hands = Hands(database, tasks, clock, settings, wires, chance)
        self._timetable = timetable
        self._free = asyncio.Semaphore(concurrency)
        self._running: dict[UUID, tuple[TakenJob, asyncio.Task[None]]] = {}
        self._done: list[TakenJob] = []
        self._stir = asyncio.Event()
        self._stopping = False
        self._busy_until = self._beat_at = self._look_at = self._tick_at = 0.0

    def wake(self) -> None:
        """Look for jobs now (something was deferred in this process)."""
        self._look_at = 0.0
        self._stir.set()

    async def stop(self) -> None:
        """Take nothing more; `run` ends when what runs has ended or its grace is over."""
        self._stopping = True
        self._stir.set()

    async def run(self, grace_seconds: float = 20.0) -> None:
        """Work until `stop`; a database that is away is waited for."""
        while not self._stopping:
            self._stir.clear()
            try:
                await self._turn()
            except PATIENT_FAULTS as fault:
                _log.warning("the database is away", extra={"fault": str(fault)[:200]})
                self._look_at = time.monotonic() + POLL_IDLE_SECONDS
            await self._rest()
        await self._end(grace_seconds)

    async def _turn(self) -> None:
        """One transaction: what was done leaves, what is due comes, what still runs is kept."""
        now, at = time.monotonic(), self._clock.now()
        looking = now >= self._look_at
        room = BATCH - len(self._running) if looking else 0
        done = list(self._done)
        running = [job for job, _ in self._running.values()]
        beating = bool(running) and now >= self._beat_at
        ticking = looking and now >= self._tick_at

        async def write(conn: db.Connection) -> list[TakenJob]:
            if done:
                await queue.finish(conn, done)
            if beating:
                await queue.extend(conn, running, at)
            if ticking and self._timetable is not None:
                await self._timetable.tick(conn, at)
            if room <= 0:
                return []
            mine = [job.id for job in running] + [job.id for job in done]
            return await queue.take(conn, at, room, but=mine)

        taken = await self._database.transaction(write) if done or beating or looking else []
        del self._done[: len(done)]
        if beating:
            self._beat_at = now + BEAT_SECONDS
        if ticking:
            self._tick_at = now + POLL_IDLE_SECONDS
        for job in taken:
            self._running[job.id] = (job, asyncio.create_task(self._do(job)))
        self._plan(now, took=len(taken), full=room > 0 and len(taken) == room)

    def _plan(self, now: float, *, took: int, full: bool) -> None:
        """When to look again: at once while more is waiting, else by how busy it was lately."""
        if took:
            self._busy_until = now + AWAKE_SECONDS
        if now < self._look_at:
            return
        pause = POLL_BUSY_SECONDS if now < self._busy_until else POLL_IDLE_SECONDS
        self._look_at = now if full else now + pause

    async def _rest(self) -> None:
        """Sleep until it is time to look, or something was done, or somebody calls."""
        until = max(self._look_at - time.monotonic(), 0.0)
        if len(self._running) >= BATCH:
            until = max(until, POLL_BUSY_SECONDS)  # no room: only an end can change that
        try:
            async with asyncio.timeout(until):
                await self._stir.wait()
        except TimeoutError:
            pass

    async def _do(self, job: TakenJob) -> None:
        try:
            async with self._free:
                if await self._hands.do(job):
                    self._done.append(job)
        except PATIENT_FAULTS:  # its end could not be written: the lease ends, it runs again
            _log.warning("job left to its lease", extra={"job": job.name, "job_id": str(job.id)})
        finally:
            del self._running[job.id]
            self._stir.set()

    async def _end(self, grace_seconds: float) -> None:
        """Let what runs end in time; what does not, or never began, goes back to the others."""
        left = {task: job for job, task in self._running.values()}
        if left:
            _, late = await asyncio.wait(left, timeout=grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            left = {task: job for task, job in left.items() if task in late}
        done, at = list(self._done), self._clock.now()

        async def write(conn: db.Connection) -> None:
            await queue.finish(conn, done)
            for job in left.values():
                await queue.put_back(conn, job, at)

        try:
            await self._database.transaction(write)
        except PATIENT_FAULTS:
            _log.warning("stopped without the database: the leases end by themselves")


async def drain(
    database: db.Database,
    tasks: Mapping[str, Task],
    clock: Clock,
    *,
    settings: Settings | None = None,
    wires: Any = None,
    concurrency: int = 1,
) -> int:
    """Do everything that is due until nothing is, oldest first; how many were done.

    What fails waits or is held exactly as with a worker, so it is not tried twice here unless
    the clock moves. Jobs of one millisecond have no order among them, here as with a worker.
    """
    hands = Hands(database, tasks, clock, settings, wires, lambda: 1.0)
    count = 0
    done: list[TakenJob] = []
    while True:

        async def turn(conn: db.Connection, done: list[TakenJob] = done) -> list[TakenJob]:
            if done:
                await queue.finish(conn, done)
            return await queue.take(conn, clock.now(), BATCH)

        taken = await database.transaction(turn)
        count += len(done)
        done = []
        if not taken:
            return count
        for start in range(0, len(taken), concurrency):
            some = taken[start : start + concurrency]
            ends = await asyncio.gather(*(hands.do(job) for job in some))
            done += [job for job, end in zip(some, ends, strict=True) if end]
