"""What a shop took and who came, by the shop's own days; read for the console's drawings.

Turnover counts on the day it was paid, whatever went back later; what went back is told apart,
all or a part of an order's money, and is no part of what a thing or a share brought.
Visitors are the rows of `visits` (today) and `visit_days` (the days that are over).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec

from littleshop import db

_LATE = timedelta(days=3)  # an order may be paid that long after it was placed, unless it waited


class PaidMinute(msgspec.Struct, frozen=True):
    """What was paid within one minute."""

    at: datetime
    orders: int
    buyers: int
    minor: int


async def minutes(
    conn: db.Connection, shop_id: int, since: datetime, until: datetime
) -> list[PaidMinute]:
    """Paid orders by the minute, oldest first."""
    return await db.all(
        conn,
        PaidMinute,
        "select date_trunc('minute', paid_at) as at, count(*)::integer as orders,"
        " count(distinct phone_index)::integer as buyers, sum(total_minor)::bigint as minor"
        " from orders"
        " where shop_id = $1 and (placed_at >= $4 or waited) and paid_at >= $2 and paid_at < $3"
        " group by 1 order by 1",
        shop_id,
        since,
        until,
        since - _LATE,
    )


class PaidDay(msgspec.Struct, frozen=True):
    """What was paid on one day; days without an order are left out."""

    day: date
    orders: int
    buyers: int
    minor: int


async def days(
    conn: db.Connection, shop_id: int, zone: str, since: datetime, until: datetime
) -> list[PaidDay]:
    """Paid orders by the day of the shop, oldest first."""
    return await db.all(
        conn,
        PaidDay,
        "select (paid_at at time zone $4)::date as day, count(*)::integer as orders,"
        " count(distinct phone_index)::integer as buyers,"
        " sum(total_minor)::bigint as minor from orders"
        " where shop_id = $1 and (placed_at >= $5 or waited) and paid_at >= $2 and paid_at < $3"
        " group by 1 order by 1",
        shop_id,
        since,
        until,
        zone,
        since - _LATE,
    )


class Again(msgspec.Struct, frozen=True):
    """Orders of people who had bought before, and of how many something went back, and how much."""

    orders: int
    again: int
    refunds: int
    refunded_minor: int


async def again(conn: db.Connection, shop_id: int, since: datetime, until: datetime) -> Again:
    """Of the orders paid in a span: how many were by somebody who had paid one before."""
    found = await db.one(
        conn,
        Again,
        "select count(*)::integer as orders,"
        " count(*) filter (where exists (select from orders b where b.shop_id = $1"
        "   and b.phone_index = o.phone_index and b.number < o.number"
        "   and b.paid_at is not null))::integer as again,"
        " count(*) filter (where o.status = 'refunded' or o.refunded_minor > 0)::integer"
        "   as refunds,"
        " coalesce(sum(case o.status when 'refunded' then o.total_minor else o.refunded_minor end),"
        "   0)::bigint as refunded_minor"
        " from orders o where o.shop_id = $1 and (o.placed_at >= $4 or o.waited)"
        " and o.paid_at >= $2 and o.paid_at < $3",
        shop_id,
        since,
        until,
        since - _LATE,
    )
    assert found is not None
    return found


class SoldThing(msgspec.Struct, frozen=True):
    """A product by what it brought; title and picture as they were sold last."""

    title: str
    photo: str
    sold: int
    minor: int


async def things(
    conn: db.Connection, shop_id: int, since: datetime, until: datetime, most: int = 5
) -> list[SoldThing]:
    """What sold for most, without what went back; a part of an order's money that did is taken
    from each of its things alike."""
    return await db.all(
        conn,
        SoldThing,
        "select (array_agg(i.title order by o.number desc))[1] as title,"
        " (array_agg(i.photo order by o.number desc))[1] as photo,"
        " sum(i.quantity)::integer as sold, sum(i.quantity * i.unit_minor"
        "   * (o.total_minor - o.refunded_minor)::numeric / o.total_minor)::bigint as minor"
        " from orders o join order_items i on i.shop_id = $1 and i.order_id = o.order_id"
        " where o.shop_id = $1 and (o.placed_at >= $4 or o.waited)"
        " and o.paid_at >= $2 and o.paid_at < $3"
        " and o.status <> 'refunded' and o.refunded_minor < o.total_minor"
        " group by i.product_id order by minor desc, title limit $5",
        shop_id,
        since,
        until,
        since - _LATE,
        most,
    )


class SharedOrders(msgspec.Struct, frozen=True):
    """What a share brought: paid orders credited to it, and what was kept of their money."""

    code: str
    label: str
    orders: int
    minor: int


async def shared(
    conn: db.Connection, shop_id: int, since: datetime, until: datetime
) -> list[SharedOrders]:
    """Orders by the share they are credited to, the best first; visitors' own have no label.
    Entrances are no shares."""
    return await db.all(
        conn,
        SharedOrders,
        "select o.share_code as code, coalesce(s.label, '') as label,"
        " count(*)::integer as orders,"
        " coalesce(sum(o.total_minor - o.refunded_minor) filter (where o.status <> 'refunded'), 0)"
        "   ::bigint as minor from orders o"
        " left join shares s on s.shop_id = $1 and s.code = o.share_code"
        " left join entrances e on e.shop_id = $1 and e.code = o.share_code"
        " where o.shop_id = $1 and (o.placed_at >= $4 or o.waited)"
        " and o.paid_at >= $2 and o.paid_at < $3 and e.code is null"
        " and o.share_code is not null group by 1, 2 order by orders desc, minor desc, code",
        shop_id,
        since,
        until,
        since - _LATE,
    )


class Came(msgspec.Struct, frozen=True):
    """Visitors and views of one kind and subject on one day."""

    day: date
    kind: str
    subject: str
    visitors: int
    views: int


async def came(
    conn: db.Connection, shop_id: int, kinds: list[str], since: date, until: date
) -> list[Came]:
    """Who came from `since` to `until`, both included, by day, kind and subject.

    The kinds: shop (everybody), look (at some product), basket, product, share.
    """
    return await db.all(
        conn,
        Came,
        "select day, kind, subject, sum(visitors)::integer as visitors, sum(views)::integer as"
        " views from (select day, kind, subject, visitors, views from visit_days"
        "              where shop_id = $1 and kind = any ($2) and day between $3 and $4"
        "             union all"
        "             select day, kind, subject, count(*), sum(views) from visits"
        "              where shop_id = $1 and kind = any ($2) and day between $3 and $4"
        "              group by day, kind, subject) both_tables"
        " group by day, kind, subject order by day",
        shop_id,
        kinds,
        since,
        until,
    )


async def visitors_by(
    conn: db.Connection, shop_id: int, day: date, quarter: int, until: datetime
) -> int:
    """Visitors of a day up to a moment of it: the first `quarter` quarters of an hour."""
    return int(
        await db.value(
            conn,
            "select coalesce((select sum(q) from visit_days v,"
            "                        unnest(v.quarters[1:$3]) q"
            "                  where v.shop_id = $1 and v.day = $2 and v.kind = 'shop'"
            "                    and v.subject = ''), 0)"
            " + (select count(*) from visits where shop_id = $1 and day = $2 and kind = 'shop'"
            "     and subject = '' and first_at <= $4)",
            shop_id,
            day,
            quarter,
            until,
        )
    )
