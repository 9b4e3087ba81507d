"""Letters: what one person sends another with an order: who writes, to whom, a few words."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import Refused
from littleshop.shop.shops import tidy

LONGEST_NAME = 20
LONGEST_WORDS = 200


class Letter(msgspec.Struct, frozen=True):
    """A row of letters; empty names are nobody's."""

    from_name: str
    to_name: str
    words: str
    written_at: datetime
    seen_at: datetime | None = None


def write_down(from_name: str, to_name: str, words: str, at: datetime) -> Letter:
    """A letter as it was typed. Raises Refused: field_too_long(have=, most=)."""
    names = tidy(from_name), tidy(to_name)
    said = "\n".join(line for line in (tidy(each) for each in words.splitlines()) if line)
    for text, most in (*((name, LONGEST_NAME) for name in names), (said, LONGEST_WORDS)):
        if len(text) > most:
            raise Refused("field_too_long", have=len(text), most=most)
    return Letter(names[0], names[1], said, at)


async def send(conn: db.Connection, shop_id: int, order_id: UUID, letter: Letter) -> None:
    """Lay a letter beside its order, or another one in its place."""
    await db.run(
        conn,
        "insert into letters (shop_id, order_id, from_name, to_name, words, written_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict on constraint letters_pkey do update"
        " set from_name = excluded.from_name, to_name = excluded.to_name, words = excluded.words",
        shop_id,
        order_id,
        letter.from_name,
        letter.to_name,
        letter.words,
        letter.written_at,
    )


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> Letter | None:
    """The letter of an order."""
    return await db.one(
        conn,
        Letter,
        "select from_name, to_name, words, written_at, seen_at from letters"
        " where shop_id = $1 and order_id = $2",
        shop_id,
        order_id,
    )


async def see(
    conn: db.Connection, shop_id: int, order_id: UUID, at: datetime, *, device: bytes | None = None
) -> None:
    """Somebody has opened it, on `device`; the first time counts, and who wrote it does not."""
    await db.run(
        conn,
        "update letters set seen_at = $3 where shop_id = $1 and order_id = $2 and seen_at is null"
        " and not exists (select from order_devices d where d.shop_id = $1 and d.order_id = $2"
        "  and d.role = 'chooser' and d.device = $4)",
        shop_id,
        order_id,
        at,
        device,
    )
