"""Money keeps its unit and its sum."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from littleshop.money import Money
from tests.cast import CNY


def test_parts_sum_to_the_whole() -> None:
    assert CNY("10.00").split([1, 1, 1]) == [CNY("3.34"), CNY("3.33"), CNY("3.33")]


@given(st.integers(0, 10**12), st.lists(st.integers(0, 1000), min_size=1, max_size=9))
def test_no_fen_is_lost_however_it_is_split(minor: int, weights: list[int]) -> None:
    if sum(weights) == 0:
        return
    parts = Money(minor, "CNY").split(weights)
    assert sum(part.minor for part in parts) == minor
    assert all(part.minor >= 0 for part in parts)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="do not mix"):
        CNY("1.00") + Money(100, "GBP")


def test_money_is_never_multiplied_by_a_fraction() -> None:
    with pytest.raises(TypeError):
        CNY("1.00") * 0.5  # type: ignore[operator]


def test_a_rate_is_rounded_half_up() -> None:
    assert CNY("18.00").bps(300) == CNY("0.54")
    assert Money(25, "CNY").bps(200) == Money(1, "CNY")
