"""Figures: today beside yesterday, thirty days drawn, and the same as a table to take away."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from littleshop import clock, db, http, i18n
from littleshop.insights import takings, visits
from littleshop.insights.takings import PaidMinute
from littleshop.money import Money, digits
from littleshop.shop.shops import Shop
from littleshop.web import pages
from littleshop.web.console import charts, frame, proportions, thirty

SPANS = (7, 30)
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


def _asked(request: Request) -> int:
    text = request.query_params.get("days", "")
    return int(text) if text in {str(days) for days in SPANS} else SPANS[-1]


async def page(request: Request) -> Response:
    """GET root/figures?days=7|30: whole days that are over, drawn."""
    work, days = await http.at_work(request), _asked(request)
    async with http.house(request).database.connection() as conn:
        found = await thirty.read(conn, work.shop, http.now(request), days)
    context = thirty.told(found, pages.locale_of(request)) | _spans(frame.root(work.shop), days)
    return await frame.page(request, work, "figures.html", "today", **context)


def _spans(root: str, days: int) -> dict[str, Any]:
    spans = [
        {"days": each, "url": f"{root}/figures?days={each}", "chosen": each == days}
        for each in SPANS
    ]
    return {"spans": spans, "csv_url": f"{root}/figures.csv?days={days}", "days": days}


async def table(request: Request) -> Response:
    """GET root/figures.csv?days=: a row per day, for a spreadsheet."""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        found = await thirty.read(conn, work.shop, http.now(request), _asked(request))
    name = f"{work.shop.slug}-{found.days[0].day}-{found.days[-1].day}.csv"
    return download(_rows(found, pages.locale_of(request)), name)


def download(rows: Sequence[Sequence[str]], name: str) -> Response:
    """Rows to keep as a file of this name."""
    return Response(
        as_csv(rows),
        media_type="text/csv; charset=utf-8",
        headers=pages.PRIVATE | {"content-disposition": f'attachment; filename="{name}"'},
    )


def _rows(span: thirty.Span, locale: str) -> list[list[str]]:
    decimals = digits(span.currency)
    head = [i18n.t(locale, f"console.csv.{name}") for name in ("day", "visitors", "orders")]
    head.append(i18n.t(locale, "console.csv.turnover", currency=span.currency))
    return [head] + [
        [each.day.isoformat(), str(each.visitors), str(each.orders), _plain(each.minor, decimals)]
        for each in span.days
    ]


def _plain(minor: int, decimals: int) -> str:
    """Minor units as a spreadsheet reads them: 16800 is 168.00."""
    if not decimals:
        return str(minor)
    whole, part = divmod(minor, 10**decimals)
    return f"{whole}.{part:0{decimals}d}"


def as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as UTF-8 with a mark (spreadsheets guess wrongly without one) and CRLF (RFC 4180)."""
    told = io.StringIO()
    csv.writer(told).writerows([[harmless(cell) for cell in row] for row in rows])
    return b"\xef\xbb\xbf" + told.getvalue().encode()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: OWASP, CSV injection."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else cell
