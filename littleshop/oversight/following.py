"""How the tracking service does, for the operator's page of rails."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from littleshop import db

SPAN = timedelta(days=7)


class Followed(msgspec.Struct, frozen=True):
    """Parcels of the last week: followed, that nobody follows, still asked about; when news came
    last, how many wait to be acted on; and the last fault of a job that speaks with the service."""

    followed: int
    unfollowed: int
    waiting: int
    pushed_at: datetime | None
    unread: int
    fault: str
    fault_at: datetime | None


async def health(conn: db.Connection, at: datetime) -> Followed:
    """The counts, in one round trip."""
    return await db.the_one(
        conn,
        Followed,
        """
        select /* all shops: one service follows the parcels of them all */
               t.followed, t.unfollowed, t.waiting, n.pushed_at, n.unread,
               coalesce(f.fault, '') as fault, f.at as fault_at
          from (select count(*) filter (where status in ('followed', 'over')
                                          and why = '')::integer as followed,
                       count(*) filter (where status = 'unfollowed')::integer as unfollowed,
                       count(*) filter (where status = 'asked')::integer as waiting
                  from trackings where asked_at > $1) t,
               (select max(received_at) as pushed_at,
                       count(*) filter (where handled_at is null)::integer as unread
                  from tracking_notices where received_at > $1) n
          left join lateral (
            select fault, coalesce(held_at, due_at) as at from jobs
             where name like 'tracking.%' and fault is not null and dropped_at is null
             order by at desc limit 1) f on true""",
        at - SPAN,
    )
