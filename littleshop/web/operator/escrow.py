"""Who is being admitted by the institutions that hold money, and what they hold for too long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http, i18n
from littleshop.http import House
from littleshop.oversight import escrowing
from littleshop.oversight.escrowing import Asked, NearLimit, Stuck
from littleshop.web import pages
from littleshop.web.operator import frame

HERE = f"{frame.ROOT}/escrow"


def limits(house: House) -> dict[str, timedelta]:
    """How long each institution of this house holds a payment."""
    return {name: escrow.holds_for for name, escrow in house.escrows.items()}


async def row(house: House, at: datetime) -> dict[str, Any] | None:
    """The line of the desk's first page; None where no institution holds money."""
    if not house.escrows:
        return None
    async with house.database.connection() as conn:
        near = await escrowing.near_limit(conn, limits(house), at)
        stuck = await escrowing.stuck(conn)
    since = min((each.since for each in stuck), default=None)
    return {"name": "escrow", "count": len(near) + len(stuck), "since": since}


async def listed(request: Request) -> Response:
    """GET /operator/escrow"""
    at_desk, house = await frame.operator(request), http.house(request)
    at, locale = http.now(request), pages.locale_of(request)
    async with house.database.connection() as conn:
        asked = await escrowing.asked(conn)
        near = await escrowing.near_limit(conn, limits(house), at)
        stuck = await escrowing.stuck(conn)
    return frame.page(
        request,
        at_desk,
        "escrow.html",
        admissions=[_admission(each, locale, at) for each in asked],
        near=[_near(each, locale) for each in near],
        stuck=[_stuck(each, locale) for each in stuck],
    )


def _name(locale: str, gateway: str) -> str:
    return i18n.t(locale, f"checkout.method.{gateway}")


def _admission(each: Asked, locale: str, at: datetime) -> dict[str, Any]:
    known = each.admission
    return {
        "shop": each.shop,
        "shop_url": f"{frame.ROOT}/shops/{known.shop_id}",
        "name": _name(locale, known.gateway),
        "state": known.stands,
        "age": _age(at - known.asked_at),
        "heard_at": known.heard_at,
        "said": known.said,
        "reference": known.reference,
    }


def _age(span: timedelta) -> timedelta:
    """A span in whole days, or hours, or minutes: one word is enough of it."""
    for unit in (timedelta(days=1), timedelta(hours=1)):
        if span >= unit:
            return span // unit * unit
    return span


def _near(each: NearLimit, locale: str) -> dict[str, Any]:
    return {
        "shop": each.shop,
        "shop_url": f"{frame.ROOT}/shops/{each.shop_id}",
        "number": each.number,
        "name": _name(locale, each.gateway),
        "amount": each.amount,
        "until": each.until,
    }


def _stuck(each: Stuck, locale: str) -> dict[str, Any]:
    return {
        "shop": each.shop,
        "shop_url": f"{frame.ROOT}/shops/{each.shop_id}",
        "number": each.number,
        "name": _name(locale, each.gateway),
        "amount": each.amount,
        "refunding": each.refunding,
        "said": each.said,
        "since": each.since,
    }
