"""What a shop earned by sharing: a page of lines, and the sums of all of them."""

from __future__ import annotations

from uuid import uuid4

from littleshop.social import referral_lists
from tests.cast import Town
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
        sums = await referral_lists.earned_sums(conn, told.lower)
        latest = await referral_lists.earned(conn, told.lower, most=2)
        oldest = await referral_lists.earned(conn, told.lower, latest[-1].order_id, most=2)
        behind = await referral_lists.earned(conn, told.lower, oldest[-1].order_id, most=2)
        of_nobody = await referral_lists.earned(conn, told.lower, uuid4())
        nothing = await referral_lists.earned_sums(conn, told.seller)
    assert (sums.theirs_minor, sums.frozen_minor, sums.coming_minor) == (1000, 1000, 1000)
    placed = [third.order_id, second.order_id, first.order_id]
    assert [line.order_id for line in latest + oldest] == placed
    assert [line.state for line in latest + oldest] == ["coming", "frozen", "theirs"]
    assert behind == [] and of_nobody == []
    assert (nothing.theirs_minor, nothing.frozen_minor, nothing.coming_minor) == (0, 0, 0)
    await town.books_balance()
