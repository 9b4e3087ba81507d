"""To which share or entrance an order is credited (PRODUCT 5).

The last one of the shop touched within seven days before placing; a personal link beats an open
one. Who shared it, the owner, the staff, and whoever stands among those it came of, bought by
himself: nobody is credited.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.social import descents, entrances, shares
from littleshop.social.shares import TOUCH, Touched


class Buyer(msgspec.Struct, frozen=True):
    """Who orders: the device, the blind index of the phone, the person when signed in."""

    device: bytes | None
    phone_index: bytes
    person_id: UUID | None = None


async def credit(
    conn: db.Connection, shop_id: int, touches: Sequence[Touched], buyer: Buyer, at: datetime
) -> str | None:
    """The code that an order placed at `at` is credited to, or None. `touches` are what the
    browser remembers, what counts first before the other."""
    for touched in touches:
        if entrances.is_code(touched.code):
            code = await _by_entrance(conn, shop_id, touched, buyer, at)
        else:
            code = await shares.credit(
                conn, shop_id, touched, buyer.device, buyer.phone_index, at, buyer.person_id
            )
            if code is not None and await descents.begins_with(
                conn, shop_id, code, buyer.device, buyer.phone_index, buyer.person_id
            ):
                code = None
        if code is not None:
            return code
    return None


async def _by_entrance(
    conn: db.Connection, shop_id: int, touched: Touched, buyer: Buyer, at: datetime
) -> str | None:
    if not at - TOUCH <= touched.at <= at + timedelta(minutes=1):
        return None
    code = await db.value(
        conn,
        """
        select e.code from entrances e
         where e.shop_id = $1 and e.code = $2
           and not exists (select from people p join staff s
                                on s.shop_id = $1 and s.person_id = p.person_id
                            where p.phone_index = $3 or p.person_id = $4)""",
        shop_id,
        touched.code,
        buyer.phone_index,
        buyer.person_id,
    )
    return None if code is None else str(code)


async def name_of(conn: db.Connection, shop_id: int, code: str | None) -> str:
    """The seller's own name for a share or an entrance; "" for a visitor's share or none."""
    if code is None:
        return ""
    if entrances.is_code(code):
        entrance = await entrances.find(conn, shop_id, code)
        return "" if entrance is None else entrance.name
    share = await shares.find(conn, shop_id, code)
    return "" if share is None else share.label
