"""What shares and entrances brought: who came, what was ordered, paid and kept, what was opened.

Days that are over are folded by code into `share_days`; the rest is read from indexes. Figures of
an order count on the day it was placed or paid; what went back is taken from what was kept of the
orders paid in the span, whenever it went back. Visitors are counted once a day and code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from littleshop import clock, db

INVITATION = "invitation"  # stands where a code stands, for orders that began with one
MOST_CODES = 20_000
_LONG_AGO = date(2000, 1, 1)
_CODE = f"case kind when '{INVITATION}' then kind else share_code end"
_CREDITED = f"(share_code is not null or kind = '{INVITATION}')"

_FOLD = f"""
insert into share_days (shop_id, day, code, placed, paid, paid_minor)
select $1, day, code, sum(placed), sum(paid), sum(minor)
  from (select (placed_at at time zone $4)::date as day, {_CODE} as code, 1 as placed, 0 as paid,
               0::bigint as minor
          from orders where shop_id = $1 and placed_at >= $2 and placed_at < $3 and {_CREDITED}
        union all
        select (paid_at at time zone $4)::date, {_CODE}, 0, 1, total_minor
          from orders where shop_id = $1 and paid_at >= $2 and paid_at < $3 and {_CREDITED}
       ) as each
 group by day, code
on conflict on constraint share_days_pkey do update
   set placed = excluded.placed, paid = excluded.paid, paid_minor = excluded.paid_minor"""
# $2 the first day of a month, $3 the first day that is not folded
_FOLD_MONTHS = """
insert into share_months (shop_id, month, code, paid, paid_minor)
select $1, date_trunc('month', d.day::timestamp)::date, d.code, sum(d.paid), sum(d.paid_minor)
  from share_days d where d.shop_id = $1 and d.day >= $2 and d.day < $3 and d.paid > 0
 group by 2, d.code
on conflict on constraint share_months_pkey do update
   set paid = excluded.paid, paid_minor = excluded.paid_minor"""

# $2 first day, $3 its begin, $4 the begin of what is not folded, $5 the most codes
_BROUGHT = f"""
select code, sum(views)::bigint as views, sum(visitors)::bigint as visitors,
       sum(placed)::bigint as placed, sum(paid)::bigint as paid,
       (sum(paid) - sum(back))::bigint as kept, sum(minor)::bigint as paid_minor,
       (sum(minor) - sum(back_minor))::bigint as kept_minor, sum(opened)::bigint as opened
  from (select code, 0 as views, 0 as visitors, placed, paid, paid_minor as minor, 0 as back,
               0 as back_minor, 0 as opened
          from share_days where shop_id = $1 and day >= $2
        union all
        select {_CODE}, 0, 0, 1, 0, 0, 0, 0, 0
          from orders where shop_id = $1 and placed_at >= $4 and {_CREDITED}
        union all
        select {_CODE}, 0, 0, 0, 1, total_minor, 0, 0, 0
          from orders where shop_id = $1 and paid_at >= $4 and {_CREDITED}
        union all
        select {_CODE}, 0, 0, 0, 0, 0,
               case when status = 'refunded' or refunded_minor >= total_minor then 1 else 0 end,
               case status when 'refunded' then total_minor else refunded_minor end, 0
          from orders where shop_id = $1 and paid_at >= $3 and {_CREDITED}
           and (status = 'refunded' or refunded_minor > 0)
        union all
        select subject, views, visitors, 0, 0, 0, 0, 0, 0
          from visit_days where shop_id = $1 and day >= $2 and kind = 'share'
        union all
        select subject, sum(views), count(*), 0, 0, 0, 0, 0, 0
          from visits where shop_id = $1 and day >= $2 and kind = 'share' group by subject
        union all
        select code, 0, 0, 0, 0, 0, 0, 0, 1
          from brought_shops where shop_id = $1 and opened_at >= $3 and code is not null
       ) as each
 group by code order by kept_minor desc, paid desc, visitors desc, code limit $5"""


class Brought(msgspec.Struct, frozen=True):
    """What one code brought in a span: views and visitors (a person a day), orders placed, paid
    and kept, what was paid and what is left of it in minor units, shops opened."""

    code: str
    views: int = 0
    visitors: int = 0
    placed: int = 0
    paid: int = 0
    kept: int = 0
    paid_minor: int = 0
    kept_minor: int = 0
    opened: int = 0


def total(rows: Iterable[Brought], code: str = "") -> Brought:
    """Several together."""
    names, found = Brought.__struct_fields__[1:], list(rows)
    sums = {name: sum(getattr(each, name) for each in found) for name in names}
    return Brought(code, **sums)


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


async def brought(
    conn: db.Connection, shop_id: int, zone: str, since: date, *, most: int = MOST_CODES
) -> list[Brought]:
    """What every code brought since the begin of a day of the shop, the most turnover first."""
    folded = await db.value(conn, "select until from share_folds where shop_id = $1", shop_id)
    unfolded = max(since, folded) if folded is not None else since
    return await db.all(
        conn,
        Brought,
        _BROUGHT,
        shop_id,
        since,
        _midnight(since, zone),
        _midnight(unfolded, zone),
        most,
    )


class Way(msgspec.Struct, frozen=True):
    """A share or an entrance by its code: the seller's name for it, the channel or the kind of
    entrance, what it shows, and whose it is: a device's or a person's of the shop. The names of a
    personal link are for its greeting only and are not read here."""

    code: str
    label: str
    channel: str
    product_id: UUID | None
    device: bytes | None
    person_id: UUID | None
    created_at: datetime
    entrance: bool


async def ways(conn: db.Connection, shop_id: int, codes: Collection[str]) -> dict[str, Way]:
    """The shares and entrances with these codes, and all that the shop's own people made."""
    found = await db.all(
        conn,
        Way,
        "select code, label, channel, product_id, device, person_id, created_at,"
        "       false as entrance from shares"
        "  where shop_id = $1 and (code = any ($2) or person_id is not null)"
        " union all"
        " select code, name, kind, null, null, person_id, created_at, true from entrances"
        "  where shop_id = $1",
        shop_id,
        list(codes),
    )
    return {each.code: each for each in found}


class _Behind(msgspec.Struct, frozen=True):
    shop_id: int
    zone: str
    until: date | None


async def fold(database: db.Database, at: datetime) -> int:
    """Fold the days that are over where their shop is, a transaction per shop; how many shops."""
    async with database.connection() as conn:
        behind = await _behind(conn, at)
    folded = 0
    for each in behind:
        if each.until is None or each.until < _today(each.zone, at):
            await database.transaction(partial(_fold, each, at))
            folded += 1
    return folded


def _today(zone: str, at: datetime) -> date:
    """A minute's grace for an order that is just being written."""
    return clock.local_day(at - timedelta(minutes=1), zone)


async def _fold(each: _Behind, at: datetime, conn: db.Connection) -> None:
    today = _today(each.zone, at)
    first = each.until or _LONG_AGO
    since = _midnight(first, each.zone)
    await db.run(conn, _FOLD, each.shop_id, since, _midnight(today, each.zone), each.zone)
    month = (first - timedelta(days=1)).replace(day=1)  # also the one that ended the day before
    await db.run(conn, _FOLD_MONTHS, each.shop_id, month, today)
    await db.run(
        conn,
        "insert into share_folds (shop_id, until) values ($1, $2)"
        " on conflict on constraint share_folds_pkey do update set until = excluded.until",
        each.shop_id,
        today,
    )


async def _behind(conn: db.Connection, at: datetime) -> list[_Behind]:
    """The shops in which something may not be folded yet: an order was placed or paid since."""
    return await db.all(
        conn,
        _Behind,
        f"""/* all shops: the fold */
        select s.shop_id, s.zone, f.until
          from shops s left join share_folds f on f.shop_id = s.shop_id
         where s.opened_at is not null and s.shop_id > 0
           and (f.until is null or f.until <= $1)
           and (exists (select from orders o where o.shop_id = s.shop_id and {_CREDITED}
                           and o.placed_at >= coalesce(f.until - 1, $2))
                or exists (select from orders o where o.shop_id = s.shop_id and {_CREDITED}
                              and o.paid_at >= coalesce(f.until - 1, $2)))""",
        at.date() + timedelta(days=1),
        _LONG_AGO,
    )
