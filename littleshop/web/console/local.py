"""Bringing things oneself: from where, how far for which fee; and setting out with an order."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.catalog import local_deliveries
from littleshop.catalog.local_deliveries import MOST_BANDS, Band, Local
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.i18n import SIGNS
from littleshop.sale import bringing
from littleshop.shop import shop_acts
from littleshop.trade import orders
from littleshop.trade.orders import Order
from littleshop.web import forms, meanwhile
from littleshop.web.console import frame, rates
from littleshop.web.forms import Form

PARTS = ("km", "fee", "places")


class Sheet(msgspec.Struct):
    """The form as typed, and what is wrong with it."""

    point: str = ""
    least: str = ""
    bands: list[dict[str, str]] = []
    errors: dict[str, str] = {}


async def page(request: Request) -> Response:
    """GET root/settings/local"""
    work = await http.at_work(request)
    known = await _known(request, work)
    return await _page(request, work, _sheet(work, known), known)


async def _known(request: Request, work: AtWork) -> Local | None:
    async with http.house(request).database.connection() as conn:
        return await local_deliveries.of(conn, work.shop.shop_id)


def _sheet(work: AtWork, known: Local | None) -> Sheet:
    """The form as it is now."""
    if known is None:
        return Sheet()
    currency = work.shop.currency
    point = ""
    if known.lat_e6 is not None and known.lon_e6 is not None:
        point = f"{known.lat_e6 / 1e6:.5f}, {known.lon_e6 / 1e6:.5f}"
    least = forms.shown(known.least_minor, currency) if known.least_minor else ""
    bands = [
        {
            "km": f"{each.meters / 1000:g}",
            "fee": forms.shown(each.fee_minor, currency),
            "places": "，".join(each.places),
        }
        for each in known.bands
    ]
    return Sheet(point, least, bands, {})


def _stands(known: Local | None) -> dict[str, str]:
    return {"local": msgspec.json.encode(known).decode()}


async def _page(
    request: Request, work: AtWork, sheet: Sheet, known: Local | None, *, status: int = 200
) -> Response:
    blank = dict.fromkeys(PARTS, "")
    rows = [*sheet.bands, *[blank] * (MOST_BANDS - len(sheet.bands))]
    return await frame.page(
        request, work, "settings_local.html", "today",
        status=status, sheet=sheet, rows=rows, filled=len(sheet.bands), on=known is not None,
        showed=meanwhile.mark(_stands(known)),
        sign=SIGNS.get(work.shop.currency, work.shop.currency),
    )  # fmt: skip


async def save(request: Request) -> Response:
    """POST root/settings/local: point, least, band-N-km, -fee, -places, then=save|off"""
    work, form = await http.at_work(request), await forms.read(request)
    off, sheet = form.text("then", 10) == "off", _typed(form)
    known = await _known(request, work)
    if meanwhile.is_stale(form, _stands(known)):
        return frame.refuse(request, request.url.path, Refused("form_moved"))
    local = None if off else _local(request, work, sheet)
    if not off and local is None:
        return await _page(request, work, sheet, known, status=422)

    await _write(request, work, local)
    here = f"{frame.root(work.shop)}/settings/shipping"
    return frame.go(request, here, "local_off" if off else "local_saved")


async def _write(request: Request, work: AtWork, local: Local | None) -> None:
    shop_id, at = work.shop.shop_id, http.now(request)

    async def set_it(conn: db.Connection) -> None:
        if local is None:
            await local_deliveries.stop(conn, shop_id)
        else:
            await local_deliveries.write(conn, shop_id, local, at)
        await shop_acts.note(conn, shop_id, work.person.person_id, "shipping", at=at)

    await http.house(request).database.transaction(set_it)


def _typed(form: Form) -> Sheet:
    bands = [
        {part: form.text(f"band-{at}-{part}", 1000).strip() for part in PARTS}
        for at in range(MOST_BANDS)
    ]
    kept = [each for each in bands if any(each.values())]
    return Sheet(form.text("point", 2000).strip(), form.text("least", 40).strip(), kept, {})


def _local(request: Request, work: AtWork, sheet: Sheet) -> Local | None:
    """What was typed, or None: the sheet's errors say what is wrong."""
    point = local_deliveries.point(sheet.point) if sheet.point else None
    if sheet.point and point is None:
        sheet.errors["point"] = forms.said(request, Refused("local_point"))
        return None
    lat, lon = point or (None, None)
    try:
        least = forms.fee(sheet.least, work.shop.currency)
        bands = tuple(_band(work, each) for each in sheet.bands)
        return local_deliveries.check(Local(lat, lon, least, bands))
    except Refused as no:
        sheet.errors["point" if no.code == "local_nowhere" else "bands"] = forms.said(request, no)
        return None


def _band(work: AtWork, typed: dict[str, str]) -> Band:
    """Raises Refused: weight_number of what is no distance, and what forms.fee raises."""
    try:
        meters = rates.grams(typed["km"])  # kilometres with three places, as kilograms have
    except Refused:
        raise Refused("local_meters", most=local_deliveries.MOST_METERS // 1000) from None
    places = tuple(re.split(r"[,，、;；\n]+", typed["places"]))
    return Band(meters, forms.fee(typed["fee"], work.shop.currency), places)


async def leave(request: Request) -> Response:
    """POST root/orders/NUMBER/out: on the way with it; the buyer has the code ready"""
    work, house, at = await http.at_work(request), http.house(request), http.now(request)
    order = await _order(request, work)
    here = f"{frame.root(work.shop)}/orders/{order.number}"
    try:
        await house.database.transaction(
            lambda conn: bringing.leave(conn, house.keyring, order.shop_id, order.order_id, at)
        )
    except Refused as no:
        return frame.refuse(request, here, no)
    return frame.go(request, here, "order_out", number=order.number)


async def _order(request: Request, work: AtWork) -> Order:
    """The order of the address. Raises NotFound."""
    number = request.path_params["number"]
    if not (number.isdecimal() and len(number) < 16):
        raise NotFound("order")
    async with http.house(request).database.connection() as conn:
        found = await orders.by_number(conn, work.shop.shop_id, int(number))
    if found is None:
        raise NotFound("order")
    return found


_ROOT = "/console/{shop_id}"
ROUTES: list[Any] = [
    Route(f"{_ROOT}/settings/local", page),
    Route(f"{_ROOT}/settings/local", save, methods=["POST"]),
    Route(f"{_ROOT}/orders/{{number}}/out", leave, methods=["POST"]),
]
