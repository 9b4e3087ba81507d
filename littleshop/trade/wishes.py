"""Wishes ("Buy for me"): what a buyer asks a seller to get.

What the two say about it is a conversation of the same id. The seller answers with words, or with
an invitation; so it ends in a letter that can be paid, in a no, or in silence.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import NotFound
from littleshop.money import Money


class Wish(msgspec.Struct, frozen=True):
    """A row of wishes with its first words; `waits`: the buyer had the last word."""

    shop_id: int
    wish_id: UUID
    device: bytes
    name: str
    phone_sealed: bytes
    locale: str
    link: str
    top_minor: int | None
    currency: str
    about_id: UUID | None
    status: str
    created_at: datetime
    said_at: datetime
    said_by: str
    words: str

    @property
    def top(self) -> Money | None:
        return None if self.top_minor is None else Money(self.top_minor, self.currency)

    @property
    def waits(self) -> bool:
        return self.status == "open" and self.said_by == "buyer"


class Asked(msgspec.Struct, frozen=True):
    """A wish as a buyer writes it."""

    name: str
    phone_sealed: bytes
    locale: str
    link: str
    top_minor: int | None
    currency: str
    about_id: UUID | None = None


_SELECT = """
    select w.shop_id, w.wish_id, w.device, w.name, w.phone_sealed, w.locale, w.link, w.top_minor,
           w.currency, w.about_id, w.status, w.created_at, c.said_at, c.said_by,
           coalesce((select r.words from remarks r
                      where r.shop_id = $1 and r.conversation_id = w.wish_id and r.position = 1),
                    '') as words
      from wishes w
      join conversations c on c.shop_id = $1 and c.conversation_id = w.wish_id
     where w.shop_id = $1"""


async def ask(
    conn: db.Connection,
    shop_id: int,
    wish_id: UUID,
    asked: Asked,
    *,
    token_hash: bytes,
    device: bytes,
    at: datetime,
) -> None:
    """Write a wish under the form's own id; again is harmless."""
    facts = msgspec.structs.asdict(asked)
    holes = ", ".join(f"${place}" for place in range(6, 6 + len(facts)))
    await db.run(
        conn,
        "insert into wishes (shop_id, wish_id, token_hash, device, created_at,"
        f" {', '.join(facts)}) values ($1, $2, $3, $4, $5, {holes})"
        " on conflict on constraint wishes_pkey do nothing",
        shop_id,
        wish_id,
        token_hash,
        device,
        at,
        *facts.values(),
    )


async def end(conn: db.Connection, shop_id: int, wish_id: UUID, status: str) -> bool:
    """open -> declined (by the seller) or withdrawn (by the buyer)."""
    return await db.changed(
        conn,
        "update wishes set status = $3 where shop_id = $1 and wish_id = $2 and status = 'open'",
        shop_id,
        wish_id,
        status,
    )


async def get(conn: db.Connection, shop_id: int, wish_id: UUID) -> Wish:
    """A wish of this shop. Raises NotFound."""
    found = await db.one(conn, Wish, f"{_SELECT} and w.wish_id = $2", shop_id, wish_id)
    if found is None:
        raise NotFound("wish")
    return found


async def by_token(conn: db.Connection, shop_id: int, token_hash: bytes) -> Wish:
    """The wish behind a link. Raises NotFound."""
    found = await db.one(conn, Wish, f"{_SELECT} and w.token_hash = $2", shop_id, token_hash)
    if found is None:
        raise NotFound("wish")
    return found


async def listing(conn: db.Connection, shop_id: int, most: int = 100) -> list[Wish]:
    """A shop's wishes, the last word first."""
    return await db.all(
        conn, Wish, f"{_SELECT} order by c.said_at desc, w.wish_id limit $2", shop_id, most
    )


async def waiting(conn: db.Connection, shop_id: int) -> int:
    """How many wait for the seller's word."""
    found = await db.value(
        conn,
        "select count(*) from wishes w"
        " join conversations c on c.shop_id = $1 and c.conversation_id = w.wish_id"
        " where w.shop_id = $1 and w.status = 'open' and c.said_by = 'buyer'",
        shop_id,
    )
    return int(found)
