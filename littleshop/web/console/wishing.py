"""Wishes in the console: who asks for what, and saying no; the rest is a conversation."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import http
from littleshop.http import AtWork
from littleshop.sale import wishing
from littleshop.trade import wishes
from littleshop.web.console import frame


async def listed(request: Request) -> Response:
    """GET root/wishes"""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        found = await wishes.listing(conn, work.shop.shop_id)
    rows = [
        {
            "name": each.name,
            "words": each.words,
            "top": each.top,
            "state": "waits" if each.waits else each.status,
            "at": each.said_at,
            "url": _at(work, each.wish_id),
        }
        for each in found
    ]
    return await frame.page(request, work, "wishes.html", "today", rows=rows)


def _at(work: AtWork, wish_id: UUID) -> str:
    return f"{frame.root(work.shop)}/conversations/{wish_id}"


async def one(request: Request) -> Response:
    """GET root/wishes/ID: its conversation"""
    work = await http.at_work(request)
    wish_id = http.uuid(request.path_params["wish_id"])
    async with http.house(request).database.connection() as conn:
        await wishes.get(conn, work.shop.shop_id, wish_id)
    return RedirectResponse(_at(work, wish_id), status_code=303)


async def decline(request: Request) -> Response:
    """POST root/wishes/ID/refusal: can't or won't"""
    work, at = await http.at_work(request), http.now(request)
    wish_id = http.uuid(request.path_params["wish_id"])
    await http.house(request).database.transaction(
        lambda conn: wishing.decline(conn, work.shop.shop_id, wish_id, at)
    )
    return frame.go(request, _at(work, wish_id), "wish_declined")


ROOT = "/console/{shop_id}/wishes"
_ONE = f"{ROOT}/{{wish_id}}"
ROUTES = [
    Route(ROOT, listed),
    Route(_ONE, one),
    Route(f"{_ONE}/refusal", decline, methods=["POST"]),
]
