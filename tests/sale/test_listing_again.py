"""An offer that is stopped and made again, and a listing that became a thing of its own shop."""

from __future__ import annotations

import pytest

from littleshop.errors import NotFound, Refused
from littleshop.sale import listing_resold
from littleshop.supply.resale_offers import Price
from littleshop.trade import teams
from tests.cast import CNY, Town
from tests.sale.resold import TOKEN, pair


async def test_what_is_offered_anew_to_others_only_is_not_hers_any_more(town: Town) -> None:
    """Neither on her shelf, nor to be put back without the link."""
    two = await pair(town)
    await two.offers()
    thing = await two.lists()
    await two.withdraws()
    town.later(minutes=1)
    await two.offers(to_all=False)  # before anything was carried to her
    with pytest.raises(Refused, match="resale_gone"):
        await two.places(thing, "80.00")
    with pytest.raises(NotFound):
        await two.sees()
    await two.jobs_are_done()
    assert await two.listing() == ("withdrawn", False)
    assert await two.status() == "hidden"
    with pytest.raises(NotFound):
        await two.sees()
    town.later(minutes=1)
    assert await two.lists("95.00", token=TOKEN) == thing  # she is among the others
    assert await two.listing() == (None, True)
    assert await two.sees()
    await two.buys(thing, "95.00")
    await town.books_balance()


async def test_what_is_offered_anew_to_all_does_not_come_back_by_itself(town: Town) -> None:
    """Also when nothing was carried to her between the two."""
    two = await pair(town)
    await two.offers()
    await two.lists()
    await two.withdraws()
    town.later(minutes=1)
    await two.offers("70.00")
    await two.jobs_are_done()
    assert await two.listing() == (None, False) and await two.status() == "hidden"
    town.later(minutes=1)
    await two.lists("95.00")
    assert await two.listing() == (None, True) and await two.status() == "on_sale"


async def test_a_late_word_of_her_listing_does_not_bring_it_back(town: Town) -> None:
    """The supplier's books hear of it only when the offer is another one already."""
    two = await pair(town)
    await two.offers(to_all=False)
    ware = await two.sees(TOKEN)
    prices = {two.bowl.variant_id: CNY("80.00").minor}
    await town.database.transaction(
        lambda conn: listing_resold.put_up(conn, two.reseller, ware, prices, town.at)
    )
    town.later(minutes=1)
    await two.withdraws()
    town.later(minutes=1)
    await two.offers(to_all=False)
    await two.jobs_are_done()
    with pytest.raises(NotFound):
        await two.sees()


async def test_what_she_made_her_own_and_opened_to_others_is_not_put_back_as_his(
    town: Town,
) -> None:
    """A third shop would sell what the second does not ship."""
    two = await pair(town)
    await two.offers()
    thing = await two.lists()
    await two.takes_down()
    own = Price(thing.variant_id, CNY("50.00").minor)
    with two.at_hers():
        await town.database.transaction(
            lambda conn: listing_resold.offer(
                conn, two.reseller, two.listed, [own], open_to_all=True,
                token_hash=b"", at=town.at,
            )
        )  # fmt: skip
    with pytest.raises(Refused, match="resale_chain"):
        await two.lists()
    await town.database.transaction(
        lambda conn: listing_resold.withdraw(conn, two.reseller, two.listed, town.at)
    )
    team = {thing.variant_id: CNY("70.00").minor}
    await town.database.transaction(
        lambda conn: teams.offer(conn, two.reseller, two.listed, 3, team, town.at)
    )
    assert await two.lists() == thing
    async with town.database.connection() as conn:
        assert await teams.offered(conn, two.reseller, two.listed) is None
