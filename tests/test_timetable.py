"""What happens again and again: once per time, whoever looks first."""

from __future__ import annotations

import asyncio
from datetime import datetime, time, timedelta

from littleshop import db, jobs
from littleshop.jobs import Task
from tests.test_jobs import START, Diary, TestClock, clock, told

__all__ = ["clock"]


async def tick(database: db.Database, timetable: jobs.Timetable, at: datetime) -> None:
    async def once(conn: db.Connection) -> None:
        await timetable.tick(conn, at)

    await database.transaction(once)


async def waiting(database: db.Database) -> dict[str, int]:
    return {count.name: count.waiting for count in await told(database)}


async def test_the_timetable_defers_once_however_many_workers_look(
    database: db.Database, clock: TestClock
) -> None:
    table = jobs.Timetable({"sweep": jobs.Every(60)})
    await asyncio.gather(*(tick(database, table, clock.at) for _ in range(5)))
    assert await waiting(database) == {"sweep": 1}
    diary = Diary()
    assert await jobs.drain(database, {"sweep": Task(diary.write)}, clock) == 1
    clock.pass_time(seconds=59)
    await tick(database, table, clock.at)
    assert await waiting(database) == {}
    clock.pass_time(seconds=1)
    await tick(database, table, clock.at)
    assert await waiting(database) == {"sweep": 1}


async def test_a_daily_job_comes_at_its_beijing_time_and_once_for_days_that_were_missed(
    database: db.Database, clock: TestClock
) -> None:
    table = jobs.Timetable({"settle": jobs.Daily(time(18, 5))})  # 10:05 UTC
    await tick(database, table, START)
    assert await waiting(database) == {}
    await tick(database, table, START + timedelta(hours=1, minutes=5))
    assert await waiting(database) == {"settle": 1}
    clock.pass_time(hours=2)
    await jobs.drain(database, {"settle": Task(Diary().write)}, clock)
    await tick(database, table, START + timedelta(days=11))
    await tick(database, table, START + timedelta(days=11, minutes=1))
    assert await waiting(database) == {"settle": 1}


async def test_a_clock_that_went_back_does_not_silence_the_timetable(
    database: db.Database, clock: TestClock
) -> None:
    table = jobs.Timetable({"sweep": jobs.Every(60)})
    await tick(database, table, START + timedelta(days=300))
    clock.pass_time(days=300)
    await jobs.drain(database, {"sweep": Task(Diary().write)}, clock)
    await tick(database, table, START)
    assert await waiting(database) == {"sweep": 1}
