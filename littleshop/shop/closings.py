"""Closings: when a shop was closed by its owner, and whether it opened again."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import msgspec

from littleshop import db, ids
from littleshop.db import Connection
from littleshop.errors import Refused
from littleshop.shop import shops

REOPENS = timedelta(days=30)  # so long the owner may open it again by himself


class Closing(msgspec.Struct, frozen=True):
    """A closing that is in force; `owed_minor` is what the shop owed at that moment."""

    closed_by: uuid.UUID
    closed_at: datetime
    owed_minor: int

    @property
    def until_at(self) -> datetime:
        """Until when the owner may open the shop again."""
        return self.closed_at + REOPENS


async def current(conn: Connection, shop_id: int) -> Closing | None:
    """The closing that is in force, None for a shop that is open or rests."""
    return await db.one(
        conn,
        Closing,
        "select closed_by, closed_at, owed_minor from shop_closings"
        " where shop_id = $1 and reopened_at is null",
        shop_id,
    )


async def close(
    conn: Connection, shop_id: int, person_id: uuid.UUID, owed_minor: int, at: datetime
) -> bool:
    """Close an open or resting shop, which owes so much; False when it was closed before."""
    if not await shops.close(conn, shop_id):
        return False
    await db.run(
        conn,
        "insert into shop_closings (shop_id, closing_id, closed_by, closed_at, owed_minor)"
        " values ($1, $2, $3, $4, $5)",
        shop_id,
        ids.uuid7(at),
        person_id,
        at,
        owed_minor,
    )
    return True


async def reopen(conn: Connection, shop_id: int, person_id: uuid.UUID, at: datetime) -> bool:
    """Open it again; False when it was not closed. Raises Refused: reopen_late(days)."""
    known = await current(conn, shop_id)
    if known is None:
        return False
    if known.until_at <= at:
        raise Refused("reopen_late", days=REOPENS.days)
    ended = await db.run(
        conn,
        "update shop_closings set reopened_by = $2, reopened_at = $3"
        " where shop_id = $1 and reopened_at is null",
        shop_id,
        person_id,
        at,
    )
    return bool(ended) and await shops.reopen(conn, shop_id)
