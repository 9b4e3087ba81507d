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


async def past_paying(conn: db.Connection, shop_id: int, at: datetime) -> dict[UUID, str]:
    """The orders that somebody else was asked to pay and that nobody can: their letter was taken
    back (letter_back), used by others (letter_used), ended meanwhile (letter_ended) or names other
    prices by now (letter_moved)."""
    rows = await conn.fetch(
        "select o.order_id, case when i.status = 'cancelled' then 'letter_back'"
        "         when p.paid >= i.uses then 'letter_used'"
        "         when i.expires_at <= $2 then 'letter_ended' else 'letter_moved' end as why"
        "  from orders o"
        "  join order_claims k on k.shop_id = $1 and k.order_id = o.order_id"
        "  join invitations i on i.shop_id = $1 and i.invitation_id = k.claim_id"
        "  cross join lateral (select count(*) as paid from order_claims u"
        "    join orders w on w.shop_id = $1 and w.order_id = u.order_id"
        "   where u.shop_id = $1 and u.claim_id = i.invitation_id and u.held"
        "     and w.paid_at is not null) p"
        " where o.shop_id = $1 and o.status = 'invited' and o.kind = 'invitation'"
        "   and (i.status = 'cancelled' or p.paid >= i.uses or i.expires_at <= $2"
        f"       or {invitations.MOVED})",
        shop_id,
        at,
    )
    return {row["order_id"]: row["why"] for row in rows}
