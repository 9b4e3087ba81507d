"""The page behind the link that asks a phone to work in a shop. It shows; the button acts, and only
for who is signed in with that phone."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import http
from littleshop.crypto import mask_phone
from littleshop.entry import joining
from littleshop.errors import NotFound, Refused
from littleshop.notify.messages import ADDRESSES
from littleshop.shop import shops, staff_invitations
from littleshop.web import addresses, flash, forms
from littleshop.web.entry.signing_in import show, to

WORK = ADDRESSES["work"]


async def asked(request: Request) -> Response:
    """GET /work/{token}: which shop asks for whom, and the button."""
    return await _asked(request, "")


async def _asked(request: Request, refused: str, status: int = 200) -> Response:
    token, house = request.path_params["token"], http.house(request)
    shop_id, who = http.token_shop(token), await http.somebody(request)
    async with house.database.connection() as conn:
        found = await staff_invitations.behind(conn, shop_id, token)
        if found is None:
            raise NotFound("invitation")
        shop = await shops.get(conn, shop_id)
    here = WORK + token
    return show(
        request, "entry/joining.html", here=here, status=status, refused=refused,
        shop_name=shop.name, role=found.role, expires_at=found.expires_at,
        phone=mask_phone(house.keyring.open(found.phone_sealed)),
        state="open" if found.is_open(http.now(request)) else "taken" if found.taken else "over",
        signed_in="" if who is None else
        "mine" if who.person.phone_index == found.phone_index else "other",
        sign_in_url=f"/sign-in?{urlencode({'next': here})}",
    )  # fmt: skip


async def accept(request: Request) -> Response:
    """POST /work/{token}: he comes to work, and stands in the shop."""
    token, who = request.path_params["token"], await http.somebody(request)
    http.token_shop(token)
    if who is None:
        return to("/sign-in", next=WORK + token)
    try:
        found = await joining.accept(
            http.house(request).database, who.person, token, http.now(request)
        )
    except Refused as refused:
        return await _asked(request, forms.said(request, refused), status=409)
    return to(f"/console/{found.shop_id}")


async def accept_asked(request: Request) -> Response:
    """POST /asked-to-work/SHOP/INVITATION: the same for who signed in without the link."""
    who = await http.somebody(request)
    if who is None:
        return to("/sign-in", next="/console")
    shop_id = http.number(request.path_params["shop_id"])
    which = http.uuid(request.path_params["invitation_id"])
    try:
        found = await joining.accept_asked(
            http.house(request).database, who.person, shop_id, which, http.now(request)
        )
    except NotFound:
        raise
    except Refused as refused:
        return flash.refuse(request, "/console", refused)
    return to(f"/console/{found.shop_id}")


ROUTES = [
    Route(
        f"{addresses.ASKED_TO_WORK}/{{shop_id}}/{{invitation_id}}", accept_asked, methods=["POST"]
    ),
    Route(f"{WORK}{{token}}", asked),
    Route(f"{WORK}{{token}}", accept, methods=["POST"]),
]
