"""Order notes: what a seller writes on an order for himself. Each version is kept with its writer;
no page of a buyer reads them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.errors import Refused

LONGEST = 500


class Note(msgspec.Struct, frozen=True):
    """A version of the note; an empty one took it away."""

    text: str
    person_id: UUID
    at: datetime


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> list[Note]:
    """What was written on an order, the last first: that one counts."""
    return await db.all(
        conn,
        Note,
        "select text, person_id, at from order_notes where shop_id = $1 and order_id = $2"
        " order by at desc, note_id desc limit 50",
        shop_id,
        order_id,
    )


async def write(
    conn: db.Connection, shop_id: int, order_id: UUID, text: str, person_id: UUID, at: datetime
) -> None:
    """Write on an order; the same text again is not written twice. Raises Refused("note_long")."""
    if len(text) > LONGEST:
        raise Refused("note_long", most=LONGEST)
    known = await of_order(conn, shop_id, order_id)
    if text == (known[0].text if known else ""):
        return
    await db.run(
        conn,
        "insert into order_notes (shop_id, order_id, note_id, text, person_id, at)"
        " values ($1, $2, $3, $4, $5, $6)",
        shop_id,
        order_id,
        ids.uuid7(at),
        text,
        person_id,
        at,
    )


LOOKED_THROUGH = 5000  # versions, the last ones, that a search reads


async def having(conn: db.Connection, shop_id: int, text: str, most: int) -> list[int]:
    """The numbers of the orders whose note holds this text, the last first; of the notes that were
    written last."""
    rows = await conn.fetch(
        "select o.number from (select order_id, note_id, text, at from order_notes"
        "   where shop_id = $1 order by at desc, note_id desc limit $4) n"
        "  join orders o on o.shop_id = $1 and o.order_id = n.order_id"
        " where position(lower($2) in lower(n.text)) > 0"
        "   and not exists (select from order_notes l where l.shop_id = $1"
        "     and l.order_id = n.order_id and (l.at, l.note_id) > (n.at, n.note_id))"
        " order by o.number desc limit $3",
        shop_id,
        text,
        most,
        LOOKED_THROUGH,
    )
    return [row["number"] for row in rows]


async def marked(conn: db.Connection, shop_id: int, order_ids: list[UUID]) -> dict[UUID, str]:
    """The note that counts, of each of these orders that has one."""
    rows = await conn.fetch(
        "select distinct on (order_id) order_id, text from order_notes"
        " where shop_id = $1 and order_id = any ($2) order by order_id, at desc, note_id desc",
        shop_id,
        order_ids,
    )
    return {row["order_id"]: row["text"] for row in rows if row["text"]}
