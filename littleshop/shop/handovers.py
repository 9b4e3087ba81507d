"""Handovers: a shop that is offered to a phone, until its person takes it, refuses, the owner takes
it back or a week is over; and what was owed to who kept it before."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from littleshop import db, ids
from littleshop.db import Connection

LIFE = timedelta(days=7)
TELL_BUYERS = "handovers.tell_buyers"  # the job that tells who has an order open
Status = Literal["asked", "done", "taken_back", "refused"]


class Handover(msgspec.Struct, frozen=True):
    """An offer, or what became of it. `card_id` is where what was released until then is paid,
    `owed_minor` how much that was."""

    shop_id: int
    handover_id: uuid.UUID
    from_person: uuid.UUID
    phone_index: bytes
    phone_sealed: bytes
    staff_stays: bool
    asked_at: datetime
    expires_at: datetime
    status: Status
    ended_at: datetime | None
    to_person: uuid.UUID | None
    card_id: uuid.UUID | None
    owed_minor: int
    objected_at: datetime | None

    def is_open(self, at: datetime) -> bool:
        """Whether it can still be taken."""
        return self.status == "asked" and self.expires_at > at


class Offer(msgspec.Struct, frozen=True):
    """To whom, and whether who works in the shop stays."""

    phone_index: bytes
    phone_sealed: bytes
    staff_stays: bool


_COLUMNS = ", ".join(Handover.__struct_fields__)


async def ask(
    conn: Connection,
    shop_id: int,
    handover_id: uuid.UUID,
    from_person: uuid.UUID,
    offer: Offer,
    *,
    token: str,
    objection: str,
    at: datetime,
) -> Handover | None:
    """A new offer; None while another one is open (what ran out makes room)."""
    await db.run(
        conn,
        "update handovers set status = 'taken_back', ended_at = $2, phone_sealed = ''"
        " where shop_id = $1 and status = 'asked' and expires_at <= $2",
        shop_id,
        at,
    )
    return await db.one(
        conn,
        Handover,
        "insert into handovers (shop_id, handover_id, token_hash, objection_hash, from_person,"
        " phone_index, phone_sealed, staff_stays, asked_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        f" on conflict (shop_id) where status = 'asked' do nothing returning {_COLUMNS}",
        shop_id,
        handover_id,
        ids.hashed(token),
        ids.hashed(objection),
        from_person,
        offer.phone_index,
        offer.phone_sealed,
        offer.staff_stays,
        at,
        at + LIFE,
    )


async def behind(conn: Connection, shop_id: int, token: str) -> Handover | None:
    """The offer of a link, whatever became of it."""
    return await db.one(
        conn,
        Handover,
        f"select {_COLUMNS} from handovers where shop_id = $1 and token_hash = $2",
        shop_id,
        ids.hashed(token),
    )


async def behind_objection(conn: Connection, shop_id: int, token: str) -> Handover | None:
    """The offer that a word to the owner's phones was about."""
    return await db.one(
        conn,
        Handover,
        f"select {_COLUMNS} from handovers where shop_id = $1 and objection_hash = $2",
        shop_id,
        ids.hashed(token),
    )


async def open_one(conn: Connection, shop_id: int, at: datetime) -> Handover | None:
    """The offer that can be taken now, or None."""
    return await db.one(
        conn,
        Handover,
        f"select {_COLUMNS} from handovers"
        " where shop_id = $1 and status = 'asked' and expires_at > $2",
        shop_id,
        at,
    )


async def done(conn: Connection, shop_id: int) -> list[Handover]:
    """The handovers of a shop that took place, the first one first."""
    return await db.all(
        conn,
        Handover,
        f"select {_COLUMNS} from handovers where shop_id = $1 and status = 'done'"
        " order by ended_at, handover_id",
        shop_id,
    )


async def finish(
    conn: Connection,
    handover: Handover,
    to_person: uuid.UUID,
    *,
    card_id: uuid.UUID | None,
    owed_minor: int,
    at: datetime,
) -> bool:
    """It takes place; False when it was over."""
    return await db.changed(
        conn,
        "update handovers set status = 'done', ended_at = $3, to_person = $4, card_id = $5,"
        " owed_minor = $6 where shop_id = $1 and handover_id = $2 and status = 'asked'"
        " and expires_at > $3",
        handover.shop_id,
        handover.handover_id,
        at,
        to_person,
        card_id,
        owed_minor,
    )


class Told(msgspec.Struct, frozen=True):
    """Since when somebody else keeps the shop, and the last buyer who knows it."""

    since: datetime
    up_to: bytes | None


async def lock_told(conn: Connection, shop_id: int, handover_id: uuid.UUID) -> Told | None:
    """How far its buyers were told, kept from others until the end; None when it is not done."""
    return await db.one(
        conn,
        Told,
        "select ended_at as since, told_to as up_to from handovers"
        " where shop_id = $1 and handover_id = $2 and status = 'done' for update",
        shop_id,
        handover_id,
    )


async def tell_up_to(
    conn: Connection, shop_id: int, handover_id: uuid.UUID, phone_index: bytes
) -> None:
    """Buyers up to this one, in the order of their indexes, have been told."""
    await db.run(
        conn,
        "update handovers set told_to = $3 where shop_id = $1 and handover_id = $2",
        shop_id,
        handover_id,
        phone_index,
    )


async def end(
    conn: Connection, shop_id: int, handover_id: uuid.UUID, status: Status, at: datetime
) -> bool:
    """It does not take place: taken_back or refused; False when it was over."""
    assert status in ("taken_back", "refused")
    return await db.changed(
        conn,
        "update handovers set status = $3, ended_at = $4, phone_sealed = ''"  # nobody's any more
        " where shop_id = $1 and handover_id = $2 and status = 'asked'",
        shop_id,
        handover_id,
        status,
        at,
    )


async def object_to(conn: Connection, shop_id: int, handover_id: uuid.UUID, at: datetime) -> None:
    """Whoever got the word says that it was not he; the first time counts."""
    await db.run(
        conn,
        "update handovers set objected_at = $3"
        " where shop_id = $1 and handover_id = $2 and objected_at is null",
        shop_id,
        handover_id,
        at,
    )
