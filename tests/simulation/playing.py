"""Playing: a whole littleshop lives its days with faults and crashes, and is compared."""

from __future__ import annotations

import contextlib
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from littleshop import installation
from littleshop.clock import SHANGHAI
from tests.flows import running
from tests.flows.running import Running
from tests.simulation import PLANTS, comparing, planting
from tests.simulation.town import Away, Town

SHOPS = 3
HOURS = (2, 6, 10, 14, 20)  # of a day in Beijing at which people act; a run is at 07:30
QUIET_HOURS = (8, 14)  # of the days after the last one
MOST_QUIET_DAYS = 45  # by then every clock has struck, every refund and payout is home
PATIENCE = 90.0
VICTIMS = ("littleshop web", "littleshop work", "postgres")
# What a day brings at least, on average, or the run says that too little happened.
LEAST = {"orders": 3.0, "paid_at_rail": 2.0, "shipped": 1.0, "received": 0.3}


def play(*, days: int, seed: int, plant: str | None) -> dict[str, Any]:
    """Play so many days; what happened, and what differs at the end."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="littleshop-simulation-") as folder:
        littleshop = running.start(Path(folder), "--empty")
        try:
            town = Town(littleshop, random.Random(seed))
            _announce_next_year(town)
            town.open(SHOPS)
            crashes = _live(town, days)
            planted = PLANTS if plant == "all" else (plant,) if plant else ()
            if "stale-payout" in planted:
                _until_somebody_was_paid(town)
            for each in planted:
                planting.plant(town, each)
            _come_to_rest(town, 3 if plant else MOST_QUIET_DAYS)  # broken books never rest
            wrong = comparing.differences(town)
            audit = littleshop.audit()
        finally:
            running.stop(littleshop)
    few = _too_few(town.happened, days)
    return {
        "seed": seed,
        "days": days,
        "plant": plant,
        "orders": town.happened["orders"],
        "crashes": crashes,
        "differences": len(wrong),
        "audit": {"ok": audit["ok"], "checked": audit["checked"]},
        "events": dict(sorted(town.happened.items())),
        "left": town.left,
        "too_few": few,
        "wrong": wrong[:50],
        "seconds": round(time.monotonic() - began, 1),
    }


def _announce_next_year(town: Town) -> None:
    """The State Council has not; an operator's table says which days are worked on, and the
    processes read it when they start."""
    year = town.now().year + 1
    planting.sql(
        town,
        "insert into calendar_overrides (day, working, reason)"
        " select day::date, extract(isodow from day) < 6, 'simulated' from generate_series("
        f"'{year}-01-01'::date, '{year}-12-31'::date, interval '1 day') as day",
    )
    for each in VICTIMS[:2]:
        town.littleshop.kill(each)
    time.sleep(1)
    town.littleshop.wait_ready(60)


def _too_few(happened: Counter[str], days: int) -> list[str]:
    return [
        f"{name}: {happened[name]} of {least * days:.0f}"
        for name, least in LEAST.items()
        if happened[name] < int(least * days)
    ]


def _live(town: Town, days: int) -> int:
    """Day after day; how many processes were killed."""
    crashes = 0
    for _ in range(days):
        _set_faults(town)
        for hour in HOURS:
            _go_to(town, hour)
            with _killing(town) as killed:
                _people_act(town, hour)
            crashes += len(killed)
            _drain(town)
    return crashes


def _people_act(town: Town, hour: int) -> None:
    for _ in range(town.chance.randrange(1, 4) if hour > 2 else 0):
        town.orders_something()
    if hour in (10, 20):
        town.sellers_ship()
        town.buyers_receive()
        town.cases_go_on()
    if hour == 14:
        town.buyers_regret()


def _set_faults(town: Town) -> None:
    """Today the rails, the bank and the vendors have this kind of day."""
    chance = town.chance
    board: dict[str, Any] = {
        "alipay": {
            "notify": {
                "delay_seconds": chance.choice((0, 0, 60, 3600)),
                "copies": chance.choice((1, 1, 2, 3)),
                "drop": chance.choice((0, 0, 1, 3)),
                "reorder": chance.random() < 0.2,
            },
            "gateway": {
                "fail": chance.choice((0, 0, 2)),
                "system_error": chance.choice((0, 0, 1)),
                "malformed": chance.choice((0, 0, 1)),
                "awkward": chance.random() < 0.3,
            },
            "fee_bps": chance.choice((0, 60)),
        },
        "bank": {
            "fail": chance.choice((0, 0, 1)),
            "reject": chance.choice((0, 0, 0, 1)),
            "return": chance.choice((0, 0, 0, 1)),
        },
        "sms": {"fail": chance.choice((0, 0, 2))},
    }
    town.littleshop.control("faults", board)
    for rail, kinds in board.items():
        if any(value not in (0, 1, False) for value in kinds.values() if value != 60):
            town.happened[f"bad_days_{rail}"] += 1


@contextlib.contextmanager
def _killing(town: Town) -> Iterator[list[str]]:
    """Somewhere in the middle of what people do, a process dies; sometimes."""
    killed: list[str] = []
    if town.chance.random() > 0.12:
        yield killed
        return
    victim, after = town.chance.choice(VICTIMS), town.chance.uniform(0.0, 1.5)

    def kill() -> None:
        if town.littleshop.children(victim):
            killed.append(victim)
        town.littleshop.kill(victim)

    timer = threading.Timer(after, kill)
    timer.start()
    try:
        yield killed
    finally:
        timer.join()
        for each in killed:
            town.happened[f"killed {each.split('.')[-1].split(' ')[-1]}"] += 1
        town.littleshop.wait_ready(60)


def _go_to(town: Town, hour: int) -> None:
    """Let the clock go on to this hour of the coming day in Beijing."""
    now = town.now().astimezone(SHANGHAI)
    wanted = now.replace(hour=hour, minute=5, second=0, microsecond=0)
    if wanted <= now:
        wanted += timedelta(days=1)
    _advance(town, wanted - now)


def _advance(town: Town, by: timedelta) -> None:
    """As `./run clock` does, without a process for it."""

    async def forward(conn: Any, _: Any) -> timedelta:
        return await installation.advance_clock(conn, by)

    offset = town.act(forward)
    seconds = int(offset.total_seconds())
    town.littleshop.control("clock", {"offset_seconds": seconds})
    time.sleep(1.1)  # every process reads the clock once a second


def _drain(town: Town) -> None:
    """Until no job is due and no clock is overdue."""
    end = time.monotonic() + PATIENCE
    while True:
        now = town.now()
        [row] = town.read(
            "select (select count(*) from jobs where held_at is null and due_at <= $1) as jobs,"
            " (select count(*) from timers where due_at <= $1 and paused_at is null) as timers",
            now,
        )
        if not row["jobs"] and not row["timers"]:
            return
        if time.monotonic() > end:
            raise Away(f"not done in time: {row}")
        time.sleep(0.1)


def _come_to_rest(town: Town, most_days: int) -> None:
    """People are gone, nothing goes wrong any more, and time passes until all is home."""
    town.littleshop.control("faults/clear")
    for _ in range(most_days):
        for hour in QUIET_HOURS:
            _go_to(town, hour)
            _drain(town)
        if not _under_way(town):
            break
    for _ in range(2):  # the last bills and statements
        for hour in QUIET_HOURS:
            _go_to(town, hour)
            _drain(town)


def _until_somebody_was_paid(town: Town) -> None:
    for _ in range(20):
        if town.read("select 1 from payouts where status = 'done' limit 1"):
            return
        town.sellers_ship()
        town.buyers_receive()
        for hour in QUIET_HOURS:
            _go_to(town, hour)
            _drain(town)
    raise AssertionError("nobody was paid in twenty days")


def _under_way(town: Town) -> int:
    [row] = town.read(
        "select (select count(*) from orders where status in ('placed', 'to_ship', 'shipped'))"
        " as orders, (select count(*) from cases where ended_at is null) as cases,"
        " (select count(*) from refunds where status = 'asked') as refunds,"
        " (select count(*) from payouts where status in ('asked', 'funded', 'sent')) as payouts"
    )
    if town.read("select 1 from cases where status = 'disputed'"):
        town.cases_go_on()
    town.left = row
    return sum(int(str(count)) for count in row.values())


__all__ = ["Running", "play"]
