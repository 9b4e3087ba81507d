"""What happens again and again: each name is deferred once per time, whoever looks first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from littleshop import db
from littleshop.clock import SHANGHAI
from littleshop.jobs.queue import defer


@dataclass(frozen=True, slots=True)
class Every:
    """Again after so many seconds."""

    seconds: int

    @property
    def period(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    def after(self, at: datetime) -> datetime:
        return at + self.period


@dataclass(frozen=True, slots=True)
class Daily:
    """Each day at this time of Beijing."""

    time: time
    period: timedelta = timedelta(days=1)

    def after(self, at: datetime) -> datetime:
        """The first such moment later than `at` (Beijing has kept one offset since 1991)."""
        today = datetime.combine(at.astimezone(SHANGHAI).date(), self.time, SHANGHAI)
        return today if today > at else today + self.period


class Timetable:
    """Names of jobs and when they come again; all workers of one program carry the same.

    Times missed while no worker ran are made up for once, not once each: a task that owes
    something per day looks for the days itself.
    """

    def __init__(self, rows: Mapping[str, Every | Daily]) -> None:
        self._rows = dict(rows)

    async def tick(self, conn: db.Connection, at: datetime) -> None:
        """Defer what is due, in the caller's transaction; another worker's row is passed over."""
        if not self._rows:
            return
        await self._enter(conn, at)
        names, periods = zip(*((name, row.period) for name, row in self._rows.items()), strict=True)
        due = await conn.fetch(
            "select name from timetable"
            " join unnest($2::text[], $3::interval[]) as known (name, period) using (name)"
            # a time further off than its period was written by a clock that has gone back
            " where next_at <= $1 or next_at > $1 + period"
            " for update of timetable skip locked",
            at,
            list(names),
            list(periods),
        )
        for name in sorted(row["name"] for row in due):
            await defer(conn, name, at=at, key="timetable")
            await db.run(
                conn,
                "update timetable set next_at = $2 where name = $1",
                name,
                self._rows[name].after(at),
            )

    async def _enter(self, conn: db.Connection, at: datetime) -> None:
        """Write new names; an Every begins at once, a Daily at its next time."""
        firsts = [at if isinstance(row, Every) else row.after(at) for row in self._rows.values()]
        await conn.execute(
            "insert into timetable (name, next_at) select * from unnest($1::text[],"
            " $2::timestamptz[]) on conflict on constraint timetable_pkey do nothing",
            list(self._rows),
            firsts,
        )
