"""What the platform takes: the schedules of all shops and of one, and setting another."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.clock import SHANGHAI
from littleshop.errors import NotFound, Refused
from littleshop.oversight import charging
from littleshop.oversight.acts import Act
from littleshop.oversight.charging import Sheet, Wish
from littleshop.pay import gateways
from littleshop.settlement.desks import CURRENCY
from littleshop.shop.shops import PLATFORM
from littleshop.trade.fees import EVERY_RAIL, Rate, Schedule
from littleshop.web import forms, pages, rates
from littleshop.web.forms import Form
from littleshop.web.operator import frame

HERE = f"{frame.ROOT}/fees"
_PARTS = ("bps", "fixed", "lowest", "highest")


# The field that a refusal is about; what a rate's own fields say is raised with their names.
_FIELDS = {"fees_name": "name", "fees_past": "starts_on", "fees_rate": "bps-every"}


class _Wrong(Exception):
    """What was typed in a field makes no sense."""

    def __init__(self, field: str, refused: Refused) -> None:
        super().__init__(field)
        self.field, self.refused = field, refused


async def page(request: Request) -> Response:
    """GET /operator/fees?currency= and /operator/shops/SHOP/fees"""
    at_desk = await frame.operator(request)
    asked = request.query_params.get("currency", CURRENCY)[:3].upper()
    return await _show(request, at_desk, asked, {}, {})


async def _show(
    request: Request,
    at_desk: frame.AtDesk,
    asked: str,
    typed: Mapping[str, str],
    wrong: Mapping[str, str],
) -> Response:
    """The schedules and the form, filled in as it was typed; `wrong` by field."""
    house = http.house(request)
    async with house.database.connection() as conn:
        found = await charging.sheet(conn, _shop(request), asked, http.now(request))
    names = await frame.names(house, [each.operator_id for each in found.said.values()])
    return frame.page(
        request, at_desk, "fees.html", status=422 if wrong else 200, form=typed, wrong=wrong,
        of_shop=found.name, currency=found.currency, is_platform=found.of_shop_id == PLATFORM,
        schedules=_rows(found, names, pages.locale_of(request)),
        rails=[EVERY_RAIL, *sorted(gateways.OPENERS)], set_url=request.url.path,
        today=http.now(request).astimezone(SHANGHAI).date(),
        form_key=typed.get("form_key") or str(uuid.uuid4()),
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
    at_desk, form = await frame.operator(request), await forms.read(request)
    try:
        await _charge(request, at_desk, form)
    except (Refused, _Wrong) as no:
        if isinstance(no, NotFound):
            raise
        field, refused = (
            (no.field, no.refused)
            if isinstance(no, _Wrong)
            else (_FIELDS.get(no.code, "reason"), no)
        )
        wrong = {field: forms.said(request, refused)}
        typed = form.typed(*_all_fields(), "currency", "form_key")
        return await _show(request, at_desk, _currency(form), typed, wrong)
    return frame.go(request, request.url.path, "fees_set")


def _all_fields() -> list[str]:
    rails = [rail or "every" for rail in (EVERY_RAIL, *gateways.OPENERS)]
    rates_ = [f"{part}-{rail}" for rail in rails for part in _PARTS]
    return ["name", "starts_on", "follows", "reason", *rates_]


async def _charge(request: Request, at_desk: frame.AtDesk, form: Form) -> None:
    """Raises Refused, _Wrong."""
    cause, reason = http.uuid(form.text("form_key", 40)), form.text("reason", 2000)
    wish = _wish(form, _shop(request))
    await http.house(request).database.transaction(
        lambda conn: charging.charge(
            conn, at_desk.operator, wish, cause, reason=reason, at=http.now(request)
        )
    )


def _currency(form: Form) -> str:
    return form.text("currency", 3).upper() or CURRENCY


def _wish(form: Form, of_shop_id: int) -> Wish:
    """Raises Refused fees_past, fees_rate; _Wrong for a field of a rate."""
    currency = _currency(form)
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
    bps = _typed(form, f"bps-{rail}", "CNY")  # 0.6 is 60
    if bps > 10_000:
        raise _Wrong(f"bps-{rail}", Refused("fees_percent"))
    lowest = _typed(form, f"lowest-{rail}", currency)
    highest = _typed(form, f"highest-{rail}", currency) if form.text(f"highest-{rail}") else None
    if highest is not None and highest < lowest:
        raise _Wrong(f"highest-{rail}", Refused("fees_bounds"))
    return Rate(bps, _typed(form, f"fixed-{rail}", currency), lowest, highest)


def _typed(form: Form, field: str, currency: str) -> int:
    """A percentage in hundredths, or an amount in minor units. Raises _Wrong."""
    try:
        return forms.fee(form.text(field, 20).replace("%", ""), currency)
    except Refused:
        code = "fees_percent" if field.startswith("bps-") else "fees_amount"
        raise _Wrong(field, Refused(code)) from None
