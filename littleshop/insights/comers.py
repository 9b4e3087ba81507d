"""Who came to a shop in a span, and by which ways its orders came, day counters and today's rows.

A visitor is counted once a day; a sum over days is of people per day.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.insights.sales import DAY, Reach, midnight, whole_months
from littleshop.insights.sharing import INVITATION

KINDS = ["shop", "look", "basket"]  # came at all, looked at a thing, put one in the basket


class Came(msgspec.Struct, frozen=True):
    """People and pages of one kind on one day."""

    day: date
    kind: str
    visitors: int
    views: int


async def days(conn: db.Connection, shop_id: int, first: date, last: date) -> list[Came]:
    """Who came from `first` to `last`, both included, by day and kind (KINDS)."""
    return await db.all(
        conn,
        Came,
        "select day, kind, sum(visitors)::bigint as visitors, sum(views)::bigint as views"
        " from (select day, kind, visitors, views from visit_days"
        "        where shop_id = $1 and day >= $2 and day <= $3 and subject = ''"
        "       union all"
        "       select day, kind, count(*), sum(views) from visits"
        "        where shop_id = $1 and day >= $2 and day <= $3 and kind = any ($4)"
        "        group by day, kind) as each"
        " group by day, kind order by day",
        shop_id,
        first,
        last,
        KINDS,
    )


async def of_product(
    conn: db.Connection, shop_id: int, product_id: UUID, first: date, last: date
) -> list[Came]:
    """Who looked at one thing, by day."""
    return await db.all(
        conn,
        Came,
        "select day, kind, sum(visitors)::bigint as visitors, sum(views)::bigint as views"
        " from (select day, kind, visitors, views from visit_days where shop_id = $1"
        "          and kind = 'product' and subject = $4 and day >= $2 and day <= $3"
        "       union all"
        "       select day, kind, count(*), sum(views) from visits where shop_id = $1"
        "          and day >= $2 and day <= $3 and kind = 'product' and subject = $4"
        "        group by day, kind) as each"
        " group by day, kind order by day",
        shop_id,
        first,
        last,
        str(product_id),
    )


async def hours(conn: db.Connection, shop_id: int, zone: str, day: date) -> list[int]:
    """Visitors of one day by the hour in which each came first, 24 of them."""
    rows = await conn.fetch(
        "select hour, sum(visitors)::bigint as visitors"
        " from (select ((n - 1) / 4)::integer as hour, q as visitors"
        "         from visit_days v, unnest(v.quarters) with ordinality as each(q, n)"
        "        where v.shop_id = $1 and v.day = $2 and v.kind = 'shop' and v.subject = ''"
        "       union all"
        "       select extract(hour from first_at at time zone $3)::integer, count(*)"
        "         from visits where shop_id = $1 and day = $2 and kind = 'shop'"
        "          and subject = '' group by 1) as each"
        " group by hour",
        shop_id,
        day,
        zone,
    )
    found = {row["hour"]: row["visitors"] for row in rows}
    return [found.get(hour, 0) for hour in range(24)]


class Way(msgspec.Struct, frozen=True):
    """Orders that came by a named share, by all shares of a channel that have no name, by an
    entrance, or by an invitation; `way` is share, entrance or invitation."""

    way: str
    channel: str
    label: str
    orders: int
    minor: int


async def ways(conn: db.Connection, reach: Reach) -> list[Way]:
    """Paid orders and turnover by the way to which they are credited, the most orders first. What
    came by none is not in here."""
    until = await db.value(conn, "select until from share_folds where shop_id = $1", reach.shop_id)
    unfolded = max(until or reach.first, reach.first)
    return await db.all(
        conn,
        Way,
        _WAYS,
        reach.shop_id,
        reach.first,
        reach.last,
        unfolded,
        midnight(unfolded, reach.zone),
        midnight(reach.last + DAY, reach.zone),
        *whole_months(reach.first, reach.last, unfolded),
    )


_CODE = f"case kind when '{INVITATION}' then kind else share_code end"
# $4 what is not folded, which begins at $5; between $7 and $8 whole months are read as such
_WAYS = f"""
with each as (
  select code, sum(paid) as orders, sum(minor) as minor
    from (select code, paid, paid_minor as minor from share_months
           where shop_id = $1 and month >= $7 and month < $8
          union all
          select code, paid, paid_minor from share_days
           where shop_id = $1 and day >= $2 and day < $7 and day < $4 and paid > 0
          union all
          select code, paid, paid_minor from share_days
           where shop_id = $1 and day >= $8 and day <= $3 and day < $4 and paid > 0
          union all
          select {_CODE}, 1, total_minor from orders
           where shop_id = $1 and paid_at >= $5 and paid_at < $6
             and (share_code is not null or kind = '{INVITATION}')) as every
   group by code)
select case when c.code = '{INVITATION}' then c.code
            when e.code is not null then 'entrance' else 'share' end as way,
       coalesce(e.kind, s.channel, c.code) as channel, coalesce(e.name, s.label, '') as label,
       sum(c.orders)::bigint as orders, sum(c.minor)::bigint as minor
  from each c
  left join shares s on s.shop_id = $1 and s.code = c.code
  left join entrances e on e.shop_id = $1 and e.code = c.code
 group by 1, 2, 3 order by orders desc, minor desc, channel, label"""
