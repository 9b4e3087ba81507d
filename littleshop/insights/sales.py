"""What a shop sold, by its own days: folded when a day closes, read from the orders until then.

An order counts on the day it was paid, in the shop's zone. What went back is told in two ways: on
the day on which the money left (takings.gave_back), and as what is gone of the orders paid on a day
(`Day.gone_minor`), whenever it went; turnover less that was kept. The first is never folded; the
second is read from an index of the few orders of which something went back, and the folded sums are
only trusted by things (`things`) where they agree with it. The fold corrects the days that do not.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from littleshop import clock, db

DAY = timedelta(days=1)
MOST_DAYS = 31  # in one transaction of the fold
_GRACE = timedelta(minutes=1)  # for an order that is just being written
_GONE = "case o.status when 'refunded' then o.total_minor else o.refunded_minor end"
_WENT = "o.paid_at is not null and (o.status = 'refunded' or o.refunded_minor > 0)"

# $2 and $3 the span as moments, $4 the zone
_DAYS = f"""
  with each as materialized (
    select (o.paid_at at time zone $4)::date as day,
           extract(hour from o.paid_at at time zone $4)::integer as hour,
           o.phone_index, o.total_minor, {_GONE} as gone,
           exists (select from orders b where b.shop_id = $1 and b.phone_index = o.phone_index
                      and (b.paid_at, b.number) < (o.paid_at, o.number)) as again,
           (select sum(i.quantity) from order_items i
             where i.shop_id = $1 and i.order_id = o.order_id) as pieces
      from orders o where o.shop_id = $1 and o.paid_at >= $2 and o.paid_at < $3),
  by_hour as (
    select day, hour, count(*) as orders, sum(total_minor) as minor from each group by day, hour)
  select day, count(*) as orders, count(distinct phone_index) as buyers,
         count(*) filter (where again) as again, coalesce(sum(pieces), 0)::bigint as pieces,
         sum(total_minor)::bigint as minor, sum(gone)::bigint as gone_minor,
         (select array_agg(coalesce(h.orders, 0)::integer order by n) from generate_series(0, 23) n
            left join by_hour h on h.day = e.day and h.hour = n) as hours,
         (select array_agg(coalesce(h.minor, 0)::bigint order by n) from generate_series(0, 23) n
            left join by_hour h on h.day = e.day and h.hour = n) as hours_minor
    from each e group by day"""
_FOLD = f"""
insert into sale_days
  (shop_id, day, orders, buyers, again, pieces, minor, gone_minor, hours, hours_minor)
select $1, d.* from ({_DAYS}) d
on conflict on constraint sale_days_pkey do update
   set orders = excluded.orders, buyers = excluded.buyers, again = excluded.again,
       pieces = excluded.pieces, minor = excluded.minor, gone_minor = excluded.gone_minor,
       hours = excluded.hours, hours_minor = excluded.hours_minor"""
_THINGS = f"""
  select (o.paid_at at time zone $4)::date as day, i.product_id,
         count(distinct o.order_id) as orders, sum(i.quantity)::bigint as pieces,
         sum(i.quantity * i.unit_minor - i.discount_minor)::bigint as minor,
         coalesce(sum(i.quantity) filter (where {_WENT} and {_GONE} >= o.total_minor), 0)::bigint
           as gone_pieces,
         coalesce(sum(((i.quantity * i.unit_minor - i.discount_minor) * ({_GONE})::numeric
           / nullif(o.total_minor, 0))::bigint), 0)::bigint as gone_minor
    from orders o join order_items i on i.shop_id = $1 and i.order_id = o.order_id
   where o.shop_id = $1 and o.paid_at >= $2 and o.paid_at < $3"""
_FOLD_THINGS = f"""
insert into product_days
  (shop_id, day, product_id, orders, pieces, minor, gone_pieces, gone_minor)
select $1, d.* from ({_THINGS} group by 1, i.product_id) d
on conflict on constraint product_days_pkey do update
   set orders = excluded.orders, pieces = excluded.pieces, minor = excluded.minor,
       gone_pieces = excluded.gone_pieces, gone_minor = excluded.gone_minor"""

_FOLD_MONTHS = """
insert into product_months (shop_id, month, product_id, minor, gone_minor)
select $1, date_trunc('month', d.day::timestamp)::date, d.product_id, sum(d.minor),
       sum(d.gone_minor)
  from product_days d where d.shop_id = $1 and d.day >= $2 and d.day < $3
 group by 2, d.product_id
on conflict on constraint product_months_pkey do update
   set minor = excluded.minor, gone_minor = excluded.gone_minor"""


class Day(msgspec.Struct, frozen=True):
    """What was paid on one day of a shop; `hours` are orders and money by the hour of payment."""

    day: date
    orders: int
    buyers: int
    again: int
    pieces: int
    minor: int
    gone_minor: int
    hours: list[int]
    hours_minor: list[int]


def midnight(day: date, zone: str) -> datetime:
    """When a day begins where the shop is, also where the clocks change at midnight."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def each_day(
    first: date, last: date, zone: str
) -> tuple[list[date], list[datetime], list[datetime]]:
    """The days from `first` to `last`, both included, when each begins and when it ends. To ask an
    index for one day after the other costs half of asking each of its rows for the day it is on."""
    days = [first + n * DAY for n in range((last - first).days + 1)]
    moments = [midnight(day, zone) for day in [*days, last + DAY]]
    return days, moments[:-1], moments[1:]


class Reach(msgspec.Struct, frozen=True):
    """Days from `first` to `last`, both included; of the days up to `until` there are folded ones,
    and `late` are those of which something went back since."""

    shop_id: int
    zone: str
    first: date
    last: date
    until: date
    gone: dict[date, int]
    late: list[date]

    @property
    def live(self) -> tuple[datetime, datetime]:
        """The moments between which orders are read one by one; empty when all is folded."""
        since = midnight(max(self.first, self.until), self.zone)
        return since, max(since, midnight(self.last + DAY, self.zone))


class _Sum(msgspec.Struct, frozen=True):
    day: date
    minor: int
    folded: int


async def reach(conn: db.Connection, shop_id: int, zone: str, first: date, last: date) -> Reach:
    """What has to be known before days are read: how far they are folded, and what went back."""
    until = await db.value(conn, "select until from sale_folds where shop_id = $1", shop_id)
    until = until or first
    found = await _gone(conn, shop_id, zone, first, last)
    late = [each.day for each in found if each.day < until and each.folded != each.minor]
    sums = {each.day: each.minor for each in found}
    return Reach(shop_id, zone, first, last, until, sums, late)


async def _gone(
    conn: db.Connection, shop_id: int, zone: str, first: date, last: date
) -> list[_Sum]:
    """By the day of the order: what is gone of its money, and what the fold knows of that."""
    return await db.all(
        conn,
        _Sum,
        f"""
        select d.day, coalesce(g.minor, 0) as minor, coalesce(f.gone_minor, 0) as folded
          from unnest($2::date[], $3::timestamptz[], $4::timestamptz[]) d (day, since, until)
          cross join lateral (
            select sum({_GONE})::bigint as minor from orders o
             where o.shop_id = $1 and o.paid_at >= d.since and o.paid_at < d.until and {_WENT}) g
          left join sale_days f on f.shop_id = $1 and f.day = d.day
         where g.minor > 0 or f.gone_minor > 0
         order by d.day""",
        shop_id,
        *each_day(first, last, zone),
    )


async def days(conn: db.Connection, reach: Reach) -> dict[date, Day]:
    """What was paid, by day; days without an order are left out."""
    found = await db.all(
        conn,
        Day,
        "select day, orders, buyers, again, pieces, minor, gone_minor, hours, hours_minor"
        " from sale_days where shop_id = $1 and day >= $2 and day <= $3 and day < $4",
        reach.shop_id,
        reach.first,
        reach.last,
        reach.until,
    )
    found += await moments(conn, reach.shop_id, reach.zone, *reach.live)
    return {
        each.day: msgspec.structs.replace(each, gone_minor=reach.gone.get(each.day, 0))
        for each in found
    }


async def moments(
    conn: db.Connection, shop_id: int, zone: str, since: datetime, until: datetime
) -> list[Day]:
    """The same between two moments, from the orders themselves."""
    if since >= until:
        return []
    return await db.all(conn, Day, _DAYS, shop_id, since, until, zone)


class Thing(msgspec.Struct, frozen=True):
    """A product in a span: orders with it, pieces sold, turnover, and what is gone of both."""

    product_id: UUID
    title: str
    photo: str
    orders: int
    pieces: int
    minor: int
    gone_pieces: int
    gone_minor: int


# The orders of which something went back of the days that are late: $8, from $9 to $10 each. OFFSET
# keeps them few: a planner that could reorder this would read all items of the shop instead.
_WENT_BACK = f"""
  unnest($8::date[], $9::timestamptz[], $10::timestamptz[]) l (day, since, until)
  cross join lateral (
    select l.day, o.order_id, o.total_minor, {_GONE} as gone from orders o
     where o.shop_id = $1 and o.paid_at >= l.since and o.paid_at < l.until and {_WENT} offset 0) o
  cross join lateral (
    select i.product_id, i.quantity, i.unit_minor, i.discount_minor from order_items i
     where i.shop_id = $1 and i.order_id = o.order_id offset 0) i"""
# What is gone of each thing by now on the days that are late.
_LATE = f"""
  select o.day, i.product_id, 0::bigint as orders, 0::bigint as pieces, 0::bigint as minor,
         coalesce(sum(i.quantity) filter (where o.gone >= o.total_minor), 0)::bigint as gone_pieces,
         coalesce(sum(((i.quantity * i.unit_minor - i.discount_minor) * o.gone::numeric
           / nullif(o.total_minor, 0))::bigint), 0)::bigint as gone_minor
    from {_WENT_BACK}
   where i.product_id = any ($11::uuid[]) group by 1, 2"""
# $2 and $3 what is not folded, $5 to $7 the folded days: first, last, up to
_EVERY = f"""
with every as (
  select day, product_id, orders, pieces, minor,
         case when day = any ($8) then 0 else gone_pieces end as gone_pieces,
         case when day = any ($8) then 0 else gone_minor end as gone_minor
    from product_days where shop_id = $1 and day >= $5 and day <= $6 and day < $7
     and product_id = any ($11::uuid[])
  union all
  ({_THINGS} and i.product_id = any ($11::uuid[]) group by 1, i.product_id)
  union all
  ({_LATE}))"""
_SUMS = """
  sum(orders)::bigint as orders, sum(pieces)::bigint as pieces, sum(minor)::bigint as minor,
  sum(gone_pieces)::bigint as gone_pieces, sum(gone_minor)::bigint as gone_minor"""
# Which things brought the most that was kept; one sum over all of them, the rest only of those.
# $12 and $13: the months between which all days are folded and asked for; days before and after.
_BEST = f"""
select product_id
  from (select product_id, minor - gone_minor as kept from product_months
         where shop_id = $1 and month >= $12 and month < $13
        union all
        select product_id, minor - gone_minor from product_days
         where shop_id = $1 and day >= $5 and day < $12 and day < $7
        union all
        select product_id, minor - gone_minor from product_days
         where shop_id = $1 and day >= $13 and day <= $6 and day < $7
        union all
        select product_id, gone_minor from product_days where shop_id = $1 and day = any ($8)
        union all
        select l.product_id, l.minor - l.gone_minor from ({_THINGS} group by 1, i.product_id) l
        union all
        select i.product_id,
               - ((i.quantity * i.unit_minor - i.discount_minor) * o.gone::numeric
                  / nullif(o.total_minor, 0))::bigint
          from {_WENT_BACK}) as each
 group by product_id having sum(kept) > 0 order by sum(kept) desc, product_id limit $11"""
_TITLED = f"""{_EVERY},
whole as (select product_id, {_SUMS} from every group by product_id)
select w.product_id, p.title,
       coalesce((select f.file from photos f where f.shop_id = $1 and f.product_id = w.product_id
                  order by f.sort_order, f.photo_id limit 1), '') as photo,
       w.orders, w.pieces, w.minor, w.gone_pieces, w.gone_minor
  from whole w
  join products p on p.shop_id = $1 and p.product_id = w.product_id
 order by w.minor - w.gone_minor desc, p.title"""


async def things(conn: db.Connection, reach: Reach, most: int) -> list[Thing]:
    """What brought the most that was kept, the most first."""
    asked = _asked(reach)
    months = whole_months(reach.first, reach.last, reach.until)
    found = await conn.fetch(_BEST, *asked, most, *months)
    best = [row["product_id"] for row in found]
    return await db.all(conn, Thing, _TITLED, *asked, best)


def whole_months(first: date, last: date, until: date) -> tuple[date, date]:
    """The first month of which every day is asked for (from `first` to `last`) and folded (before
    `until`), and the first that is not; twice the first day when there is none."""
    begin = first if first.day == 1 else _month_after(first)
    end = min(last + DAY, until).replace(day=1)
    return (begin, end) if begin < end else (first, first)


def _month_after(day: date) -> date:
    return (day.replace(day=28) + 4 * DAY).replace(day=1)


class ThingDay(msgspec.Struct, frozen=True):
    """One product on one day, as Thing has it for a span."""

    day: date
    orders: int
    pieces: int
    minor: int
    gone_pieces: int
    gone_minor: int


async def thing_days(conn: db.Connection, reach: Reach, product_id: UUID) -> list[ThingDay]:
    """One product by day, the first day first; days on which it was not sold are left out."""
    sql = f"{_EVERY} select day, {_SUMS} from every group by day order by day"
    return await db.all(conn, ThingDay, sql, *_asked(reach), [product_id])


def _asked(reach: Reach) -> tuple[object, ...]:
    span = (reach.shop_id, *reach.live, reach.zone, reach.first, reach.last, reach.until)
    begins = [midnight(day, reach.zone) for day in reach.late]
    return (*span, reach.late, begins, [midnight(day + DAY, reach.zone) for day in reach.late])


class _Behind(msgspec.Struct, frozen=True):
    shop_id: int
    zone: str
    until: date | None
    first_paid_at: datetime


async def fold(database: db.Database, at: datetime) -> int:
    """Fold the days that are over where their shop is, a month in a transaction, and correct those
    of which something went back since; how many shops. Done again, it changes nothing."""
    async with database.connection() as conn:
        behind = await _behind(conn, at)
    folded = 0
    for each in behind:
        today = clock.local_day(at - _GRACE, each.zone)
        if each.until is None or each.until < today:
            await _fold_shop(database, each, today)
            folded += 1
    return folded


async def _fold_shop(database: db.Database, each: _Behind, today: date) -> None:
    opened = clock.local_day(each.first_paid_at, each.zone)
    since = opened if each.until is None else each.until - DAY  # once more, for a late commit
    while since < today:
        until = min(since + MOST_DAYS * DAY, today)
        await database.transaction(partial(_fold, each, since, until, until))
        since = until
    async with database.connection() as conn:
        found = await _gone(conn, each.shop_id, each.zone, opened, today - DAY)
    for day in [one.day for one in found if one.folded != one.minor]:
        await database.transaction(partial(_fold, each, day, day + DAY, today))


async def _fold(each: _Behind, since: date, until: date, folded: date, conn: db.Connection) -> None:
    span = (midnight(since, each.zone), midnight(until, each.zone), each.zone)
    await db.run(conn, _FOLD, each.shop_id, *span)
    await db.run(conn, _FOLD_THINGS, each.shop_id, *span)
    months = (since.replace(day=1), _month_after(until - DAY))
    await db.run(conn, _FOLD_MONTHS, each.shop_id, *months)
    await db.run(
        conn,
        "insert into sale_folds (shop_id, until) values ($1, $2)"
        " on conflict on constraint sale_folds_pkey do update set until = excluded.until",
        each.shop_id,
        folded,
    )


async def _behind(conn: db.Connection, at: datetime) -> list[_Behind]:
    """The shops whose last day may not be folded yet and in which something was ever paid."""
    return await db.all(
        conn,
        _Behind,
        """/* all shops: the fold */
        select s.shop_id, s.zone, f.until, p.paid_at as first_paid_at
          from shops s left join sale_folds f on f.shop_id = s.shop_id
          join lateral (select o.paid_at from orders o
                         where o.shop_id = s.shop_id and o.paid_at is not null
                         order by o.paid_at limit 1) p on true
         where s.opened_at is not null and s.shop_id > 0
           and (f.until is null or f.until <= $1)""",
        at.date() + DAY,
    )
