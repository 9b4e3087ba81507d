"""Quick answers: what a shop says often, kept to be said with one press."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import Refused

MOST = 20  # of a shop
LONGEST = 300  # characters


class QuickAnswer(msgspec.Struct, frozen=True):
    """A sentence that a shop keeps."""

    answer_id: UUID
    words: str


async def of_shop(conn: db.Connection, shop_id: int) -> list[QuickAnswer]:
    """What a shop keeps, the oldest first."""
    return await db.all(
        conn,
        QuickAnswer,
        "select answer_id, words from quick_answers where shop_id = $1 order by added_at, answer_id"
        " limit $2",
        shop_id,
        MOST,
    )


async def add(conn: db.Connection, shop_id: int, answer_id: UUID, words: str, at: datetime) -> None:
    """Keep another one; the same form twice keeps one.

    Raises Refused: talk_empty, talk_long(have, most), quick_full(most).
    """
    if not words:
        raise Refused("talk_empty")
    if len(words) > LONGEST:
        raise Refused("talk_long", have=len(words), most=LONGEST)
    known = await of_shop(conn, shop_id)
    if any(each.answer_id == answer_id for each in known):
        return
    if len(known) >= MOST:
        raise Refused("quick_full", most=MOST)
    await db.run(
        conn,
        "insert into quick_answers (shop_id, answer_id, words, added_at) values ($1, $2, $3, $4)"
        " on conflict on constraint quick_answers_pkey do nothing",
        shop_id,
        answer_id,
        words,
        at,
    )


async def remove(conn: db.Connection, shop_id: int, answer_id: UUID) -> None:
    """Keep it no longer; one that is gone already is no fault."""
    await db.run(
        conn,
        "delete from quick_answers where shop_id = $1 and answer_id = $2",
        shop_id,
        answer_id,
    )
