"""Invitations as others than their writer's list want them: by a phone, by what they name."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.trade import invitations
from littleshop.trade.invitations import Invitation


class Addressed(msgspec.Struct, frozen=True):
    """Where a letter to a phone is to be looked for."""

    shop_id: int
    invitation_id: UUID


async def to_phone(
    conn: db.Connection, phone_index: bytes, at: datetime, most: int = 20
) -> list[Invitation]:
    """The letters to this phone that can still be paid, the last first: for its owner's own page.
    Those he said no to are not among them."""
    found = await db.all(
        conn,
        Addressed,
        "select /* all shops: what waits for one person */ shop_id, invitation_id from invitations"
        " where phone_index = $1 and status = 'sent' and expires_at > $2 and refused_at is null"
        " order by sent_at desc limit $3",
        phone_index,
        at,
        most,
    )
    letters = [await invitations.get(conn, each.shop_id, each.invitation_id) for each in found]
    return [each for each in letters if each.left > 0]


async def lately_named(conn: db.Connection, shop_id: int, most: int = 6) -> list[UUID]:
    """The variants that the last letters named, the last first."""
    rows = await conn.fetch(
        "select l.variant_id, max(i.created_at) as at"
        "  from (select invitation_id, created_at from invitations where shop_id = $1"
        "         order by created_at desc limit 30) i"
        "  join invitation_lines l on l.shop_id = $1 and l.invitation_id = i.invitation_id"
        " group by l.variant_id order by at desc, l.variant_id limit $2",
        shop_id,
        most,
    )
    return [row["variant_id"] for row in rows]
