"""The pages of a seller: the back room of a shop, and every address in it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from littleshop.web.console import frame, order_page, orders, shipping

ROOT = "/console/{shop_id}"
_ORDER = f"{ROOT}/orders/{{number}}"

ROUTES: list[BaseRoute] = [
    Route("/console", frame.index),
    Route(f"{ROOT}/manifest.webmanifest", frame.manifest),
    Route(f"{ROOT}/orders", orders.listed),
    Route(f"{ROOT}/carriers", orders.carrier_guess),
    Route(_ORDER, order_page.page),
    Route(f"{_ORDER}/slip", order_page.slip),
    Route(f"{_ORDER}/parcels", shipping.ship, methods=["POST"]),
    Route(f"{_ORDER}/parcels/{{parcel_id}}", shipping.correct, methods=["POST"]),
    Route(f"{_ORDER}/handover", shipping.hand_over, methods=["POST"]),
    Route(f"{_ORDER}/pick-up", shipping.pick_up, methods=["POST"]),
    Route(f"{_ORDER}/cancellation", shipping.call_off, methods=["POST"]),
]


@contextlib.asynccontextmanager
async def open_rooms(app: Starlette) -> AsyncIterator[None]:
    """What the console's pages hold for as long as the process lives."""
    yield
