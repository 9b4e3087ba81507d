"""What a shop earned by sharing: a page of lines, and the sums of all of them."""

from __future__ import annotations

from uuid import uuid4

from littleshop.social import referral_lists
from tests.cast import MORNING, Town
from tests.sale.referred import chain


async def test_a_page_shows_some_lines_and_the_sums_are_of_all(town: Town) -> None:
    """Three orders of 100 bring the lower sharer 10 each: one is his, one frozen, one coming."""
    told = await chain(town)
    await told.agrees(1000, 200)
    first = await told.buys()
    await told.is_received(first)
    await told.window_closes()
    await told.jobs_are_done()
    second = await told.buys()
    await told.is_received(second)
    town.later(minutes=1)
    third = await told.buys()
    await told.jobs_are_done()
    async with town.database.connection() as conn:
        sums = await referral_lists.earned_sums(conn, told.lower, MORNING)
        latest = await referral_lists.earned(conn, told.lower, most=2)
        oldest = await referral_lists.earned(conn, told.lower, latest[-1].order_id, most=2)
        behind = await referral_lists.earned(conn, told.lower, oldest[-1].order_id, most=2)
        of_nobody = await referral_lists.earned(conn, told.lower, uuid4())
        nothing = await referral_lists.earned_sums(conn, told.seller, MORNING)
    assert (sums.theirs_minor, sums.frozen_minor, sums.coming_minor) == (1000, 1000, 1000)
    placed = [third.order_id, second.order_id, first.order_id]
    assert [line.order_id for line in latest + oldest] == placed
    assert [line.state for line in latest + oldest] == ["coming", "frozen", "theirs"]
    assert behind == [] and of_nobody == []
    assert (nothing.theirs_minor, nothing.frozen_minor, nothing.coming_minor) == (0, 0, 0)
    await town.books_balance()


async def test_a_sellers_page_of_one_sharer_goes_on_behind_its_last_line(town: Town) -> None:
    """Three orders, two of them paid in one moment: two to a page, each once, and only hers."""
    told = await chain(town)
    await told.agrees(1000, 200)
    placed = {(await told.buys()).order_id for _ in range(2)}
    town.later(minutes=1)
    latest = (await told.buys()).order_id
    async with town.database.connection() as conn:
        first = await referral_lists.of_sharer(conn, told.seller, told.lower, most=2)
        last = first[-1].order_id
        second = await referral_lists.of_sharer(conn, told.seller, told.lower, last, most=2)
        others = await referral_lists.of_sharer(conn, told.seller, told.upper, last, most=9)
        of_nobody = await referral_lists.of_sharer(conn, told.seller, told.lower, uuid4(), most=2)
    assert first[0].order_id == latest
    assert {line.order_id for line in first[1:] + second} == placed
    assert (len(first), len(second), of_nobody) == (2, 1, [])
    assert {line.earner_shop_id for line in others} == {told.upper}
    await told.jobs_are_done()
    await town.books_balance()
