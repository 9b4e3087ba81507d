"""Openings on their way: which shop number a person was given, by which path, and what he put off.

Own-key rows, written before the shop's own. A person has at most one unfinished opening, so that
a double click, a reload or another phone goes on with the same shop.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

import msgspec

from littleshop import db
from littleshop.db import Connection
from littleshop.shop.shops import BroughtBy

Path = Literal["front", "viral"]
PutOff = Literal["identity", "card"]


class Opening(msgspec.Struct, frozen=True):
    """An opening; `finished_at` is when the shop's doors opened."""

    person_id: uuid.UUID
    shop_id: int
    path: Path
    locale: str
    brought_by_shop_id: int | None
    brought_by_share: str | None
    brought_by_product_id: uuid.UUID | None
    begun_at: datetime
    identity_skipped_at: datetime | None
    card_skipped_at: datetime | None
    finished_at: datetime | None

    @property
    def brought_by(self) -> BroughtBy:
        return BroughtBy(self.brought_by_shop_id, self.brought_by_share, self.brought_by_product_id)


_COLUMNS = ", ".join(Opening.__struct_fields__)


async def begin(
    conn: Connection,
    person_id: uuid.UUID,
    shop_id: int,
    *,
    path: Path,
    locale: str,
    brought_by: BroughtBy,
    at: datetime,
) -> Opening:
    """The person's unfinished opening: the one on its way, else a new one for `shop_id`."""
    await db.run(
        conn,
        """
        insert into openings (person_id, shop_id, path, locale, brought_by_shop_id,
                              brought_by_share, brought_by_product_id, begun_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (person_id) where finished_at is null do nothing""",
        person_id,
        shop_id,
        path,
        locale,
        brought_by.shop_id,
        brought_by.share,
        brought_by.product_id,
        at,
    )
    opening = await unfinished(conn, person_id)
    assert opening is not None
    return opening


async def unfinished(conn: Connection, person_id: uuid.UUID) -> Opening | None:
    """The opening a person may go on with, or None."""
    return await db.one(
        conn,
        Opening,
        f"select {_COLUMNS} from openings where person_id = $1 and finished_at is null",
        person_id,
    )


async def find(conn: Connection, person_id: uuid.UUID, shop_id: int) -> Opening | None:
    """The opening of this shop by this person, finished or not, or None."""
    return await db.one(
        conn,
        Opening,
        f"select {_COLUMNS} from openings where person_id = $1 and shop_id = $2",
        person_id,
        shop_id,
    )


async def skip(
    conn: Connection, person_id: uuid.UUID, shop_id: int, step: PutOff, at: datetime
) -> None:
    """Put a step off; the second time changes nothing."""
    column = {"identity": "identity_skipped_at", "card": "card_skipped_at"}[step]
    await db.run(
        conn,
        f"update openings set {column} = $3"
        f" where person_id = $1 and shop_id = $2 and {column} is null",
        person_id,
        shop_id,
        at,
    )


async def finish(conn: Connection, person_id: uuid.UUID, shop_id: int, at: datetime) -> None:
    """The doors are open; the next opening of this person is another shop."""
    await db.run(
        conn,
        "update openings set finished_at = $3"
        " where person_id = $1 and shop_id = $2 and finished_at is null",
        person_id,
        shop_id,
        at,
    )


async def take_over(
    conn: Connection, person_id: uuid.UUID, shop_id: int, *, locale: str, at: datetime
) -> None:
    """A shop that another person opened is this one's now: identity and card are still to come.
    The second time changes nothing."""
    await db.run(
        conn,
        "insert into openings (person_id, shop_id, path, locale, begun_at, finished_at)"
        " values ($1, $2, 'viral', $3, $4, $4) on conflict on constraint openings_pkey do nothing",
        person_id,
        shop_id,
        locale,
        at,
    )
