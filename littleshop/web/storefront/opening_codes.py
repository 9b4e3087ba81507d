"""Where a pass-code is typed or pasted, and what a share's address that opens nothing says."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import http, i18n, ids
from littleshop.errors import NotFound
from littleshop.shop import shops
from littleshop.social import passcodes
from littleshop.web import addresses, pages
from littleshop.web.page_cache import MET
from littleshop.web.storefront import shelves
from littleshop.web.storefront.visitors import remember


async def ask(request: Request) -> Response:
    """GET /code[?c=]: one field; a whole message may be pasted into it."""
    typed = request.query_params.get("c", "")[: passcodes.LONGEST]
    if not typed.strip():
        return _page(request)
    code = passcodes.read(typed)
    if not passcodes.is_whole(code):
        return _page(request, typed, _wrong(request, code))
    return RedirectResponse(addresses.passcode(code), status_code=303)


async def answer(request: Request) -> Response:
    """GET /code/{code}: what a pass-code opens. Raises Refused too_many."""
    typed = request.path_params["code"]
    code = passcodes.read(typed)
    if not passcodes.is_whole(code):
        return _page(request, typed, _wrong(request, code))
    token, device = http.make_device(request)
    http.check_limits(request, "passcode", device, http.address(request))
    async with http.house(request).database.connection() as conn:
        share_code = await passcodes.open_share(conn, code, http.now(request))
    if share_code is None:
        wrong = i18n.t(pages.locale_of(request), "sharing.code.unknown")
        return remember(request, _page(request, passcodes.spaced(code), wrong), token)
    return RedirectResponse(addresses.share(share_code), status_code=303)


def _wrong(request: Request, code: str) -> str:
    """What is wrong with signs that are no pass-code."""
    locale, most = pages.locale_of(request), passcodes.LENGTH
    if len(code) == most:
        strange = "".join(dict.fromkeys(sign for sign in code if sign not in passcodes.SIGNS))
        return i18n.t(locale, "sharing.code.strange", signs=strange[:8])
    return i18n.t(locale, "sharing.code.length", most=most, have=len(code))


def _page(request: Request, typed: str = "", wrong: str = "") -> Response:
    return pages.page(
        request,
        "storefront/code.html",
        status=404 if wrong else 200,
        private=True,
        typed=typed,
        wrong=wrong,
    )


async def shared(request: Request) -> Response:
    """GET /s/{code} that the kept pages did not answer: gone, or no share of that shop."""
    try:
        return await shelves.uncached(request)
    except NotFound:
        return await _no_share(request)


async def _no_share(request: Request) -> Response:
    """What a code that opens nothing says, and the shop it names, when there is one."""
    request.scope.pop(MET, None)
    locale, shop = pages.locale_of(request), None
    try:
        shop_id = ids.shop_of(request.path_params["code"])
    except ValueError:
        shop_id = None
    if shop_id is not None:
        async with http.house(request).database.connection() as conn:
            shop = await shops.find(conn, shop_id)
    known = shop if shop is not None and shop.status != "opening" and shop.slug else None
    return pages.page(
        request,
        "storefront/error.html",
        status=404,
        private=True,
        message=i18n.t(locale, "sharing.no_share"),
        wait=None,
        reference=None,
        home=addresses.shop(known.slug or "") if known else "/",
        home_label=i18n.t(locale, "sharing.to_shop", shop=known.name) if known else None,
    )


ROUTES = [
    Route("/code", ask, methods=["GET"]),
    Route("/code/{code}", answer, methods=["GET"]),
    Route("/s/{code}", shared, methods=["GET"]),
]
