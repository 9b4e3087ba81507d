"""What came back: whoever unpacks it says what is good and what is spoilt, and sees no sums. What
goes back to the buyer is decided at the request, by who may (shop/staff.py)."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.catalog import stock
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.sale import sending_back
from littleshop.shop import shop_acts
from littleshop.trade import carriers, orders, returned_goods
from littleshop.trade.returned_goods import Awaited
from littleshop.web import forms, pages
from littleshop.web.console import frame
from littleshop.web.forms import Form

ROOT = "/console/{shop_id}/stock/returned"


async def listed(request: Request) -> Response:
    """GET root/stock/returned"""
    return await _page(request)


async def _page(request: Request, wrong: dict[str, str] | None = None) -> Response:
    work, locale = await http.at_work(request), pages.locale_of(request)
    async with http.house(request).database.connection() as conn:
        found = await returned_goods.awaited(conn, work.shop.shop_id)
        rows = [await _row(conn, work.shop.shop_id, each, locale) for each in found]
    status = 422 if wrong else 200
    return await frame.page(
        request, work, "stock_returned.html", "goods", status=status, rows=rows, errors=wrong or {}
    )


async def _row(conn: db.Connection, shop_id: int, each: Awaited, locale: str) -> dict[str, Any]:
    """A parcel and what can be in it."""
    away = dict(await stock.away(conn, shop_id, each.order_id))
    lines: dict[UUID, dict[str, Any]] = {}
    for item in await orders.items(conn, shop_id, each.order_id):
        if away.get(item.variant_id, 0) > 0:
            name = " · ".join(part for part in (item.title, item.choice) if part)
            lines[item.variant_id] = {
                "variant": item.variant_id,
                "name": name,
                "picture_url": frame.picture(item.photo),
                "pieces": away[item.variant_id],
            }
    courier = carriers.CARRIERS.get(each.carrier)
    return {
        "case_id": each.case_id,
        "number": each.number,
        "carrier": courier.name(locale) if courier else "",
        "tracking_number": each.tracking_number,
        "at": each.sent_back_at,
        "lines": list(lines.values()),
    }


async def take_in(request: Request) -> Response:
    """POST root/stock/returned/CASE: good-VARIANT, spoilt-VARIANT; again changes nothing"""
    work, form, at = await http.at_work(request), await forms.read(request), http.now(request)
    case_id = http.uuid(request.path_params["case_id"])
    act = partial(_take_in, work=work, case_id=case_id, form=form, at=at)
    try:
        await http.house(request).database.transaction(act)
    except Refused as no:
        return await _page(request, {str(case_id): frame.sentence(request, no)})
    return frame.go(request, f"{frame.root(work.shop)}/stock/returned", "goods_taken_in")


async def _take_in(
    conn: db.Connection, work: AtWork, case_id: UUID, form: Form, at: datetime
) -> None:
    by, shop_id = work.person.person_id, work.shop.shop_id
    number = await sending_back.take_in(conn, shop_id, case_id, _pieces(form), person_id=by, at=at)
    if number is not None:
        await shop_acts.note(
            conn, shop_id, by, "goods_taken_in", at=at, subject=str(case_id), number=number
        )


def _pieces(form: Form) -> dict[UUID, tuple[int, int]]:
    """How many are good and how many spoilt, by variant. Raises Refused as forms.count."""
    return {
        http.uuid(each): (
            forms.count(form.text(f"good-{each}", 8) or "0"),
            forms.count(form.text(f"spoilt-{each}", 8) or "0"),
        )
        for each in form.texts("variant")
    }


ROUTES = [
    Route(ROOT, listed),
    Route(f"{ROOT}/{{case_id}}", take_in, methods=["POST"]),
]
