"""What a letter is to answer: a conversation, and what was asked about in it."""

from __future__ import annotations

from uuid import UUID

import msgspec

from littleshop import db, http
from littleshop.crypto import Keyring
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.sale import talking
from littleshop.trade import conversations, wishes


class Asked(msgspec.Struct, frozen=True):
    """The conversation that the letter is to answer; of a wish the most its buyer pays."""

    wish_id: UUID
    name: str
    top: Money | None = None
    product_id: UUID | None = None  # the thing that was asked about


async def read(
    conn: db.Connection, work: AtWork, text: str | None, keyring: Keyring
) -> Asked | None:
    """What the letter is to answer. Raises NotFound."""
    if not text:
        return None
    talk = await conversations.get(conn, work.shop.shop_id, http.uuid(text))
    wish = talk.about == "wish"
    top = (await wishes.get(conn, talk.shop_id, talk.conversation_id)).top if wish else None
    about = talk.subject if talk.about == "product" else None
    name = await talking.name_of(conn, keyring, talk)
    return Asked(talk.conversation_id, name[:40], top, about)
