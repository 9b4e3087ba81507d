"""The page behind the link in the word about a new card, or about a shop that is handed over:
nobody signs in to stop the payouts.

The link shows; the button acts.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import http
from littleshop.crypto import mask_phone
from littleshop.db import Connection
from littleshop.entry import changing_card, stopping_handover
from littleshop.entry.changing_card import Objection
from littleshop.errors import NotFound, Refused
from littleshop.notify.messages import ADDRESSES
from littleshop.risk import holds
from littleshop.web import forms
from littleshop.web.entry import changing
from littleshop.web.entry.signing_in import show, to

NOT_ME = ADDRESSES["objection"]


async def word(request: Request) -> Response:
    """GET /not-me/{token}: what was changed, and the button."""
    return await _word(request, "")


async def _behind(
    conn: Connection, shop_id: int, token: str
) -> Objection | stopping_handover.Objection:
    """What the word was about. Raises NotFound."""
    try:
        return await changing_card.behind(conn, shop_id, token)
    except NotFound:
        return await stopping_handover.behind(conn, shop_id, token)


async def _word(request: Request, refused: str, status: int = 200) -> Response:
    token, here = request.path_params["token"], NOT_ME + request.path_params["token"]
    async with http.house(request).database.connection() as conn:
        found = await _behind(conn, http.token_shop(token), token)
    if isinstance(found, Objection):
        return show(
            request, "entry/not_me.html", here=here, status=status, refused=refused,
            about="card", shop_name=found.shop_name, card=changing.named(request, found.card),
            changed_at=found.change.answered_at, state=holds.objected(found.hold), stop_url=here,
        )  # fmt: skip
    offer = found.handover
    return show(
        request, "entry/not_me_shop.html", here=here, status=status, refused=refused,
        about="handover", shop_name=found.shop_name, state=holds.objected(found.hold),
        stop_url=here, done=offer.status == "done",
        phone=mask_phone(http.house(request).keyring.open(offer.phone_sealed)),
        at=offer.ended_at if offer.status == "done" else offer.asked_at,
    )  # fmt: skip


async def stop(request: Request) -> Response:
    """POST /not-me/{token}: nothing is paid out until an operator has looked."""
    token = request.path_params["token"]
    try:
        await _stop(request, http.token_shop(token), token)
    except NotFound:
        raise
    except Refused as refused:
        return await _word(request, forms.said(request, refused), status=409)
    return to(NOT_ME + token)


async def _stop(request: Request, shop_id: int, token: str) -> None:
    """Raises Refused objection_late; NotFound."""
    database, at = http.house(request).database, http.now(request)
    async with database.connection() as conn:
        found = await _behind(conn, shop_id, token)
    if isinstance(found, Objection):
        await changing_card.object_to(database, shop_id, token, at=at)
    else:
        await stopping_handover.object_to(database, shop_id, token, at=at)


ROUTES = [
    Route(f"{NOT_ME}{{token}}", word),
    Route(f"{NOT_ME}{{token}}", stop, methods=["POST"]),
]
