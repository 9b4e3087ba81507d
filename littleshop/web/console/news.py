"""Telling followers of a thing: the seller presses, the worker gathers and tells by day."""

from __future__ import annotations

from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.social import follows
from littleshop.social.follows import Told
from littleshop.web.console import frame


async def beside(conn: db.Connection, request: Request, work: AtWork, product_id: UUID) -> Told:
    """What stands beside the button on a product's page."""
    return await follows.told_of(conn, work.shop.shop_id, product_id, _month(request, work))


def _month(request: Request, work: AtWork) -> date:
    return http.now(request).astimezone(ZoneInfo(work.shop.zone)).date().replace(day=1)


async def tell(request: Request) -> Response:
    """POST root/goods/ID/news; a second press changes nothing"""
    work, product_id = await http.at_work(request), http.uuid(request.path_params["product_id"])
    back = f"{frame.root(work.shop)}/goods/{product_id}"
    at, shop_id, by = http.now(request), work.shop.shop_id, work.person.person_id
    try:
        await http.house(request).database.transaction(
            lambda conn: follows.tell(conn, shop_id, product_id, by=by, at=at)
        )
    except NotFound:
        raise
    except Refused as refused:
        return frame.refuse(request, back, refused)
    return frame.go(request, back, "news_asked")
