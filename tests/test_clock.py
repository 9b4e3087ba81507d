"""Business days of mainland China: weekends, make-up days, cut-off, years nobody announced."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from littleshop.clock import BusinessCalendar, UncoveredYear, value_date

CALENDAR = BusinessCalendar()


def beijing(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour - 8, minute, tzinfo=UTC)


def test_before_the_cut_off_it_counts_today_and_after_it_tomorrow() -> None:
    assert value_date(beijing(11, 24, 17, 59)) == date(2026, 11, 24)
    assert value_date(beijing(11, 24, 18)) == date(2026, 11, 25)


def test_mondays_run_pays_what_counts_up_to_friday() -> None:
    assert CALENDAR.counts_before(date(2026, 11, 30)) == date(2026, 11, 28)
    friday_evening = value_date(beijing(11, 27, 19))
    assert friday_evening >= CALENDAR.counts_before(date(2026, 11, 30))
    assert friday_evening < CALENDAR.counts_before(date(2026, 12, 1))


def test_spring_festival_is_not_worked_and_its_make_up_saturday_is() -> None:
    assert not CALENDAR.is_working(date(2026, 2, 17))
    assert CALENDAR.is_working(date(2026, 2, 14))  # a Saturday that makes up


def test_a_year_without_a_notice_stops_the_money_instead_of_guessing() -> None:
    with pytest.raises(UncoveredYear):
        CALENDAR.is_working(date(2027, 3, 1))


def test_our_own_table_overrules_the_package_and_covers_its_year() -> None:
    own = BusinessCalendar({date(2026, 11, 24): False, date(2027, 2, 6): True})
    assert own.next_working(date(2026, 11, 23)) == date(2026, 11, 25)
    assert own.is_working(date(2027, 2, 6))  # a Saturday in our table
    assert own.is_working(date(2027, 3, 1))  # a plain Monday of a year that was imported
