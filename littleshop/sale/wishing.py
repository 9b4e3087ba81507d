"""Wishing ("Buy for me"): a buyer asks for something, the two talk, a letter answers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import db, ids
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.notify import live
from littleshop.notify.live import Event
from littleshop.sale import talking, texting
from littleshop.trade import conversations, wishes
from littleshop.trade.conversations import Begun
from littleshop.trade.wishes import Asked, Wish


def token(keyring: Keyring, shop_id: int, wish_id: UUID) -> str:
    """The token of its link, derived, so that a message can carry it."""
    return ids.wish_token(keyring.link_key, shop_id, wish_id)


async def ask(
    conn: db.Connection,
    keyring: Keyring,
    shop_id: int,
    wish_id: UUID,
    asked: Asked,
    *,
    words: str,
    photo: str | None,
    device: bytes,
    at: datetime,
) -> None:
    """Write it down and begin its conversation; a second press finds the first.

    Raises Refused: talk_empty, talk_long, talk_closed, talk_blocked.
    """
    index = keyring.index(keyring.open(asked.phone_sealed))
    own = await texting.is_own(conn, shop_id, index, device, at)  # else it may be a stranger's
    begun = Begun(
        about="wish", subject=wish_id, locale=asked.locale, name=asked.name,
        phone_index=index if own else None, phone_sealed=asked.phone_sealed if own else None,
    )  # fmt: skip
    conversation = await talking.begin(conn, keyring, shop_id, wish_id, begun, device, at)
    hashed = ids.hashed(token(keyring, shop_id, wish_id))
    await wishes.ask(conn, shop_id, wish_id, asked, token_hash=hashed, device=device, at=at)
    await talking.say(
        conn, conversation, wish_id, by_whom="buyer", words=words, photo=photo, whos=[device], at=at
    )


async def say(
    conn: db.Connection,
    wish: Wish,
    word_id: UUID,
    *,
    words: str,
    photo: str | None = None,
    at: datetime,
) -> None:
    """The buyer says something more. Raises Refused: wish_over, and as talking.say."""
    if (await wishes.get(conn, wish.shop_id, wish.wish_id)).status != "open":
        raise Refused("wish_over")
    conversation = await conversations.get(conn, wish.shop_id, wish.wish_id)
    await talking.say(
        conn, conversation, word_id, by_whom="buyer", words=words, photo=photo,
        whos=[wish.device], at=at,
    )  # fmt: skip


async def decline(conn: db.Connection, shop_id: int, wish_id: UUID, at: datetime) -> None:
    """The seller can't or won't; the buyer hears of it. Again is harmless."""
    if not await wishes.end(conn, shop_id, wish_id, "declined"):
        return
    conversation = await conversations.get(conn, shop_id, wish_id)
    await conversations.seen(conn, shop_id, wish_id, "seller", conversation.last)
    await talking.tell_buyer(conn, conversation, at)
    await live.publish(conn, shop_id, Event(talking.HINT, str(wish_id)), at=at)


async def withdraw(conn: db.Connection, shop_id: int, wish_id: UUID, at: datetime) -> None:
    """The buyer does not want it any more. Again is harmless."""
    if await wishes.end(conn, shop_id, wish_id, "withdrawn"):
        await live.publish(conn, shop_id, Event(talking.HINT, str(wish_id)), at=at)
