"""What a pass set aside becomes a job that is held, so that a person sees it and tries it again."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from littleshop import db, jobs
from littleshop.settlement.desks import Aside, Desk

JOB = "settling.look_again"


class StillAside(Exception):
    """It was tried again and stands aside as before."""


async def hold(desk: Desk, at: datetime) -> None:
    """A job for each thing set aside that has none yet, also none that a person has dropped."""
    for one in {one.what: one for one in desk.asides}.values():
        await desk.database.transaction(partial(_hold, aside=one, at=at))


async def _hold(conn: db.Connection, aside: Aside, at: datetime) -> None:
    known = await db.value(
        conn,
        "select 1 from jobs where name = $1 and arguments->>'what' = $2 limit 1",
        JOB,
        aside.what,
    )
    if not known:
        day = aside.day.isoformat() if aside.day else ""
        await jobs.defer(conn, JOB, at=at, key=aside.what, what=aside.what, day=day)


def insist(desk: Desk, what: str) -> None:
    """Raises StillAside when this pass set it aside too: its job is held, with the reason."""
    for one in desk.asides:
        if one.what == what:
            raise StillAside(f"{what}: {one.fault}")
