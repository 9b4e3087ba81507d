"""A conversation as both sides read it: its remarks, what it is about, its private photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from types import SimpleNamespace
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http
from littleshop.catalog import photos, products
from littleshop.errors import NotFound
from littleshop.money import Money
from littleshop.trade import conversations, orders, wishes
from littleshop.trade.conversations import Conversation, Remark
from littleshop.trade.invitations import Invitation
from littleshop.web import evidence


class Card(msgspec.Struct, frozen=True):
    """What a conversation is about, as it is now; `gone`: nobody can buy it any more; `sold_as`:
    what its buyer knows it as, where another shop sold it under a name of its own."""

    about: str
    title: str = ""
    picture: str = ""
    price: Money | None = None
    gone: bool = False
    number: int = 0
    state: str = ""
    link: str = ""
    sold_as: str = ""

    @property
    def called(self) -> str:
        """Its title as its buyer reads it."""
        return self.sold_as or self.title


async def card(conn: db.Connection, conversation: Conversation) -> Card:
    """The card above a conversation."""
    shop_id, about, subject = conversation.shop_id, conversation.about, conversation.subject
    if about == "product" and subject is not None:
        return await _product(conn, shop_id, subject)
    if about == "order" and subject is not None:
        return await _order(conn, conversation)
    if about == "wish" and subject is not None:
        wish = await wishes.get(conn, shop_id, subject)
        return Card(about, price=wish.top, state=wish.status, link=wish.link)
    return Card("shop")


async def _product(conn: db.Connection, shop_id: int, product_id: UUID) -> Card:
    try:
        product = await products.get(conn, shop_id, product_id)
    except NotFound:
        return Card("product", gone=True)
    pictures = await photos.of_product(conn, shop_id, product_id)
    variants = await products.variants(conn, shop_id, product_id)
    least = min(variants, key=lambda each: each.price_minor, default=None)
    return Card(
        "product",
        title=product.title,
        picture=pictures[0].file if pictures else "",
        price=Money(least.price_minor, least.currency) if least else None,
        gone=product.status != "on_sale",
    )


async def _order(conn: db.Connection, conversation: Conversation) -> Card:
    """The recipient of a gift never learns what it cost."""
    assert conversation.subject is not None
    order = await orders.get(conn, conversation.shop_id, conversation.subject)
    if order is None:
        return Card("order", gone=True)
    things = await orders.items(conn, conversation.shop_id, order.order_id)
    return Card(
        "order",
        title=things[0].title if things else "",
        picture=things[0].photo if things else "",
        price=None if conversation.role == "recipient" else order.total,
        number=order.number,
        sold_as=(things[0].sold_as or "") if things else "",
    )


def rows(
    said: Sequence[Remark],
    letters: Sequence[Invitation],
    photo_url: Callable[[int], str],
    letter_url: Callable[[UUID], str],
    at: datetime,
) -> list[SimpleNamespace]:
    """What was said, in order; of a letter its words and what became of it."""
    sent = {letter.invitation_id: letter for letter in letters}
    shown = []
    for remark in said:
        letter = sent.get(remark.letter_id) if remark.letter_id else None
        row = SimpleNamespace(
            by=remark.by_whom,
            words=letter.words if letter else remark.words,
            photo_url=photo_url(remark.position) if remark.photo else "",
            letter_url=letter_url(letter.invitation_id) if letter else "",
            state=letter.state(at) if letter else "",
            at=remark.at,
            position=remark.position,
        )
        shown.append(row)
    return shown


async def stream(request: Request, shop_id: int, conversation_id: UUID, position: int) -> Response:
    """A photo of a remark; the caller has checked who asks. Raises NotFound."""
    house = http.house(request)
    async with house.database.connection() as conn:
        name = await conversations.photo(conn, shop_id, conversation_id, position)
    content = await house.files.get_private(name) if name else None
    if content is None:
        raise NotFound("photo")
    return Response(content, media_type="image/jpeg", headers=evidence.HEADERS)
