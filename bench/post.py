"""`bench post`: journals of four transfers through `journals.post` against pgbench making the same
inserts and updates in one transaction, on the same server, turn about."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from bench import ground, town
from bench.ground import Ground
from littleshop import audit, db
from littleshop.ledger import chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money

GOAL = 0.5
CLIENTS = 8
SHOPS = 200
_HERE = Path(__file__).parent
# An order of one payment received: what came, what the seller gets, what we keep, what the rail
# keeps. No account falls below zero.
CLEARING = chart.gateway_clearing("alipay")
TRANSFERS = [
    Transfer(CLEARING, chart.ESCROW, Money(10000, "CNY")),
    Transfer(chart.ESCROW, chart.PAYABLE, Money(9400, "CNY")),
    Transfer(chart.ESCROW, chart.COMMISSION, Money(600, "CNY")),
    Transfer(chart.GATEWAY_FEE, CLEARING, Money(60, "CNY")),
]


def measure(seconds: float, pairs: int) -> dict[str, Any]:
    """Alternating pairs; `ratio` is the median of ours by pgbench's. Raises ground.Missing."""
    pgbench = ground.tool("postgresql-contrib", "pgbench")
    with ground.ground() as place:
        asyncio.run(town.furnish(place.dsn, datetime.now(UTC), shops=SHOPS, variants=1))
        asyncio.run(_each_shop_once(place))  # pgbench's updates find the accounts
        if ground.WARM_SECONDS:
            asyncio.run(_ours(place, ground.WARM_SECONDS))
        ours, base = [], []
        for _ in range(pairs):
            ours.append(asyncio.run(_ours(place, seconds)))
            base.append(_base(place, pgbench, seconds))
        kept = asyncio.run(_kept(place))
    ratios = [round(mine / theirs, 3) for mine, theirs in zip(ours, base, strict=True)]
    return {
        "name": "post",
        "ratio": ground.median(ratios, 3),
        "goal": GOAL,
        "ratios": ratios,
        "journals_per_second": ours,
        "pgbench_per_second": base,
        "transfers_of_a_journal": len(TRANSFERS),
        "clients": CLIENTS,
        "shops": SHOPS,
        **kept,
    }


async def _each_shop_once(place: Ground) -> None:
    database = await db.open_database(place.dsn, size=1, name="bench post")
    at = datetime.now(UTC)
    for shop_id in range(town.FIRST_SHOP, town.FIRST_SHOP + SHOPS):
        await database.transaction(lambda conn, shop_id=shop_id: _post(conn, shop_id, at))  # type: ignore[misc]
    await database.close()


async def _ours(place: Ground, seconds: float) -> float:
    """Journals a second by so many clients of one process, each in a transaction of its own."""
    database = await db.open_database(place.dsn, size=CLIENTS, name="bench post")
    end = time.monotonic() + seconds
    counts = await asyncio.gather(*(_client(database, number, end) for number in range(CLIENTS)))
    await database.close()
    return round(sum(counts) / seconds, 1)


async def _client(database: db.Database, number: int, end: float) -> int:
    done, at = 0, datetime.now(UTC)
    while time.monotonic() < end:
        shop_id = town.FIRST_SHOP + (number + done * CLIENTS) % SHOPS
        await database.transaction(lambda conn, shop_id=shop_id: _post(conn, shop_id, at))  # type: ignore[misc]
        done += 1
    return done


async def _post(conn: db.Connection, shop_id: int, at: datetime) -> None:
    posted = await journals.post(
        conn,
        shop_id,
        kind="bench",
        reference=str(uuid4()),
        value_on=date(2026, 11, 23),
        booked_at=at,
        transfers=TRANSFERS,
    )
    assert posted


def _base(place: Ground, pgbench: str, seconds: float) -> float:
    """The same writes as plain statements, in one round trip each, prepared."""
    command = [pgbench, "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1"]
    command += ["-T", f"{max(1, round(seconds))}", "-f", str(_HERE / "post.sql")]
    command += ["-D", f"first={town.FIRST_SHOP}", "-D", f"shops={SHOPS}"]
    ran = ground.run([*command, place.dsn])
    rate = re.search(r"^tps = ([0-9.]+)", ran.text, re.MULTILINE)
    if rate is None:
        raise ground.Missing(f"pgbench said nothing we know:\n{ran.text}")
    return round(float(rate.group(1)), 1)


async def _kept(place: Ground) -> dict[str, Any]:
    """What is written now, and whether accounts and transfers agree."""
    conn = await asyncpg.connect(place.dsn)
    try:
        await db.prepare(conn)
        about_money = {"account_is_its_transfers", "trial_balance", "journal_moves"}
        findings = [one for one in await audit.prove(conn) if one.rule in about_money]
        return {
            "journals": await conn.fetchval("select count(*) from journals"),
            "findings": len(findings),
        }
    finally:
        await conn.close()
