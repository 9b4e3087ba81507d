"""From whom a shop wants to hear nothing: his devices, and a phone that he proved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from littleshop import db
from littleshop.trade.conversations import Conversation


async def add(
    conn: db.Connection, conversation: Conversation, person_id: UUID, at: datetime
) -> None:
    """Hear nothing more from its buyer: from his devices, and from a phone that he proved."""
    shop_id, conversation_id = conversation.shop_id, conversation.conversation_id
    rows = await conn.fetch(
        "select device from conversation_devices where shop_id = $1 and conversation_id = $2",
        shop_id,
        conversation_id,
    )
    whos = [row["device"] for row in rows]
    whos += [conversation.phone_index] if conversation.phone_index else []
    for who in whos:
        await db.run(
            conn,
            "insert into conversation_blocks (shop_id, who, conversation_id, person_id, blocked_at)"
            " values ($1, $2, $3, $4, $5)"
            " on conflict on constraint conversation_blocks_pkey do nothing",
            shop_id,
            who,
            conversation_id,
            person_id,
            at,
        )


async def remove(conn: db.Connection, conversation: Conversation) -> None:
    """Hear him again, wherever it was pressed."""
    await db.run(
        conn,
        "delete from conversation_blocks b where b.shop_id = $1 and (b.conversation_id = $2"
        " or b.who = $3 or b.who in (select d.device from conversation_devices d"
        "  where d.shop_id = $1 and d.conversation_id = $2))",
        conversation.shop_id,
        conversation.conversation_id,
        conversation.phone_index,
    )


async def among(
    conn: db.Connection, shop_id: int, conversation_id: UUID | None, whos: Sequence[bytes]
) -> bool:
    """Whether the shop wants to hear nothing from one of these devices and phones, or from any
    that this conversation is on."""
    found = await db.value(
        conn,
        "select true from conversation_blocks b where b.shop_id = $1"
        " and (b.who = any ($3::bytea[]) or b.who in (select d.device from conversation_devices d"
        "  where d.shop_id = $1 and d.conversation_id = $2)) limit 1",
        shop_id,
        conversation_id,
        list(whos),
    )
    return found is not None
