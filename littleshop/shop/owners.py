"""Whom to tell what is the owners' affair alone: their phones and the browsers they listen with."""

from __future__ import annotations

from littleshop import db
from littleshop.identity import people
from littleshop.notify import subscriptions
from littleshop.notify.messages import Recipient
from littleshop.shop import staff


async def to_tell(conn: db.Connection, shop_id: int) -> list[Recipient]:
    """The owners of a shop, each in his language."""
    members = await staff.of_shop(conn, shop_id)
    owners = [member.person_id for member in members if member.role == "owner"]
    browsers = await subscriptions.of(conn, shop_id, owners)
    known = [await people.get(conn, each) for each in owners]
    return [
        Recipient(
            one.person_id, one.phone_sealed, one.locale, tuple(browsers.get(one.person_id, ()))
        )
        for one in known
        if one is not None
    ]
