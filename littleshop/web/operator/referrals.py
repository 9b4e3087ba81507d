"""Referral commission of all shops: who gives what, what is frozen, and the switch."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.oversight import stopping
from littleshop.oversight.stopping import Giving
from littleshop.shop.shops import PLATFORM
from littleshop.social import referral_stops
from littleshop.web import forms
from littleshop.web.operator import frame
from littleshop.web.rates import percent

HERE = f"{frame.ROOT}/referrals"


async def listed(request: Request) -> Response:
    """GET /operator/referrals"""
    at_desk = await frame.operator(request)
    async with http.house(request).database.connection() as conn:
        found = await stopping.giving(conn)
        everywhere = await referral_stops.current(conn, PLATFORM)
    return frame.page(
        request, at_desk, "referrals.html", rows=[_row(each) for each in found],
        everywhere=everywhere, all_url=f"{HERE}/{PLATFORM}/switch",
    )  # fmt: skip


def _row(each: Giving) -> dict[str, Any]:
    return {
        "id": str(each.shop.shop_id),
        "name": each.shop.name,
        "shop_url": f"{frame.ROOT}/shops/{each.shop.shop_id}",
        "first": percent(each.rates.first_bps),
        "second": percent(each.rates.second_bps),
        "sharers": each.sharers,
        "coming": each.coming,
        "frozen": each.frozen,
        "theirs": each.theirs,
        "stop": each.stop,
        "switch_url": f"{HERE}/{each.shop.shop_id}/switch",
    }


async def switch(request: Request) -> Response:
    """POST /operator/referrals/SHOP/switch: state=on|off, reason; SHOP 0 is everywhere"""
    at_desk = await frame.operator(request)
    shop_id = http.number(request.path_params["shop_id"])
    off = (await forms.read(request)).text("state", 8) == "off"
    turn = stopping.stop if off else stopping.lift
    return await frame.act(
        request,
        HERE,
        "referral_stopped" if off else "referral_lifted",
        lambda conn, reason, at: turn(conn, at_desk.operator, shop_id, reason=reason, at=at),
    )
