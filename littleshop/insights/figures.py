"""What a shop has shown so far.

Figures by the day stand in sales.py and comers.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from littleshop import db

QUARTER = timedelta(days=90)


class Record(msgspec.Struct, frozen=True):
    """The last 90 days in counts: orders that were shipped or should have been (48 hours are over),
    of them those shipped within 48 hours; buyers, of them those who came again."""

    due: int = 0
    on_time: int = 0
    buyers: int = 0
    returned: int = 0


async def record(conn: db.Connection, shop_id: int, at: datetime) -> Record:
    """What a shop has shown so far."""
    found = await db.one(
        conn,
        Record,
        """
        select coalesce(sum(due), 0)::integer as due,
               coalesce(sum(on_time), 0)::integer as on_time,
               count(*)::integer as buyers,
               count(*) filter (where paid > 1)::integer as returned
          from (select count(*) as paid,
                       count(*) filter (where shipped_at is not null
                         or (way <> 'pickup' and kind <> 'invitation'
                             and status in ('to_ship', 'refunded')
                             and paid_at + interval '48 hours' < coalesce(refunded_at, $3)))
                         as due,
                       count(*) filter (where shipped_at <= paid_at + interval '48 hours')
                         as on_time
                  from orders
                 where shop_id = $1 and paid_at is not null and placed_at > $2
                 group by phone_index) as each""",
        shop_id,
        at - QUARTER,
        at,
    )
    return found or Record()
