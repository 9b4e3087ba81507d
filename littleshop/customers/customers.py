"""Customers of a shop, known by their phone's blind index; placing writes them.

Names, phones and addresses are sealed: a list shows them row by row, a search finds a whole phone.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from littleshop import db
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
    orders: int
    spent_minor: int
    currency: str
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


class CustomerCount(msgspec.Struct, frozen=True):
    """How many people bought in a shop, and how many of them more than once."""

    total: int
    again: int


PAGE = 30
_SUMS = """
    select c.phone_index, c.phone_sealed, c.delivery_sealed, o.orders, o.spent_minor,
           s.currency, o.last_order_at
      from (select phone_index, count(*)::integer as orders,
                   coalesce(sum(total_minor - refunded_minor) filter (where status <> 'refunded'),
                            0)::bigint
                     as spent_minor,
                   max(placed_at) as last_order_at
              from orders where shop_id = $1 and paid_at is not null
               and ($2::bytea is null or phone_index = $2)
             group by phone_index) o
      join customers c on c.shop_id = $1 and c.phone_index = o.phone_index
      join shops s on s.shop_id = $1
     where s.shop_id = $1"""


async def listing(
    conn: db.Connection, shop_id: int, *, before: datetime | None = None, most: int = PAGE
) -> list[CustomerSum]:
    """Who bought, the last buyer first; `before` continues an earlier page."""
    return await db.all(
        conn,
        CustomerSum,
        f"{_SUMS} and ($3::timestamptz is null or o.last_order_at < $3)"
        " order by o.last_order_at desc limit $4",
        shop_id,
        None,
        before,
        most,
    )


async def by_phone(conn: db.Connection, shop_id: int, phone_index: bytes) -> list[CustomerSum]:
    """The buyer with this phone as a list of one, or of none."""
    return await db.all(conn, CustomerSum, _SUMS, shop_id, phone_index)


async def counts(conn: db.Connection, shop_id: int) -> CustomerCount:
    """How many bought here, and how many came back."""
    found = await db.one(
        conn,
        CustomerCount,
        "select count(*)::integer as total, count(*) filter (where orders > 1)::integer as again"
        " from (select phone_index, count(*) as orders from orders"
        "        where shop_id = $1 and paid_at is not null group by phone_index) buyers",
        shop_id,
    )
    assert found is not None
    return found
