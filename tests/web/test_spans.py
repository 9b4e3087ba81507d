"""Which days a page of figures is about."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from littleshop.errors import Refused
from littleshop.web.console import spans

TODAY = date(2028, 3, 1)  # the day after a 29 February


@pytest.mark.parametrize(
    ("query", "first", "last", "running"),
    [
        ({}, date(2028, 1, 31), date(2028, 2, 29), False),
        ({"days": "7"}, date(2028, 2, 23), date(2028, 2, 29), False),
        ({"days": "8"}, date(2028, 1, 31), date(2028, 2, 29), False),
        ({"span": "today"}, TODAY, TODAY, True),
        ({"month": "2028-02"}, date(2028, 2, 1), date(2028, 2, 29), False),
        ({"month": "2027-02"}, date(2027, 2, 1), date(2027, 2, 28), False),
        ({"month": "2028-03"}, TODAY, TODAY, True),
        ({"from": "2026-03-01", "to": "2028-02-29"}, date(2026, 3, 1), date(2028, 2, 29), False),
        ({"from": "2028-02-29", "to": "2028-12-31"}, date(2028, 2, 29), TODAY, True),
    ],
)
def test_an_address_says_its_days(
    query: dict[str, str], first: date, last: date, running: bool
) -> None:
    span = spans.asked(query, TODAY)
    assert (span.first, span.last, span.running) == (first, last, running)
    since, until = span.before
    assert (until - since, until + timedelta(days=1)) == (last - first, first)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"from": "2028-02-30", "to": "2028-03-01"}, "figures_dates"),
        ({"from": "2028-02-02", "to": "2028-02-01"}, "figures_dates"),
        ({"from": "", "to": "2028-02-01"}, "figures_dates"),
        ({"from": "0001-01-01"}, "figures_dates"),
        ({"from": "２０２８-02-01"}, "figures_dates"),
        ({"month": "2028-13"}, "figures_dates"),
        ({"month": "2028-04"}, "figures_future"),
        ({"from": "2028-03-02"}, "figures_future"),
        ({"from": "2026-02-28", "to": "2028-02-29"}, "figures_too_long"),
    ],
)
def test_days_that_are_none_are_refused(query: dict[str, str], code: str) -> None:
    with pytest.raises(Refused) as refused:
        spans.asked(query, TODAY)
    assert refused.value.code == code


@pytest.mark.parametrize("length", [1, 2, 7, 30, 92, 93, 99, 365, 366, 367, 731])
def test_every_day_is_in_one_mark_and_a_phone_can_show_them(length: int) -> None:
    first = TODAY - timedelta(days=length)
    span = spans.Span("range", first, TODAY - timedelta(days=1), False, "")
    marks = spans.pieces(span)
    if length > 1:
        assert [at for mark in marks for at in mark.days] == list(range(length))
    assert len(marks) <= 92
    assert all(mark.first == first + mark.days.start * timedelta(days=1) for mark in marks)
