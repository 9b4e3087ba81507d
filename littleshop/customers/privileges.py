"""Privileges (特权): what one customer or a group has in a shop, and birthdays.

They are facts of the pricing engine (offers_of reads them); here they are given and ended. Of a
credit each of a group has the whole sum; what is spent of it are claims.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import NotFound, Refused
from littleshop.money import Money
from littleshop.shop import shops

KINDS = ("percent", "prices", "postage", "exclusive", "credit", "birthday")
LONGEST = 40
MOST = 5000  # that are under way in a shop


class Draft(msgspec.Struct, frozen=True):
    """A privilege to give: to the phone of that index or to a group. Amounts in minor units."""

    kind: str
    label: str
    from_at: datetime
    phone_index: bytes | None = None
    group_id: UUID | None = None
    off_bps: int | None = None
    sum_minor: int | None = None
    window_days: int | None = None
    below_cost: bool = False
    until_at: datetime | None = None
    prices: Mapping[UUID, int] = {}
    goods: Sequence[UUID] = ()


class Given(msgspec.Struct, frozen=True):
    """A privilege as its seller sees it: `uses` orders, `cost_minor` off them, of paid ones."""

    privilege_id: UUID
    kind: str
    label: str
    phone_index: bytes | None
    group_id: UUID | None
    off_bps: int | None
    sum_minor: int | None
    window_days: int | None
    below_cost: bool
    from_at: datetime
    until_at: datetime | None
    ended_at: datetime | None
    prices: int
    goods: int
    uses: int
    cost_minor: int


class Below(msgspec.Struct, frozen=True):
    """A thing that a rule would sell below what it cost its seller, for one piece."""

    title: str
    choice: str
    price_minor: int
    cost_minor: int
    currency: str

    @property
    def price(self) -> Money:
        return Money(self.price_minor, self.currency)

    @property
    def cost(self) -> Money:
        return Money(self.cost_minor, self.currency)


def check(draft: Draft) -> None:
    """Raises Refused: privilege_kind, privilege_label, privilege_off, privilege_sum,
    privilege_window, privilege_prices, privilege_goods, privilege_until."""
    kind = draft.kind
    if kind not in KINDS:
        raise Refused("privilege_kind")
    if not 1 <= len(draft.label) <= LONGEST:
        raise Refused("privilege_label", most=LONGEST)
    if kind in ("percent", "birthday") and not 100 <= (draft.off_bps or 0) <= 9900:
        raise Refused("privilege_off")
    if kind == "credit" and not 1 <= (draft.sum_minor or 0) <= 100_000_000:
        raise Refused("privilege_sum")
    if (
        kind == "birthday"
        and not 0 <= (-1 if draft.window_days is None else draft.window_days) <= 30
    ):
        raise Refused("privilege_window", most=30)
    if kind == "prices" and not draft.prices:
        raise Refused("privilege_prices")
    if kind == "exclusive" and not draft.goods:
        raise Refused("privilege_goods")
    if draft.until_at is not None and draft.until_at <= draft.from_at:
        raise Refused("privilege_until")


async def give(
    conn: db.Connection,
    shop_id: int,
    privilege_id: UUID,
    draft: Draft,
    *,
    person_id: UUID,
    at: datetime,
) -> None:
    """Give it; the same id again is harmless. Raises Refused as check,
    privileges_too_many(most)."""
    check(draft)
    count = await db.value(
        conn, "select count(*) from privileges where shop_id = $1 and ended_at is null", shop_id
    )
    if count >= MOST:
        raise Refused("privileges_too_many", most=MOST)
    if not await db.changed(
        conn,
        "insert into privileges (shop_id, privilege_id, kind, label, phone_index, group_id,"
        " off_bps, sum_minor, window_days, below_cost, from_at, until_at, made_at, made_by)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        " on conflict on constraint privileges_pkey do nothing",
        shop_id,
        privilege_id,
        draft.kind,
        draft.label,
        draft.phone_index,
        draft.group_id,
        draft.off_bps,
        draft.sum_minor,
        draft.window_days,
        draft.below_cost,
        draft.from_at,
        draft.until_at,
        at,
        person_id,
    ):
        return
    await _things(conn, shop_id, privilege_id, draft)
    await shops.say_offers(conn, shop_id)


async def _things(conn: db.Connection, shop_id: int, privilege_id: UUID, draft: Draft) -> None:
    await db.run(
        conn,
        "insert into privilege_prices (shop_id, privilege_id, variant_id, price_minor)"
        " select $1, $2, p.variant_id, p.price_minor"
        "   from unnest($3::uuid[], $4::bigint[]) as p(variant_id, price_minor)",
        shop_id,
        privilege_id,
        list(draft.prices),
        list(draft.prices.values()),
    )
    await db.run(
        conn,
        "insert into privilege_goods (shop_id, privilege_id, product_id)"
        " select $1, $2, p.product_id from unnest($3::uuid[]) as p(product_id)",
        shop_id,
        privilege_id,
        list(draft.goods),
    )


async def end(conn: db.Connection, shop_id: int, privilege_id: UUID, at: datetime) -> str:
    """Nobody has it any more; what was bought with it stays as it is. How it was called. Raises
    NotFound."""
    label = await db.value(
        conn,
        "update privileges set ended_at = $3"
        " where shop_id = $1 and privilege_id = $2 and ended_at is null returning label",
        shop_id,
        privilege_id,
        at,
    )
    if label is None:
        raise NotFound("privilege")
    await shops.say_offers(conn, shop_id)
    return str(label)


async def listing(
    conn: db.Connection,
    shop_id: int,
    *,
    phone_index: bytes | None = None,
    group_id: UUID | None = None,
) -> list[Given]:
    """The privileges of a customer, of a group or of all, those under way first, the last first."""
    return await db.all(
        conn,
        Given,
        "select p.privilege_id, p.kind, p.label, p.phone_index, p.group_id, p.off_bps, p.sum_minor,"
        "       p.window_days, p.below_cost, p.from_at, p.until_at, p.ended_at,"
        "       (select count(*)::integer from privilege_prices i"
        "         where i.shop_id = $1 and i.privilege_id = p.privilege_id) as prices,"
        "       (select count(*)::integer from privilege_goods i"
        "         where i.shop_id = $1 and i.privilege_id = p.privilege_id) as goods,"
        "       used.uses, used.cost_minor"
        "  from privileges p"
        "  cross join lateral (select count(*)::integer as uses,"
        "         coalesce(sum(d.amount_minor), 0)::bigint as cost_minor"
        "    from order_discounts d join orders o on o.shop_id = $1 and o.order_id = d.order_id"
        "   where d.shop_id = $1 and d.source_id = p.privilege_id"
        "     and o.paid_at is not null and o.status <> 'refunded') as used"
        " where p.shop_id = $1 and ($2::bytea is null or p.phone_index = $2)"
        "   and ($3::uuid is null or p.group_id = $3)"
        " order by p.ended_at is not null, p.made_at desc limit 200",
        shop_id,
        phone_index,
        group_id,
    )


async def below_cost(
    conn: db.Connection,
    shop_id: int,
    *,
    off_bps: int = 0,
    off_minor: int = 0,
    prices: Mapping[UUID, int] | None = None,
    most: int = 20,
) -> list[Below]:
    """What a rule would sell below its cost, one piece bought alone: at these `prices`, or all at
    the shelf's less `off_bps` or `off_minor`."""
    return await db.all(
        conn,
        Below,
        """
        select p.title, array_to_string(v.choice, ' · ') as choice, n.price_minor, v.cost_minor,
               s.currency
          from variants v join products p on p.shop_id = $1 and p.product_id = v.product_id
          join shops s on s.shop_id = $1
          left join unnest($4::uuid[], $5::bigint[]) as w(variant_id, price_minor)
            on w.variant_id = v.variant_id
         cross join lateral (select coalesce(w.price_minor, greatest(v.price_minor - $3::bigint
               - (v.price_minor * $2::bigint + 5000) / 10000, 0)) as price_minor) as n
         where v.shop_id = $1 and not v.withdrawn and p.status in ('on_sale', 'unlisted')
           and v.cost_minor is not null and n.price_minor < v.cost_minor
         order by n.price_minor - v.cost_minor, p.title limit $6""",
        shop_id,
        off_bps,
        off_minor,
        list(prices or {}),
        list((prices or {}).values()),
        most,
    )


async def say_birthday(
    conn: db.Connection, shop_id: int, phone_index: bytes, month: int, day: int, at: datetime
) -> None:
    """A customer says his birthday, once. Raises Refused: birthday_day, birthday_said."""
    if not (1 <= month <= 12 and 1 <= day <= (29 if month == 2 else 30 if month in (4, 6, 9, 11)
                                              else 31)):  # fmt: skip
        raise Refused("birthday_day")
    if not await db.changed(
        conn,
        "insert into birthdays (shop_id, phone_index, month, day, said_at)"
        " values ($1, $2, $3, $4, $5) on conflict on constraint birthdays_pkey do nothing",
        shop_id,
        phone_index,
        month,
        day,
        at,
    ):
        raise Refused("birthday_said")


class Birthday(msgspec.Struct, frozen=True):
    """A day of the year."""

    month: int
    day: int


async def birthday(conn: db.Connection, shop_id: int, phone_index: bytes) -> Birthday | None:
    """What a customer said."""
    return await db.one(
        conn,
        Birthday,
        "select month, day from birthdays where shop_id = $1 and phone_index = $2",
        shop_id,
        phone_index,
    )


async def forget_birthday(conn: db.Connection, shop_id: int, phone_index: bytes) -> None:
    """The customer can say it anew; what it gave this year it does not give again."""
    await db.run(
        conn,
        "delete from birthdays where shop_id = $1 and phone_index = $2",
        shop_id,
        phone_index,
    )
