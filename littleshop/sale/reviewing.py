"""REVIEWING: who received a thing says how it is; the shop answers once; nobody deletes it.

Only the role that got the parcel writes, on a device of his (order_links.Seen says so), once it is
received or all of it went back after it was sent: the bowl that came broken can be told of too.
"""

from __future__ import annotations

from datetime import datetime

from littleshop import crypto, db
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.notify import live, messages, subscriptions
from littleshop.notify.live import Event
from littleshop.notify.messages import Recipient
from littleshop.shop import staff
from littleshop.trade import reviews, roles
from littleshop.trade.order_links import Seen
from littleshop.trade.reviews import Review, Said


def may_write(seen: Seen) -> bool:
    """Whether this device, come by this link, writes the reviews of the order."""
    return seen.may(roles.RECEIVE) and reviews.received(seen.order)


async def write(
    conn: db.Connection,
    keyring: Keyring,
    seen: Seen,
    position: int,
    said: Said,
    *,
    device: bytes,
    at: datetime,
) -> Review:
    """Write or amend the review of a line; its seller hears of a new one.

    Raises Refused: only_look, review_own for who works in the shop, review_not_yet, review_stars,
    review_words, review_photos, review_late; NotFound for a line that the order has not.
    """
    order = seen.order
    if not seen.may(roles.RECEIVE):
        raise Refused("only_look")
    received = keyring.index(order.delivery(keyring).phone)  # of a gift another's than who paid
    for phone_index in {order.phone_index, received}:
        if await staff.is_phone_of(conn, order.shop_id, phone_index):
            raise Refused("review_own")
    name = crypto.mask_name(order.delivery(keyring).name)
    written = await reviews.write(
        conn, order, position, said, name=name or "*", device=device, at=at
    )
    if written.amended_at is None:
        await _tell(conn, written, at)
    return written


async def _tell(conn: db.Connection, review: Review, at: datetime) -> None:
    """By notification, which costs nothing; told once."""
    shop_id = review.shop_id
    members = [each.person_id for each in await staff.of_shop(conn, shop_id)]
    browsers = await subscriptions.of(conn, shop_id, members)
    for person_id, push in browsers.items():
        await messages.send(
            conn,
            shop_id,
            [Recipient(person_id, None, push[0].locale, tuple(push))],
            about="review",
            subject=review.review_id,
            at=at,
            stars=review.stars,
            name=review.name,
            url=f"/console/{shop_id}/reviews",
        )
    await live.publish(conn, shop_id, Event("review"), at=at)
