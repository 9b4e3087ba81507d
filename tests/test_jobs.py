"""A job is done once it was promised, again when it failed, and never disappears."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from littleshop import db, jobs
from littleshop.errors import GatewayError
from littleshop.jobs import Task, queue

ROOT = Path(__file__).parents[1]
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class TestClock:
    """A clock that a test moves."""

    __test__ = False

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def pass_time(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


class Diary:
    """A task that writes down what it was asked, and fails as often as it was told to."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.lines: list[object] = []
        self._written = asyncio.Event()

    async def write(self, context: jobs.Context, line: object = None) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.lines.append(line)
        self._written.set()

    async def has(self, count: int) -> None:
        """Let the worker run until so many lines are written."""
        async with asyncio.timeout(10):
            while len(self.lines) < count:
                self._written.clear()
                await self._written.wait()


async def defer(database: db.Database, name: str, **arguments: object) -> None:
    at = arguments.pop("at", START)
    assert isinstance(at, datetime)
    key = arguments.pop("key", None)
    assert key is None or isinstance(key, str)

    async def ask(conn: db.Connection) -> None:
        await jobs.defer(conn, name, at=at, key=key, **arguments)

    await database.transaction(ask)


async def told(database: db.Database) -> list[jobs.JobCount]:
    async with database.connection() as conn:
        return await jobs.counts(conn)


async def test_a_job_is_done_when_the_transaction_that_asked_has_committed(
    database: db.Database, clock: TestClock
) -> None:
    diary = Diary()
    await defer(database, "write", line={"two": [2, "二"]})
    await defer(database, "write", at=START - timedelta(seconds=1), line="one")
    assert await jobs.drain(database, {"write": Task(diary.write)}, clock) == 2
    assert diary.lines == ["one", {"two": [2, "二"]}]
    assert await told(database) == []


async def test_a_transaction_that_rolls_back_takes_its_job_with_it(
    database: db.Database, clock: TestClock
) -> None:
    async def change_of_mind(conn: db.Connection) -> None:
        await jobs.defer(conn, "write", at=START, line="never")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await database.transaction(change_of_mind)
    assert await jobs.drain(database, {"write": Task(Diary().write)}, clock) == 0


async def test_a_job_waits_for_its_time(database: db.Database, clock: TestClock) -> None:
    diary = Diary()
    await defer(database, "write", at=START + timedelta(hours=1), line="later")
    assert await jobs.drain(database, {"write": Task(diary.write)}, clock) == 0
    clock.pass_time(hours=1)
    assert await jobs.drain(database, {"write": Task(diary.write)}, clock) == 1


async def test_two_who_ask_for_the_same_before_it_began_get_one_job_at_the_earlier_time(
    database: db.Database, clock: TestClock
) -> None:
    diary = Diary()
    await defer(database, "write", key="order 7", at=START + timedelta(hours=1), line="a")
    await defer(database, "write", key="order 7", line="b")
    await defer(database, "write", key="order 8", line="c")
    assert await jobs.drain(database, {"write": Task(diary.write)}, clock) == 2
    assert sorted(map(str, diary.lines)) == ["a", "c"]


async def test_who_asks_while_the_same_job_already_runs_gets_another_run(
    database: db.Database, clock: TestClock
) -> None:
    count = 0

    async def ask_again(context: jobs.Context) -> None:
        nonlocal count
        count += 1
        if count == 1:
            await defer(database, "again", key="k")

    await defer(database, "again", key="k")
    assert await jobs.drain(database, {"again": Task(ask_again)}, clock) == 2


async def test_a_twin_that_joins_a_waiting_job_is_never_overtaken_by_it(
    database: db.Database, clock: TestClock
) -> None:
    """The job must not begin between the twin's defer and its commit: it would read too early."""
    await defer(database, "write", key="k", line="first")
    async with database.connection() as conn, conn.transaction():
        await jobs.defer(conn, "write", at=START, key="k", line="twin")
        assert await jobs.drain(database, {"write": Task(Diary().write)}, clock) == 0
    assert await jobs.drain(database, {"write": Task(Diary().write)}, clock) == 1


async def test_a_fault_of_the_outside_is_tried_again_later_and_later(
    database: db.Database, clock: TestClock
) -> None:
    diary = Diary(*(GatewayError("busy", retryable=True) for _ in range(3)))
    tasks = {"write": Task(diary.write, first_wait=timedelta(seconds=10))}
    await defer(database, "write", line="at last")
    waits = []
    for _ in range(3):
        assert await jobs.drain(database, tasks, clock) == 0
        [count] = await told(database)
        assert count.waiting == 1 and count.oldest_due_at is not None
        waits.append((count.oldest_due_at - clock.at).total_seconds())
        clock.pass_time(seconds=waits[-1] - 0.001)
        assert await jobs.drain(database, tasks, clock) == 0
        clock.pass_time(seconds=0.001)
    assert waits == [10, 20, 40]
    assert await jobs.drain(database, tasks, clock) == 1
    assert diary.lines == ["at last"]


def test_the_wait_is_spread_by_chance_and_ends_at_the_longest() -> None:
    task = Task(Diary().write, first_wait=timedelta(seconds=10), longest_wait=timedelta(minutes=1))
    assert task.wait(1, 0.0) == timedelta(seconds=5)
    assert task.wait(1, 1.0) == timedelta(seconds=10)
    assert task.wait(500, 1.0) == timedelta(minutes=1)


async def test_after_its_last_attempt_a_job_is_held_and_can_be_released(
    database: db.Database, clock: TestClock
) -> None:
    diary = Diary(*(GatewayError("busy", retryable=True) for _ in range(2)))
    tasks = {"write": Task(diary.write, attempts=2)}
    await defer(database, "write", line="held")
    await jobs.drain(database, tasks, clock)
    clock.pass_time(hours=2)
    await jobs.drain(database, tasks, clock)
    async with database.connection() as conn:
        [job] = await jobs.held(conn)
        assert (job.name, job.arguments, job.attempts) == ("write", {"line": "held"}, 2)
        assert job.fault == "GatewayError: busy"
        await jobs.release(conn, job.id)
        assert await jobs.held(conn) == []
    assert await jobs.drain(database, tasks, clock) == 1
    assert diary.lines == ["held"]


async def test_a_fault_that_no_repeat_can_mend_is_held_at_once(
    database: db.Database, clock: TestClock
) -> None:
    diary = Diary(KeyError("order"), GatewayError("bad key", retryable=False))
    await defer(database, "write")
    await defer(database, "write")
    await jobs.drain(database, {"write": Task(diary.write)}, clock)
    [count] = await told(database)
    assert (count.waiting, count.running, count.held) == (0, 0, 2)


@pytest.mark.parametrize(
    "fault",
    [
        db.Unavailable("[Errno 2] No such file or directory"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("got result for unknown protocol state 3"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.IdleInTransactionSessionTimeoutError("terminating connection"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
        asyncpg.InvalidCachedStatementError("cached statement plan is invalid"),
        asyncpg.PostgresIOError("could not read block 0"),
        asyncpg.OutOfMemoryError("out of memory"),
        asyncpg.QueryCanceledError("canceling statement due to user request"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_whatever_a_database_says_that_dies_and_comes_back_no_person_is_asked(
    database: db.Database, clock: TestClock, fault: Exception
) -> None:
    diary = Diary(fault)
    tasks = {"payouts.run": Task(diary.write)}
    await defer(database, "payouts.run", line="paid")
    assert await jobs.drain(database, tasks, clock) == 0
    [count] = await told(database)
    assert (count.waiting, count.held) == (1, 0)
    clock.pass_time(hours=2)
    assert await jobs.drain(database, tasks, clock) == 1
    assert diary.lines == ["paid"]


async def test_a_dropped_job_keeps_its_row_and_the_reason(
    database: db.Database, owner: db.Connection, clock: TestClock
) -> None:
    await defer(database, "write")
    await jobs.drain(database, {"write": Task(Diary(KeyError("x")).write)}, clock)
    async with database.connection() as conn:
        [job] = await jobs.held(conn)
        await jobs.drop(conn, job.id, "the order was cancelled", at=clock.at)
        assert await jobs.held(conn) == [] and await jobs.counts(conn) == []
        with pytest.raises(jobs.Unknown):
            await jobs.release(conn, job.id)
    why = await db.value(owner, "select dropped_why from jobs where id = $1", job.id)
    assert why == "the order was cancelled"


async def test_a_name_nobody_knows_waits_for_a_newer_worker_and_then_is_held(
    database: db.Database, clock: TestClock
) -> None:
    await defer(database, "from_tomorrow", line="x")
    await jobs.drain(database, {}, clock)
    [count] = await told(database)
    assert count.waiting == 1
    for _ in range(6):
        clock.pass_time(hours=1)
        await jobs.drain(database, {}, clock)
    [count] = await told(database)
    assert count.held == 1


async def test_two_workers_never_take_the_same_job(database: db.Database) -> None:
    for _ in range(40):
        await defer(database, "write")

    async def take() -> list[uuid.UUID]:
        async with database.connection() as conn:
            return [job.id for job in await queue.take(conn, START, 10)]

    taken = [job for some in await asyncio.gather(*(take() for _ in range(6))) for job in some]
    assert len(taken) == len(set(taken)) == 40


async def test_a_worker_does_what_comes_and_stops_when_asked(
    database: db.Database, clock: TestClock
) -> None:
    diary = Diary()
    worker = jobs.Worker(database, {"write": Task(diary.write)}, clock)
    running = asyncio.create_task(worker.run())
    for number in range(200):
        await defer(database, "write", line=number)
    worker.wake()
    await diary.has(200)
    await worker.stop()
    await running
    assert sorted(map(str, diary.lines)) == sorted(map(str, range(200)))
    assert await told(database) == []


async def test_a_stopping_worker_gives_back_what_does_not_end_in_time(
    database: db.Database, clock: TestClock
) -> None:
    begun = asyncio.Event()

    async def endless(context: jobs.Context) -> None:
        begun.set()
        await asyncio.Event().wait()

    await defer(database, "endless")
    worker = jobs.Worker(database, {"endless": Task(endless)}, clock)
    running = asyncio.create_task(worker.run(grace_seconds=0.01))
    await begun.wait()
    await worker.stop()
    await running
    async with database.connection() as conn:
        [job] = await queue.take(conn, clock.at, 1)
    assert job.attempts == 1  # the interrupted attempt was not counted


async def test_a_long_job_holds_up_nobody_and_its_own_worker_never_takes_it_twice(
    database: db.Database, clock: TestClock
) -> None:
    diary, release = Diary(), asyncio.Event()

    async def long(context: jobs.Context) -> None:
        await release.wait()

    tasks = {"long": Task(long), "write": Task(diary.write)}
    await defer(database, "long")
    worker = jobs.Worker(database, tasks, clock)
    running = asyncio.create_task(worker.run())
    for number in range(5):
        await defer(database, "write", line=number)
    worker.wake()
    await diary.has(5)
    clock.pass_time(days=11)  # the demo's clock jumps; the worker does not take its own again
    await defer(database, "write", line="after")
    worker.wake()
    await diary.has(6)
    release.set()
    await worker.stop()
    await running
    assert await told(database) == []


async def test_the_worker_outlives_a_database_that_throws_it_out(
    database: db.Database, owner: asyncpg.Connection[asyncpg.Record], clock: TestClock
) -> None:
    diary = Diary()
    worker = jobs.Worker(database, {"write": Task(diary.write)}, clock)
    running = asyncio.create_task(worker.run())
    await defer(database, "write", line="before")
    await defer(database, "write", at=START + timedelta(minutes=1), line="after")
    worker.wake()
    await diary.has(1)
    await owner.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
        " and backend_type = 'client backend'"
    )
    clock.pass_time(minutes=1)
    worker.wake()
    await diary.has(2)
    await worker.stop()
    await running
