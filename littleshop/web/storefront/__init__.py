"""The pages of buyers: shelves, baskets, checkouts, orders."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette

from littleshop.http import House
from littleshop.web.kept_pages import Shelf
from littleshop.web.storefront import (
    after_sale,
    baskets,
    buying,
    buying_resold,
    cashier,
    earning,
    following,
    for_you,
    gifts,
    invitations,
    landing,
    my,
    opening_codes,
    opening_goods,
    orders,
    posting,
    proving,
    reporting,
    resale_doors,
    reviewing,
    searching,
    sharing,
    shelves,
    story,
    talking,
    teams,
    wishing,
)
from littleshop.web.storefront.few import Few
from littleshop.web.talk_live import Listeners
from littleshop.web.visiting import Counting

ROUTES = [
    *landing.ROUTES,
    *my.ROUTES,
    *baskets.ROUTES,
    *buying.ROUTES,
    *buying_resold.ROUTES,
    *resale_doors.ROUTES,
    *orders.ROUTES,
    *gifts.ROUTES,
    *opening_goods.ROUTES,
    *invitations.ROUTES,
    *wishing.ROUTES,
    *talking.ROUTES,
    *after_sale.ROUTES,
    *cashier.ROUTES,
    *proving.ROUTES,
    *posting.ROUTES,
    *earning.ROUTES,
    *sharing.ROUTES,
    *opening_codes.ROUTES,
    *following.ROUTES,
    *for_you.ROUTES,
    *reviewing.ROUTES,
    *searching.ROUTES,
    *reporting.ROUTES,
    *story.ROUTES,
    *teams.ROUTES,
    *shelves.ROUTES,
]


@contextlib.asynccontextmanager
async def open_rooms(app: Starlette) -> AsyncIterator[None]:
    """What these pages hold for as long as the process lives: kept pages, counted visits."""
    house: House = app.state.house
    shelf = Shelf(
        house.database,
        lambda asked: shelves.draw(house, asked, house.clock.now()),
        house.clock.now,
        public_url=house.settings.public_url,
    )
    counting = Counting(house)
    app.state.shelf, app.state.counter = shelf, counting
    app.state.few = Few(house.database)
    app.state.listeners = Listeners()
    tasks = [asyncio.create_task(shelf.keep_up()), asyncio.create_task(counting.keep_up())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await counting.flush()
