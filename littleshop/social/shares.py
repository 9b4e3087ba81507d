"""Shares: a link with a code of its own, so that the seller sees what came of it.

A visitor's share sheet makes one per device, thing and channel; a seller makes named ones. An
order is credited to the last share of its shop touched within seven days before placing, unless
its buyer is the sharer, the owner or one of the staff (PRODUCT 5).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.errors import NotFound, Refused
from littleshop.shop.shops import tidy

TOUCH = timedelta(days=7)
LABEL_LENGTH = 30


class Share(msgspec.Struct, frozen=True):
    """A row of shares; `product_id` None is the whole shop, `label` the seller's name for it."""

    shop_id: int
    code: str
    product_id: UUID | None
    channel: str
    label: str
    device: bytes | None
    person_id: UUID | None
    created_at: datetime


class Touched(msgspec.Struct, frozen=True):
    """What a browser remembers: the last share of a shop that it came by, and when."""

    code: str
    at: datetime


_COLUMNS = ", ".join(Share.__struct_fields__)


async def make(
    conn: db.Connection,
    shop_id: int,
    *,
    product_id: UUID | None,
    channel: str,
    at: datetime,
    label: str = "",
    device: bytes | None = None,
    person_id: UUID | None = None,
) -> Share:
    """The share of this maker, thing, channel and name: a new one or the one made before.

    Raises Refused: share_label_length(most=). The product must be the shop's.
    """
    label = tidy(label)
    if len(label) > LABEL_LENGTH:
        raise Refused("share_label_length", most=LABEL_LENGTH)
    for _ in range(8):  # a code may be taken by chance
        await db.run(
            conn,
            "insert into shares"
            " (shop_id, code, product_id, channel, label, device, person_id, created_at)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
            shop_id,
            ids.share_code(shop_id),
            product_id,
            channel,
            label,
            device,
            person_id,
            at,
        )
        share = await db.one(
            conn,
            Share,
            f"select {_COLUMNS} from shares where shop_id = $1"
            " and product_id is not distinct from $2 and channel = $3 and label = $4"
            " and device is not distinct from $5 and person_id is not distinct from $6",
            shop_id,
            product_id,
            channel,
            label,
            device,
            person_id,
        )
        if share is not None:
            return share
    raise AssertionError("no free share code")


async def find(conn: db.Connection, shop_id: int, code: str) -> Share | None:
    """The share of this shop with this code, or None."""
    return await db.one(
        conn,
        Share,
        f"select {_COLUMNS} from shares where shop_id = $1 and code = $2",
        shop_id,
        code,
    )


async def get(conn: db.Connection, code: str) -> Share:
    """The share behind a code, in the shop that the code carries. Raises NotFound."""
    try:
        shop_id = ids.shop_of(code)
    except ValueError:
        raise NotFound("share") from None
    share = await find(conn, shop_id, code)
    if share is None:
        raise NotFound("share")
    return share


async def named(conn: db.Connection, shop_id: int) -> list[Share]:
    """The shares that the shop's own people made, the newest first."""
    return await db.all(
        conn,
        Share,
        f"select {_COLUMNS} from shares where shop_id = $1 and person_id is not null"
        " order by created_at desc, code",
        shop_id,
    )


async def credit(
    conn: db.Connection,
    shop_id: int,
    touched: Touched,
    device: bytes | None,
    phone_index: bytes,
    at: datetime,
    person_id: UUID | None = None,
) -> str | None:
    """The code that an order placed at `at` is credited to, or None.

    None when the touch is older than seven days (or from the future), the share is not this
    shop's, or the buyer made the share or works here. The buyer is known by his device, by the
    phone he orders with and, when he is signed in, as `person_id`.
    """
    if not at - TOUCH <= touched.at <= at + timedelta(minutes=1):
        return None
    code = await db.value(
        conn,
        """
        select h.code from shares h
         where h.shop_id = $1 and h.code = $2 and h.device is distinct from $3
           and not exists (select from orders o join order_devices d
                                on d.shop_id = o.shop_id and d.order_id = o.order_id
                            where o.shop_id = $1 and o.phone_index = $4 and d.device = h.device)
           and not exists (select from people p
                            where (p.phone_index = $4 or p.person_id = $5)
                              and (p.person_id = h.person_id
                                   or exists (select from staff s where s.shop_id = $1
                                                 and s.person_id = p.person_id)))""",
        shop_id,
        touched.code,
        device,
        phone_index,
        person_id,
    )
    return None if code is None else str(code)
