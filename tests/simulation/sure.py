"""What chance, faults and kills left undone is done surely: on an hour on which nothing goes wrong
somebody comes and pays over each rail, and for each kind of order, that brought no money yet."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.simulation import kinds, rails
from tests.simulation.people import People
from tests.simulation.town import Town

MOST = 5  # attempts at one rail or kind: a process may still be coming back
PATIENCE = 10.0


def everything_is_paid_once(town: Town) -> None:
    """Every rail takes money, and every kind of order is paid. Raises AssertionError."""
    town.littleshop.control("faults/clear")
    people = People(town, surely=True)
    people.desks.operators_switch(0)
    people.selling.sellers_restock()
    with town.phase("people"):
        for rail in _without_money(town):
            _surely(rail, _without_money, town, lambda rail=rail: people.buy("plain", rail))  # type: ignore[misc]
        for kind in kinds.unpaid(town):
            _surely(kind, kinds.unpaid, town, lambda kind=kind: people.buy(kind))  # type: ignore[misc]


def needed(town: Town) -> list[str]:
    """The rails and kinds that nobody else had paid."""
    mark = "surely "
    return sorted(name.removeprefix(mark) for name in town.happened if name.startswith(mark))


def _without_money(town: Town) -> list[str]:
    books = town.books()
    return [rail for rail in town.rails if not rails.moved(books, rail)[0]]


def _surely(
    what: str, missing: Callable[[Town], list[str]], town: Town, buy: Callable[[], None]
) -> None:
    """Buy until it is no longer missing; the notice of it takes a moment."""
    for _ in range(MOST):
        buy()
        town.happened[f"surely {what}"] += 1
        end = time.monotonic() + PATIENCE
        while what in missing(town) and time.monotonic() < end:
            time.sleep(0.1)
        if what not in missing(town):
            return
    raise AssertionError(f"{what} cannot be paid: {dict(town.happened)}")
