"""The command that shows what was given up."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from littleshop import db, jobs
from littleshop.jobs import Task, desk
from tests.test_jobs import START, Diary, TestClock, clock, defer

__all__ = ["clock"]


def asked(**told: object) -> argparse.Namespace:
    return argparse.Namespace(**({"retry": None, "drop": None, "why": "", "json": True} | told))


async def test_what_was_held_is_listed_tried_again_or_dropped_with_a_reason(
    database: db.Database, clock: TestClock, capsys: pytest.CaptureFixture[str]
) -> None:
    await defer(database, "send", at=START)
    broken = Diary(ValueError("no"), ValueError("no"))
    await jobs.drain(database, {"send": Task(broken.write)}, clock)
    async with database.connection() as conn:
        assert await desk._act(conn, asked()) == 0
        (listed,) = json.loads(capsys.readouterr().out)
        assert listed["name"] == "send"
        assert await desk._act(conn, asked(retry=UUID(listed["id"]))) == 0
    clock.pass_time(hours=1)
    await jobs.drain(database, {"send": Task(broken.write)}, clock)
    async with database.connection() as conn:
        assert await desk._act(conn, asked(drop=UUID(listed["id"]), why="asked by phone")) == 0
        assert await desk._act(conn, asked(retry=uuid4())) == 1
        assert await jobs.held(conn) == []
    assert clock.at - START == timedelta(hours=1)
