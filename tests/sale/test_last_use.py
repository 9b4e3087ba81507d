"""The last use of a letter: kept for ten minutes, and what becomes of money that comes late."""

from __future__ import annotations

import pytest

from littleshop.errors import Refused
from littleshop.pricing.quotes import Item
from tests.cast import CNY, PRIYA, Town
from tests.sale.test_inviting import accepts, named, pays, state, writes


@pytest.mark.parametrize("left, end", [("all", "accepted"), ("no use", "returned"),
                                       ("no piece", "returned")])  # fmt: skip
async def test_late_money_of_an_expired_letter_is_taken_while_a_use_and_a_piece_are_left(
    town: Town, left: str, end: str
) -> None:
    bowl = await town.stock(pieces=2)
    sent = await writes(town, await named(town, bowl, CNY("150.00")), hours=1)
    late = await accepts(town, sent, CNY("162.00"))
    reference = await town.opens_cashier(late)
    town.later(minutes=11)
    await town.clocks_strike()
    assert (await town.order(late)).status == "cancelled"
    if left == "no use":
        other = await accepts(town, sent, CNY("162.00"), PRIYA)
        assert await pays(town, other, CNY("162.00")) == "accepted"
    if left == "no piece":
        await town.place([Item(bowl.variant_id, 2)], CNY("336.00"), who=PRIYA)
    town.later(minutes=60)
    await town.books_balance()
    assert await state(town, sent) == ("paid" if left == "no use" else "expired")
    assert await town.money_arrives(reference, CNY("162.00")) == end
    order = await town.order(late)
    assert order.status == ("to_ship" if end == "accepted" else "cancelled")
    assert await state(town, sent) == ("expired" if left == "no piece" else "paid")
    with pytest.raises(Refused):  # nobody takes it up any more
        await accepts(town, sent, CNY("162.00"), PRIYA)
    await town.books_balance()


async def test_the_last_use_is_kept_for_ten_minutes_and_not_for_who_lets_it_lapse_all_day(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=9)
    sent = await writes(town, await named(town, bowl, CNY("150.00")), hours=720)
    for _ in range(3):
        await accepts(town, sent, CNY("162.00"))
        with pytest.raises(Refused, match="invitation_taken"):
            await accepts(town, sent, CNY("162.00"), PRIYA)
        town.later(minutes=10)
        await town.clocks_strike()
    with pytest.raises(Refused, match="last_let_lapse"):
        await accepts(town, sent, CNY("162.00"))
    last = await accepts(town, sent, CNY("162.00"), PRIYA)
    assert await pays(town, last, CNY("162.00")) == "accepted"
    await town.books_balance()
