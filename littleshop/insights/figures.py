"""What a shop has shown so far, and what became of each of its shares.

Figures by the day stand in takings.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from littleshop import db

QUARTER = timedelta(days=90)


class Record(msgspec.Struct, frozen=True):
    """The last 90 days in counts: orders shipped, of them within 48 hours; buyers, of them those
    who came again."""

    shipped: int = 0
    on_time: int = 0
    buyers: int = 0
    returned: int = 0


async def record(conn: db.Connection, shop_id: int, at: datetime) -> Record:
    """What a shop has shown so far."""
    found = await db.one(
        conn,
        Record,
        """
        select coalesce(sum(shipped), 0)::integer as shipped,
               coalesce(sum(on_time), 0)::integer as on_time,
               count(*)::integer as buyers,
               count(*) filter (where paid > 1)::integer as returned
          from (select count(*) as paid, count(shipped_at) as shipped,
                       count(*) filter (where shipped_at <= paid_at + interval '48 hours')
                         as on_time
                  from orders
                 where shop_id = $1 and paid_at is not null and placed_at > $2
                 group by phone_index) as each""",
        shop_id,
        at - QUARTER,
    )
    return found or Record()


class ShareFigures(msgspec.Struct, frozen=True):
    """What came of a share; amounts in minor units of the shop's currency. `kept` are the paid
    orders that did not go back, `opened` the shops whose openers came by it."""

    code: str
    visits: int
    visitors: int
    placed: int
    paid: int
    kept: int
    turnover_minor: int
    kept_minor: int
    opened: int


async def of_shares(conn: db.Connection, shop_id: int) -> dict[str, ShareFigures]:
    """The figures of every share of a shop that somebody came by, by code."""
    rows = await db.all(
        conn,
        ShareFigures,
        """
        select code, sum(visits)::bigint as visits, sum(visitors)::bigint as visitors,
               sum(placed)::bigint as placed, sum(paid)::bigint as paid, sum(kept)::bigint as kept,
               sum(turnover)::bigint as turnover_minor, sum(kept_sum)::bigint as kept_minor,
               sum(opened)::bigint as opened
          from (select subject as code, views as visits, visitors, 0 as placed, 0 as paid,
                       0 as kept, 0 as turnover, 0 as kept_sum, 0 as opened
                  from visit_days where shop_id = $1 and kind = 'share'
                union all
                select subject, sum(views), count(*), 0, 0, 0, 0, 0, 0
                  from visits where shop_id = $1 and kind = 'share' group by day, subject
                union all
                select share_code, 0, 0, count(*), count(paid_at),
                       count(*) filter (where paid_at is not null and status <> 'refunded'),
                       coalesce(sum(total_minor) filter (where paid_at is not null), 0),
                       coalesce(sum(total_minor) filter (where paid_at is not null
                                                           and status <> 'refunded'), 0), 0
                  from orders where shop_id = $1 and share_code is not null group by share_code
                union all
                select brought_by_share, 0, 0, 0, 0, 0, 0, 0, count(*)
                  from shops where brought_by_shop_id = $1 and brought_by_share is not null
                   and opened_at is not null
                 group by brought_by_share) as each
         group by code""",
        shop_id,
    )
    return {row.code: row for row in rows}
