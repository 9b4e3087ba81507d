"""Customers of a shop, known by their phone's blind index; placing writes them.

Names, phones and addresses are sealed: a list shows them row by row, a search finds a whole phone,
or blind words (sale/finding.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.customers import groups
from littleshop.errors import NotFound, Refused
from littleshop.money import Money


class Customer(msgspec.Struct, frozen=True):
    """Somebody who placed an order here."""

    phone_index: bytes
    phone_sealed: bytes
    delivery_sealed: bytes | None
    locale: str
    first_seen_at: datetime
    notes: str


class CustomerSum(msgspec.Struct, frozen=True):
    """A customer and what he paid for; amounts in minor units of `currency`.

    `orders` counts paid orders, `spent_minor` leaves out what went back.
    """

    phone_index: bytes
    phone_sealed: bytes
    delivery_sealed: bytes | None
    tags: list[str]
    notes: str
    orders: int
    spent_minor: int
    currency: str
    first_order_at: datetime
    last_order_at: datetime

    @property
    def spent(self) -> Money:
        return Money(self.spent_minor, self.currency)


async def get(conn: db.Connection, shop_id: int, phone_index: bytes) -> Customer | None:
    """A customer of this shop."""
    return await db.one(
        conn,
        Customer,
        "select phone_index, phone_sealed, delivery_sealed, locale, first_seen_at, notes"
        " from customers where shop_id = $1 and phone_index = $2",
        shop_id,
        phone_index,
    )


async def describe(
    conn: db.Connection, shop_id: int, phone_index: bytes, notes: str, tags: Sequence[str]
) -> None:
    """What the seller writes down about a customer. Raises Refused: notes_too_long(most),
    tags_too_many(most), tag_too_long(most); NotFound."""
    if len(notes) > LONGEST_NOTES:
        raise Refused("notes_too_long", most=LONGEST_NOTES)
    if len(tags) > MOST_TAGS:
        raise Refused("tags_too_many", most=MOST_TAGS)
    if any(len(tag) > LONGEST_TAG for tag in tags):
        raise Refused("tag_too_long", most=LONGEST_TAG)
    if not await db.changed(
        conn,
        "update customers set notes = $3, tags = $4 where shop_id = $1 and phone_index = $2",
        shop_id,
        phone_index,
        notes,
        list(dict.fromkeys(tags)),
    ):
        raise NotFound("person")


COUNTED = 1000  # customers that are counted one by one


class CustomerCount(msgspec.Struct, frozen=True):
    """How many people bought in a shop, and how many of them more than once; a `total` above
    COUNTED stands for more than that, and `again` is of those that were looked at."""

    total: int
    again: int


PAGE = 30
LONGEST_NOTES, MOST_TAGS, LONGEST_TAG = 2000, 12, 20
_COLUMNS = """
    c.phone_index, c.phone_sealed, c.delivery_sealed, c.tags, c.notes, b.orders,
    b.spent as spent_minor, s.currency, b.first_at as first_order_at, b.last_at as last_order_at"""
# Whose last paid order this is; by the orders' time, so that a page reads as many as it shows.
_LATEST = """
    select o.phone_index, o.placed_at from orders o
     where o.shop_id = $1 and o.paid_at is not null
       and ($2::timestamptz is null or o.placed_at < $2)
       and not exists (select from orders l
                        where l.shop_id = $1 and l.phone_index = o.phone_index
                          and l.paid_at is not null
                          and (l.placed_at, l.number) > (o.placed_at, o.number))
     order by o.placed_at desc limit $3"""
_BOUGHT = """
    select count(*)::integer as orders, min(o.placed_at) as first_at, max(o.placed_at) as last_at,
           coalesce(sum(o.total_minor - o.refunded_minor) filter (where o.status <> 'refunded'),
                    0)::bigint as spent
      from orders o
     where o.shop_id = $1 and o.phone_index = l.phone_index and o.paid_at is not null"""


async def listing(
    conn: db.Connection, shop_id: int, *, before: datetime | None = None, most: int = PAGE
) -> list[CustomerSum]:
    """Who bought, the last buyer first; `before` continues an earlier page."""
    return await db.all(
        conn,
        CustomerSum,
        f"select {_COLUMNS} from ({_LATEST}) l"
        f" cross join lateral ({_BOUGHT}) as b"
        " join customers c on c.shop_id = $1 and c.phone_index = l.phone_index"
        " join shops s on s.shop_id = $1 order by l.placed_at desc",
        shop_id,
        before,
        most,
    )


async def by_phone(conn: db.Connection, shop_id: int, phone_index: bytes) -> list[CustomerSum]:
    """The buyer with this phone as a list of one, or of none."""
    return await db.all(
        conn,
        CustomerSum,
        f"select {_COLUMNS} from (select $2::bytea as phone_index) l"
        f" cross join lateral ({_BOUGHT}) as b"
        " join customers c on c.shop_id = $1 and c.phone_index = l.phone_index"
        " join shops s on s.shop_id = $1 where b.orders > 0",
        shop_id,
        phone_index,
    )


async def of_group(
    conn: db.Connection, shop_id: int, group_id: UUID, at: datetime, *, most: int = 100
) -> list[CustomerSum]:
    """Who is in a group now, the last buyer first."""
    return await db.all(
        conn,
        CustomerSum,
        f"select {_COLUMNS} from ({groups.BOUGHT}) b"
        " join customer_groups g on g.shop_id = $1 and g.group_id = $3"
        " join shops s on s.shop_id = $1"
        " join customers c on c.shop_id = $1 and c.phone_index = b.phone_index"
        f" where {groups.FITS} order by b.last_at desc limit $4",
        shop_id,
        at,
        group_id,
        most,
    )


class Past(msgspec.Struct, frozen=True):
    """Where a customer's things went, newest first, and by what he first came: a code or None."""

    deliveries: list[bytes]
    first_share: str | None


async def past(conn: db.Connection, shop_id: int, phone_index: bytes) -> Past:
    """The addresses of his last ten paid orders, and where his first one came from."""
    return await db.the_one(
        conn,
        Past,
        """
        select array(select o.delivery_sealed from orders o
                      where o.shop_id = $1 and o.phone_index = $2 and o.paid_at is not null
                        and o.kind <> 'gift'
                      order by o.placed_at desc limit 10) as deliveries,
               (select o.share_code from orders o
                 where o.shop_id = $1 and o.phone_index = $2 and o.paid_at is not null
                 order by o.placed_at limit 1) as first_share""",
        shop_id,
        phone_index,
    )


async def counts(conn: db.Connection, shop_id: int) -> CustomerCount:
    """How many bought here, and how many came back: a look at two paid orders of each of the first
    COUNTED that are found."""
    return await db.the_one(
        conn,
        CustomerCount,
        "select count(*)::integer as total, count(*) filter (where b.orders > 1)::integer as again"
        "  from (select p.orders from customers c"
        "         cross join lateral (select count(*) as orders from ("
        "           select from orders o where o.shop_id = $1 and o.phone_index = c.phone_index"
        "              and o.paid_at is not null limit 2) two) p"
        "         where c.shop_id = $1 and p.orders > 0 order by c.phone_index limit $2) b",
        shop_id,
        COUNTED + 1,
    )


async def of_numbers(
    conn: db.Connection, shop_id: int, numbers: Sequence[int], most: int = PAGE
) -> list[CustomerSum]:
    """Who paid for one of these orders, the last buyer first; of a gift nobody, since it stands
    under the name of who received it."""
    return await db.all(
        conn,
        CustomerSum,
        f"select {_COLUMNS} from (select distinct o.phone_index from orders o where o.shop_id = $1"
        "   and o.number = any ($2) and o.paid_at is not null and o.kind <> 'gift') l"
        f" cross join lateral ({_BOUGHT}) as b"
        " join customers c on c.shop_id = $1 and c.phone_index = l.phone_index"
        " join shops s on s.shop_id = $1 order by b.last_at desc limit $3",
        shop_id,
        list(numbers),
        most,
    )
