"""Closing days: what was compared of each day, what stands in the way of closing it, and closing.

A day is work from the first one on which a rail was asked to take money for us, or on which the
bank moved some. Days are closed one after another, the oldest first: what is closed then reaches
from the beginning up to a day, and nothing behind that day is open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from littleshop import db
from littleshop.clock import SHANGHAI
from littleshop.errors import Refused
from littleshop.pay.gateways import Gateway
from littleshop.settlement import bills, statements

DAYS = 14  # that wait to be closed at most; older bills are not asked for any more


@dataclass(frozen=True)
class Standing:
    """A day: the rails whose account of it was compared, those of which it is missing, and why it
    cannot be closed (None when it can, or was)."""

    day: date
    closed: bool
    compared: tuple[str, ...]
    missing: tuple[str, ...]
    hindrance: Refused | None


async def standings(
    conn: db.Connection, rails: Sequence[Gateway], at: datetime, *, until: date | None = None
) -> list[Standing]:
    """The last days that are over and of which there is anything to compare, the oldest first; or
    those of them up to `until`, which alone is looked at when it is older."""
    yesterday = at.astimezone(SHANGHAI).date() - timedelta(days=1)
    last = until or yesterday
    first = min(yesterday - timedelta(days=DAYS - 1), last)
    began = {rail.name: await _first(conn, rail) for rail in rails}
    compared = await bills.compared(conn, first, last)
    closed = await bills.closed_between(conn, first, last)
    open_ = Counter(one.day for one in await bills.unexplained(conn))
    open_ += Counter(entry.booked_on for entry in await statements.waiting(conn))
    found: list[Standing] = []
    before: date | None = None
    for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        used = [rail for rail in rails if (start := began[rail.name]) and start <= day]
        if not used and not open_[day] and day not in closed:
            continue
        missing = [rail for rail in used if (rail.name, day) not in compared]
        hindrance = None if day in closed else _hindrance(missing, open_[day], before)
        found.append(
            Standing(
                day=day,
                closed=day in closed,
                compared=tuple(rail.name for rail in used if rail not in missing),
                missing=tuple(rail.name for rail in missing),
                hindrance=hindrance,
            )
        )
        before = before or (None if day in closed else day)
    return found


async def _first(conn: db.Connection, rail: Gateway) -> date | None:
    first = await bills.first_day(conn, rail.name)
    return None if first is None else first.astimezone(SHANGHAI).date()


def _hindrance(missing: Sequence[Gateway], unexplained: int, before: date | None) -> Refused | None:
    """What stands in the way of a day; `before` is the oldest day that is open."""
    for rail in missing:
        return Refused("day_bill_missing" if rail.has_bills else "day_asking", rail=rail.name)
    if unexplained:
        return Refused("day_unexplained", count=unexplained)
    return None if before is None else Refused("day_before_open", day=before)


async def close_day(
    conn: db.Connection, rails: Sequence[Gateway], day: date, *, by: str, at: datetime
) -> bool:
    """Close a day of all rails and the bank; False when it was closed.

    Raises Refused: day_not_over, day_bill_missing(rail=), day_asking(rail=) of a rail without
    bills that did not answer everything, day_unexplained(count=), day_before_open(day=).
    """
    if day >= at.astimezone(SHANGHAI).date():
        raise Refused("day_not_over")
    for standing in await standings(conn, rails, at, until=day):
        if standing.day == day and standing.hindrance is not None:
            raise standing.hindrance
    return await bills.close_day(conn, day, by, at)


async def waiting(
    conn: db.Connection, rails: Sequence[Gateway], at: datetime
) -> tuple[int, date | None]:
    """How many days are not closed, and the oldest of them."""
    days = [each.day for each in await standings(conn, rails, at) if not each.closed]
    return len(days), days[0] if days else None
