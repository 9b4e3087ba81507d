"""What a shop takes today beside yesterday, and who comes; read for the console's first page.

Turnover counts on the day it was paid, whatever went back later. Spans of days are in sales.py and
comers.py. Visitors are the rows of `visits` (today) and `visit_days` (the days that are over).
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from littleshop import db
from littleshop.insights.sales import each_day


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
        " where shop_id = $1 and paid_at >= $2 and paid_at < $3 group by 1 order by 1",
        shop_id,
        since,
        until,
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


class Back(msgspec.Struct, frozen=True):
    """Money that left on a day, whenever its order was paid."""

    day: date
    count: int
    minor: int


async def gave_back(
    conn: db.Connection, shop_id: int, zone: str, first: date, last: date
) -> list[Back]:
    """What went back by the day on which it did: refunds that a rail has done, and what a buyer's
    bank took for good."""
    return await db.all(
        conn,
        Back,
        """
        select d.day, r.count + c.count as count,
               coalesce(r.minor, 0) + coalesce(c.minor, 0) as minor
          from unnest($2::date[], $3::timestamptz[], $4::timestamptz[]) d (day, since, until)
          cross join lateral (
            select count(*) as count, sum(amount_minor)::bigint as minor from refunds
             where shop_id = $1 and status = 'done' and paid_from = 'escrow'
               and done_at >= d.since and done_at < d.until) r
          cross join lateral (
            select count(*) as count, sum(amount_minor - unbooked_minor)::bigint as minor
              from chargebacks
             where shop_id = $1 and status = 'lost'
               and ended_at >= d.since and ended_at < d.until) c
         where r.count + c.count > 0
         order by d.day""",
        shop_id,
        *each_day(first, last, zone),
    )
