"""Counting the shelf: a count is opened, pieces are typed or scanned, one press corrects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.shop import shop_acts, staff
from littleshop.supply import stock_items, stocktakes
from littleshop.supply.stock_items import StockItem
from littleshop.supply.stocktakes import Count
from littleshop.web import forms
from littleshop.web.console import frame, stockroom
from littleshop.web.forms import Form


async def listed(request: Request) -> Response:
    """GET root/stock/counts"""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        rows = await stocktakes.listing(conn, work.shop.shop_id)
    going = any(each.status == "open" for each in rows)
    return await frame.page(
        request, work, "stock_counts.html", "goods",
        rows=rows, going=going, form_key=str(uuid4()),
    )  # fmt: skip


async def begin(request: Request) -> Response:
    """POST root/stock/counts: form_key"""
    work, form = await http.at_work(request), await forms.read(request)
    wanted = forms.key(form.text("form_key", 64), uuid4())
    at, person_id = http.now(request), work.person.person_id
    stocktake_id = await http.house(request).database.transaction(
        lambda conn: stocktakes.begin(conn, work.shop.shop_id, wanted, person_id=person_id, at=at)
    )
    to = f"{frame.root(work.shop)}/stock/counts/{stocktake_id}"
    return RedirectResponse(to, status_code=303)


async def one(request: Request) -> Response:
    """GET root/stock/counts/ID: what was counted, and where the next goes"""
    work, stocktake_id = await http.at_work(request), _id(request)
    shop_id = work.shop.shop_id
    async with http.house(request).database.connection() as conn:
        found = await stocktakes.get(conn, shop_id, stocktake_id)
        rows = await stocktakes.counts(conn, shop_id, stocktake_id)
        known = await stock_items.listing(conn, shop_id, stocked=True)
        names = await stockroom.who(
            request, conn, work, {found.opened_by, found.ended_by, *(r.person_id for r in rows)}
        )
    told = _told(work, rows, known) | {"count": found, "names": names, "form_key": str(uuid4())}
    return await frame.page(request, work, "stock_count.html", "goods", **told)


def _told(work: AtWork, rows: Sequence[Count], known: Sequence[StockItem]) -> dict[str, Any]:
    """What was counted, what differs and for how much, and what is left to count."""
    off, currency = [each for each in rows if each.off], work.shop.currency
    done = {each.variant_id for each in rows}
    return {
        "rows": [(each, _sum(each.value_minor, currency)) for each in rows],
        "off": len(off),
        "value": Money(sum(each.value_minor or 0 for each in off), currency),
        "unknown": [each.name for each in off if each.value_minor is None],
        "left": [each for each in known if each.variant_id not in done],
        "again": [each for each in known if each.variant_id in done],
        "may_set": staff.may(work.role, "goods"),
    }


def _sum(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


def _id(request: Request) -> UUID:
    return http.uuid(request.path_params["stocktake_id"])


def which(form: Form) -> str | UUID:
    """The kind that a form names: by a code, or picked from the list. Raises NotFound."""
    picked = form.text("kind", 64)
    return (
        form.text("code", 200)
        if form.text("code", 200).strip() or not picked
        else http.uuid(picked)
    )


async def count(request: Request) -> Response:
    """POST root/stock/counts/ID: code or kind, pieces (none: one more of it), add=yes, form_key"""
    work, form, stocktake_id = await http.at_work(request), await forms.read(request), _id(request)
    here = f"{frame.root(work.shop)}/stock/counts/{stocktake_id}"
    try:
        item, total = await _count(request, work, form, stocktake_id)
    except NotFound:
        raise
    except Refused as no:
        return frame.refuse(request, here, no)
    return frame.go(request, here, "counted", title=item.name, count=total)


async def _count(
    request: Request, work: AtWork, form: Form, stocktake_id: UUID
) -> tuple[StockItem, int]:
    """Raises NotFound, Refused as `stocktakes.count` does, and for what is no number."""
    named, key = which(form), forms.key(form.text("form_key", 64), uuid4())
    typed, at = form.text("pieces", 64).strip(), http.now(request)
    pieces, add = (forms.count(typed), form.ticked("add")) if typed else (1, True)
    return await http.house(request).database.transaction(
        lambda conn: stocktakes.count(
            conn, work.shop.shop_id, stocktake_id, key, named, pieces,
            add=add, person_id=work.person.person_id, at=at,
        )
    )  # fmt: skip


async def end(request: Request) -> Response:
    """POST root/stock/counts/ID/end: then=book|drop"""
    work, form = await frame.having(request, "goods"), await forms.read(request)
    stocktake_id, book = _id(request), form.text("then", 10) == "book"
    here = f"{frame.root(work.shop)}/stock/counts/{stocktake_id}"
    try:
        await _end(request, work, stocktake_id, book=book)
    except NotFound:
        raise
    except Refused as no:
        return frame.refuse(request, here, no)
    return frame.go(request, here, "count_booked" if book else "count_dropped")


async def _end(request: Request, work: AtWork, stocktake_id: UUID, *, book: bool) -> None:
    """Raises NotFound, Refused as `stocktakes.book` and `drop` do."""
    shop_id, at, person_id = work.shop.shop_id, http.now(request), work.person.person_id

    async def do(conn: db.Connection) -> None:
        if not book:
            await stocktakes.drop(conn, shop_id, stocktake_id, person_id=person_id, at=at)
            return
        off = await stocktakes.book(conn, shop_id, stocktake_id, person_id=person_id, at=at)
        await shop_acts.note(
            conn, shop_id, person_id, "stock_counted", at=at, subject=str(stocktake_id), count=off
        )

    await http.house(request).database.transaction(do)


_ROOT = "/console/{shop_id}/stock/counts"
ROUTES = [
    Route(_ROOT, listed),
    Route(_ROOT, begin, methods=["POST"]),
    Route(f"{_ROOT}/{{stocktake_id}}", one),
    Route(f"{_ROOT}/{{stocktake_id}}", count, methods=["POST"]),
    Route(f"{_ROOT}/{{stocktake_id}}/end", end, methods=["POST"]),
]
