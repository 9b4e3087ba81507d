"""Referrals: what of an order the shops of its sharers earn, fixed when it is paid.

A sharer says once, signed in on the device that he shares with, for which shop of his own he does:
from that moment on its shares earn. The first level is who made the share an order is credited to,
the second who made the share by which the first had come; there is no third.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.money import Money
from littleshop.social import sharer_shops
from littleshop.social.referral_terms import AFTER
from littleshop.trade import counters

# What a device said is forgotten so long after something else was said, or after it made its last
# share and somebody ordered by one: unless it earned, for that is provable as long as the books are
# kept.
KEPT = timedelta(days=365)
PROVEN = timedelta(days=3 * 366)


class Candidate(msgspec.Struct, frozen=True):
    """Who may earn of an order at a level, by which share, and for which shop of his."""

    level: int
    code: str
    person_id: UUID
    earner_shop_id: int


class Referral(msgspec.Struct, frozen=True):
    """What a shop earns of an order at a level when nothing of it goes back; minor units of the
    order's currency, `base_minor` what it is a part of."""

    shop_id: int
    order_id: UUID
    level: int
    earner_shop_id: int
    code: str
    base_minor: int
    amount_minor: int
    fixed_at: datetime


class ReferralLine(msgspec.Struct, frozen=True):
    """What of a line of an order earns at a level, and at which rate."""

    level: int
    position: int
    base_minor: int
    rate_bps: int


class Earned(msgspec.Struct, frozen=True):
    """A referral in the shop that earns."""

    shop_id: int
    from_shop_id: int
    order_id: UUID
    level: int
    currency: str
    amount_minor: int
    fixed_at: datetime

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class Sharing(msgspec.Struct, frozen=True):
    """For whose shop a device's shares earn, and since when."""

    person_id: UUID
    earner_shop_id: int
    starts_at: datetime


_REFERRAL = ", ".join(Referral.__struct_fields__)
_EARNED = ", ".join(Earned.__struct_fields__)


async def share_for(
    conn: db.Connection,
    shop_id: int,
    device: bytes,
    *,
    person_id: UUID,
    earner_shop_id: int | None,
    at: datetime,
) -> bool:
    """From now on this device's shares of a shop earn for another one, or (None) not any more;
    False when that stood already."""
    await counters.lock(conn, shop_id)
    known = await sharing(conn, shop_id, device)
    before = (known.person_id, known.earner_shop_id) if known else (person_id, None)
    if before == (person_id, earner_shop_id):
        return False
    await db.run(
        conn,
        "insert into sharers (shop_id, device, starts_at, person_id, earner_shop_id)"
        f" select $1, $2, greatest($3, max(starts_at) + interval '1 microsecond', {AFTER}), $4, $5"
        "   from sharers where shop_id = $1 and device = $2",
        shop_id,
        device,
        at,
        person_id,
        earner_shop_id,
    )
    if earner_shop_id is not None:
        for found in await sharer_shops.look(conn, [earner_shop_id], at):
            await sharer_shops.carry(conn, shop_id, found, at)
    return True


async def sharing(conn: db.Connection, shop_id: int, device: bytes) -> Sharing | None:
    """For which shop this device's shares earn now."""
    return await db.one(
        conn,
        Sharing,
        "select person_id, earner_shop_id, starts_at from ("
        "select person_id, earner_shop_id, starts_at from sharers"
        " where shop_id = $1 and device = $2 order by starts_at desc limit 1) s"
        " where earner_shop_id is not null",
        shop_id,
        device,
    )


async def forget(conn: db.Connection, at: datetime) -> int:
    """Forget what devices said long ago: what a later word took the place of, and what no share
    was made and nothing ordered by since, unless it earned while the books of that are kept."""
    gone = await db.run(
        conn,
        "delete from sharers s /* all shops: the worker's sweep */ where s.starts_at < $1"
        "   and (exists (select from sharers n where n.shop_id = s.shop_id"
        "                   and n.device = s.device and n.starts_at > s.starts_at"
        "                   and n.starts_at < $1)"
        "     or not exists (select from sharers n where n.shop_id = s.shop_id"
        "                       and n.device = s.device and n.starts_at > s.starts_at)"
        "        and not exists (select from shares h where h.shop_id = s.shop_id"
        "                           and h.device = s.device and (h.created_at >= $1"
        "                             or exists (select from orders o where o.shop_id = h.shop_id"
        "                                           and o.share_code = h.code"
        "                                           and o.placed_at >= $1))))"
        "   and not exists (select from shares h"
        "                     join referrals g on g.shop_id = h.shop_id and g.code = h.code"
        "                    where h.shop_id = s.shop_id and h.device = s.device"
        "                      and g.fixed_at >= $2)",
        at - KEPT,
        at - PROVEN,
    )
    await sharer_shops.forget(conn)
    return gone


_CANDIDATES = """
select w.level, w.code, s.person_id, s.earner_shop_id
  from (select 1 as level, $2::text as code
        union all
        select 2, d.parent_code from share_descents d where d.shop_id = $1 and d.code = $2) w
  join shares h on h.shop_id = $1 and h.code = w.code
 cross join lateral (select x.person_id, x.earner_shop_id from sharers x
                      where x.shop_id = $1 and x.device = h.device and x.starts_at <= $3
                      order by x.starts_at desc limit 1) s
  join sharer_shops k on k.shop_id = $1 and k.earner_shop_id = s.earner_shop_id
   and k.owner_id = s.person_id and k.earns and k.currency = $5 and $6 <> all (k.crew_phones)
 where (exists (select from referral_terms t where t.shop_id = $1)
        or exists (select from referral_exceptions t where t.shop_id = $1))
   and not exists (select from referral_stops z where z.shop_id = $1
                      and z.stopped_at <= $3 and (z.lifted_at is null or z.lifted_at > $3))
   and not exists (select from referral_stops z where z.shop_id = 0
                      and z.stopped_at <= $3 and (z.lifted_at is null or z.lifted_at > $3))
   and not exists (select from staff t where t.shop_id = $1 and t.person_id = s.person_id)
   and not exists (select from order_devices d join sharers y
                        on y.shop_id = d.shop_id and y.device = d.device
                    where d.shop_id = $1 and d.order_id = $4 and y.person_id = s.person_id)
 order by w.level"""


async def candidates(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    *,
    code: str,
    placed_at: datetime,
    currency: str,
    phone_index: bytes,
) -> list[Candidate]:
    """Who may earn of an order credited to `code`: who said so before it was placed, for a shop of
    his own that can, and neither works in this one nor bought it on a device of his, nor did one
    who works in his. One statement by keys of this shop; in a shop without terms, nobody."""
    of = (shop_id, code, placed_at, order_id, currency, phone_index)
    return await db.all(conn, Candidate, _CANDIDATES, *of)


async def earns(conn: db.Connection, shop_id: int, code: str, at: datetime) -> bool:
    """Whether somebody would earn of what is bought by this share now, as far as can be told of
    who has not ordered yet."""
    return bool(
        await db.value(
            conn,
            """
            select exists (
              select from (select $2::text as code
                           union all
                           select d.parent_code from share_descents d
                            where d.shop_id = $1 and d.code = $2) w
                join shares h on h.shop_id = $1 and h.code = w.code
               cross join lateral (select x.earner_shop_id from sharers x
                                    where x.shop_id = $1 and x.device = h.device
                                      and x.starts_at <= $3
                                    order by x.starts_at desc limit 1) s
               where s.earner_shop_id is not null
                 and not exists (select from referral_stops z
                                  where z.shop_id = $1 and z.lifted_at is null)
                 and not exists (select from referral_stops z
                                  where z.shop_id = 0 and z.lifted_at is null)
                 and (exists (select from referral_exceptions e
                               where e.shop_id = $1 and e.first_bps > 0)
                      or (select t.first_bps from referral_terms t where t.shop_id = $1
                           order by t.starts_at desc limit 1) > 0))""",
            shop_id,
            code,
            at,
        )
    )


async def write(conn: db.Connection, referral: Referral, lines: Sequence[ReferralLine]) -> None:
    """Fix what a shop earns of an order; nothing changes it afterwards."""
    await db.run(
        conn,
        f"insert into referrals ({_REFERRAL}) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        *[getattr(referral, name) for name in Referral.__struct_fields__],
    )
    await db.run(
        conn,
        "insert into referral_lines (shop_id, order_id, level, position, base_minor, rate_bps)"
        " select $1, $2, $3, l.position, l.base_minor, l.rate_bps"
        "   from unnest($4::integer[], $5::bigint[], $6::integer[])"
        "        as l(position, base_minor, rate_bps)",
        referral.shop_id,
        referral.order_id,
        referral.level,
        [line.position for line in lines],
        [line.base_minor for line in lines],
        [line.rate_bps for line in lines],
    )


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> list[Referral]:
    """Who earns of an order, the first level first."""
    return await db.all(
        conn,
        Referral,
        f"select {_REFERRAL} from referrals where shop_id = $1 and order_id = $2 order by level",
        shop_id,
        order_id,
    )


async def lines(conn: db.Connection, shop_id: int, order_id: UUID) -> list[ReferralLine]:
    """What each line of an order brings its sharers."""
    return await db.all(
        conn,
        ReferralLine,
        "select level, position, base_minor, rate_bps from referral_lines"
        " where shop_id = $1 and order_id = $2 order by level, position",
        shop_id,
        order_id,
    )


async def mirror(conn: db.Connection, row: Earned) -> bool:
    """Write a referral into the shop that earns; False when it stood there."""
    return await db.changed(
        conn,
        f"insert into earned_referrals ({_EARNED}) values ($1, $2, $3, $4, $5, $6, $7)"
        " on conflict on constraint earned_referrals_pkey do nothing",
        *[getattr(row, name) for name in Earned.__struct_fields__],
    )
