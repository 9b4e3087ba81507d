"""The platform's own entrances: who came by each, its code to print, one more."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

import segno
from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.errors import NotFound
from littleshop.oversight import ways_in
from littleshop.oversight.ways_in import WayIn
from littleshop.shop.shops import PLATFORM
from littleshop.social import entrances
from littleshop.web import addresses, forms, names
from littleshop.web.operator import frame

HERE = f"{frame.ROOT}/entrances"


async def listed(request: Request) -> Response:
    """GET /operator/entrances"""
    at_desk, house = await frame.operator(request), http.house(request)
    async with house.database.connection() as conn:
        found = await ways_in.listed(conn, http.now(request))
    who = await frame.names(house, [each.last.operator_id for each in found if each.last])
    rows = [_row(request, each, who) for each in found]
    return frame.page(
        request, at_desk, "entrances.html", rows=rows, kinds=entrances.KINDS, here=HERE
    )


def _row(request: Request, each: WayIn, who: dict[UUID | None, str]) -> dict[str, Any]:
    entrance = each.entrance
    return {
        "name": entrance.name,
        "kind": entrance.kind,
        "visitors": each.came.visitors,
        "views": each.came.views,
        "who": who[each.last.operator_id] if each.last else "",
        "made_at": entrance.created_at,
        "public_url": _address(request, entrance.code),
        "qr_url": f"{HERE}/{entrance.code}.svg",
    }


def _address(request: Request, code: str) -> str:
    return names.public_url(request, code) + addresses.entrance(code)


async def make(request: Request) -> Response:
    """POST /operator/entrances: kind, name, reason"""
    at_desk, form = await frame.operator(request), await forms.read(request)
    kind, name = form.text("kind", 24), form.text("name", 200)
    return await frame.act(
        request,
        HERE,
        "entrance_made",
        lambda conn, reason, at: ways_in.make(
            conn, at_desk.operator, kind=kind, name=name, reason=reason, at=at
        ),
    )


async def drawn(request: Request) -> Response:
    """GET /operator/entrances/CODE.svg: its code, to print at any size"""
    await frame.operator(request)
    code = request.path_params["code"]
    async with http.house(request).database.connection() as conn:
        if await entrances.find(conn, PLATFORM, code) is None:
            raise NotFound("entrance")
    qr = segno.make(_address(request, code), error="q")  # it hangs in the sun and gets scratched
    picture = io.BytesIO()
    qr.save(picture, kind="svg", scale=8, border=4, light="#fff")
    headers = {"cache-control": "private, no-store"}
    return Response(picture.getvalue(), media_type="image/svg+xml", headers=headers)
