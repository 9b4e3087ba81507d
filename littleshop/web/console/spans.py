"""Which days of a shop a page of figures is about, read from its address."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from littleshop.errors import Refused

DAY = timedelta(days=1)
ROUND = (7, 30, 90)  # days that are over
USUAL = 30
LONGEST = 731  # two years with a 29 February
FIRST_YEAR = 2000
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


@dataclass(frozen=True)
class Span:
    """Days from `first` to `last`, both included; `query` is how an address asks for them."""

    kind: str  # "today", "7", "30", "90", "month" or "range"
    first: date
    last: date
    running: bool  # the last of them is today
    query: str

    @property
    def length(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> tuple[date, date]:
        """As many days that ended where these begin."""
        return self.first - self.length * DAY, self.first - DAY


def usual(today: date, days: int = USUAL) -> Span:
    """So many days up to yesterday."""
    return Span(str(days), today - days * DAY, today - DAY, False, f"days={days}")


def asked(query: Mapping[str, str], today: date) -> Span:
    """The span that an address asks for, the last thirty days when it asks for none.

    Raises Refused: figures_dates (no such day, or the end before the beginning), figures_future,
    figures_too_long.
    """
    if query.get("span") == "today":
        return Span("today", today, today, True, "span=today")
    if "month" in query:
        return _month(query["month"], today)
    if query.get("from") or query.get("to"):
        return _range(query.get("from", ""), query.get("to", ""), today)
    text = query.get("days", "")
    return usual(today, int(text) if text in {str(days) for days in ROUND} else USUAL)


def _month(text: str, today: date) -> Span:
    found = _MONTH.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 12 or int(found[1]) < FIRST_YEAR:
        raise Refused("figures_dates")
    first = date(int(found[1]), int(found[2]), 1)
    if first > today:
        raise Refused("figures_future")
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return Span("month", first, min(last, today), last >= today, f"month={text}")


def _range(since: str, until: str, today: date) -> Span:
    first, last = _day(since), _day(until) if until else today
    if first > today:
        raise Refused("figures_future")
    last = min(last, today)
    if last < first:
        raise Refused("figures_dates")
    if (last - first).days >= LONGEST:
        raise Refused("figures_too_long")
    return Span("range", first, last, last == today, f"from={first}&to={last}")


def _day(text: str) -> date:
    if not _ISO.fullmatch(text):
        raise Refused("figures_dates")
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise Refused("figures_dates") from None
    if found.year < FIRST_YEAR:
        raise Refused("figures_dates")
    return found


@dataclass(frozen=True)
class Piece:
    """What one mark of a drawing stands for: an hour, a day, seven days or a month; `days` are
    indexes into the days of the span."""

    kind: str
    first: date
    days: range
    hour: int = 0


def pieces(span: Span) -> list[Piece]:
    """As many marks as a phone can show: a day has its hours, up to three months days, up to a
    year weeks that end with the last day, beyond that calendar months."""
    if span.length == 1:
        return [Piece("hour", span.first, range(1), hour) for hour in range(24)]
    if span.length <= 92:
        return [Piece("day", span.first + n * DAY, range(n, n + 1)) for n in range(span.length)]
    if span.length <= 366:
        starts = [0, *range(span.length % 7 or 7, span.length, 7)]
        kind = "week"
    else:
        starts = [n for n in range(span.length) if not n or (span.first + n * DAY).day == 1]
        kind = "month"
    ends = [*starts[1:], span.length]
    return [
        Piece(kind, span.first + since * DAY, range(since, until))
        for since, until in zip(starts, ends, strict=True)
    ]
