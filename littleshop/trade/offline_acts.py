"""Acts that were made where there was no signal: each is done once, and its first answer kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db

KEPT = timedelta(days=30)  # longer than a phone lies in a drawer with the page open


class Known(msgspec.Struct, frozen=True):
    """What was answered to an act."""

    content_hash: bytes
    answer: dict[str, str | int]


async def find(conn: db.Connection, shop_id: int, act_id: UUID) -> Known | None:
    """The answer to an act that came before, or None."""
    return await db.one(
        conn,
        Known,
        "select content_hash, answer from offline_acts where shop_id = $1 and act_id = $2",
        shop_id,
        act_id,
    )


async def keep(
    conn: db.Connection,
    shop_id: int,
    act_id: UUID,
    person_id: UUID,
    kind: str,
    known: Known,
    at: datetime,
) -> bool:
    """Write the answer down; False when another press was quicker."""
    return await db.changed(
        conn,
        "insert into offline_acts (shop_id, act_id, person_id, kind, content_hash, answer,"
        " answered_at) values ($1, $2, $3, $4, $5, $6, $7)"
        " on conflict on constraint offline_acts_pkey do nothing",
        shop_id,
        act_id,
        person_id,
        kind,
        known.content_hash,
        known.answer,
        at,
    )


async def sweep(conn: db.Connection, before: datetime) -> int:
    """Forget answers that no phone will ask for again; returns how many."""
    return await db.run(
        conn, "delete /* all shops: what is old */ from offline_acts where answered_at < $1", before
    )
