"""Where tracking services push what they know of parcels: verify, keep once, defer, answer.

One service pushes to an address of the parcel's own, the other to one for all and gives our token
back; both are believed for their signature alone.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import http, ids
from littleshop.errors import NotFound
from littleshop.http import House
from littleshop.sale import tracking
from littleshop.trade.trackers import PushRefused, Told
from littleshop.web import forms

MOST_BYTES = 512 * 1024


async def hear(request: Request) -> Response:
    """POST /callbacks/courier or /callbacks/courier/TOKEN. What cannot be believed changes
    nothing."""
    house, at = http.house(request), http.now(request)
    if house.tracker is None:
        raise NotFound
    body = await forms.body(request, MOST_BYTES)
    try:
        pushed = house.tracker.parse_push(body)
    except PushRefused:
        said, status = house.tracker.answer(at, heard=False), 400
    else:
        await _take_in(request, house, pushed)
        said, status = house.tracker.answer(at, heard=True), 200
    return Response(said, status, media_type=house.tracker.answer_type)


async def _take_in(request: Request, house: House, pushed: tuple[Told, ...]) -> None:
    """Each parcel in its shop's own transaction; news of a parcel that is not ours are let go."""
    for told in pushed:
        token = request.path_params.get("token") or told.token
        try:
            shop_id = ids.shop_of(token)
        except ValueError:
            continue
        await _keep(house, shop_id, told, token, request)


async def _keep(house: House, shop_id: int, told: Told, token: str, request: Request) -> None:
    at = http.now(request)
    await house.database.transaction(
        lambda conn: tracking.took_in(conn, house.keyring, shop_id, told, token, at)
    )


ROUTES = [
    Route("/callbacks/courier", hear, methods=["POST"]),
    Route("/callbacks/courier/{token:str}", hear, methods=["POST"]),
]
