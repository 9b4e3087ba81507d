"""Proportions as the sentences of the console say them: whole numbers in, whole numbers out."""

from collections.abc import Sequence


def out_of_ten(part: int, whole: int) -> int:
    """How many of ten people, rounded half up; at least one when there is any."""
    if whole <= 0 or part <= 0:
        return 0
    return max(1, min(10, (part * 20 + whole) // (2 * whole)))


def permille(part: int, whole: int) -> int:
    """Tenths of a percent, rounded half up: 5 of 61 is 82, written 8.2 %."""
    return (part * 2000 + whole) // (2 * whole) if whole > 0 else 0


def leading(values: Sequence[int]) -> int:
    """How many of the first rows are needed for half of the whole (0 when there is nothing).

    `values` come largest first; used for 'two shares brought 51 % of your orders'.
    """
    whole, seen = sum(values), 0
    for count, value in enumerate(values, start=1):
        seen += value
        if whole and seen * 2 >= whole:
            return count
    return 0
