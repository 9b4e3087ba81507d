"""Changes of the card a shop is paid to: who asked, what the verifier said, who objected."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

import msgspec

from littleshop import db
from littleshop.db import Connection

Status = Literal["asked", "done", "refused"]


class CardChange(msgspec.Struct, frozen=True):
    """The wish that `card_id` takes the place of `before_id`; `reason` says why it was refused:
    the verifier's word, or stopped."""

    shop_id: int
    card_id: uuid.UUID
    before_id: uuid.UUID
    person_id: uuid.UUID
    status: Status
    reason: str
    asked_at: datetime
    answered_at: datetime | None
    objected_at: datetime | None


_COLUMNS = ", ".join(CardChange.__struct_fields__)


async def ask(
    conn: Connection,
    shop_id: int,
    card_id: uuid.UUID,
    before_id: uuid.UUID,
    person_id: uuid.UUID,
    *,
    objection_hash: bytes,
    at: datetime,
) -> CardChange | None:
    """Note the wish; None while another one of this shop has no answer."""
    return await db.one(
        conn,
        CardChange,
        "insert into card_changes"
        " (shop_id, card_id, before_id, person_id, objection_hash, asked_at)"
        " values ($1, $2, $3, $4, $5, $6)"
        f" on conflict (shop_id) where status = 'asked' do nothing returning {_COLUMNS}",
        shop_id,
        card_id,
        before_id,
        person_id,
        objection_hash,
        at,
    )


async def latest(conn: Connection, shop_id: int) -> CardChange | None:
    """The shop's last change, whatever became of it, or None."""
    return await db.one(
        conn,
        CardChange,
        f"select {_COLUMNS} from card_changes where shop_id = $1"
        " order by asked_at desc, card_id desc limit 1",
        shop_id,
    )


async def answer(
    conn: Connection, shop_id: int, card_id: uuid.UUID, *, refused: str, at: datetime
) -> CardChange | None:
    """End an open change, done unless `refused` says why not; None when it was ended before."""
    return await db.one(
        conn,
        CardChange,
        "update card_changes set status = $3, reason = $4, answered_at = $5"
        f" where shop_id = $1 and card_id = $2 and status = 'asked' returning {_COLUMNS}",
        shop_id,
        card_id,
        "refused" if refused else "done",
        refused,
        at,
    )


async def behind(conn: Connection, shop_id: int, objection_hash: bytes) -> CardChange | None:
    """The change that a word to the phones was about, by its link's token."""
    return await db.one(
        conn,
        CardChange,
        f"select {_COLUMNS} from card_changes"
        " where shop_id = $1 and objection_hash = $2 and status = 'done'",
        shop_id,
        objection_hash,
    )


async def object_to(conn: Connection, shop_id: int, card_id: uuid.UUID, at: datetime) -> None:
    """Somebody who got the word says that it was not he; the first time counts."""
    await db.run(
        conn,
        "update card_changes set objected_at = $3"
        " where shop_id = $1 and card_id = $2 and status = 'done' and objected_at is null",
        shop_id,
        card_id,
        at,
    )
