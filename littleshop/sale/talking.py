"""Talking: a buyer and a seller say something to each other, and the other one hears of it.

The buyer hears by SMS once for all that the seller says until he says something himself, and only
on a phone that he proved, that paid, or that he left with a wish. The seller hears by push, once
for all that he has not read; where no browser of his takes notifications by SMS, once for all that
is said until the shop answers. What goes by SMS is counted (sale/texting.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.crypto import Keyring, mask_phone
from littleshop.customers import customers
from littleshop.errors import Refused
from littleshop.notify import live, messages
from littleshop.notify.live import Event
from littleshop.notify.messages import Recipient
from littleshop.sale import alerting, telling, texting
from littleshop.shop import shops
from littleshop.trade import conversation_blocks, conversations, gifts, letters, orders
from littleshop.trade.conversations import Begun, Conversation
from littleshop.trade.orders import Order

HINT = "talk"  # the kind of event on open pages; its subject is the conversation


def token(keyring: Keyring, shop_id: int, conversation_id: UUID) -> str:
    """The token of its link, derived, so that a message can carry it."""
    return ids.talk_token(keyring.link_key, shop_id, conversation_id)


async def begin(
    conn: db.Connection,
    keyring: Keyring,
    shop_id: int,
    conversation_id: UUID,
    begun: Begun,
    device: bytes,
    at: datetime,
) -> Conversation:
    """Have a conversation that this device's owner writes in, before he does.

    Raises Refused: talk_closed while the shop does not sell, unless it is about an order;
    talk_blocked.
    """
    shop = await shops.get(conn, shop_id)
    if begun.about != "order" and shop.status not in ("open", "paused"):
        raise Refused("talk_closed")
    whos = [device, *([begun.phone_index] if begun.phone_index else [])]
    if await conversation_blocks.among(conn, shop_id, conversation_id, whos):
        raise Refused("talk_blocked")
    hashed = ids.hashed(token(keyring, shop_id, conversation_id))
    await conversations.begin(
        conn, shop_id, conversation_id, begun, token_hash=hashed, device=device, at=at
    )
    return await conversations.get(conn, shop_id, conversation_id)


class Whom(msgspec.Struct, frozen=True):
    """Somebody of an order as its seller knows him; `phone` as dialled."""

    name: str
    phone: str


async def whom(conn: db.Connection, keyring: Keyring, order: Order, role: str) -> Whom:
    """Who has this role of an order: of a gift its giver or who receives it."""
    if order.kind != "gift":
        to = order.delivery(keyring)
        return Whom(to.name, to.phone)
    if role == gifts.ROLE:
        claimed = await gifts.of_order(conn, order.shop_id, order.order_id)
        phone = keyring.open(claimed.phone_sealed) if claimed is not None else ""
        return Whom(order.delivery(keyring).name if claimed is not None else "", phone)
    letter = await letters.of_order(conn, order.shop_id, order.order_id)
    giver = await customers.get(conn, order.shop_id, order.phone_index)
    return Whom(
        letter.from_name if letter is not None else "",
        keyring.open(giver.phone_sealed) if giver is not None else "",
    )


async def name_of(conn: db.Connection, keyring: Keyring, conversation: Conversation) -> str:
    """As what the shop knows who writes: as he signs, by his order, or by what was sent to his
    phone before; "" for a stranger."""
    shop_id = conversation.shop_id
    if conversation.name:
        return conversation.name
    if conversation.about == "order" and conversation.subject is not None:
        order = await orders.get(conn, shop_id, conversation.subject)
        if order is not None:
            known = await whom(conn, keyring, order, conversation.role)
            return known.name or (mask_phone(known.phone) if known.phone else "")
    if conversation.phone_index is None or conversation.phone_sealed is None:
        return ""
    buyer = await customers.get(conn, shop_id, conversation.phone_index)
    if buyer is not None and buyer.delivery_sealed is not None:
        to = msgspec.json.decode(keyring.open(buyer.delivery_sealed), type=orders.Delivery)
        if to.name:
            return to.name
    return mask_phone(keyring.open(conversation.phone_sealed))


async def write_first(
    conn: db.Connection,
    keyring: Keyring,
    order: Order,
    role: str,
    remark_id: UUID,
    *,
    words: str,
    person_id: UUID,
    at: datetime,
) -> Conversation:
    """The seller says something about an order, whether or not its buyer has; who paid hears of it
    by SMS.

    Raises Refused: talk_empty, talk_long(have, most), talk_full.
    """
    shop_id = order.shop_id
    which = conversations.identity(shop_id, "order", order.order_id, role)
    known = await conversations.find(conn, shop_id, which)
    if known is None:
        phone = (await whom(conn, keyring, order, role)).phone if order.paid_at else ""
        begun = Begun(
            "order", order.order_id, order.locale, role=role,
            phone_index=keyring.index(phone) if phone else None,
            phone_sealed=keyring.seal(phone) if phone else None,
        )  # fmt: skip
        hashed = ids.hashed(token(keyring, shop_id, which))
        await conversations.begin(conn, shop_id, which, begun, token_hash=hashed, at=at)
        known = await conversations.get(conn, shop_id, which)
    await say(conn, known, remark_id, by_whom="seller", words=words, person_id=person_id, at=at)
    return known


async def say(
    conn: db.Connection,
    conversation: Conversation,
    remark_id: UUID,
    *,
    by_whom: str,
    words: str,
    photo: str | None = None,
    person_id: UUID | None = None,
    whos: Sequence[bytes] = (),
    at: datetime,
) -> None:
    """Say something, once per `remark_id`; `whos`: the device from which a buyer speaks.

    Raises Refused: talk_empty, talk_long(have, most), talk_full, talk_blocked, talk_closed.
    """
    if not words and photo is None:
        raise Refused("talk_empty")
    if len(words) > conversations.LONGEST:
        raise Refused("talk_long", have=len(words), most=conversations.LONGEST)
    if by_whom == "buyer":
        await _let_in(conn, conversation, whos)
    await _say(
        conn, conversation, remark_id, by_whom=by_whom, words=words, photo=photo,
        person_id=person_id, at=at,
    )  # fmt: skip


async def _let_in(conn: db.Connection, conversation: Conversation, whos: Sequence[bytes]) -> None:
    shop = await shops.get(conn, conversation.shop_id)
    if conversation.about != "order" and shop.status not in ("open", "paused"):
        raise Refused("talk_closed")
    known = [*whos, *([conversation.phone_index] if conversation.phone_index else [])]
    if await conversation_blocks.among(
        conn, conversation.shop_id, conversation.conversation_id, known
    ):
        raise Refused("talk_blocked")


async def answer_with(
    conn: db.Connection, shop_id: int, conversation_id: UUID, letter_id: UUID, at: datetime
) -> None:
    """An invitation to pay was sent as an answer; again is harmless."""
    conversation = await conversations.get(conn, shop_id, conversation_id)
    await _say(
        conn, conversation, letter_id, by_whom="seller", words="", letter_id=letter_id, at=at
    )


async def _say(
    conn: db.Connection,
    conversation: Conversation,
    remark_id: UUID,
    *,
    by_whom: str,
    words: str,
    photo: str | None = None,
    letter_id: UUID | None = None,
    person_id: UUID | None = None,
    at: datetime,
) -> None:
    shop_id, conversation_id = conversation.shop_id, conversation.conversation_id
    position = await conversations.say(
        conn, shop_id, conversation_id, remark_id, by_whom=by_whom, words=words, photo=photo,
        letter_id=letter_id, person_id=person_id, at=at,
    )  # fmt: skip
    if position is None:
        return
    if by_whom == "seller":
        await tell_buyer(conn, conversation, at)
    else:
        await _tell_seller(conn, conversation, position, at)
    await live.publish(conn, shop_id, Event(HINT, str(conversation_id)), at=at)


async def read(
    conn: db.Connection, conversation: Conversation, by_whom: str, position: int, at: datetime
) -> None:
    """One of the two has it before his eyes up to there; the other's open page may say so."""
    shop_id, conversation_id = conversation.shop_id, conversation.conversation_id
    moved = await conversations.seen(conn, shop_id, conversation_id, by_whom, position)
    if by_whom == "seller":
        await alerting.seen(conn, shop_id, at, subject=conversation_id)
    if moved:
        await live.publish(conn, shop_id, Event(HINT, str(conversation_id)), at=at)


async def tell_buyer(conn: db.Connection, conversation: Conversation, at: datetime) -> None:
    """By SMS, where he left a phone: once until he says something again."""
    if conversation.phone_sealed is None:
        return
    shop_id, conversation_id = conversation.shop_id, conversation.conversation_id
    if not await conversations.told(conn, shop_id, conversation_id, at):
        return
    if not await texting.take_of_talk(conn, conversation, at):
        return
    await messages.send(
        conn,
        shop_id,
        [Recipient(None, conversation.phone_sealed, conversation.locale)],
        about="wish_answered" if conversation.about == "wish" else "talk_answered",
        subject=conversation_id,
        occasion=at.isoformat(),
        at=at,
        shop=await _shop_known(conn, conversation),
    )


async def _shop_known(conn: db.Connection, conversation: Conversation) -> str:
    """The name of the shop as who writes knows it: of an order, where it was bought."""
    shop_id, subject = conversation.shop_id, conversation.subject
    if conversation.about == "order" and subject is not None:
        order = await orders.get(conn, shop_id, subject)
        if order is not None:
            return await telling.shop_known(conn, order)
    return (await shops.get(conn, shop_id)).name


async def _tell_seller(
    conn: db.Connection, conversation: Conversation, position: int, at: datetime
) -> None:
    """Of several remarks in a row the first is told, and climbs until he looks (alerting.py); what
    follows when he has looked and not answered rings his browsers alone."""
    if conversation.new_for_seller:
        return
    shop_id, which = conversation.shop_id, conversation.conversation_id
    wish = conversation.about == "wish" and position == 1
    await alerting.tell(
        conn, shop_id, "wish_asked" if wish else "talk_asked", which, at, occasion=str(position),
        climbs=not await conversations.goes_on(conn, shop_id, which, position),
        name=conversation.name, url=f"/console/{shop_id}/conversations/{which}",
    )  # fmt: skip
