"""`bench settle`: a business day's run that pays many shops, as the worker does it.

One shop sells through the flows and is copied with all its rows, so that every shop has whole
books which the audit proves. The bank stands on paper: what is measured is ours. `ratio` is the
time per shop of a tenth of the town against that of the whole town, from the same run: 1 when a
shop costs the same however many there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from bench import ground
from bench.ground import Ground
from littleshop import audit, db
from littleshop.clock import SHANGHAI
from littleshop.settlement import payouts, settling
from littleshop.settlement.desks import Desk
from tests.cast import CNY, Town, keyring
from tests.settlement import paper_bank
from tests.settlement.paper_bank import PaperBank

SHOPS, ORDERS = 10_000, 10  # orders of each shop
PRICE = CNY("168.00")
GOAL = 0.8
MOST = 25  # texts of statements that are shown
SOLD, PAID, HEARD = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25)
_TABLES = """
    select c.oid::regclass::text as name,
           array_agg(a.attname::text order by a.attnum) as columns
      from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
       and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
       and exists (select from pg_index i join pg_attribute s on s.attrelid = c.oid
                    where i.indrelid = c.oid and i.indisprimary and s.attname = 'shop_id'
                      and s.attnum = i.indkey[0])
     group by c.oid"""


def measure(seconds: float, pairs: int) -> dict[str, Any]:
    """A tenth of the shops, then all of them; seconds, peak memory and statements per shop."""
    del seconds, pairs
    with ground.ground() as place:
        small = asyncio.run(_leg(place, "tenth", max(SHOPS // 10, 1)))
        whole = asyncio.run(_leg(place, "whole", SHOPS))
    return {
        "name": "settle",
        "ratio": round(small["ms_per_shop"] / whole["ms_per_shop"], 3),
        "goal": GOAL,
        **whole,
        "tenth": small,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


class Counting:
    """Statements by their text, as asyncpg tells of them."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def __call__(self, told: Any) -> None:
        self.seen[" ".join(told.query.split())[:70]] += 1


@contextlib.asynccontextmanager
async def _town(place: Ground, name: str) -> AsyncIterator[tuple[Town, Counting]]:
    """A database like this ground's fresh one, and what is asked of it."""
    owner = await asyncpg.connect(place.dsn)
    await owner.execute(f"create database {name} template {_name(place)}")
    await owner.close()
    dsn = _dsn(place, name)
    counting = Counting()
    database = db.Database(await _pool(dsn, counting))
    try:
        town = Town(database, keyring())
        await town.open_shop()
        await paper_bank.verify(town)
        for number in range(ORDERS):
            await paper_bank.sells(town, PRICE, f"SF14082231{number:05}")
        yield town, counting
    finally:
        await database.close()


async def _pool(dsn: str, counting: Counting) -> asyncpg.Pool[asyncpg.Record]:
    """One connection in the program's role, as the worker has it, of which all is counted."""

    async def prepare(conn: asyncpg.Connection[asyncpg.Record]) -> None:
        await db.prepare(conn)
        conn.add_query_logger(counting)

    async def reset(_: object) -> None:
        """As in the program: nothing changes a session."""

    settings = {"role": "littleshop_app", "timezone": "UTC", "jit": "off"}
    return await asyncpg.create_pool(
        dsn, min_size=1, max_size=1, max_queries=10**9, init=prepare, reset=reset,
        server_settings=settings,
    )  # fmt: skip


def _name(place: Ground) -> str:
    return urlsplit(place.dsn).path.removeprefix("/")


def _dsn(place: Ground, name: str) -> str:
    """The address of a database beside the ground's own."""
    return urlsplit(place.dsn)._replace(path=f"/{name}").geturl()


async def _leg(place: Ground, name: str, shops: int) -> dict[str, Any]:
    async with _town(place, name) as (town, counting):
        await _copy(town, _dsn(place, name), shops)
        bank = PaperBank()
        bank.lump(SOLD, PRICE * (ORDERS * shops))
        counting.seen.clear()
        began = _cpu(place)
        spent = {"paying_out": await _settle(town, bank, PAID)}
        asked = Counter(counting.seen)
        async with town.database.connection() as conn:
            for shop_id in [row["shop_id"] for row in await conn.fetch(_PAID_SHOPS)]:
                (payout,) = await payouts.of_shop(conn, shop_id)
                bank.pays(PAID, payout)
        counting.seen.clear()
        spent["hearing"] = await _settle(town, bank, HEARD)
        asked += counting.seen
        cpu = {who: round((now - began[who]) / shops, 2) for who, now in _cpu(place).items()}
        async with town.database.connection() as conn:
            findings = len(await audit.prove(conn))
            done = await db.value(conn, "select count(*) from payouts where status = 'done'")
            closed = await db.value(conn, "select closed_at from runs where run_on = $1", PAID)
    assert (done, closed is not None) == (shops, True), (done, shops, closed)
    return {
        "shops": shops,
        "orders": shops * ORDERS,
        "payouts": done,
        "seconds": round(sum(spent.values()), 1),
        "seconds_of": {step: round(value, 1) for step, value in spent.items()},
        "ms_per_shop": round(sum(spent.values()) * 1000 / shops, 3),
        "cpu_ms_per_shop": cpu,
        "statements_per_shop": round(sum(asked.values()) / shops, 2),
        "statements_not_per_shop": sum(many for many in asked.values() if many < shops // 2),
        "statements": {text: round(many / shops, 2) for text, many in asked.most_common(MOST)},
        "audit_findings": findings,
    }


_PAID_SHOPS = "select shop_id from payouts order by shop_id"


def _cpu(place: Ground) -> dict[str, float]:
    """CPU so far in milliseconds; what a busy machine makes of the seconds is not in it."""
    return {
        "program": time.process_time() * 1000,
        "database": ground.cpu_micros(place.postmaster) / 1000,
    }


async def _settle(town: Town, bank: PaperBank, day: date) -> float:
    """The run of this day, as far as it goes; seconds."""
    paper_bank.beijing(town, day, 8)
    bank.today = town.at.astimezone(SHANGHAI).date()
    desk: Desk = paper_bank.desk(town, bank)
    began = time.monotonic()
    await settling.open_run(desk, day, town.at)
    await settling.advance(desk, town.at)
    took = time.monotonic() - began
    assert not desk.asides, desk.asides[:3]
    return took


async def _copy(town: Town, dsn: str, shops: int) -> None:
    """The town's shop so many times, with every row that it has."""
    owner = await asyncpg.connect(dsn)
    try:
        await owner.execute("set session_replication_role = replica")  # whole books at once
        async with owner.transaction():
            for table in await owner.fetch(_TABLES):
                others = [name for name in table["columns"] if name != "shop_id"]
                taken = [f"{name} || '-' || s" if name == "slug" else name for name in others]
                await owner.execute(
                    f"insert into {table['name']} (shop_id, {', '.join(others)})"
                    f" select s, {', '.join(taken)} from {table['name']},"
                    f" generate_series($2::bigint + 1, $2::bigint + $1::bigint - 1) as s"
                    f" where shop_id = $2",
                    shops,
                    town.shop_id,
                )
        await owner.execute("vacuum analyze")
    finally:
        await owner.close()
