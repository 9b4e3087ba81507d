"""What the platform takes: the schedules of all shops and of one, and setting another."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.clock import SHANGHAI
from littleshop.errors import Refused
from littleshop.oversight import charging
from littleshop.oversight.acts import Act
from littleshop.oversight.charging import Sheet, Wish
from littleshop.pay import gateways
from littleshop.settlement.desks import CURRENCY
from littleshop.shop.shops import PLATFORM
from littleshop.trade.fees import EVERY_RAIL, Rate, Schedule
from littleshop.web import flash, forms, pages, rates
from littleshop.web.forms import Form
from littleshop.web.operator import frame

HERE = f"{frame.ROOT}/fees"
_PARTS = ("bps", "fixed", "lowest", "highest")


async def page(request: Request) -> Response:
    """GET /operator/fees?currency= and /operator/shops/SHOP/fees"""
    at_desk, house = await frame.operator(request), http.house(request)
    asked = request.query_params.get("currency", CURRENCY)[:3].upper()
    async with house.database.connection() as conn:
        found = await charging.sheet(conn, _shop(request), asked, http.now(request))
    names = await frame.names(house, [each.operator_id for each in found.said.values()])
    return frame.page(
        request, at_desk, "fees.html",
        of_shop=found.name, currency=found.currency, is_platform=found.of_shop_id == PLATFORM,
        schedules=_rows(found, names, pages.locale_of(request)),
        rails=[EVERY_RAIL, *sorted(gateways.OPENERS)], set_url=request.url.path,
        today=http.now(request).astimezone(SHANGHAI).date(), form_key=str(uuid.uuid4()),
    )  # fmt: skip


def _shop(request: Request) -> int:
    asked = request.path_params.get("shop_id")
    return PLATFORM if asked is None else http.number(asked)


def _rows(found: Sheet, names: dict[UUID | None, str], locale: str) -> list[dict[str, Any]]:
    """Every schedule; the platform's where the shop has none of its own."""
    now = found.in_force
    foreign = [now] if now is not None and now not in found.schedules else []
    return [
        _row(found, each, found.said.get(charging.subject(each.schedule_id)), names, locale)
        for each in [*found.schedules, *foreign]
    ]


def _row(
    found: Sheet, one: Schedule, act: Act | None, names: dict[UUID | None, str], locale: str
) -> dict[str, Any]:
    return {
        "name": one.name,
        "follows": one.follows_platform,
        "is_platforms": one.of_shop_id == PLATFORM and found.of_shop_id != PLATFORM,
        "in_force": found.in_force == one,
        "starts_at": one.starts_at,
        "rates": rates.rows(locale, found.rates[one.schedule_id], one.currency),
        "who": names[act.operator_id] if act else "",
        "reason": act.reason if act else "",
    }


async def charge(request: Request) -> Response:
    """POST of the same addresses: name, starts_on, rate-RAIL ..., follows, reason, form_key"""
    at_desk, house = await frame.operator(request), http.house(request)
    form, here = await forms.read(request), request.url.path
    cause, reason = http.uuid(form.text("form_key", 40)), form.text("reason", 2000)
    try:
        wish = _wish(form, _shop(request))
        await house.database.transaction(
            lambda conn: charging.charge(
                conn, at_desk.operator, wish, cause, reason=reason, at=http.now(request)
            )
        )
    except Refused as refused:
        return flash.refuse(request, here, refused)
    return frame.go(request, here, "fees_set")


def _wish(form: Form, of_shop_id: int) -> Wish:
    """Raises Refused: price_number and its like, fees_past, fees_rate."""
    currency = form.text("currency", 3).upper() or CURRENCY
    try:
        starts_on = date.fromisoformat(form.text("starts_on", 10))
    except ValueError:
        raise Refused("fees_past") from None
    wanted = {
        rail: _rate(form, rail or "every", currency)
        for rail in (EVERY_RAIL, *gateways.OPENERS)
        if any(form.text(f"{part}-{rail or 'every'}") for part in _PARTS)
    }
    follows = form.ticked("follows")
    if not follows and EVERY_RAIL not in wanted:
        raise Refused("fees_rate")
    name = " ".join(form.text("name", 200).split())
    return Wish(of_shop_id, name, currency, starts_on, {} if follows else wanted)


def _rate(form: Form, rail: str, currency: str) -> Rate:
    highest = form.text(f"highest-{rail}", 20)
    return Rate(
        bps=forms.fee(form.text(f"bps-{rail}", 20).replace("%", ""), "CNY"),  # 0.6 is 60
        fixed_minor=forms.fee(form.text(f"fixed-{rail}", 20), currency),
        lowest_minor=forms.fee(form.text(f"lowest-{rail}", 20), currency),
        highest_minor=forms.fee(highest, currency) if highest else None,
    )
