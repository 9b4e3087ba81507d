"""What a supplier changes comes to every listing of his, whatever is wrong with one of them."""

from __future__ import annotations

from datetime import datetime

import pytest

from littleshop import db
from littleshop.catalog.resold import Listing
from littleshop.sale import carrying
from tests.cast import Town
from tests.sale.resold import pair


async def test_a_listing_that_cannot_be_carried_stops_no_sweep_and_is_tried_again(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = await pair(town)
    await two.offers()
    await two.lists()
    await two.offers("85.00")  # she asks 80
    tried: list[Listing] = []

    async def broken(database: db.Database, listing: Listing, at: datetime) -> bool:
        tried.append(listing)
        raise AssertionError("a row that nobody expected")

    monkeypatch.setattr(carrying, "follow", broken)
    assert await carrying.sweep(town.database, town.at) == 0
    assert await carrying.sweep(town.database, town.at) == 0 and len(tried) == 2

    async def away(database: db.Database, listing: Listing, at: datetime) -> bool:
        raise db.Unavailable("no connection in time")

    monkeypatch.setattr(carrying, "follow", away)
    with pytest.raises(db.Unavailable):
        await carrying.sweep(town.database, town.at)
    monkeypatch.undo()
    assert await carrying.sweep(town.database, town.at) == 1
    assert await two.listing() == ("below_supply", False)
