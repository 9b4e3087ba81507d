"""Figures of a span of days and of as many before it, read once; drawn.py shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import msgspec

from littleshop import db
from littleshop.catalog.products import Product
from littleshop.insights import comers, sales, takings
from littleshop.insights.comers import Way
from littleshop.insights.sales import Reach, Thing
from littleshop.shop.shops import Shop
from littleshop.web.console.spans import DAY, Span

MOST_THINGS = 5


class Figures(msgspec.Struct, frozen=True):
    """Figures of a day, or of several together. Who bought had come, counted or not."""

    orders: int = 0
    buyers: int = 0
    again: int = 0
    pieces: int = 0
    minor: int = 0
    gone_minor: int = 0
    backs: int = 0
    back_minor: int = 0
    visitors: int = 0
    views: int = 0
    looked: int = 0
    basket: int = 0

    @property
    def kept_minor(self) -> int:
        """Turnover without what went back of it, whenever it did."""
        return self.minor - self.gone_minor


class Read(msgspec.Struct, frozen=True):
    """A span read: a Figures per day, oldest first; of as many days before None when the shop was
    not open all that time. `hours` are three lists of 24: orders, money, visitors."""

    span: Span
    currency: str
    days: list[Figures]
    before: Figures | None
    hours: list[list[int]]
    things: list[Thing] = []
    ways: list[Way] = []


def total(some: Iterable[Figures]) -> Figures:
    """Several together."""
    found = list(some)
    names = Figures.__struct_fields__
    return Figures(**{name: sum(getattr(each, name) for each in found) for name in names})


async def read(
    conn: db.Connection, shop: Shop, span: Span, now: datetime, *, most: int = MOST_THINGS
) -> Read:
    """All of a shop, with so many of its things."""
    since = span.before[0]
    reach = await sales.reach(conn, shop.shop_id, shop.zone, since, span.last)
    sold = await sales.days(conn, reach)
    came = await comers.days(conn, shop.shop_id, since, span.last)
    back = await takings.gave_back(conn, shop.shop_id, shop.zone, since, span.last)
    own = _own(reach, span)
    every = _by_day(since, span.last, sold, came, back)
    inside = [sold[day] for day in sold if day >= span.first]
    hours = [[0] * 24, [0] * 24, [0] * 24]
    for each in inside:
        hours[0] = [a + b for a, b in zip(hours[0], each.hours, strict=True)]
        hours[1] = [a + b for a, b in zip(hours[1], each.hours_minor, strict=True)]
    if span.length == 1:
        hours[2] = await comers.hours(conn, shop.shop_id, shop.zone, span.first)
    return Read(
        span=span,
        currency=shop.currency,
        days=every[span.length :],
        before=await _before(conn, shop, span, every[: span.length], now),
        hours=hours,
        things=await sales.things(conn, own, most),
        ways=await comers.ways(conn, own),
    )


def _own(reach: Reach, span: Span) -> Reach:
    late = [day for day in reach.late if day >= span.first]
    return msgspec.structs.replace(reach, first=span.first, late=late)


def _by_day(
    first: date,
    last: date,
    sold: dict[date, sales.Day],
    came: Sequence[comers.Came],
    back: Sequence[takings.Back],
) -> list[Figures]:
    seen = {(each.day, each.kind): each for each in came}
    gave = {each.day: each for each in back}
    nobody, nothing = comers.Came(first, "", 0, 0), takings.Back(first, 0, 0)
    none = sales.Day(first, 0, 0, 0, 0, 0, 0, [], [])
    told = []
    for at in range((last - first).days + 1):
        day = first + at * DAY
        of = sold.get(day, none)
        here = seen.get((day, "shop"), nobody)
        gone = gave.get(day, nothing)
        told.append(
            Figures(
                orders=of.orders,
                buyers=of.buyers,
                again=of.again,
                pieces=of.pieces,
                minor=of.minor,
                gone_minor=of.gone_minor,
                backs=gone.count,
                back_minor=gone.minor,
                visitors=max(here.visitors, of.buyers),
                views=max(here.views, of.buyers),
                looked=seen.get((day, "look"), nobody).visitors,
                basket=seen.get((day, "basket"), nobody).visitors,
            )
        )
    return told


async def _before(
    conn: db.Connection, shop: Shop, span: Span, days: list[Figures], now: datetime
) -> Figures | None:
    """The days before; of the last one only what was by this time when these are not over."""
    first, last = span.before
    if (shop.opened_at or now) > sales.midnight(first, shop.zone):
        return None
    if not span.running:
        return total(days)
    local = now.astimezone(ZoneInfo(shop.zone))
    by_now = datetime.combine(last, local.time(), ZoneInfo(shop.zone)).astimezone(UTC)
    start = sales.midnight(last, shop.zone)
    quarter = local.hour * 4 + local.minute // 15 + 1
    came = await takings.visitors_by(conn, shop.shop_id, last, quarter, by_now)
    day = Figures(visitors=came)
    for each in await sales.moments(conn, shop.shop_id, shop.zone, start, by_now):
        day = Figures(
            orders=each.orders,
            buyers=each.buyers,
            again=each.again,
            pieces=each.pieces,
            minor=each.minor,
            gone_minor=each.gone_minor,
            visitors=max(came, each.buyers),
        )
    return total([*days[:-1], day])


async def read_thing(
    conn: db.Connection, shop: Shop, span: Span, product: Product, now: datetime
) -> Read:
    """One thing: orders with it, pieces, what it brought, who looked at it."""
    since = span.before[0]
    reach = await sales.reach(conn, shop.shop_id, shop.zone, since, span.last)
    sold = {each.day: each for each in await sales.thing_days(conn, reach, product.product_id)}
    came = await comers.of_product(conn, shop.shop_id, product.product_id, since, span.last)
    seen = {each.day: each for each in came}
    every = []
    for at in range((span.last - since).days + 1):
        day = since + at * DAY
        of, here = sold.get(day), seen.get(day)
        orders = of.orders if of else 0
        every.append(
            Figures(
                orders=orders,
                pieces=of.pieces if of else 0,
                minor=of.minor if of else 0,
                gone_minor=of.gone_minor if of else 0,
                visitors=max(here.visitors if here else 0, orders),
                views=max(here.views if here else 0, orders),
            )
        )
    opened = max(shop.opened_at or now, product.created_at)
    whole = not span.running and opened <= sales.midnight(since, shop.zone)
    return Read(
        span=span,
        currency=shop.currency,
        days=every[span.length :],
        before=total(every[: span.length]) if whole else None,
        hours=[],
    )
