"""Closing a shop and opening it again: what goes on, what is kept, what there is to take along."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from littleshop import http, i18n
from littleshop.db import Connection, Database
from littleshop.errors import Refused
from littleshop.ledger import accounts, chart, debts
from littleshop.money import Money
from littleshop.sale import closing
from littleshop.shop import closings, handovers, shops
from littleshop.shop.shops import Shop
from littleshop.trade import order_exports
from littleshop.web import forms, pages
from littleshop.web.console import frame
from littleshop.web.console.figures import harmless

HERE = "/settings/closing"
COLUMNS = (
    "number", "state", "things", "pieces", "goods", "shipping", "total", "placed", "paid",
    "shipped", "received", "refunded",
)  # fmt: skip


async def page(request: Request) -> Response:
    """GET root/settings/closing"""
    work, now = await http.at_work(request), http.now(request)
    shop = work.shop
    async with http.house(request).database.connection() as conn:
        known = await closings.current(conn, shop.shop_id)
        offered = await handovers.open_one(conn, shop.shop_id, now)
        running = await order_exports.running(conn, shop.shop_id)
        owed = await accounts.balance(conn, shop.shop_id, chart.PAYABLE, shop.currency)
        creditors = await _creditors(conn, shop)
    return await frame.page(
        request, work, "closing.html", "today",
        closed=known, may_reopen=known is not None and known.until_at > now,
        days=closings.REOPENS.days, running=running, owed=owed, creditors=creditors,
        held=Money(running.held_minor, shop.currency), offered=offered is not None,
    )  # fmt: skip


async def _creditors(conn: Connection, shop: Shop) -> list[dict[str, Any]]:
    """Which shops wait for what this one owes them."""
    owed = [each for each in await debts.listed(conn, shop.shop_id) if each.to_shop_id]
    names = await shops.names(conn, [each.to_shop_id for each in owed])
    return [{"shop": names[each.to_shop_id], "amount": each.amount} for each in owed]


async def turn(request: Request) -> Response:
    """POST root/settings/closing: then=close|open, owes (what he read); what it is stays so"""
    work, form = await http.at_work(request), await forms.read(request)
    wanted = "closed" if form.text("then") == "close" else "reopened"
    seen = http.number(form.text("owes", 18) or "0")
    act = partial(closing.close, owed_seen=seen) if wanted == "closed" else closing.reopen
    back = f"{frame.root(work.shop)}{HERE}"
    try:
        await act(http.house(request).database, work.person, work.shop.shop_id, http.now(request))
    except Refused as refused:
        return frame.refuse(request, back, refused)
    return frame.go(request, back, f"shop_{wanted}")


async def orders(request: Request) -> Response:
    """GET root/settings/closing/orders.csv: every order, without whose it was"""
    work = await http.at_work(request)
    shop = work.shop
    name = f"{shop.slug or shop.shop_id}-orders.csv"
    return StreamingResponse(
        _table(http.house(request).database, shop, pages.locale_of(request)),
        media_type="text/csv; charset=utf-8",
        headers=pages.PRIVATE | {"content-disposition": f'attachment; filename="{name}"'},
    )


async def _table(database: Database, shop: Shop, locale: str) -> AsyncIterator[str]:
    """The table a piece at a time; each piece is read when the one before it has gone."""
    heads = [i18n.t(locale, f"closing.csv.{name}") for name in COLUMNS]
    yield "\ufeff" + _rows([heads])
    after = 0
    while True:
        async with database.connection() as conn:
            found = await order_exports.lines(conn, shop.shop_id, after)
        if not found:
            return
        yield _rows([_cells(each, shop, locale) for each in found])
        after = found[-1].number


def _rows(rows: list[list[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows([[harmless(cell) for cell in row] for row in rows])
    return written.getvalue()


def _cells(line: order_exports.Line, shop: Shop, locale: str) -> list[str]:
    zone = ZoneInfo(shop.zone)

    def when(at: datetime | None) -> str:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else ""

    sums = (line.goods_minor, line.shipping_minor, line.total_minor)
    moments = (line.placed_at, line.paid_at, line.shipped_at, line.received_at, line.refunded_at)
    return [
        str(line.number), i18n.t(locale, f"console.state.{line.status}"), line.things,
        str(line.pieces), *(forms.shown(minor, line.currency) for minor in sums),
        *map(when, moments),
    ]  # fmt: skip


_ROOT = f"/console/{{shop_id}}{HERE}"
ROUTES = [
    Route(_ROOT, page),
    Route(_ROOT, turn, methods=["POST"]),
    Route(f"{_ROOT}/orders.csv", orders),
]
