"""The plan of a shop's forty days: repeatable, with the rhythm of a week and of a day."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from littleshop import demo
from littleshop.clock import SHANGHAI
from littleshop.demo import planning
from littleshop.identity import phones

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TOWN = demo.as_written()


@pytest.mark.parametrize("store", TOWN.shops, ids=lambda store: store.slug)
def test_the_same_moment_gives_the_same_plan(store: demo.Store) -> None:
    assert planning.make(TOWN, store, NOW) == planning.make(TOWN, store, NOW)
    assert planning.make(TOWN, store, NOW) != planning.make(TOWN, store, NOW + timedelta(hours=1))


@pytest.mark.parametrize("store", TOWN.shops, ids=lambda store: store.slug)
def test_orders_come_in_their_order_and_none_from_the_future(store: demo.Store) -> None:
    plan = planning.make(TOWN, store, NOW)
    placed = [wish.placed_at for wish in plan.wishes]
    assert placed == sorted(placed) and placed[-1] < NOW
    assert NOW - placed[0] < timedelta(days=planning.DAYS)
    assert [wish.number for wish in plan.wishes] == list(range(len(placed)))
    for wish in plan.wishes:
        assert phones.parse(wish.buyer.delivery.phone)
        assert wish.share is None or wish.placed_at > plan.shared_at[wish.share]


def test_weekends_and_evenings_are_busier_and_the_town_grows() -> None:
    days: Counter[int] = Counter()
    hours: Counter[int] = Counter()
    for store in TOWN.shops:
        for wish in planning.make(TOWN, store, NOW).wishes:
            here = wish.placed_at.astimezone(SHANGHAI)
            days[(NOW.astimezone(SHANGHAI).date() - here.date()).days] += 1
            hours[here.hour] += 1
    assert sum(hours[hour] for hour in (20, 21, 22)) > 4 * sum(hours[hour] for hour in (2, 3, 4))
    assert sum(days[back] for back in range(1, 15)) > sum(days[back] for back in range(25, 39))


@pytest.mark.parametrize("hour", [0, 3, 12, 23])
def test_at_every_hour_something_waits(hour: int) -> None:
    now = NOW.astimezone(SHANGHAI).replace(hour=hour, minute=30)
    for store in TOWN.shops:
        plan = planning.make(TOWN, store, now)
        assert any(wish.fate == "waits" for wish in plan.wishes)
        assert any(wish.placed_at.astimezone(SHANGHAI).date() == now.date() for wish in plan.wishes)
