"""Playing: a whole littleshop lives its days with faults and crashes, and is compared."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import chinese_calendar

from littleshop import db, installation
from littleshop.clock import SHANGHAI
from littleshop.demo.clock import QUIET
from tests.flows import running
from tests.simulation import (
    comparing,
    evidence,
    faults,
    holding,
    kinds,
    letters,
    planting,
    referred,
    resold,
    sure,
    teams,
)
from tests.simulation.people import People
from tests.simulation.rails import RAILS, moved
from tests.simulation.selling import SHARED_OUT
from tests.simulation.town import OWN, Away, Town

SHOPS = 3
# Of a day in Beijing: after the bank's and the run's morning, after the bills, before the cut-off,
# at night.
HOURS = (8, 12, 16, 21)
QUIET_HOUR = 14  # of the days after the last one
CALM_DAYS = 3  # in a row, and nothing is under way: the last bills and statements are read
MOST_QUIET_DAYS = 45  # by then every clock has struck, every refund and payout is home
PATIENCE = 90.0
SEES_THE_CLOCK = 1.05  # every process reads it once a second
# What a day brings at least, on average, or the run says that too little happened.
LEAST = {"orders": 4.0, "shipped": 1.0, "received": 0.3}
LEAST_OF_A_RAIL = {"orders": 0.5, "paid": 0.3, "refunds": 0.05}
MOST_SURELY = 2  # rails and kinds of order that chance may leave for who surely pays, in any run


def play(*, days: int, seed: int, plant: str | None, escrow: str = OWN) -> dict[str, Any]:
    """Play so many days; what happened, and what differs at the end."""
    began = time.monotonic()
    with town_of(seed, escrow=escrow) as town:
        live(town, days)
        sure.everything_is_paid_once(town)
        drain(town)
        come_to_rest(town, MOST_QUIET_DAYS, hurry=plant is not None)
        if plant is not None:
            planting.plant(town, plant)
            come_to_rest(town, 1)  # broken books never rest
        return told(town, days, plant) | {"seed": seed, "seconds": round(time.monotonic() - began)}


@contextlib.contextmanager
def town_of(seed: int, shops: int = SHOPS, *, escrow: str = OWN) -> Iterator[Town]:
    """A running littleshop with open shops; ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="littleshop-simulation-") as folder:
        littleshop = running.start(Path(folder), "--empty", told={"LITTLESHOP_ESCROW": escrow})
        rails = RAILS if escrow == OWN else holding.INSTITUTIONS
        town = Town(littleshop, random.Random(seed), rails, escrow)
        try:
            with town.phase("opening"):
                _announce_years(town)
                _open_shops(town, shops)
            yield town
        finally:
            town.close()
            running.stop(littleshop)


def _open_shops(town: Town, shops: int) -> None:
    """Where institutions hold the money the first shop is admitted at once, the last one refused
    by both at first, and what is sold pays a commission."""
    held = town.escrow != OWN
    for number in range(shops):
        if held and number == shops - 1:
            town.littleshop.control("faults", holding.REFUSING)
        town.open(1)
        if held and number == 0:
            holding.Sellers(town).are_admitted()
    if held:
        planting.sql(town, "update shops set commission_bps = 300 where shop_id > 0")
    for shop in town.shops:
        teams.offer(town, shop)
    if not held:
        _tie_shops(town)


def _tie_shops(town: Town) -> None:
    """Each shop's neighbour sells one of its goods, and its owner shares it."""
    for supplier, reseller in resold.neighbours(town):
        resold.offer(town, supplier)
        resold.list_(town, supplier, reseller)
        referred.bring(town, supplier)


def told(town: Town, days: int, plant: str | None = None) -> dict[str, Any]:
    """What happened and what differs, as `--json` gives it."""
    with town.phase("comparing"):
        audit = town.littleshop.audit()
        books = town.books()
        wrong = comparing.differences(town, audit, books)
        by_rail = _by_rail(town, books)
        by_kind = kinds.counted(town)
        beside = {
            "teams": teams.counted(town),
            "letters": letters.counted(town),
            "resold": resold.counted(town),
            "referred": referred.counted(town),
        }
        held = holding.counted(town, books) if town.escrow != OWN else {}
    too_few = _too_few(town.happened, by_rail, days) + kinds.too_few(by_kind, days)
    only_surely = sure.needed(town)
    if len(only_surely) > MOST_SURELY:
        too_few.append(f"nobody paid by chance: {', '.join(only_surely)}")
    return {
        "days": days,
        "plant": plant,
        "orders": town.happened["orders"],
        "crashes": sum(many for name, many in town.happened.items() if name.startswith("killed")),
        "differences": len(wrong),
        "audit": {"ok": audit["ok"], "checked": audit["checked"]},
        "rails": by_rail,
        "kinds": by_kind,
        **beside,
        "held": held,
        "events": dict(sorted(town.happened.items())),
        "left": town.left,
        "only_surely": only_surely,
        "too_few": too_few + (holding.too_few(held, days) if held else []),
        "wrong": wrong[:50],
        "evidence": evidence.keep(town, books, wrong) if wrong and plant is None else None,
        "spent": {name: round(seconds, 1) for name, seconds in town.spent.items()},
    }


def _announce_years(town: Town) -> None:
    """The State Council has not spoken of years to come; an operator's table says which days are
    worked on, and the processes read it when they start."""
    now = town.now().year
    known = {day.year for day in chinese_calendar.constants.holidays}
    for year in {now, now + 1} - known:
        planting.sql(
            town,
            "insert into calendar_overrides (day, working, reason)"
            " select day::date, extract(isodow from day) < 6, 'simulated' from generate_series("
            f"'{year}-01-01'::date, '{year}-12-31'::date, interval '1 day') as day",
        )
    for each in faults.VICTIMS[:2]:
        town.littleshop.kill(each)
    time.sleep(1)
    town.littleshop.wait_ready(60)


def _by_rail(town: Town, books: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The count of what really happened on each rail, by its own books and our notices."""
    notices = Counter(
        {
            row["gateway"]: row["many"]
            for row in town.read("select gateway, count(*) as many from notices group by gateway")
        }
    )
    read = Counter(
        {
            row["gateway"]: row["many"]
            for row in town.read(
                "select gateway, count(*) as many from bills where compared_at is not null"
                " group by gateway"
            )
        }
    )
    counted = {}
    for rail in town.rails:
        taken, back = moved(books, rail)
        counted[rail] = {
            "orders": town.happened[f"orders {rail}"],
            "paid": len(taken),
            "refunds": len(back),
            "notices": notices[rail],
            "bills": read[rail],
            "switched_off": town.happened[f"switched_off {rail}"],
        }
    if "stripe" in counted:
        counted["stripe"]["chargebacks"] = len(books["stripe"]["disputes"])
    return counted


def _too_few(happened: Counter[str], by_rail: dict[str, dict[str, int]], days: int) -> list[str]:
    wanted = [(name, happened[name], least) for name, least in LEAST.items()]
    wanted += [
        (f"{rail} {name}", counted[name], least)
        for rail, counted in by_rail.items()
        for name, least in LEAST_OF_A_RAIL.items()
    ]
    return [
        f"{name}: {many} of {least * days:.0f}"
        for name, many, least in wanted
        if many < int(least * days)
    ]


def live(town: Town, days: int, *, surely_killed: tuple[str, ...] = ()) -> None:
    """Day after day; each of `surely_killed` dies in an hour of its own, others by chance."""
    people, victims = People(town), list(surely_killed)
    for day in range(days):
        _say(f"day {day + 1} of {days}, {town.happened['orders']} orders so far")
        faults.strike(town)
        for hour in HOURS:
            go_to(town, hour)
            victim = victims.pop() if victims and hour in HOURS[1:] else ""
            with town.phase("people"), faults.killing(town, surely=victim):
                people.act(hour)
            drain(town)


def go_to(town: Town, hour: int) -> None:
    """Let the clock go on to this hour of the coming day in Beijing."""
    now = town.now().astimezone(SHANGHAI)
    wanted = now.replace(hour=hour, minute=5, second=0, microsecond=0)
    if wanted <= now:
        wanted += timedelta(days=1)
    with town.phase("clock"):
        _advance(town, wanted - now)


def _advance(town: Town, by: timedelta) -> None:
    """As `./run clock` does, without a process for it; goes on when the worker has seen it."""

    async def forward(conn: db.Connection, _: datetime) -> timedelta:
        return await installation.advance_clock(conn, by)

    offset = town.act(forward)
    told = {"offset_seconds": int(offset.total_seconds()), "quiet_seconds": QUIET}
    town.littleshop.control("clock", told)
    at = town.now()
    time.sleep(SEES_THE_CLOCK)
    end = time.monotonic() + PATIENCE
    while town.read("select 1 from timetable where name = 'timers.sweep' and next_at < $1", at):
        if time.monotonic() > end:
            raise Away("the worker does not see the clock")
        time.sleep(0.05)


def drain(town: Town) -> None:
    """Until no job is due and no clock is overdue."""
    end = time.monotonic() + PATIENCE
    with town.phase("jobs"):
        while True:
            now = town.now()
            [row] = town.read(
                "select /* all shops: what the worker has to do */ (select count(*) from jobs"
                " where held_at is null and due_at <= $1) as jobs, (select count(*) from timers"
                " where due_at <= $1 and paused_at is null) as timers",
                now,
            )
            if not row["jobs"] and not row["timers"]:
                return
            if time.monotonic() > end:
                raise Away(f"not done in time: {row}")
            time.sleep(0.05)


def come_to_rest(town: Town, most_days: int, *, hurry: bool = False) -> None:
    """Nothing goes wrong any more, and time passes until all is home: people leave what they began
    to its clocks, or `hurry` to end it."""
    town.littleshop.control("faults/clear")
    people = People(town)
    people.desks.disputed = {
        reference: True for reference, (_, status) in comparing.disputed(town) if status not in
        ("won", "lost")
    }  # fmt: skip
    calm = 0
    with town.phase("rest"):
        for day in range(most_days):
            _say(f"quiet day {day + 1}, under way {town.left}")
            people.desks.banks_decide(1.0)
            people.desks.open_(1.0)
            given = 0 if hurry else people.selling.sellers_give_back()
            if town.escrow != OWN:
                holding.Sellers(town).act()
            if hurry:
                people.selling.sellers_ship(1.0)
                people.selling.buyers_receive(1.0)
                people.selling.cases_go_on(1.0)
            _quiet_day(town)
            calm = 0 if _under_way(people, hurry=hurry) or given else calm + 1
            if calm == CALM_DAYS:
                break


def _say(words: str) -> None:
    """For who waits at a terminal."""
    if sys.stderr.isatty() or os.environ.get("LITTLESHOP_SAY"):
        print(words, file=sys.stderr, flush=True)


def _quiet_day(town: Town) -> None:
    go_to(town, QUIET_HOUR)
    drain(town)


def _under_way(people: People, *, hurry: bool) -> int:
    """What has not come to its end; who is in a `hurry` leaves what is frozen for sharers."""
    [row] = people.town.read(
        "select /* all shops: the whole town */"
        " (select count(*) from orders where status in ('waiting', 'invited', 'placed',"
        "  'collecting', 'forming', 'claiming', 'to_ship', 'shipped'))"
        " as orders, (select count(*) from cases where ended_at is null) as cases,"
        " (select count(*) from refunds where status in ('asked', 'stuck')) as refunds,"
        " (select count(*) from releases where status <> 'done') as releases,"
        " (select count(*) from payouts where status in ('asked', 'funded', 'sent')) as payouts,"
        " (select count(*) from chargebacks where status = 'open') as chargebacks,"
        f" (select count(*) from orders o where o.status = 'received' and {SHARED_OUT}) as shared"
    )
    if people.town.read("select /* all shops */ 1 from cases where status = 'disputed'"):
        people.selling.cases_go_on()
    if hurry:
        del row["shared"]
    people.town.left = row
    return sum(int(count) for count in row.values())
