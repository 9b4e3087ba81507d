"""Slips: what goes into parcels, to be printed, a sheet each; none names a price."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.errors import NotFound
from littleshop.http import AtWork
from littleshop.web import pages
from littleshop.web.console import frame, order_page

MOST = 100


async def one(request: Request) -> Response:
    """GET root/orders/NUMBER/slip"""
    work = await http.at_work(request)
    dossier = await order_page.read(request, work)
    told = [order_page.told(dossier, work, pages.locale_of(request))]
    return _page(request, work, told, f"/orders/{dossier.order.number}")


async def many(request: Request) -> Response:
    """GET root/orders/slips?number=1001&number=1002"""
    work = await http.at_work(request)
    told = await _paid(request, work)
    if not told:
        raise NotFound("order")
    return _page(request, work, told, "/orders/many")


def _page(request: Request, work: AtWork, told: list[dict[str, Any]], back: str) -> Response:
    return pages.page(
        request,
        "console/slip.html",
        private=True,
        shop=frame.face(work.shop),
        orders=told,
        back_url=f"{frame.root(work.shop)}{back}",
    )


async def _paid(request: Request, work: AtWork) -> list[dict[str, Any]]:
    """The paid ones of the orders that were ticked. Raises NotFound."""
    asked = [http.number(text) for text in request.query_params.getlist("number")][:MOST]
    told, locale = [], pages.locale_of(request)
    for number in dict.fromkeys(asked):
        dossier = await order_page.read(request, work, str(number))
        if dossier.order.paid_at and not dossier.unclaimed:
            told.append(order_page.told(dossier, work, locale))
    return told
