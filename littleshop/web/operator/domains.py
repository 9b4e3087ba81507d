"""The public names of the platform: how each does, one more, one less, one that is blocked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.oversight import naming
from littleshop.oversight.naming import Name
from littleshop.web import forms
from littleshop.web.operator import frame

HERE = f"{frame.ROOT}/domains"


async def listed(request: Request) -> Response:
    """GET /operator/domains"""
    at_desk, house = await frame.operator(request), http.house(request)
    async with house.database.connection() as conn:
        found = await naming.names(conn, house.settings)
    who = await frame.names(house, [each.last.operator_id for each in found if each.last])
    rows = [_row(each, who) for each in found]
    carrying = sum(row["state"] == "healthy" for row in rows)
    return frame.page(request, at_desk, "domains.html", domains=rows, carrying=carrying, here=HERE)


def _row(name: Name, who: dict[UUID | None, str]) -> dict[str, Any]:
    row = name.domain
    return {
        "host": row.host,
        "state": "blocked" if row.blocked_at else row.state,
        "health": row.state,
        "since": row.since,
        "why": row.why,
        "looked_at": row.looked_at,
        "blocked_at": row.blocked_at,
        "blocked_why": row.blocked_why,
        "who": who[name.last.operator_id] if name.last else "",
        "is_home": name.is_home,
        "is_set": name.is_set,
        "url": f"{HERE}/{row.host}",
    }


async def add(request: Request) -> Response:
    """POST /operator/domains: host, reason"""
    at_desk, settings = await frame.operator(request), http.house(request).settings
    host = (await forms.read(request)).text("host", 300)
    return await frame.act(
        request,
        HERE,
        "domain_added",
        lambda conn, reason, at: naming.add(
            conn, at_desk.operator, settings, host, reason=reason, at=at
        ),
    )


async def mark(request: Request) -> Response:
    """POST /operator/domains/HOST/marks: mark=blocked|open, reason"""
    at_desk, host = await frame.operator(request), request.path_params["host"]
    blocked = (await forms.read(request)).text("mark", 8) == "blocked"
    turn = naming.block if blocked else naming.unblock
    return await frame.act(
        request,
        HERE,
        "domain_blocked" if blocked else "domain_unblocked",
        lambda conn, reason, at: turn(conn, at_desk.operator, host, reason=reason, at=at),
    )


async def remove(request: Request) -> Response:
    """POST /operator/domains/HOST/removal: reason"""
    at_desk, settings = await frame.operator(request), http.house(request).settings
    host = request.path_params["host"]
    return await frame.act(
        request,
        HERE,
        "domain_removed",
        lambda conn, reason, at: naming.remove(
            conn, at_desk.operator, settings, host, reason=reason, at=at
        ),
    )
