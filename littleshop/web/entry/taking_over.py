"""The page behind the link that offers a shop to a phone. It shows what comes with it; the buttons
act, and only for who is signed in with that phone."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import http
from littleshop.crypto import mask_phone
from littleshop.entry import handing_over
from littleshop.errors import NotFound, Refused
from littleshop.money import Money
from littleshop.notify.messages import ADDRESSES
from littleshop.settlement import former
from littleshop.shop import handovers, shops
from littleshop.trade import order_exports
from littleshop.web import addresses, forms
from littleshop.web.entry.signing_in import show, to

OFFER = ADDRESSES["shop_offer"]


async def offered(request: Request) -> Response:
    """GET /take-over/{token}: which shop, what runs in it, and the buttons."""
    return await _offered(request, "")


async def _offered(request: Request, refused: str, status: int = 200) -> Response:
    token, house, now = request.path_params["token"], http.house(request), http.now(request)
    shop_id, who = http.token_shop(token), await http.somebody(request)
    async with house.database.connection() as conn:
        found = await handovers.behind(conn, shop_id, token)
        if found is None:
            raise NotFound("handover")
        shop = await shops.get(conn, shop_id)
        running = await order_exports.running(conn, shop_id)
    state = "open" if found.is_open(now) else "taken" if found.status == "done" else "over"
    return show(
        request, "entry/taking_over.html", here=OFFER + token, status=status, refused=refused,
        shop_name=shop.name, shop_url=addresses.shop(shop.slug) if shop.slug else "",
        staff_stays=found.staff_stays, expires_at=found.expires_at, running=running, state=state,
        held=Money(running.held_minor, shop.currency),
        phone=mask_phone(house.keyring.open(found.phone_sealed)),
        signed_in="" if who is None else
        "mine" if who.person.phone_index == found.phone_index else "other",
        sign_in_url=f"/sign-in?{urlencode({'next': OFFER + token})}",
        console_url=f"/console/{shop_id}",
    )  # fmt: skip


async def accept(request: Request) -> Response:
    """POST /take-over/{token}: the shop is this person's; on to identity and card."""
    token, who = request.path_params["token"], await http.somebody(request)
    house, shop_id = http.house(request), http.token_shop(token)
    if who is None:
        return to("/sign-in", next=OFFER + token)
    try:
        await handing_over.accept(
            house.database, house.keyring, who.person, token,
            own_goods=house.settings.own_goods, owing=former.owing, at=http.now(request),
        )  # fmt: skip
    except NotFound:
        raise
    except Refused as refused:
        return await _offered(request, forms.said(request, refused), status=409)
    return to(addresses.OPENING, shop=shop_id)


async def refuse(request: Request) -> Response:
    """POST /take-over/{token}/refusal: no, thank you."""
    token, who = request.path_params["token"], await http.somebody(request)
    http.token_shop(token)
    if who is None:
        return to("/sign-in", next=OFFER + token)
    try:
        await handing_over.refuse(
            http.house(request).database, who.person, token, http.now(request)
        )
    except NotFound:
        raise
    except Refused as refused:
        return await _offered(request, forms.said(request, refused), status=409)
    return to(OFFER + token)


ROUTES = [
    Route(f"{OFFER}{{token}}", offered),
    Route(f"{OFFER}{{token}}", accept, methods=["POST"]),
    Route(f"{OFFER}{{token}}/refusal", refuse, methods=["POST"]),
]
