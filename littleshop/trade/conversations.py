"""Conversations: what a buyer and a seller say to each other about a shop, a product, an order or a
wish. Who may read one is worked out by its caller; what is unread follows from positions.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.errors import NotFound, Refused

MOST_REMARKS = 1000  # of one conversation
LONGEST = 2000  # characters of a remark
_SPACE = UUID("7b3c1d52-1f0e-4c55-9a55-5b8e6d3f4a10")  # of conversation ids


class Conversation(msgspec.Struct, frozen=True):
    """A row of conversations; `last`, `buyer_seen` and `seller_seen` are positions."""

    shop_id: int
    conversation_id: UUID
    about: str
    subject: UUID | None
    role: str
    name: str
    phone_index: bytes | None
    phone_sealed: bytes | None
    locale: str
    opened_at: datetime
    said_at: datetime
    said_by: str
    last: int
    buyer_seen: int
    seller_seen: int
    told_at: datetime | None

    @property
    def new_for_buyer(self) -> int:
        """How many remarks the buyer has not seen: who says something has seen all before it."""
        return self.last - self.buyer_seen

    @property
    def new_for_seller(self) -> int:
        """How many the seller has not."""
        return self.last - self.seller_seen

    def new_for(self, by_whom: str) -> int:
        """How many this side has not seen."""
        return self.new_for_buyer if by_whom == "buyer" else self.new_for_seller


class Remark(msgspec.Struct, frozen=True):
    """What one of the two said; `photo` a private file, `letter_id` an invitation that was sent."""

    position: int
    by_whom: str
    words: str
    photo: str | None
    letter_id: UUID | None
    at: datetime


class Begun(msgspec.Struct, frozen=True):
    """A conversation as it begins. `who` tells apart those about the same subject: a device, or
    the role of an order."""

    about: str
    subject: UUID | None
    locale: str
    role: str = "buyer"
    name: str = ""
    phone_index: bytes | None = None
    phone_sealed: bytes | None = None


COLUMNS = ", ".join(f"c.{name}" for name in Conversation.__struct_fields__)


def identity(shop_id: int, about: str, subject: UUID | None, who: str) -> UUID:
    """The id of the one conversation of `who` about this."""
    return ids.derived(_SPACE, f"{shop_id}:{about}:{subject}:{who}")


async def begin(
    conn: db.Connection,
    shop_id: int,
    conversation_id: UUID,
    begun: Begun,
    *,
    token_hash: bytes,
    device: bytes | None = None,
    at: datetime,
) -> None:
    """Have it there, and on this device of a buyer; again is harmless."""
    facts = msgspec.structs.asdict(begun)
    holes = ", ".join(f"${place}" for place in range(5, 5 + len(facts)))
    await db.run(
        conn,
        "insert into conversations (shop_id, conversation_id, token_hash, opened_at, said_at,"
        f" {', '.join(facts)}) values ($1, $2, $3, $4, $4, {holes})"
        " on conflict on constraint conversations_pkey do nothing",
        shop_id,
        conversation_id,
        token_hash,
        at,
        *facts.values(),
    )
    if device is not None:
        await trust(conn, shop_id, conversation_id, device)


async def trust(conn: db.Connection, shop_id: int, conversation_id: UUID, device: bytes) -> None:
    """From now on it is read and written on this device too."""
    await db.run(
        conn,
        "insert into conversation_devices (shop_id, conversation_id, device) values ($1, $2, $3)"
        " on conflict on constraint conversation_devices_pkey do nothing",
        shop_id,
        conversation_id,
        device,
    )


async def is_own(
    conn: db.Connection, shop_id: int, conversation_id: UUID, device: bytes | None
) -> bool:
    """Whether the buyer reads and writes on this device."""
    found = await db.value(
        conn,
        "select true from conversation_devices"
        " where shop_id = $1 and conversation_id = $2 and device = $3",
        shop_id,
        conversation_id,
        device,
    )
    return found is not None


async def find(conn: db.Connection, shop_id: int, conversation_id: UUID) -> Conversation | None:
    """A conversation of this shop, None before anything was said."""
    return await db.one(
        conn,
        Conversation,
        f"select {COLUMNS} from conversations c where c.shop_id = $1 and c.conversation_id = $2",
        shop_id,
        conversation_id,
    )


async def get(conn: db.Connection, shop_id: int, conversation_id: UUID) -> Conversation:
    """The same. Raises NotFound."""
    found = await find(conn, shop_id, conversation_id)
    if found is None:
        raise NotFound("conversation")
    return found


async def by_token(conn: db.Connection, shop_id: int, token_hash: bytes) -> Conversation:
    """The conversation behind a link. Raises NotFound."""
    found = await db.one(
        conn,
        Conversation,
        f"select {COLUMNS} from conversations c where c.shop_id = $1 and c.token_hash = $2",
        shop_id,
        token_hash,
    )
    if found is None:
        raise NotFound("conversation")
    return found


async def say(
    conn: db.Connection,
    shop_id: int,
    conversation_id: UUID,
    remark_id: UUID,
    *,
    by_whom: str,
    words: str,
    photo: str | None = None,
    letter_id: UUID | None = None,
    person_id: UUID | None = None,
    at: datetime,
) -> int | None:
    """The remark's position; None when the same form said it before.

    Raises Refused("talk_full"); NotFound.
    """
    last = await db.value(
        conn,
        "select last from conversations where shop_id = $1 and conversation_id = $2 for update",
        shop_id,
        conversation_id,
    )
    if last is None:
        raise NotFound("conversation")
    position = int(last) + 1
    if position > MOST_REMARKS:
        raise Refused("talk_full")
    new = await db.changed(
        conn,
        "insert into remarks (shop_id, conversation_id, position, remark_id, by_whom, words, photo,"
        " letter_id, person_id, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " on conflict on constraint remarks_once do nothing",
        shop_id,
        conversation_id,
        position,
        remark_id,
        by_whom,
        words,
        photo,
        letter_id,
        person_id,
        at,
    )
    if new:
        await _heard(conn, shop_id, conversation_id, position, by_whom, at)
    return position if new else None


async def _heard(
    conn: db.Connection,
    shop_id: int,
    conversation_id: UUID,
    position: int,
    by_whom: str,
    at: datetime,
) -> None:
    """Who spoke last, and that he has read all before it."""
    await db.run(
        conn,
        "update conversations set last = $3, said_at = $4, said_by = $5,"
        " buyer_seen = case when $5 = 'buyer' then $3 else buyer_seen end,"
        " seller_seen = case when $5 = 'seller' then $3 else seller_seen end,"
        " told_at = case when $5 = 'buyer' then null else told_at end"
        " where shop_id = $1 and conversation_id = $2",
        shop_id,
        conversation_id,
        position,
        at,
        by_whom,
    )


async def seen(
    conn: db.Connection, shop_id: int, conversation_id: UUID, by_whom: str, position: int
) -> bool:
    """One of the two has read up to there; False when he had before."""
    column = "buyer_seen" if by_whom == "buyer" else "seller_seen"
    return await db.changed(
        conn,
        f"update conversations set {column} = least($3, last)"
        f" where shop_id = $1 and conversation_id = $2 and {column} < least($3, last)",
        shop_id,
        conversation_id,
        position,
    )


async def goes_on(conn: db.Connection, shop_id: int, conversation_id: UUID, position: int) -> bool:
    """Whether the buyer, who speaks at this position, spoke last before it too."""
    before = await db.value(
        conn,
        "select by_whom from remarks"
        " where shop_id = $1 and conversation_id = $2 and position = $3 - 1",
        shop_id,
        conversation_id,
        position,
    )
    return bool(before == "buyer")


async def told(conn: db.Connection, shop_id: int, conversation_id: UUID, at: datetime) -> bool:
    """The buyer is told by SMS now; False when he was since he last said something."""
    return await db.changed(
        conn,
        "update conversations set told_at = $3"
        " where shop_id = $1 and conversation_id = $2 and told_at is null",
        shop_id,
        conversation_id,
        at,
    )


async def set_phone(
    conn: db.Connection, shop_id: int, conversation_id: UUID, index: bytes, sealed: bytes
) -> None:
    """A phone that was proven: answers are told there."""
    await db.run(
        conn,
        "update conversations set phone_index = $3, phone_sealed = $4"
        " where shop_id = $1 and conversation_id = $2",
        shop_id,
        conversation_id,
        index,
        sealed,
    )


async def remarks(conn: db.Connection, shop_id: int, conversation_id: UUID) -> list[Remark]:
    """What was said, the first remark first."""
    return await db.all(
        conn,
        Remark,
        "select position, by_whom, words, photo, letter_id, at from remarks"
        " where shop_id = $1 and conversation_id = $2 order by position",
        shop_id,
        conversation_id,
    )


async def photo(
    conn: db.Connection, shop_id: int, conversation_id: UUID, position: int
) -> str | None:
    """The private file of a remark."""
    found = await db.value(
        conn,
        "select photo from remarks where shop_id = $1 and conversation_id = $2 and position = $3",
        shop_id,
        conversation_id,
        position,
    )
    return None if found is None else str(found)
