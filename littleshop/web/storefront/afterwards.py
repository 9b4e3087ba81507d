"""What an order's page offers once it is paid: hearing what is new, and saying how a thing is."""

from __future__ import annotations

from datetime import datetime

import msgspec

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.sale import handing_out, reviewing
from littleshop.social import follows
from littleshop.trade import conversations, handed_out, reviews, roles
from littleshop.trade.handed_out import HandedOut
from littleshop.trade.order_links import Seen
from littleshop.trade.orders import OrderItem
from littleshop.web import addresses


class Line(msgspec.Struct, frozen=True):
    """A thing of the order that can be told of: `stars` 0 until it was."""

    url: str
    title: str
    stars: int
    may_amend: bool


class Talk(msgspec.Struct, frozen=True):
    """The order's conversation: `new` remarks that were not read."""

    new: int


class After(msgspec.Struct, frozen=True):
    """`follow` is where one press follows the shop, "" when it does not or is followed already;
    `follows` that this device's person does."""

    lines: list[Line]
    follow: str = ""
    follows: bool = False
    talk: Talk | None = None  # None to whom it is not given
    opens: str = (
        ""  # where what was handed out is opened, "" for nothing or to whom it is not given
    )
    opened: bool = False


def own_phone(keyring: Keyring, seen: Seen) -> str | None:
    """The phone of the one who ordered, on his device, once somebody has paid: of an unpaid order
    it may be a stranger's, of a gift it is another person's."""
    order = seen.order
    if not seen.may_act or order.paid_at is None or seen.role != "chooser":
        return None
    phone = order.delivery(keyring).phone
    return phone if phone and keyring.index(phone) == order.phone_index else None


async def read(
    conn: db.Connection,
    keyring: Keyring,
    seen: Seen,
    token: str,
    things: list[OrderItem],
    at: datetime,
) -> After:
    """What is offered on the page behind this link."""
    order, lines = seen.order, []
    talk = await _talk(conn, seen)
    given = await _given(conn, seen)
    opens = addresses.order_part(token, "goods") if given else ""
    opened = any(each.opened_at for each in given)
    if given and not opened and await handing_out.kept_closed(conn, order):
        opens = ""
    if reviewing.may_write(seen):
        written = await reviews.of_order(conn, order.shop_id, order.order_id)
        for item in things:
            said = written.get(item.position)
            lines.append(
                Line(
                    url=addresses.review(token, item.position),
                    title=item.called,
                    stars=said.stars if said else 0,
                    may_amend=said is not None and said.may_amend(at),
                )
            )
    phone = own_phone(keyring, seen)
    known = After(lines, talk=talk, opens=opens, opened=opened)
    if phone is None:
        return known
    follow = await follows.of_phone(conn, order.shop_id, keyring.index(phone))
    if follow is None:
        here = addresses.order_part(token, "following")
        return msgspec.structs.replace(known, follow=here)
    return msgspec.structs.replace(known, follows=follow.left_at is None)


async def _given(conn: db.Connection, seen: Seen) -> list[HandedOut]:
    if not seen.may(roles.OPEN):
        return []
    return await handed_out.of_order(conn, seen.order.shop_id, seen.order.order_id)


async def _talk(conn: db.Connection, seen: Seen) -> Talk | None:
    if not seen.may(roles.TALK):
        return None
    order = seen.order
    which = conversations.identity(order.shop_id, "order", order.order_id, seen.role)
    known = await conversations.find(conn, order.shop_id, which)
    return Talk(known.new_for_buyer if known else 0)
