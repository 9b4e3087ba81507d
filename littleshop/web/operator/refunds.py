"""Refunds that did not arrive: why, and the ways to get the money to the buyer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.errors import GatewayError, NotFound, Refused
from littleshop.oversight import redirecting
from littleshop.oversight.redirecting import Stuck
from littleshop.pay import chargebacks
from littleshop.web import flash, forms
from littleshop.web.forms import Form
from littleshop.web.operator import frame

HERE = f"{frame.ROOT}/refunds"
More = Callable[[Form], dict[str, Any]]


async def listed(request: Request) -> Response:
    """GET /operator/refunds"""
    at_desk, house = await frame.operator(request), http.house(request)
    async with house.database.connection() as conn:
        found = await redirecting.waiting(conn, house.rails)
        taken = [_taken(each) for each in await chargebacks.shown(conn)]
    names = await frame.names(house, [each.last.operator_id for each in found if each.last])
    rows = [_row(each, names) for each in found]
    return frame.page(request, at_desk, "refunds.html", refunds=rows, taken=taken)


def _row(row: Stuck, names: dict[UUID | None, str]) -> dict[str, Any]:
    refund, last = row.refund, row.last
    here = f"{HERE}/{refund.shop_id}/{refund.refund_id}"
    return {
        "id": str(refund.refund_id),
        "rail": row.gateway,
        "shop": row.shop,
        "shop_url": f"{frame.ROOT}/shops/{refund.shop_id}",
        "number": row.number,
        "amount": refund.amount,
        "since": refund.stuck_at,
        "state": _state(row),
        "redirects": row.redirects,
        "ways": _ways(row),
        "urls": {name: f"{here}/{name}" for name in ("sending", "card", "to-us", "by-hand")},
        "last": {"who": names[last.operator_id], "at": last.at, "reason": last.reason}
        if last
        else None,
    }


def _taken(row: chargebacks.Shown) -> dict[str, Any]:
    """A chargeback: it waits for the bank, or the platform bears a part of it."""
    one = row.chargeback
    return {
        "rail": row.gateway,
        "shop": row.shop,
        "shop_url": f"{frame.ROOT}/shops/{one.shop_id}",
        "number": row.number,
        "state": "open" if one.status == "open" else "borne",
        "amount": one.amount if one.status == "open" else row.borne,
        "at": one.opened_at if one.ended_at is None else one.ended_at,
        "returned": row.outcome == "returned",
    }


def _state(row: Stuck) -> str:
    """Where the money is, a key of texts."""
    if row.refund.redirect == "us":
        return "with_us"
    if row.refund.redirect:
        return "asking"
    return "came_back" if row.refund.replaces else "nowhere"


def _ways(row: Stuck) -> list[str]:
    """What may be done now: a rail that sends refunds elsewhere still has the money."""
    if not row.redirects:
        return ["sending", "by-hand"]
    return {
        "": ["card", "to-us", "sending"],
        "asking_card": ["card"],
        "asking_us": ["to-us"],
        "us": ["by-hand"],
    }[row.refund.redirect]


async def _act(
    request: Request, said: str, do: Callable[..., Awaitable[None]], more: More | None = None
) -> Response:
    """A press of one of the ways: `do` is an act of redirecting.py, `more` what its form tells
    beside the reason."""
    at_desk, form = await frame.operator(request), await forms.read(request)
    house, at = http.house(request), http.now(request)
    shop_id = http.number(request.path_params["shop_id"])
    refund_id = http.uuid(request.path_params["refund_id"])
    try:
        await do(
            house.database, house.rails, at_desk.operator, shop_id, refund_id,
            reason=form.text("reason", 2000), at=at, **(more(form) if more else {}),
        )  # fmt: skip
    except NotFound:
        raise
    except Refused as refused:
        return flash.refuse(request, HERE, refused)
    except GatewayError:
        return frame.go(request, HERE, "rail_silent")
    return frame.go(request, HERE, said)


def _to_card(form: Form) -> dict[str, Any]:
    """Raises Refused."""
    return {"card": redirecting.buyer_card(form.text("number", 64), form.text("name", 100))}


async def send_again(request: Request) -> Response:
    """POST /operator/refunds/SHOP/REFUND/sending: reason"""
    return await _act(request, "refund_sent_again", redirecting.send_again)


async def to_card(request: Request) -> Response:
    """POST /operator/refunds/SHOP/REFUND/card: reason, number, name"""
    return await _act(request, "refund_to_card", redirecting.redirect, _to_card)


async def to_us(request: Request) -> Response:
    """POST /operator/refunds/SHOP/REFUND/to-us: reason"""
    return await _act(request, "refund_to_us", redirecting.redirect, lambda form: {"card": None})


async def by_hand(request: Request) -> Response:
    """POST /operator/refunds/SHOP/REFUND/by-hand: reason"""
    return await _act(request, "refund_by_hand", redirecting.pay_by_hand)
