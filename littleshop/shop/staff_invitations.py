"""Phones that were asked to work in a shop: open until taken, taken back, or a week is over."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import msgspec

from littleshop import db, ids
from littleshop.db import Connection

LIFE = timedelta(days=7)
MOST = 20  # open at once in a shop


class Invitation(msgspec.Struct, frozen=True):
    """A phone that may come to work here in this role."""

    shop_id: int
    invitation_id: uuid.UUID
    phone_index: bytes
    phone_sealed: bytes
    role: str
    invited_by: uuid.UUID
    invited_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    taken: bool

    def is_open(self, at: datetime) -> bool:
        """Whether it can still be taken."""
        return self.ended_at is None and self.expires_at > at


_COLUMNS = ", ".join(Invitation.__struct_fields__)


async def invite(
    conn: Connection,
    shop_id: int,
    invitation_id: uuid.UUID,
    phone_index: bytes,
    phone_sealed: bytes,
    role: str,
    token: str,
    *,
    invited_by: uuid.UUID,
    at: datetime,
) -> Invitation | None:
    """A new invitation; None while this phone has an open one (end it first)."""
    return await db.one(
        conn,
        Invitation,
        "insert into staff_invitations (shop_id, invitation_id, token_hash, phone_index,"
        " phone_sealed, role, invited_by, invited_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " on conflict (shop_id, phone_index) where ended_at is null do nothing"
        f" returning {_COLUMNS}",
        shop_id,
        invitation_id,
        ids.hashed(token),
        phone_index,
        phone_sealed,
        role,
        invited_by,
        at,
        at + LIFE,
    )


async def expire(conn: Connection, shop_id: int, at: datetime) -> None:
    """Make room for new ones: what ran out is over."""
    await db.run(
        conn,
        "update staff_invitations set ended_at = $2"
        " where shop_id = $1 and ended_at is null and expires_at <= $2",
        shop_id,
        at,
    )


async def behind(conn: Connection, shop_id: int, token: str) -> Invitation | None:
    """The invitation of a link, whatever became of it."""
    return await db.one(
        conn,
        Invitation,
        f"select {_COLUMNS} from staff_invitations where shop_id = $1 and token_hash = $2",
        shop_id,
        ids.hashed(token),
    )


async def get(conn: Connection, shop_id: int, invitation_id: uuid.UUID) -> Invitation | None:
    """An invitation of this shop, whatever became of it."""
    return await db.one(
        conn,
        Invitation,
        f"select {_COLUMNS} from staff_invitations where shop_id = $1 and invitation_id = $2",
        shop_id,
        invitation_id,
    )


async def to_phone(conn: Connection, phone_index: bytes, at: datetime) -> list[Invitation]:
    """What this phone was asked and can still take, the newest first."""
    return await db.all(
        conn,
        Invitation,
        f"select /* all shops: whoever asked this phone */ {_COLUMNS} from staff_invitations"
        " where phone_index = $1 and ended_at is null and expires_at > $2"
        " order by invited_at desc limit 20",
        phone_index,
        at,
    )


async def open_ones(conn: Connection, shop_id: int, at: datetime) -> list[Invitation]:
    """What can still be taken, the newest first."""
    return await db.all(
        conn,
        Invitation,
        f"select {_COLUMNS} from staff_invitations"
        " where shop_id = $1 and ended_at is null and expires_at > $2 order by invited_at desc",
        shop_id,
        at,
    )


async def end(
    conn: Connection, shop_id: int, invitation_id: uuid.UUID, *, taken: bool, at: datetime
) -> Invitation | None:
    """Taken, or taken back; None when it was over already."""
    return await db.one(
        conn,
        Invitation,
        "update staff_invitations set ended_at = $3, taken = $4"
        " where shop_id = $1 and invitation_id = $2 and ended_at is null and expires_at > $3"
        f" returning {_COLUMNS}",
        shop_id,
        invitation_id,
        at,
        taken,
    )


async def end_all(conn: Connection, shop_id: int, at: datetime) -> None:
    """None of them can be taken any more: the shop is somebody else's."""
    await db.run(
        conn,
        "update staff_invitations set ended_at = $2 where shop_id = $1 and ended_at is null",
        shop_id,
        at,
    )
