"""The pages of a seller: the back room of a shop, and every address in it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from littleshop.notify.live import Hub
from littleshop.web.console import (
    admission,
    bargains,
    cases,
    closing,
    collecting,
    counting,
    coupons,
    crew,
    entrances,
    figures,
    frame,
    goods,
    groups,
    handing_over,
    held,
    live,
    local,
    made_of,
    many,
    money,
    news,
    offline,
    order_page,
    order_talk,
    orders,
    people,
    privileges,
    purchasing,
    referrals,
    reselling,
    resold,
    returned,
    reviews,
    settings,
    shares,
    shipping,
    slips,
    statements,
    stockroom,
    takedowns,
    taking,
    talking,
    team_price,
    today,
    virtual,
    wishing,
)

ROOT = "/console/{shop_id}"
_ORDER = f"{ROOT}/orders/{{number}}"
_THING = f"{ROOT}/goods/{{product_id}}"

ROUTES: list[BaseRoute] = [
    Route("/console", frame.index),
    Route(ROOT, today.page),
    Route(f"{ROOT}/live", live.stream),
    Route(f"{ROOT}/manifest.webmanifest", frame.manifest),
    Route(f"{ROOT}/orders", orders.listed),
    Route(f"{ROOT}/carriers", orders.carrier_guess),
    *many.ROUTES,
    Route(_ORDER, order_page.page),
    Route(f"{_ORDER}/slip", slips.one),
    Route(f"{_ORDER}/parcels", shipping.ship, methods=["POST"]),
    Route(f"{_ORDER}/parcels/{{parcel_id}}", shipping.correct, methods=["POST"]),
    Route(f"{_ORDER}/parcels/{{parcel_id}}/undo", shipping.undo, methods=["POST"]),
    Route(f"{_ORDER}/handover", shipping.hand_over, methods=["POST"]),
    Route(f"{_ORDER}/done", shipping.finish, methods=["POST"]),
    Route(f"{_ORDER}/pick-up", shipping.pick_up, methods=["POST"]),
    Route(f"{_ORDER}/cancellation", shipping.call_off, methods=["POST"]),
    Route(f"{ROOT}/reviews", reviews.listed),
    Route(f"{ROOT}/reviews/{{review_id}}/answer", reviews.answer, methods=["POST"]),
    Route(f"{_THING}/news", news.tell, methods=["POST"]),
    Route(f"{_THING}/takedown", takedowns.page),
    Route(f"{_THING}/takedown", takedowns.appeal, methods=["POST"]),
    Route(f"{ROOT}/money", money.page),
    Route(f"{ROOT}/money/available", made_of.available),
    Route(f"{ROOT}/money/held", made_of.held),
    Route(f"{ROOT}/money/kept", made_of.kept),
    Route(f"{ROOT}/money/lent", made_of.lent),
    Route(f"{ROOT}/money/payouts/{{payout_id}}", made_of.payout),
    Route(f"{ROOT}/money/payouts/{{payout_id}}/taking", taking.page),
    Route(f"{ROOT}/statement", statements.statement),
    Route(f"{ROOT}/figures", figures.page),
    Route(f"{ROOT}/figures.csv", figures.table),
    Route(f"{_THING}/figures", figures.thing),
    Route(f"{_THING}/figures.csv", figures.thing_table),
    Route(f"{ROOT}/share", shares.sheet),
    Route(f"{ROOT}/shares", shares.page),
    Route(f"{ROOT}/shares", shares.make, methods=["POST"]),
    Route(f"{ROOT}/shares.csv", shares.table),
    Route(f"{ROOT}/entrances", entrances.page),
    Route(f"{ROOT}/entrances", entrances.make, methods=["POST"]),
    Route(f"{ROOT}/entrances.csv", entrances.table),
    Route(f"{ROOT}/entrances/{{code}}", entrances.one),
    Route(f"{ROOT}/held", held.listed),
    Route(f"{ROOT}/held/{{job_id}}/attempt", held.retry, methods=["POST"]),
    Route(f"{ROOT}/held/{{job_id}}/removal", held.drop, methods=["POST"]),
    *admission.ROUTES,
    *bargains.ROUTES,
    *cases.ROUTES,
    *closing.ROUTES,
    *collecting.ROUTES,
    *counting.ROUTES,
    *coupons.ROUTES,
    *crew.ROUTES,
    *groups.ROUTES,
    *handing_over.ROUTES,
    *order_talk.ROUTES,
    *offline.ROUTES,
    *people.ROUTES,
    *privileges.ROUTES,
    *purchasing.ROUTES,
    *stockroom.ROUTES,
    *returned.ROUTES,
    *wishing.ROUTES,
    *talking.ROUTES,
    *goods.ROUTES,
    *settings.ROUTES,
    *referrals.ROUTES,
    *reselling.ROUTES,
    *resold.ROUTES,
    *team_price.ROUTES,
    *local.ROUTES,
    *virtual.ROUTES,
]
ROUTES = [frame.guarded(route) for route in ROUTES]


@contextlib.asynccontextmanager
async def open_rooms(app: Starlette) -> AsyncIterator[None]:
    """What the console's pages hold for as long as the process lives: the listener of hints."""
    app.state.hub = Hub(app.state.house.settings.database_url)
    listener = asyncio.create_task(app.state.hub.run())
    try:
        yield
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
