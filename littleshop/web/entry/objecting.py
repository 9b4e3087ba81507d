"""The page behind the link in the word about a new card: nobody signs in to stop the payouts.

The link shows; the button acts.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import http
from littleshop.entry import changing_card
from littleshop.errors import NotFound, Refused
from littleshop.notify.messages import ADDRESSES
from littleshop.web import forms
from littleshop.web.entry import changing
from littleshop.web.entry.signing_in import show, to

NOT_ME = ADDRESSES["objection"]


async def word(request: Request) -> Response:
    """GET /not-me/{token}: what was changed, and the button."""
    return await _word(request, "")


async def _word(request: Request, refused: str, status: int = 200) -> Response:
    token = request.path_params["token"]
    async with http.house(request).database.connection() as conn:
        found = await changing_card.behind(conn, http.token_shop(token), token)
    return show(
        request,
        "entry/not_me.html",
        here=NOT_ME + token,
        status=status,
        refused=refused,
        shop_name=found.shop_name,
        card=changing.named(request, found.card),
        changed_at=found.change.answered_at,
        state=found.state,
        stop_url=NOT_ME + token,
    )


async def stop(request: Request) -> Response:
    """POST /not-me/{token}: nothing is paid out until an operator has looked."""
    token = request.path_params["token"]
    database, shop_id = http.house(request).database, http.token_shop(token)
    try:
        await changing_card.object_to(database, shop_id, token, at=http.now(request))
    except NotFound:
        raise
    except Refused as refused:
        return await _word(request, forms.said(request, refused), status=409)
    return to(NOT_ME + token)


ROUTES = [
    Route(f"{NOT_ME}{{token}}", word),
    Route(f"{NOT_ME}{{token}}", stop, methods=["POST"]),
]
