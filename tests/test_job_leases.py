"""A worker that dies in the middle of a job loses nothing: its lease ends and another takes it."""

from __future__ import annotations

import asyncio
import signal
import sys

from littleshop import db, jobs
from littleshop.jobs import Task, queue
from tests.test_jobs import ROOT, Diary, TestClock, clock, defer

__all__ = ["clock"]


async def test_the_job_of_a_dead_worker_is_taken_again_when_its_lease_ends(
    database: db.Database, clock: TestClock
) -> None:
    diary = Diary()
    tasks = {"write": Task(diary.write)}
    await defer(database, "write", line="survivor")
    async with database.connection() as conn:
        [dead] = await queue.take(conn, clock.at, 10)  # taken; the worker dies before it is done
    assert await jobs.drain(database, tasks, clock) == 0
    clock.pass_time(seconds=queue.LEASE.total_seconds())
    assert await jobs.drain(database, tasks, clock) == 1
    assert diary.lines == ["survivor"] and dead.attempts == 1


DOOMED = """
import asyncio, os, signal, sys
from datetime import datetime
from littleshop import db, jobs

class Stopped:
    def now(self):
        return datetime.fromisoformat(sys.argv[2])

async def die(context, line):
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    database = await db.open_database(sys.argv[1], size=2)
    await jobs.Worker(database, {"write": jobs.Task(die)}, Stopped()).run()

asyncio.run(main())
"""


async def test_a_worker_killed_in_the_middle_of_a_job_loses_nothing(
    database: db.Database, dsn: str, clock: TestClock
) -> None:
    diary = Diary()
    tasks = {"write": Task(diary.write)}
    await defer(database, "write", line="survivor")
    doomed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DOOMED, dsn, clock.at.isoformat(), cwd=ROOT
    )
    async with asyncio.timeout(30):
        assert await doomed.wait() == -signal.SIGKILL
    assert await jobs.drain(database, tasks, clock) == 0  # the dead worker's lease
    clock.pass_time(seconds=queue.LEASE.total_seconds())
    assert await jobs.drain(database, tasks, clock) == 1
    assert diary.lines == ["survivor"]


async def test_a_job_that_takes_long_keeps_its_lease(
    database: db.Database, clock: TestClock
) -> None:
    await defer(database, "write")
    async with database.connection() as conn:
        mine = await queue.take(conn, clock.at, 1)
        clock.pass_time(seconds=50)
        await queue.extend(conn, mine, clock.at)
        clock.pass_time(seconds=50)
        assert await queue.take(conn, clock.at, 1) == []


async def test_a_worker_that_lost_its_lease_cannot_finish_the_job_of_the_next(
    database: db.Database, clock: TestClock
) -> None:
    await defer(database, "write")
    async with database.connection() as conn:
        [late] = await queue.take(conn, clock.at, 1)
        clock.pass_time(minutes=2)
        [now] = await queue.take(conn, clock.at, 1)
        await queue.finish(conn, [late])
        await queue.hold(conn, late, clock.at, "too late")
        [count] = await jobs.counts(conn)
        assert (count.running, count.held) == (1, 0)
        await queue.finish(conn, [now])
        assert await jobs.counts(conn) == []


async def test_a_job_that_kills_every_worker_is_held_in_the_end(
    database: db.Database, clock: TestClock
) -> None:
    diary = Diary()
    await defer(database, "write")
    for _ in range(3):
        async with database.connection() as conn:
            assert len(await queue.take(conn, clock.at, 1)) == 1
        clock.pass_time(minutes=2)
    await jobs.drain(database, {"write": Task(diary.write, attempts=3)}, clock)
    async with database.connection() as conn:
        [job] = await jobs.held(conn)
    assert "lost" in job.fault and diary.lines == []
