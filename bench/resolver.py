"""`bench resolver`: every interleaving around a payment, each path in a database of its own.

./test walks the same tree with savepoints; here nothing is shared, so what a rollback might hide
would be seen. The figure is how many ends there are and whether all of them are right.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from littleshop import db, migrate, postgres
from littleshop.errors import Refused
from tests.cast import Town, keyring
from tests.simulation import interleavings
from tests.simulation.interleavings import EVENTS, Event, NotNow, OneConnection, Walked

DEPTH = 4  # as ./test walks with savepoints
QUICK = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}


def measure(seconds: float, pairs: int) -> dict[str, Any]:
    """Walk; `ratio` is the share of ends that are right, the goal is all of them."""
    del seconds, pairs
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="littleshop-resolver-") as folder,
        postgres.running(Path(folder), settings=QUICK) as cluster,
    ):
        asyncio.run(_template(cluster))
        paths, wrong = asyncio.run(_walk(cluster))
    return {
        "name": "resolver",
        "ratio": (paths - len(wrong)) / paths,
        "goal": 1,
        "depth": DEPTH,
        "events": len(EVENTS),
        "ends": paths,
        "wrong": wrong[:20],
        "seconds": round(time.monotonic() - began, 1),
    }


async def _template(cluster: postgres.Cluster) -> None:
    conn = await asyncpg.connect(cluster.dsn())
    await conn.execute("create database resolver_template")
    await conn.close()
    await migrate.migrate(cluster.dsn("resolver_template"))


async def _walk(cluster: postgres.Cluster) -> tuple[int, list[str]]:
    """Find the paths that can happen, by savepoints, and play each anew from nothing."""
    found = await _possible(cluster)
    events = {event.__name__: event for event in EVENTS}
    wrong = [
        f"{' > '.join(path)}: {one}"
        for path in found
        for one in await _play(cluster, [events[name] for name in path])
    ]
    return len(found), wrong


async def _possible(cluster: postgres.Cluster) -> list[tuple[str, ...]]:
    conn = await asyncpg.connect(cluster.dsn("resolver_template"))
    try:
        await db.prepare(conn)
        await conn.transaction().start()  # and never ended: closing takes all of it back
        town, walked = Town(OneConnection(conn), keyring()), Walked()
        await town.open_shop()
        await interleavings.walk(await interleavings.opened(town), DEPTH, walked)
        return walked.ends
    finally:
        await conn.close()


async def _play(cluster: postgres.Cluster, path: Sequence[Event]) -> list[str]:
    """Play a path in a fresh database; what is wrong with its end."""
    admin = await asyncpg.connect(cluster.dsn())
    await admin.execute("create database lane template resolver_template strategy file_copy")
    conn = await asyncpg.connect(cluster.dsn("lane"))
    try:
        await db.prepare(conn)
        town = Town(OneConnection(conn), keyring())
        await town.open_shop()
        world = await interleavings.opened(town)
        for event in path:
            world = await event(world)
        await interleavings.left_alone(world)
        return await interleavings.faults(world)
    except (NotNow, Refused) as fault:
        return [f"it does not happen here: {fault!r}"]
    finally:
        await conn.close()
        await admin.execute("drop database lane with (force)")
        await admin.close()
