"""Customers of a shop, known by their phone's blind index; placing writes them."""

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
    """A customer and what he bought; amounts in minor units of `currency`."""

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
