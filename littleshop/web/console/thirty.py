"""A span of whole days: read once, then drawn, written out or taken away as a table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from littleshop import clock, db, i18n
from littleshop.insights import takings
from littleshop.insights.takings import Again, Came, SharedOrders, SoldThing
from littleshop.money import Money
from littleshop.shop.shops import Shop
from littleshop.web.console import charts, frame, proportions

DAY = timedelta(days=1)
FUNNEL = ("shop", "look", "basket")
MOST_ROWS = 5


@dataclass(frozen=True)
class OneDay:
    """A day of the shop."""

    day: date
    orders: int
    minor: int
    visitors: int  # who bought was there, also when nobody counted it
    buyers: int = 0


@dataclass(frozen=True)
class Span:
    """Days that are over, oldest first, and what stands beside them."""

    days: list[OneDay]
    currency: str
    before_minor: int | None
    came: list[Came]
    again: Again
    things: list[SoldThing]
    shared: list[SharedOrders]


async def read(conn: db.Connection, shop: Shop, now: datetime, days: int) -> Span:
    """The last `days` days up to yesterday; the turnover of as many before them."""
    end = clock.local_day(now, shop.zone)
    first = end - days * DAY
    earlier, since, until = (_midnight(shop, day) for day in (first - days * DAY, first, end))
    shop_id = shop.shop_id
    paid = await takings.days(conn, shop_id, shop.zone, earlier, until)
    came = await takings.came(conn, shop_id, [*FUNNEL, "share"], first, end - DAY)
    by_day = {each.day: each for each in paid}
    visitors = {each.day: each.visitors for each in came if each.kind == "shop"}
    told = []
    for at in range(days):
        day = first + at * DAY
        found = by_day.get(day)
        orders, minor = (found.orders, found.minor) if found else (0, 0)
        buyers = found.buyers if found else 0
        told.append(OneDay(day, orders, minor, max(visitors.get(day, 0), buyers), buyers))
    opened = shop.opened_at or now
    before = sum(each.minor for each in paid if each.day < first)
    return Span(
        days=told,
        currency=shop.currency,
        before_minor=before if opened <= earlier else None,
        came=came,
        again=await takings.again(conn, shop_id, since, until),
        things=await takings.things(conn, shop_id, since, until, MOST_ROWS),
        shared=await takings.shared(conn, shop_id, since, until),
    )


def _midnight(shop: Shop, day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(shop.zone)).astimezone(UTC)


def told(span: Span, locale: str) -> dict[str, Any]:
    """The context of figures.html without its frame."""
    return {
        "any": any(each.orders or each.visitors for each in span.days),
        "dates": _dates(span, locale),
        "turnover": _turnover(span, locale),
        "orders": _orders(span, locale),
        "visitors": _visitors(span, locale),
        "funnel": _funnel(span),
        "shares": _shares(span, locale),
        "things": _things(span),
        "again": {
            "ten": proportions.out_of_ten(span.again.again, span.again.orders),
            "orders": span.again.again,
            "of": span.again.orders,
            "refunds": span.again.refunds,
            "refunded": Money(span.again.refunded_minor, span.currency),
        },
    }


def _name(span: Span, locale: str, day: date) -> str:
    return i18n.day(locale, day, span.days[-1].day + DAY)


def _dates(span: Span, locale: str) -> dict[str, str]:
    first, middle, last = span.days[0], span.days[len(span.days) // 2], span.days[-1]
    return {
        "first": _name(span, locale, first.day),
        "middle": _name(span, locale, middle.day),
        "last": _name(span, locale, last.day),
    }


def _turnover(span: Span, locale: str) -> dict[str, Any]:
    values = [each.minor for each in span.days]
    bars, total = charts.day_bars(values), sum(values)
    best = span.days[bars.best or 0]
    ahead = None if span.before_minor is None else total - span.before_minor
    return {
        "total": Money(total, span.currency),
        "ahead": None if ahead is None else Money(ahead, span.currency),
        "best": Money(best.minor, span.currency),
        "best_day": _name(span, locale, best.day),
        "bars": bars,
    }


def _orders(span: Span, locale: str) -> dict[str, Any]:
    values = [each.orders for each in span.days]
    dots = charts.day_dots(values)
    return {
        "total": sum(values),
        "least": min(values),
        "most": max(values),
        "best_day": _name(span, locale, span.days[dots.best or 0].day),
        "dots": dots,
    }


def _visitors(span: Span, locale: str) -> dict[str, Any]:
    values = [each.visitors for each in span.days]
    line = charts.day_line(values)
    best = span.days[line.best or 0]
    return {
        "total": sum(values),
        "best": best.visitors,
        "best_day": _name(span, locale, best.day),
        "last": values[-1],
        "share_name": _brought(span, best),
        "line": line,
    }


def _brought(span: Span, best: OneDay) -> str:
    """The named share that brought at least half of the best day, or ""."""
    names = {each.code: each.label for each in span.shared if each.label}
    touched = [each for each in span.came if each.kind == "share" and each.day == best.day]
    top = max(touched, key=lambda each: each.visitors, default=None)
    if top is None or top.visitors * 2 < best.visitors:
        return ""
    return names.get(top.subject, "")


def _funnel(span: Span) -> dict[str, Any]:
    counts = [
        sum(each.visitors for each in span.came if each.kind == kind and not each.subject)
        for kind in FUNNEL
    ]
    counts[0] = sum(each.visitors for each in span.days)
    counts.append(sum(each.buyers for each in span.days))
    for at in (2, 1):  # who paid had looked and put it in a basket, counted or not
        counts[at] = max(counts[at], counts[at + 1])
    counts[0] = max(counts)
    steps = ("visited", "looked", "basket", "paid")
    lost = max(range(3), key=lambda at: counts[at] - counts[at + 1])
    in_100 = (counts[-1] * 200 + counts[0]) // (2 * counts[0]) if counts[0] else 0
    return {
        "in_100": min(100, in_100),
        "lost": steps[lost],
        "rows": [
            {"name": name, "count": count, "bar": bar}
            for name, count, bar in zip(steps, counts, charts.funnel(counts), strict=True)
        ],
    }


def _shares(span: Span, locale: str) -> dict[str, Any]:
    """Named shares one by one, all of visitors' own as one row."""
    orders: dict[str, int] = {}
    for each in span.shared:
        name = each.label or i18n.t(locale, "console.shares.visitors")
        orders[name] = orders.get(name, 0) + each.orders
    rows = sorted(orders.items(), key=lambda pair: -pair[1])[:MOST_ROWS]
    leading = proportions.leading([count for _, count in rows])
    bars = charts.ranked([count for _, count in rows], named=leading)
    total = sum(each.orders for each in span.days) or 1
    brought = sum(count for _, count in rows[:leading])
    return {
        "leading": leading,
        "percent": (brought * 200 + total) // (2 * total),
        "rows": [
            {"name": name, "orders": count, "bar": bar}
            for (name, count), bar in zip(rows, bars, strict=True)
        ],
    }


def _things(span: Span) -> dict[str, Any]:
    bars = charts.ranked([each.minor for each in span.things])
    seller = max(span.things, key=lambda each: each.sold, default=None)
    return {
        "earner": span.things[0].title if span.things else "",
        "seller": seller.title if seller else "",
        "rows": [
            {
                "title": each.title,
                "picture_url": frame.picture(each.photo),
                "sold": each.sold,
                "turnover": Money(each.minor, span.currency),
                "bar": bar,
            }
            for each, bar in zip(span.things, bars, strict=True)
        ],
    }
