"""Showing to be the one who ordered: a code to the order's phone lets another device act."""

from __future__ import annotations

from types import SimpleNamespace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import crypto, http, i18n
from littleshop.entry import signing_in
from littleshop.errors import Refused
from littleshop.identity import codes, phones
from littleshop.trade.orders import trust_device
from littleshop.web import addresses, pages
from littleshop.web.storefront import orders, views
from littleshop.web.storefront.checkouts import read_form


async def prove(request: Request) -> Response:
    """Show to be the one who ordered: a code to the order's phone lets this device act."""
    seen, shop, token = await orders.seen_here(request)
    house, at, locale = http.house(request), http.now(request), pages.locale_of(request)
    form = await read_form(request) if request.method == "POST" else {}
    phone = phones.parse(seen.order.delivery(house.keyring).phone)
    problem, (made, device) = None, http.make_device(request)
    try:
        if "digits" in form:
            http.check_limits(request, "try_code", device, http.address(request))
            await signing_in.check_code(
                house.database, house.keyring, phone, form["digits"], purpose="order", at=at
            )
            await house.database.transaction(
                lambda conn: trust_device(
                    conn, seen.order.shop_id, seen.order.order_id, seen.role, device
                )
            )
            answer: Response = RedirectResponse(addresses.order(token), status_code=303)
            if made:
                http.set_cookie(request, answer, http.DEVICE, made)
            return answer
        if request.method == "POST":
            http.check_code(request, device, phone.country)
            await signing_in.ask_code(
                house.database, house.keyring, phone.e164, locale=locale, at=at, purpose="order"
            )
    except Refused as no:
        problem = i18n.t(locale, f"errors.{no.code}", **no.details)
    async with house.database.connection() as conn:
        code = await codes.live(conn, house.keyring, phone, purpose="order")
    sent = "digits" in form or (code is not None and code.expires_at > at)
    return pages.page(
        request,
        "storefront/verify.html",
        status=409 if problem else 200,
        private=True,
        shop=views.shop(shop),
        order=SimpleNamespace(token=token, number=str(seen.order.number)),
        phone=crypto.mask_phone(phone.e164),
        sent=sent,
        problem=problem,
    )


ROUTES = [Route("/o/{token}/code", prove, methods=["GET", "POST"])]
