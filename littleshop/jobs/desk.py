"""The command `held`: what was given up, for whoever runs the installation without a console."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from uuid import UUID

from littleshop import config, db
from littleshop.clock import Clock
from littleshop.jobs import queue


def command(arguments: list[str]) -> int:
    """List the held jobs, try one again, or drop one with a reason."""
    parser = argparse.ArgumentParser(prog="littleshop held")
    parser.add_argument("--retry", type=UUID, metavar="ID", help="try it again · 再试一次")
    parser.add_argument("--drop", type=UUID, metavar="ID", help="it need not be done · 不做了")
    parser.add_argument("--why", default="", help="the reason for dropping · 原因")
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args(arguments)
    if told.drop and not told.why.strip():
        parser.error("--drop needs --why")
    return asyncio.run(_run(told, config.read()))


async def _run(told: argparse.Namespace, settings: config.Settings) -> int:
    database = await db.open_database(settings.database_url, size=1, name="littleshop held")
    try:
        async with database.connection() as conn:
            return await _act(conn, told)
    finally:
        await database.close()


async def _act(conn: db.Connection, told: argparse.Namespace) -> int:
    try:
        if told.retry:
            await queue.release(conn, told.retry)
        elif told.drop:
            await queue.drop(conn, told.drop, told.why, at=Clock().now())
    except queue.Unknown:
        print("no such held job · 没有这个任务", file=sys.stderr)
        return 1
    rows = await queue.held(conn)
    if told.json:
        print(json.dumps([_plain(row) for row in rows], ensure_ascii=False))
        return 0
    for row in rows:
        print(f"{row.id}  {row.name}  {row.attempts}x  {row.held_at:%Y-%m-%d %H:%M}  {row.fault}")
    print(f"{len(rows)} held · {len(rows)} 个任务等人处理")
    return 0


def _plain(row: queue.HeldJob) -> dict[str, object]:
    return {
        "id": str(row.id),
        "name": row.name,
        "attempts": row.attempts,
        "held_at": row.held_at.isoformat(),
        "fault": row.fault,
    }
