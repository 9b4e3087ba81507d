"""Lists of conversations: a shop's inbox, what a device has, and how much of it is unread."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.trade import conversations
from littleshop.trade.conversations import COLUMNS, Conversation

PAGE = 50
ORDER_ROLES = ("chooser", "recipient")  # who of an order talks with its seller


class Row(msgspec.Struct, frozen=True):
    """A conversation with its last remark."""

    conversation: Conversation
    words: str
    is_photo: bool


async def _with_last(conn: db.Connection, sql: str, *args: object) -> list[Row]:
    found = await conn.fetch(sql, *args)
    return [
        Row(
            Conversation(**{name: each[name] for name in Conversation.__struct_fields__}),
            each["words"],
            each["is_photo"],
        )
        for each in found
    ]


_LISTED = f"""
    select {COLUMNS}, r.words, r.photo is not null as is_photo
      from conversations c
      join remarks r on r.shop_id = $1 and r.conversation_id = c.conversation_id
       and r.position = c.last
     where c.shop_id = $1"""


async def inbox(
    conn: db.Connection,
    shop_id: int,
    *,
    before: datetime | None = None,
    unread: bool = False,
    most: int = PAGE,
) -> list[Row]:
    """A shop's conversations, the last remark first; those before a moment, or unread ones."""
    return await _with_last(
        conn,
        f"{_LISTED} and ($2::timestamptz is null or c.said_at < $2)"
        " and (not $3 or c.seller_seen < c.last) order by c.said_at desc, c.conversation_id"
        " limit $4",
        shop_id,
        before,
        unread,
        most,
    )


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> list[Row]:
    """What is said about an order, each of its people in a conversation of his own."""
    whos = [conversations.identity(shop_id, "order", order_id, role) for role in ORDER_ROLES]
    return await _with_last(
        conn,
        f"{_LISTED} and c.conversation_id = any ($2) order by c.said_at desc",
        shop_id,
        whos,
    )


async def unread(conn: db.Connection, shop_id: int, *, wishes: bool = True) -> int:
    """How many conversations hold something that the seller has not read; without those about
    wishes, which wait for him until he answers."""
    found = await db.value(
        conn,
        "select count(*) from conversations where shop_id = $1 and seller_seen < last"
        " and ($2 or about <> 'wish')",
        shop_id,
        wishes,
    )
    return int(found)


async def of_device(conn: db.Connection, shop_id: int, device: bytes | None) -> list[Row]:
    """A device's conversations in a shop, the last remark first."""
    return await _with_last(
        conn,
        f"{_LISTED} and c.conversation_id in (select d.conversation_id from conversation_devices d"
        "  where d.shop_id = $1 and d.device = $2)"
        " order by c.said_at desc, c.conversation_id limit $3",
        shop_id,
        device,
        PAGE,
    )


async def new_on(conn: db.Connection, shop_id: int, device: bytes | None) -> dict[UUID | None, int]:
    """What a device's owner has not read in a shop, by subject."""
    if device is None:
        return {}
    rows = await conn.fetch(
        "select c.subject, sum(c.last - c.buyer_seen)::integer as new from conversations c"
        " join conversation_devices d on d.shop_id = $1"
        "  and d.conversation_id = c.conversation_id and d.device = $2"
        " where c.shop_id = $1 and c.buyer_seen < c.last group by c.subject",
        shop_id,
        device,
    )
    return {row["subject"]: row["new"] for row in rows}
