"""Figures: today beside yesterday, any span drawn, and the same as tables to take away."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from littleshop import clock, db, http, i18n, sheets
from littleshop.catalog import products
from littleshop.catalog.products import Product
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.insights import takings, visits
from littleshop.insights.takings import PaidMinute
from littleshop.money import Money
from littleshop.shop.shops import Shop
from littleshop.web import pages
from littleshop.web.console import (
    charts,
    drawn,
    drawn_thing,
    frame,
    proportions,
    span_figures,
    spans,
    tables,
)
from littleshop.web.console.span_figures import Read
from littleshop.web.console.spans import Span

DAY = timedelta(days=1)


def midnight(shop: Shop, day: date) -> datetime:
    """When a day of the shop begins."""
    return datetime.combine(day, time(), ZoneInfo(shop.zone)).astimezone(UTC)


async def today(conn: db.Connection, shop: Shop, now: datetime) -> dict[str, Any]:
    """`figures` of pieces/figures_now.html, and `viewers`."""
    day = clock.local_day(now, shop.zone)
    before, start = midnight(shop, day - DAY), midnight(shop, day)
    paid = await takings.minutes(conn, shop.shop_id, before, now + timedelta(minutes=1))
    came = await takings.came(conn, shop.shop_id, ["shop"], day, day)
    quarter = int((now - start) / timedelta(minutes=15)) + 1
    then = await takings.visitors_by(conn, shop.shop_id, day - DAY, quarter, now - DAY)
    viewers = await visits.viewers(conn, shop.shop_id, day, now)
    visitors = sum(each.visitors for each in came if not each.subject)
    visitors = max(visitors, sum(each.buyers for each in paid if each.at >= start))
    return _day(shop, paid, start, now, visitors, then) | {"viewers": viewers}


def _day(
    shop: Shop,
    paid: Sequence[PaidMinute],
    start: datetime,
    now: datetime,
    visitors: int,
    then: int,
) -> dict[str, Any]:
    new = [each for each in paid if each.at >= start]
    old = [each for each in paid if each.at < start]
    by_now = [each for each in old if each.at <= now - DAY]
    so_far, whole = sum(each.minor for each in new), sum(each.minor for each in old)
    orders, orders_then = (sum(each.orders for each in some) for some in (new, by_now))
    ahead = so_far - sum(each.minor for each in by_now)
    zone = ZoneInfo(shop.zone)
    minute = _minute(now, zone)
    return {
        "so_far": Money(so_far, shop.currency),
        "ahead": Money(ahead, shop.currency),
        "yesterday": Money(whole, shop.currency),
        "chart": charts.through_the_day(_climb(new, zone), _climb(old, zone), minute),
        "now_text": i18n.clock(now, zone),
        "visitors": visitors,
        "visitors_then": then,
        "orders": orders,
        "orders_then": orders_then,
        "bought": min(1000, proportions.permille(orders, visitors)),
        "bought_then": min(1000, proportions.permille(orders_then, then)),
    }


def _minute(at: datetime, zone: ZoneInfo) -> int:
    local = at.astimezone(zone)
    return local.hour * 60 + local.minute


def _climb(paid: Sequence[PaidMinute], zone: ZoneInfo) -> list[charts.Moment]:
    """What was paid as it added up through the day."""
    sums, so_far = [], 0
    for each in paid:
        so_far += each.minor
        sums.append((_minute(each.at, zone), so_far))
    return sums


def viewers_line(locale: str, count: int) -> str:
    """How many people are inside."""
    if not count:
        return i18n.t(locale, "console.open")
    return i18n.t(locale, "console.viewers", count=count)


async def page(request: Request) -> Response:
    """GET root/figures?days=7|30|90, ?span=today, ?month=2026-11, ?from=&to=: drawn; 422 with the
    last thirty days when there are no such days."""
    work, now = await http.at_work(request), http.now(request)
    span, wrong = chosen(request, work.shop, now)
    async with http.house(request).database.connection() as conn:
        found = await span_figures.read(conn, work.shop, span, now)
    root = frame.root(work.shop)
    context = drawn.told(found, pages.locale_of(request), root)
    context |= picker(request, work.shop, span, wrong, f"{root}/figures", now)
    return await frame.page(
        request, work, "figures.html", "today", status=422 if wrong else 200, **context
    )


def chosen(request: Request, shop: Shop, now: datetime) -> tuple[Span, str]:
    """The span of the address, and a sentence about what is wrong with it, or ""."""
    today = clock.local_day(now, shop.zone)
    try:
        return spans.asked(request.query_params, today), ""
    except Refused as refused:
        return spans.usual(today), frame.sentence(request, refused)


def picker(
    request: Request, shop: Shop, span: Span, wrong: str, url: str, now: datetime
) -> dict[str, Any]:
    """The list of spans over the page, and the two dates."""
    today, locale = clock.local_day(now, shop.zone), pages.locale_of(request)
    offers = [("today", i18n.t(locale, "console.tab.today"), "span=today")]
    for days in spans.ROUND:
        offers.append((str(days), i18n.t(locale, "words.days", count=days), f"days={days}"))
    month = f"month={today:%Y-%m}"
    offers.append(("month", i18n.t(locale, "figures.this_month"), month))
    chosen_query = span.query if not wrong else ""
    return {
        "spans": [
            {"name": name, "url": f"{url}?{query}", "chosen": query == chosen_query}
            for _, name, query in offers
        ],
        "span": span,
        "here_url": url,
        "wrong": wrong,
        "own": bool(wrong) or span.query not in [query for *_, query in offers],
        "since": request.query_params.get("from", "") if wrong else str(span.first),
        "until": request.query_params.get("to", "") if wrong else str(span.last),
        "latest": str(today),
        "tables": [
            {"name": i18n.t(locale, f"figures.table.{of}"), "url": _table_url(url, span, of)}
            for of in (tables.ALL if url.endswith(f"{shop.shop_id}/figures") else tables.OF_THING)
        ],
    }


def _table_url(url: str, span: Span, of: str) -> str:
    return f"{url}.csv?{span.query}&of={of}"


async def table(request: Request) -> Response:
    """GET root/figures.csv?of=days|hours|ways|things and a span: rows for a spreadsheet."""
    work, now = await http.at_work(request), http.now(request)
    span, _ = chosen(request, work.shop, now)
    of = request.query_params.get("of", "days")
    of = of if of in tables.ALL else "days"
    async with http.house(request).database.connection() as conn:
        found = await span_figures.read(conn, work.shop, span, now, most=tables.MOST_THINGS)
    rows = tables.rows(found, of, pages.locale_of(request))
    return download(rows, f"{work.shop.slug}-{of}-{span.first}-{span.last}.csv")


async def thing(request: Request) -> Response:
    """GET root/goods/ID/figures and a span: the same of one thing."""
    work, now = await http.at_work(request), http.now(request)
    span, wrong = chosen(request, work.shop, now)
    product, found = await _of_thing(request, work, span)
    url = f"{frame.root(work.shop)}/goods/{product.product_id}/figures"
    context = drawn_thing.told(found, pages.locale_of(request))
    context |= picker(request, work.shop, span, wrong, url, now) | {"product": product}
    return await frame.page(
        request, work, "figures_thing.html", "goods", status=422 if wrong else 200, **context
    )


async def thing_table(request: Request) -> Response:
    """GET root/goods/ID/figures.csv and a span: a row per day."""
    work = await http.at_work(request)
    span, _ = chosen(request, work.shop, http.now(request))
    product, found = await _of_thing(request, work, span)
    rows = tables.rows(found, "thing", pages.locale_of(request))
    return download(rows, f"{product.product_id}-{span.first}-{span.last}.csv")


async def _of_thing(request: Request, work: AtWork, span: Span) -> tuple[Product, Read]:
    product_id = http.uuid(request.path_params["product_id"])
    async with http.house(request).database.connection() as conn:
        product = await products.get(conn, work.shop.shop_id, product_id)  # raises NotFound
        now = http.now(request)
        return product, await span_figures.read_thing(conn, work.shop, span, product, now)


def download(rows: Sequence[Sequence[str]], name: str) -> Response:
    """Rows to keep as a file of this name."""
    return Response(
        as_csv(rows),
        media_type="text/csv; charset=utf-8",
        headers=pages.PRIVATE | {"content-disposition": f'attachment; filename="{name}"'},
    )


harmless = sheets.harmless


def as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as UTF-8 with a mark (spreadsheets guess wrongly without one) and CRLF (RFC 4180)."""
    told = io.StringIO()
    csv.writer(told).writerows([[harmless(cell) for cell in row] for row in rows])
    return b"\xef\xbb\xbf" + told.getvalue().encode()
