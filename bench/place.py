"""Placing: the real guest checkout POST against one `place_orders` call per order from pgbench."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import ground, town
from bench.ground import CONNECTIONS, Ground
from littleshop import audit, crypto, db, http

GOALS = {"spread": 0.45, "hot": 1.0}
DEVICES_A_SECOND = 400  # measured in each pair: of 30 orders that a device may place, it does 10
_HERE = Path(__file__).parent
_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "server_version")


def measure(seconds: float, pairs: int) -> dict[str, Any]:
    """Alternating pairs of the POST and of the base, spread over all shops and on one variant.

    `ratio` is the median of spread; CPU in microseconds per placed order. Raises ground.Missing.
    """
    wrk = ground.tool("wrk", "wrk")
    pgbench = ground.tool("postgresql-contrib", "pgbench")
    with ground.ground() as place:
        asyncio.run(town.furnish(place.dsn, datetime.now(UTC)))
        with ground.serving(place) as workers:
            _devices(place, round(seconds * pairs * DEVICES_A_SECOND))
            if ground.WARM_SECONDS:
                _web(place, wrk, "spread", ground.WARM_SECONDS, 0)
                _base(place, pgbench, "spread", ground.WARM_SECONDS)
            kinds = {kind: _pairs(place, wrk, pgbench, kind, seconds, pairs) for kind in GOALS}
        settings = {name: ground.asked(place.dsn, f"show {name}") for name in _SETTINGS}
        findings = asyncio.run(_audit(place.dsn))
    return {
        "name": "place",
        "ratio": kinds["spread"]["ratio"],
        "goal": GOALS["spread"],
        "hot_ratio": kinds["hot"]["ratio"],
        "hot_goal": GOALS["hot"],
        **kinds,
        "web_workers": workers,
        "connections": CONNECTIONS,
        "shops": town.SHOPS,
        "variants_per_shop": town.VARIANTS,
        "seconds": seconds,
        "settings": settings,
        "audit_findings": findings,
    }


def _devices(place: Ground, many: int) -> None:
    """Browsers that were here before: each has a cookie of ours and orders a few times at most."""
    keyring = crypto.keys_at(place.home)
    tokens = (http.device_token(keyring) for _ in range(1000 + many))
    (place.home / "devices").write_text("".join(f"{token}\n" for token in tokens))


def _pairs(
    place: Ground, wrk: str, pgbench: str, kind: str, seconds: float, pairs: int
) -> dict[str, Any]:
    web, base = [], []
    for number in range(1, pairs + 1):
        web.append(_web(place, wrk, kind, seconds, number))
        base.append(_base(place, pgbench, kind, seconds))
    ratios = [
        round(ours["orders_per_second"] / theirs["orders_per_second"], 3)
        for ours, theirs in zip(web, base, strict=True)
    ]
    return {"ratio": ground.median(ratios, 3), "ratios": ratios, "web": web, "base": base}


def _web(place: Ground, wrk: str, kind: str, seconds: float, number: int) -> dict[str, Any]:
    """One run of wrk; only what the orders table really gained is counted."""
    seed = str(number + (100 if kind == "hot" else 0))
    command = [wrk, "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds:g}s", "--timeout", "10s"]
    command += ["-s", str(_HERE / "place.lua"), place.url, "--", seed, kind]
    command += [str(town.SHOPS), str(town.VARIANTS), str(town.FIRST_SHOP), str(town.POSTAGE_MINOR)]
    command += [str(place.home / "devices")]
    before = _state(place)
    ran = ground.run(command)
    after = _state(place)
    said = re.search(r"^RESULT (.*)$", ran.text, re.MULTILINE)
    if said is None:
        raise ground.Missing(f"wrk said nothing we know:\n{ran.text}")
    told = json.loads(said.group(1))
    placed = min(after["orders"] - before["orders"], told["answers"] - told["refused"])
    return {
        "orders": placed,
        "orders_per_second": round(placed / told["seconds"], 1),
        **told,
        "cpu_us_per_order": _cpu(before, after, ran, placed),
    }


def _base(place: Ground, pgbench: str, kind: str, seconds: float) -> dict[str, Any]:
    """One run of pgbench -M prepared on the same server."""
    at = datetime.now(UTC)
    told = {
        "first": town.FIRST_SHOP,
        "shops": 1 if kind == "hot" else town.SHOPS,
        "variants": 1 if kind == "hot" else town.VARIANTS,
        "postage": town.POSTAGE_MINOR,
        "at": f"'{at.isoformat()}'",
        "until": f"'{(at + timedelta(minutes=30)).isoformat()}'",
    }
    command = [pgbench, "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "1"]
    command += ["-T", f"{max(1, round(seconds))}", "-f", str(_HERE / "place.sql")]
    for name, value in told.items():
        command += ["-D", f"{name}={value}"]
    before = _state(place)
    ran = ground.run([*command, place.dsn])
    after = _state(place)
    rate = re.search(r"^tps = ([0-9.]+)", ran.text, re.MULTILINE)
    if rate is None:
        raise ground.Missing(f"pgbench said nothing we know:\n{ran.text}")
    placed = after["orders"] - before["orders"]
    return {
        "orders": placed,
        "orders_per_second": round(float(rate.group(1)), 1),
        "cpu_us_per_order": _cpu(before, after, ran, placed),
    }


def _state(place: Ground) -> dict[str, int]:
    return {
        "orders": int(str(ground.asked(place.dsn, "select count(*) from orders"))),
        "web": ground.cpu_micros(place.web),
        "database": ground.cpu_micros(place.postmaster),
    }


def _cpu(before: dict[str, int], after: dict[str, int], ran: ground.Ran, placed: int) -> Any:
    if not placed:
        return None
    spent = {name: after[name] - before[name] for name in ("web", "database")}
    spent["client"] = ran.cpu_micros
    return {name: round(micros / placed) for name, micros in spent.items()}


async def _audit(dsn: str) -> int:
    """How many things do not add up after all this: none."""
    database = await db.open_database(dsn, role=None, size=1, name="bench audit")
    try:
        async with database.connection() as conn:
            return len(await audit.prove(conn))
    finally:
        await database.close()
