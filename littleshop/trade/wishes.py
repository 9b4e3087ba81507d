"""Wishes ("Buy for me"): what a buyer asks a seller to get, and what the two say about it.

The seller answers with words, or with an invitation that names the wish; so the thread ends in a
letter that can be paid, in a no, or in silence.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import NotFound, Refused
from littleshop.money import Money

MOST_WORDS = 100  # of one thread


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


class Word(msgspec.Struct, frozen=True):
    """What one of the two said; `photo` a private file."""

    position: int
    by_whom: str
    words: str
    photo: str | None
    at: datetime


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
           w.currency, w.about_id, w.status, w.created_at, w.said_at, w.said_by,
           coalesce((select s.words from wish_words s
                      where s.shop_id = $1 and s.wish_id = w.wish_id and s.position = 1), '')
             as words
      from wishes w where w.shop_id = $1"""


async def ask(
    conn: db.Connection,
    shop_id: int,
    wish_id: UUID,
    asked: Asked,
    *,
    words: str,
    photo: str | None,
    token_hash: bytes,
    device: bytes,
    at: datetime,
) -> bool:
    """Write a wish under the form's own id; False when it was written before."""
    facts = msgspec.structs.asdict(asked)
    holes = ", ".join(f"${place}" for place in range(6, 6 + len(facts)))
    written = await db.changed(
        conn,
        "insert into wishes (shop_id, wish_id, token_hash, device, created_at, said_at,"
        f" {', '.join(facts)}) values ($1, $2, $3, $4, $5, $5, {holes})"
        " on conflict on constraint wishes_pkey do nothing",
        shop_id,
        wish_id,
        token_hash,
        device,
        at,
        *facts.values(),
    )
    if written:
        await say(conn, shop_id, wish_id, wish_id, by_whom="buyer", words=words, photo=photo, at=at)
    return written


async def say(
    conn: db.Connection,
    shop_id: int,
    wish_id: UUID,
    word_id: UUID,
    *,
    by_whom: str,
    words: str,
    photo: str | None = None,
    at: datetime,
) -> bool:
    """Say something more; False when the same form said it before. Raises Refused("wish_full")."""
    await heard(conn, shop_id, wish_id, by_whom=by_whom, at=at)  # which locks the thread
    before = await db.value(
        conn,
        "select count(*) from wish_words where shop_id = $1 and wish_id = $2",
        shop_id,
        wish_id,
    )
    if before >= MOST_WORDS:
        raise Refused("wish_full")
    return await db.changed(
        conn,
        "insert into wish_words (shop_id, wish_id, position, word_id, by_whom, words, photo, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)"
        " on conflict on constraint wish_words_once do nothing",
        shop_id,
        wish_id,
        before + 1,
        word_id,
        by_whom,
        words,
        photo,
        at,
    )


async def heard(
    conn: db.Connection, shop_id: int, wish_id: UUID, *, by_whom: str, at: datetime
) -> None:
    """One of the two had the last word, now."""
    await db.run(
        conn,
        "update wishes set said_at = $3, said_by = $4 where shop_id = $1 and wish_id = $2",
        shop_id,
        wish_id,
        at,
        by_whom,
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
        conn, Wish, f"{_SELECT} order by w.said_at desc, w.wish_id limit $2", shop_id, most
    )


async def waiting(conn: db.Connection, shop_id: int) -> int:
    """How many wait for the seller's word."""
    found = await db.value(
        conn,
        "select count(*) from wishes where shop_id = $1 and status = 'open' and said_by = 'buyer'",
        shop_id,
    )
    return int(found)


async def words(conn: db.Connection, shop_id: int, wish_id: UUID) -> list[Word]:
    """What was said, the wish itself first."""
    return await db.all(
        conn,
        Word,
        "select position, by_whom, words, photo, at from wish_words"
        " where shop_id = $1 and wish_id = $2 order by position",
        shop_id,
        wish_id,
    )


async def photo(conn: db.Connection, shop_id: int, wish_id: UUID, position: int) -> str | None:
    """The private file of a word."""
    found = await db.value(
        conn,
        "select photo from wish_words where shop_id = $1 and wish_id = $2 and position = $3",
        shop_id,
        wish_id,
        position,
    )
    return None if found is None else str(found)
