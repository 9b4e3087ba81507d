"""Time: one clock for handlers, jobs and commands; business days of mainland China for money."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
CUTOFF = time(18, 0)  # received later counts for the next business day (PRODUCT 14)


class UncoveredYear(Exception):
    """No working-day notice is known for this year; guessing make-up days would move money."""


class Clock:
    """The only reader of the machine's time; `offset` is the demo's advance, zero when live."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


class BusinessCalendar:
    """Working days of the State Council's calendar, corrected by our own override table."""

    def __init__(self, overrides: Mapping[date, bool] | None = None) -> None:
        self._overrides = dict(overrides or {})

    def is_working(self, day: date) -> bool:
        """Whether banks settle on `day`.

        Raises UncoveredYear when neither the calendar nor the override table knows the year.
        """
        known = self._overrides.get(day)
        if known is not None:
            return known
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            if any(override.year == day.year for override in self._overrides):
                return day.weekday() < 5  # the year was imported: what it does not name is plain
            raise UncoveredYear(str(day.year)) from None

    def next_working(self, day: date) -> date:
        """The first working day after `day`."""
        following = day + timedelta(days=1)
        while not self.is_working(following):
            following += timedelta(days=1)
        return following

    def previous_working(self, day: date) -> date:
        """The last working day before `day`."""
        earlier = day - timedelta(days=1)
        while not self.is_working(earlier):
            earlier -= timedelta(days=1)
        return earlier

    def counts_before(self, run_on: date) -> date:
        """What a run pays has a value date before this day: T+1 in working days.

        Monday's run pays what counts up to Friday; the weekend's receipts count for Monday and
        are paid on Tuesday. Raises UncoveredYear.
        """
        return self.previous_working(run_on) + timedelta(days=1)


def value_date(at: datetime, cutoff: time = CUTOFF) -> date:
    """The day (Asia/Shanghai) on which a movement counts: from the cut-off on, the next one.

    It asks no calendar, so that money is accepted, released and returned in any year; which of
    those days a bank works on is the run's business.
    """
    local = at.astimezone(SHANGHAI)
    return local.date() if local.time() < cutoff else local.date() + timedelta(days=1)


def local_day(at: datetime, zone: str) -> date:
    """The calendar day of a moment where the shop is."""
    return at.astimezone(ZoneInfo(zone)).date()
