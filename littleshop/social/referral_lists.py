"""Referral commission as pages tell it: line by line, with what became of each.

The row that says what is earned, and the order that says what became of it, are the seller's; the
shop that earns reads them by the keys that it knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.money import Money
from littleshop.social.referrals import Earned


class Line(msgspec.Struct, frozen=True):
    """A referral and how it stands: `then_minor` what it comes to if no more goes back, `now_minor`
    what of it is in the seller's books. `closes_at` is the end of the after-sale window, of an
    order that was received; `stopped`: its clock stands still."""

    shop_id: int
    order_id: UUID
    number: int
    level: int
    earner_shop_id: int
    code: str
    currency: str
    base_minor: int
    amount_minor: int
    then_minor: int
    now_minor: int
    status: str
    refunded_minor: int
    placed_at: datetime
    closes_at: datetime | None
    stopped: bool

    @property
    def state(self) -> str:
        """coming, frozen, theirs, or back when nothing is left of it."""
        if not self.then_minor:
            return "back"
        if self.status == "closed":
            return "theirs"
        return "frozen" if self.status == "received" else "coming"

    @property
    def amount(self) -> Money:
        """What it is now, or will be."""
        return Money(self.then_minor, self.currency)

    @property
    def lost(self) -> Money:
        """What of it went back with a refund."""
        return Money(self.amount_minor - self.then_minor, self.currency)

    @property
    def base(self) -> Money:
        return Money(self.base_minor, self.currency)


class Sharer(msgspec.Struct, frozen=True):
    """What a shop earns of another: sums of its lines by their state, minor units."""

    earner_shop_id: int
    orders: int
    coming_minor: int
    frozen_minor: int
    theirs_minor: int


class Sums(msgspec.Struct, frozen=True):
    """What lines come to by their state, minor units."""

    coming_minor: int
    frozen_minor: int
    theirs_minor: int


_SUMS = """
 coalesce(sum(then_minor) filter (where status not in ('received', 'closed')), 0)::bigint
   as coming_minor,
 coalesce(sum(then_minor) filter (where status = 'received'), 0)::bigint as frozen_minor,
 coalesce(sum(then_minor) filter (where status = 'closed'), 0)::bigint as theirs_minor"""

# What goes back of an order counts from the moment it is asked, as its escrow does.
_COLUMNS = """
       g.shop_id, g.order_id, o.number, g.level, g.earner_shop_id, g.code, o.currency,
       g.base_minor, g.amount_minor,
       case g.level when 1 then later.first_due else later.second_due end as then_minor,
       case g.level when 1 then given.first_due else given.second_due end as now_minor,
       o.status, o.refunded_minor, o.placed_at, t.due_at as closes_at,
       t.paused_at is not null as stopped"""
_FROM = """
  from referrals g
  join orders o on o.shop_id = g.shop_id and o.order_id = g.order_id
  left join order_fees f on f.shop_id = o.shop_id and f.order_id = o.order_id
  left join referrals g1 on g1.shop_id = o.shop_id and g1.order_id = o.order_id and g1.level = 1
  left join referrals g2 on g2.shop_id = o.shop_id and g2.order_id = o.order_id and g2.level = 2
  left join timers t on t.shop_id = o.shop_id and t.subject = o.order_id and t.kind = 'close'
 cross join lateral (select case when o.status in ('received', 'closed', 'refunded')
                                 then o.released_minor
                                 else o.total_minor - o.refunded_minor end as minor) as kept
 cross join lateral (select coalesce(f.rate_bps, o.commission_bps) as bps,
                            coalesce(f.fixed_minor, 0) as fixed,
                            coalesce(f.lowest_minor, 0) as lowest, f.highest_minor as highest) r
 cross join lateral fee_of(o.total_minor, r.bps, r.fixed, r.lowest, r.highest) as whole_fee
 cross join lateral fee_of(o.released_minor, r.bps, r.fixed, r.lowest, r.highest) as fee
 cross join lateral fee_of(kept.minor, r.bps, r.fixed, r.lowest, r.highest) as kept_fee
 cross join lateral referrals_due(g1.amount_minor, g2.amount_minor, o.total_minor - whole_fee,
                                  o.released_minor - fee) as given
 cross join lateral referrals_due(g1.amount_minor, g2.amount_minor, o.total_minor - whole_fee,
                                  kept.minor - kept_fee) as later"""


async def sharers(conn: db.Connection, shop_id: int) -> list[Sharer]:
    """Who earns of a shop, who earns most first."""
    return await db.all(
        conn,
        Sharer,
        "select earner_shop_id, count(*)::integer as orders,"
        f" {_SUMS}"
        f" from (select {_COLUMNS} {_FROM} where g.shop_id = $1) l"
        " group by earner_shop_id order by 5 desc, 4 desc, 3 desc, 1",
        shop_id,
    )


async def of_sharer(
    conn: db.Connection,
    shop_id: int,
    earner_shop_id: int,
    beyond: UUID | None = None,
    most: int = 100,
) -> list[Line]:
    """What a shop earns of another, line by line, the latest first; from behind the order `beyond`
    on, nothing behind one that it did not earn of."""
    return await db.all(
        conn,
        Line,
        f"select {_COLUMNS} {_FROM} where g.shop_id = $1 and g.earner_shop_id = $2"
        "  and ($3::uuid is null or (g.fixed_at, g.order_id) <"
        "    (select b.fixed_at, b.order_id from referrals b"
        "      where b.shop_id = $1 and b.earner_shop_id = $2 and b.order_id = $3))"
        " order by g.fixed_at desc, g.order_id desc limit $4",
        shop_id,
        earner_shop_id,
        beyond,
        most,
    )


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> list[Line]:
    """Who earns of an order, the first level first."""
    return await db.all(
        conn,
        Line,
        f"select {_COLUMNS} {_FROM} where g.shop_id = $1 and g.order_id = $2 order by g.level",
        shop_id,
        order_id,
    )


async def _known(conn: db.Connection, shop_id: int, beyond: UUID | None, most: int) -> list[Earned]:
    """What a shop's own rows know of, the latest first, from behind the order `beyond` on."""
    return await db.all(
        conn,
        Earned,
        f"select {', '.join(Earned.__struct_fields__)} from earned_referrals"
        " where shop_id = $1 and ($2::uuid is null or (fixed_at, order_id) <"
        "   (select e.fixed_at, e.order_id from earned_referrals e"
        "     where e.shop_id = $1 and e.order_id = $2))"
        " order by fixed_at desc, order_id desc limit $3",
        shop_id,
        beyond,
        most,
    )


# Keys that the earning shop knows, in its order.
_PLACES = """
  join unnest($1::bigint[], $2::uuid[], $3::smallint[]) with ordinality
       as w(shop_id, order_id, level, place)
    on w.shop_id = g.shop_id and w.order_id = g.order_id and w.level = g.level"""


def _keys(known: Sequence[Earned]) -> tuple[list[int], list[UUID], list[int]]:
    return (
        [each.from_shop_id for each in known],
        [each.order_id for each in known],
        [each.level for each in known],
    )


async def earned(
    conn: db.Connection, shop_id: int, beyond: UUID | None = None, most: int = 100
) -> list[Line]:
    """What a shop earned by sharing, the latest first, as the sellers' rows say it; from behind
    the order `beyond` on, nothing behind one that it does not know."""
    known = await _known(conn, shop_id, beyond, most)
    return await db.all(
        conn, Line, f"select {_COLUMNS} {_FROM} {_PLACES} order by w.place", *_keys(known)
    )


async def earned_sums(conn: db.Connection, shop_id: int, since: datetime) -> Sums:
    """All that a shop earned by sharing, however many lines a page shows: what is its own by its
    own books, and of what is not in them yet, fixed `since` then, by the sellers' rows."""
    own = await db.value(
        conn,
        "select coalesce(sum(case j.kind when 'referral' then t.amount_minor"
        "                    else -t.amount_minor end), 0)::bigint"
        "  from journals j join transfers t"
        "    on t.shop_id = j.shop_id and t.journal_id = j.journal_id"
        " where j.shop_id = $1 and j.kind in ('referral', 'referral_back')",
        shop_id,
    )
    known = await db.all(
        conn,
        Earned,
        f"select {', '.join(Earned.__struct_fields__)} from earned_referrals e"
        " where shop_id = $1 and fixed_at >= $2 and not exists ("
        "   select from journals j where j.shop_id = e.shop_id and j.kind = 'referral'"
        "      and j.reference = e.from_shop_id || '/' || e.order_id)",
        shop_id,
        since,
    )
    sums = await db.the_one(
        conn, Sums, f"select {_SUMS} from (select {_COLUMNS} {_FROM} {_PLACES}) l", *_keys(known)
    )
    return msgspec.structs.replace(sums, theirs_minor=own + sums.theirs_minor)


class NamedLine(msgspec.Struct, frozen=True):
    """A line of an order as a referral counts it."""

    order_id: UUID
    level: int
    title: str
    base_minor: int
    rate_bps: int


async def named_lines(conn: db.Connection, places: Sequence[Line]) -> list[NamedLine]:
    """What each thing of these orders, of any shops, brings at each level."""
    return await db.all(
        conn,
        NamedLine,
        "select l.order_id, l.level, i.title, l.base_minor, l.rate_bps"
        "  from unnest($1::bigint[], $2::uuid[], $3::smallint[]) as w(shop_id, order_id, level)"
        "  join referral_lines l on l.shop_id = w.shop_id and l.order_id = w.order_id"
        "   and l.level = w.level"
        "  join order_items i on i.shop_id = l.shop_id and i.order_id = l.order_id"
        "   and i.position = l.position order by l.position",
        [each.shop_id for each in places],
        [each.order_id for each in places],
        [each.level for each in places],
    )
