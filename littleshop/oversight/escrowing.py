"""What institutions do with sellers and their money: who is being admitted, what is held too long.

An institution lets go of a payment by itself some time after it came (psp_escrow): what is near
that limit without being received or given back needs a person's word before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from littleshop import db
from littleshop.money import Money
from littleshop.pay import releases
from littleshop.shop import admissions, shops
from littleshop.shop.admissions import Admission


class Asked(msgspec.Struct, frozen=True):
    """A seller whom an institution has not admitted, or not yet."""

    admission: Admission
    shop: str


class NearLimit(msgspec.Struct, frozen=True):
    """A payment that an institution lets go of by itself at `until`."""

    shop_id: int
    shop: str
    number: int
    gateway: str
    amount: Money
    until: datetime


class Stuck(msgspec.Struct, frozen=True):
    """A release that an institution refuses with these words; `refunding` waits for its end."""

    shop_id: int
    shop: str
    number: int
    gateway: str
    amount: Money
    refunding: Money
    said: str
    since: datetime


async def stuck(conn: db.Connection) -> list[Stuck]:
    """What no institution lets go of though it was asked to: a person must see it."""
    found = []
    for each in await releases.stuck(conn):
        amount, back = (Money(minor, each.currency) for minor in (each.minor, each.refunding_minor))
        found.append(
            Stuck(
                each.shop_id, each.shop, each.number, each.gateway, amount, back, each.said,
                each.begun_at,
            )
        )  # fmt: skip
    return found


async def asked(conn: db.Connection) -> list[Asked]:
    """Admissions of all shops that are open or were refused, the oldest first."""
    found = await admissions.every(conn)
    names = await shops.names(conn, [each.shop_id for each in found])
    return [Asked(each, names[each.shop_id]) for each in found]


async def near_limit(
    conn: db.Connection, limits: Mapping[str, timedelta], at: datetime
) -> list[NearLimit]:
    """What is held and reaches its institution's limit (by gateway) soon, the next one first."""
    found = []
    for gateway, limit in limits.items():
        for held in await releases.held_since(conn, gateway, at - limit + releases.NEAR_LIMIT):
            amount = Money(held.minor, held.currency)
            until = held.paid_at + limit
            found.append(NearLimit(held.shop_id, held.shop, held.number, gateway, amount, until))
    return sorted(found, key=lambda each: each.until)
