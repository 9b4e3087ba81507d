"""Which shops owe something: to whom, how much, since when."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.clock import SHANGHAI
from littleshop.oversight import owing
from littleshop.oversight.owing import Owing
from littleshop.shop import shops
from littleshop.web.operator import frame

HERE = f"{frame.ROOT}/debts"


async def listed(request: Request) -> Response:
    """GET /operator/debts"""
    at_desk = await frame.operator(request)
    async with http.house(request).database.connection() as conn:
        found = await owing.listed(conn)
        others = {debt.to_shop_id for each in found for debt in each.debts}
        names = await shops.names(conn, list(others))
    rows = [_row(each, names) for each in found]
    return frame.page(request, at_desk, "debts.html", rows=rows)


async def row(house: http.House) -> dict[str, Any]:
    """What the desk's first page says of it: closed shops that owe wait for a person."""
    async with house.database.connection() as conn:
        count, since = await owing.gone(conn)
    return {"name": "debts", "count": count, "since": since and since.astimezone(SHANGHAI).date()}


def _row(each: Owing, names: dict[int, str]) -> dict[str, Any]:
    return {
        "shop": each.name,
        "shop_url": f"{frame.ROOT}/shops/{each.shop_id}",
        "below": each.below,
        "closed_at": each.closed_at,
        "debts": [
            {"to": names[debt.to_shop_id] if debt.to_shop_id else "", "amount": debt.amount,
             "since": debt.since}
            for debt in each.debts
        ],
    }  # fmt: skip
