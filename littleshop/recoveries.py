"""Recoveries: a database that was restored is on hold until everybody was asked what happened
since the backup; no payout and no refund leaves it before."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.errors import GatewayError


class Recovery(msgspec.Struct, frozen=True):
    """`taken_at` is when the backup was taken; on hold until it is released."""

    recovery_id: UUID
    taken_at: datetime
    restored_at: datetime
    released_at: datetime | None
    released_by: str


class OnHold(GatewayError):
    """Nothing leaves: the database was restored and is not released yet."""

    def __init__(self) -> None:
        super().__init__("restored from a backup and not released yet", retryable=True)


_COLUMNS = ", ".join(Recovery.__struct_fields__)


async def begin(conn: db.Connection, taken_at: datetime, at: datetime) -> Recovery:
    """The database was restored from a backup of that moment."""
    recovery_id = ids.uuid7(at)
    await db.run(
        conn,
        "insert into recoveries (recovery_id, taken_at, restored_at) values ($1, $2, $3)",
        recovery_id,
        taken_at,
        at,
    )
    return Recovery(recovery_id, taken_at, at, None, "")


async def current(conn: db.Connection) -> Recovery | None:
    """The recovery that holds everything back, if any."""
    return await db.one(
        conn,
        Recovery,
        f"select {_COLUMNS} from recoveries where released_at is null"
        " order by restored_at desc limit 1",
    )


async def refuse_on_hold(conn: db.Connection) -> None:
    """Raises OnHold while money must not leave."""
    if await current(conn) is not None:
        raise OnHold


async def answered(conn: db.Connection, recovery: Recovery, asked: str, at: datetime) -> None:
    """A rail or the bank has told everything it knows."""
    await db.run(
        conn,
        "insert into recovery_answers (recovery_id, asked, answered_at) values ($1, $2, $3)"
        " on conflict on constraint recovery_answers_pkey do update"
        " set answered_at = excluded.answered_at",
        recovery.recovery_id,
        asked,
        at,
    )


async def answers(conn: db.Connection, recovery: Recovery) -> dict[str, datetime]:
    """Who has answered, and when last."""
    rows = await conn.fetch(
        "select asked, answered_at from recovery_answers where recovery_id = $1",
        recovery.recovery_id,
    )
    return {row["asked"]: row["answered_at"] for row in rows}


async def release(conn: db.Connection, recovery: Recovery, by: str, at: datetime) -> bool:
    """Let money leave again; False when it was released."""
    return (
        await db.run(
            conn,
            "update recoveries set released_at = $2, released_by = $3"
            " where recovery_id = $1 and released_at is null",
            recovery.recovery_id,
            at,
            by,
        )
        == 1
    )
