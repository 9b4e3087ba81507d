"""Payouts that are kept back: why, since when, what waits; lift it, leave it, or hold another."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.oversight import holding
from littleshop.oversight.holding import HeldShop
from littleshop.web import forms
from littleshop.web.operator import frame

HERE = f"{frame.ROOT}/holds"


async def listed(request: Request) -> Response:
    """GET /operator/holds"""
    at_desk, house = await frame.operator(request), http.house(request)
    async with house.database.connection() as conn:
        found = await holding.waiting(conn, http.now(request))
    names = await frame.names(house, [each.last.operator_id for each in found if each.last])
    rows = [_row(each, names) for each in found]
    return frame.page(request, at_desk, "holds.html", holds=rows)


def _row(row: HeldShop, names: dict[UUID | None, str]) -> dict[str, Any]:
    hold, last = row.hold, row.last
    here = f"{HERE}/{hold.shop_id}/{hold.hold_id}"
    return {
        "id": str(hold.hold_id),
        "shop": row.shop.name,
        "shop_url": f"{frame.ROOT}/shops/{hold.shop_id}",
        "kind": hold.kind,
        "reason": hold.reason,
        "since": hold.from_at,
        "until": hold.until_at,
        "waits": row.waits,
        "lift_url": f"{here}/lifting",
        "keep_url": f"{here}/keeping",
        "last": {"who": names[last.operator_id], "at": last.at, "reason": last.reason}
        if last
        else None,
    }


def _about(request: Request) -> tuple[int, UUID]:
    return http.number(request.path_params["shop_id"]), http.uuid(request.path_params["hold_id"])


async def lift(request: Request) -> Response:
    """POST /operator/holds/SHOP/HOLD/lifting: reason"""
    at_desk, (shop_id, hold_id) = await frame.operator(request), _about(request)
    return await frame.act(
        request,
        HERE,
        "lifted",
        lambda conn, reason, at: holding.lift(
            conn, at_desk.operator, shop_id, hold_id, reason=reason, at=at
        ),
    )


async def keep(request: Request) -> Response:
    """POST /operator/holds/SHOP/HOLD/keeping: reason"""
    at_desk, (shop_id, hold_id) = await frame.operator(request), _about(request)
    return await frame.act(
        request,
        HERE,
        "kept",
        lambda conn, reason, at: holding.keep(
            conn, at_desk.operator, shop_id, hold_id, reason=reason, at=at
        ),
    )


async def hold(request: Request) -> Response:
    """POST /operator/shops/SHOP/holds: reason, form_key"""
    at_desk = await frame.operator(request)
    shop_id = http.number(request.path_params["shop_id"])
    cause = http.uuid((await forms.read(request)).text("form_key", 64))
    return await frame.act(
        request,
        f"{frame.ROOT}/shops/{shop_id}",
        "held",
        lambda conn, reason, at: holding.hold(
            conn, at_desk.operator, shop_id, cause, reason=reason, at=at
        ),
    )
