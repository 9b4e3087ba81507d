"""Groups of a shop's customers: rules with a name, worked out anew whenever somebody asks.

Only who bought is in a group, and did not get all his money back. The same rules stand in
offers_of, which asks about one person.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import NotFound, Refused
from littleshop.shop import shops

MOST = 30  # of a shop: each is counted for the list
LONGEST = 40


class Rule(msgspec.Struct, frozen=True):
    """What is asked of a customer; None asks nothing. `seen_after` and `seen_before`: days of the
    shop's zone between which the first order lies."""

    least_orders: int | None = None
    least_spent: int | None = None
    tag: str | None = None
    seen_after: date | None = None
    seen_before: date | None = None
    quiet_days: int | None = None


class Group(msgspec.Struct, frozen=True):
    """A group and how many are in it now."""

    group_id: UUID
    name: str
    least_orders: int | None
    least_spent: int | None
    tag: str | None
    seen_after: date | None
    seen_before: date | None
    quiet_days: int | None
    count: int


FITS = """
    b.orders >= coalesce(g.least_orders, 1)
    and (g.least_spent is null or b.spent >= g.least_spent)
    and (g.seen_after is null or (b.first_at at time zone s.zone)::date >= g.seen_after)
    and (g.seen_before is null or (b.first_at at time zone s.zone)::date < g.seen_before)
    and (g.quiet_days is null or b.last_at < $2::timestamptz - g.quiet_days * interval '1 day')
    and (g.tag is null or exists (
          select from customers c where c.shop_id = $1 and c.phone_index = b.phone_index
             and g.tag = any (c.tags)))"""
BOUGHT = """
    select o.phone_index, count(*)::integer as orders, min(o.placed_at) as first_at,
           max(o.placed_at) as last_at,
           coalesce(sum(o.total_minor - o.refunded_minor), 0)::bigint as spent
      from orders o where o.shop_id = $1 and o.paid_at is not null and o.status <> 'refunded'
     group by o.phone_index"""


def check(name: str, rule: Rule) -> None:
    """Raises Refused: group_name, group_rule, group_days."""
    if not 1 <= len(name) <= LONGEST:
        raise Refused("group_name", most=LONGEST)
    if rule == Rule():
        raise Refused("group_rule")
    if rule.seen_after and rule.seen_before and rule.seen_after >= rule.seen_before:
        raise Refused("group_days")


async def make(
    conn: db.Connection, shop_id: int, group_id: UUID, name: str, rule: Rule, at: datetime
) -> None:
    """Save a rule under a name; the same id again is harmless. Raises Refused as check,
    groups_too_many(most)."""
    check(name, rule)
    count = await db.value(
        conn,
        "select count(*) from customer_groups where shop_id = $1 and removed_at is null",
        shop_id,
    )
    if count >= MOST:
        raise Refused("groups_too_many", most=MOST)
    await db.run(
        conn,
        "insert into customer_groups (shop_id, group_id, name, least_orders, least_spent, tag,"
        " seen_after, seen_before, quiet_days, made_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " on conflict on constraint customer_groups_pkey do nothing",
        shop_id,
        group_id,
        name,
        *msgspec.structs.astuple(rule),
        at,
    )


async def remove(conn: db.Connection, shop_id: int, group_id: UUID, at: datetime) -> None:
    """Nobody is in it any more, so nobody has its privileges. Raises NotFound."""
    if not await db.changed(
        conn,
        "update customer_groups set removed_at = $3"
        " where shop_id = $1 and group_id = $2 and removed_at is null",
        shop_id,
        group_id,
        at,
    ):
        raise NotFound("group")
    await shops.say_offers(conn, shop_id)


async def listing(
    conn: db.Connection, shop_id: int, at: datetime, only: UUID | None = None
) -> list[Group]:
    """The groups of a shop with how many are in each, counted in one pass over who bought."""
    return await db.all(
        conn,
        Group,
        f"with bought as materialized ({BOUGHT})"
        " select g.group_id, g.name, g.least_orders, g.least_spent, g.tag, g.seen_after,"
        "        g.seen_before, g.quiet_days,"
        f"       (select count(*)::integer from bought b where {FITS}) as count"
        "   from customer_groups g join shops s on s.shop_id = g.shop_id"
        "  where g.shop_id = $1 and g.removed_at is null and ($3::uuid is null or g.group_id = $3)"
        "  order by g.made_at, g.group_id",
        shop_id,
        at,
        only,
    )


async def names(conn: db.Connection, shop_id: int) -> dict[UUID, str]:
    """The groups of a shop by id, without counting."""
    rows = await conn.fetch(
        "select group_id, name from customer_groups where shop_id = $1 and removed_at is null"
        " order by made_at, group_id",
        shop_id,
    )
    return {row["group_id"]: row["name"] for row in rows}
