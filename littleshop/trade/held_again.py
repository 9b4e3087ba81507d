"""Held again: how often, and how much, an order that holds nothing while it waits kept from others
because somebody went to pay it and did not.

The share is that of placing (refused_share in the migrations, docs/decisions/0015-limits.md): of
what is nearly gone, unpaid orders of a person hold as many pieces as they leave free, those of an
address three times as many, but anybody 10 and 20, less what was let lapse within a day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from littleshop import db

DAY = timedelta(days=1)
MOST = 4  # times that one order may hold its pieces unpaid within
A_WHILE = timedelta(hours=6)
HALF_HOUR = timedelta(minutes=30)

_SHARE = """
with asked as (
  select w.order_id, w.phone_index, w.device, w.origin from orders w
   where w.shop_id = $1 and w.order_id = $2
), party (who, times, always) as (
  values ('phone', 1, 10), ('device', 1, 10), ('address', 3, 20)
), own as (  -- what never waited: it holds from being placed to its end
  select w.order_id, w.phone_index, w.device, w.origin, w.status = 'placed' as holds,
         w.placed_at as since, w.cancelled_at as until
    from orders w, asked a
   where w.shop_id = $1 and w.paid_at is null and not w.waited
     and w.placed_at > $3::timestamptz - $4::interval
     and (w.phone_index = a.phone_index or w.device = a.device or w.origin = a.origin)
  union all
  select w.order_id, w.phone_index, w.device, w.origin,
         w.status = 'placed' and h.let_go_at is null, h.held_at,
         coalesce(h.let_go_at, w.cancelled_at)
    from order_holds h
    join orders w on w.shop_id = $1 and w.order_id = h.order_id
    cross join asked a
   where h.shop_id = $1 and h.held_at > $3::timestamptz - $4::interval and w.paid_at is null
     and w.held_minor = 0
     and (w.phone_index = a.phone_index or w.device = a.device or w.origin = a.origin)
), before as (
  select p.who, i.variant_id,
         sum(case when o.holds then i.quantity else 0 end) as pieces,
         sum(case when o.holds then 0 else greatest(i.quantity, 3)
             * extract(epoch from least(o.until - o.since, $5::interval))
             / extract(epoch from $5::interval) end) as lapsed
    from own o
    join order_items i on i.shop_id = $1 and i.order_id = o.order_id
    cross join asked a
    join party p on (p.who = 'phone' and o.phone_index = a.phone_index)
                 or (p.who = 'device' and o.device = a.device)
                 or (p.who = 'address' and o.origin = a.origin)
   group by p.who, i.variant_id
), line as (  -- held for this order by now
  select i.variant_id, min(i.title) as title, sum(i.quantity) as pieces
    from order_items i where i.shop_id = $1 and i.order_id = $2 group by i.variant_id
)
select l.title
  from line l
  join variants v on v.shop_id = $1 and v.variant_id = l.variant_id
  cross join party p
  left join before b on b.who = p.who and b.variant_id = l.variant_id
 where v.on_hand - v.held < (v.on_hand + 1) / 2
   and coalesce(b.pieces, 0) + l.pieces
       > greatest(p.always - floor(coalesce(b.lapsed, 0)), p.times * (v.on_hand - v.held))
 order by l.title limit 1"""


async def too_often(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> bool:
    """Whether this order held its pieces unpaid as often as it may for now."""
    times = await db.value(
        conn,
        "select count(*) from order_holds where shop_id = $1 and order_id = $2 and held_at > $3",
        shop_id,
        order_id,
        at - A_WHILE,
    )
    return bool(times >= MOST)


async def beyond_share(
    conn: db.Connection, shop_id: int, order_id: UUID, at: datetime
) -> str | None:
    """The thing of which this order would hold too much, now that it holds its pieces and their
    rows are locked; None when its phone, device and address keep within their shares."""
    title: str | None = await db.value(conn, _SHARE, shop_id, order_id, at, DAY, HALF_HOUR)
    return title


async def begin(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    """It holds its pieces from now on."""
    await db.run(
        conn,
        "insert into order_holds (shop_id, order_id, held_at) values ($1, $2, $3)"
        " on conflict on constraint order_holds_pkey do update set let_go_at = null",
        shop_id,
        order_id,
        at,
    )


async def end(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    """It let them go unpaid."""
    await db.run(
        conn,
        "update order_holds set let_go_at = $3"
        " where shop_id = $1 and order_id = $2 and let_go_at is null",
        shop_id,
        order_id,
        at,
    )
