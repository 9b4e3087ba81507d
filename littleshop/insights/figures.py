"""What a shop has shown so far.

Figures by the day stand in sales.py and comers.py.
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
