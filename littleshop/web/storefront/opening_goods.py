"""Opening what was handed out: its buyer's device alone sees the text, the file or the codes.

A link shows and does not act: looking is an act, because a code that was seen is used.
"""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import http
from littleshop.errors import NotFound
from littleshop.sale import handing_out
from littleshop.trade import handed_out, roles
from littleshop.trade import orders as placed
from littleshop.trade.handed_out import HandedOut
from littleshop.web import addresses, pages
from littleshop.web.storefront import orders, views
from littleshop.web.storefront.orders import OrderLink

PART = "goods"


async def open_(request: Request) -> Response:
    """POST /o/TOKEN/goods: from here on it counts as opened. Raises Refused as handing_out.open_"""
    link, at = await orders.acting(request, roles.OPEN), http.now(request)
    await http.house(request).database.transaction(
        lambda conn: handing_out.open_(conn, link.shop.shop_id, link.order_id, at)
    )
    return RedirectResponse(addresses.order_part(link.token, PART), status_code=303)


async def _opened(request: Request) -> tuple[OrderLink, list[HandedOut]]:
    """What was handed out of an order, to whom it belongs. Raises NotFound for anybody else, and
    before it was opened."""
    link = await orders.behind(request)
    if not link.seen.may(roles.OPEN):
        raise NotFound("goods")
    async with http.house(request).database.connection() as conn:
        given = await handed_out.of_order(conn, link.shop.shop_id, link.order_id)
    if not any(each.opened_at for each in given):
        raise NotFound("goods")
    return link, given


async def show(request: Request) -> Response:
    """GET /o/TOKEN/goods"""
    link, given = await _opened(request)
    house = http.house(request)
    codes, closed = await _codes(house, link, given)
    return pages.page(
        request,
        "storefront/goods_opened.html",
        private=True,
        shop=views.shop(link.shop),
        back=addresses.order(link.token),
        things=[_thing(house, link, each, codes.get(each.position, [])) for each in given],
        closed=closed,
        now=http.now(request),
        zone=ZoneInfo(link.shop.zone),
    )


async def _codes(
    house: http.House, link: OrderLink, given: list[HandedOut]
) -> tuple[dict[int, list[str]], int]:
    async with house.database.connection() as conn:
        order = await placed.get(conn, link.shop.shop_id, link.order_id)
        assert order is not None, link.order_id
        return await handing_out.codes_shown(conn, house.keyring, order, given)


def _thing(
    house: http.House, link: OrderLink, line: HandedOut, codes: list[str]
) -> SimpleNamespace:
    here = addresses.order_part(link.token, PART)
    return SimpleNamespace(
        title=line.title,
        choice=line.choice,
        text=house.keyring.open(line.text_sealed) if line.text_sealed else "",
        codes=codes,
        file=f"{here}/{line.position}/file" if line.file else "",
        file_name=line.file_name,
        at=line.at,
    )


async def file(request: Request) -> Response:
    """GET /o/TOKEN/goods/POSITION/file"""
    _, given = await _opened(request)
    wanted = request.path_params["position"]
    line = next((each for each in given if str(each.position) == wanted), None)
    house = http.house(request)
    content = await house.files.get_private(line.file) if line and line.file else None
    if line is None or content is None:
        raise NotFound("goods")
    headers = {
        "cache-control": "no-store",
        "content-disposition": f"attachment; filename*=UTF-8''{quote(line.file_name, safe='')}",
        "x-content-type-options": "nosniff",
    }
    return Response(content, media_type="application/octet-stream", headers=headers)


ROUTES = [
    Route("/o/{token}/goods", show, methods=["GET"]),
    Route("/o/{token}/goods", open_, methods=["POST"]),
    Route("/o/{token}/goods/{position}/file", file, methods=["GET"]),
]
