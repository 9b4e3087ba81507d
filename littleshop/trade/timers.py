"""Timers: what is due later, a row written with the state that needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from littleshop import db


class Timer(msgspec.Struct, frozen=True):
    """`subject` (an order, mostly) is due for `kind` at `due_at`."""

    shop_id: int
    subject: UUID
    kind: str
    due_at: datetime
    paused_at: datetime | None
    effect: dict[str, Any]


_COLUMNS = "shop_id, subject, kind, due_at, paused_at, effect"


async def start(
    conn: db.Connection,
    shop_id: int,
    subject: UUID,
    kind: str,
    due_at: datetime,
    effect: Mapping[str, Any] | None = None,
) -> None:
    """Start or move a timer."""
    await db.run(
        conn,
        "insert into timers (shop_id, subject, kind, due_at, effect)"
        " values ($1, $2, $3, $4, $5)"
        " on conflict on constraint timers_pkey do update"
        " set due_at = excluded.due_at, effect = excluded.effect, paused_at = null",
        shop_id,
        subject,
        kind,
        due_at,
        dict(effect or {}),
    )


async def cancel(conn: db.Connection, shop_id: int, subject: UUID, *kinds: str) -> None:
    """Take timers of a subject away: the named kinds, or all of them."""
    await db.run(
        conn,
        "delete from timers where shop_id = $1 and subject = $2"
        " and (cardinality($3::text[]) = 0 or kind = any ($3))",
        shop_id,
        subject,
        list(kinds),
    )


async def pause(
    conn: db.Connection, shop_id: int, subject: UUID, kinds: Sequence[str], at: datetime
) -> None:
    """Stop a subject's clocks of these kinds; what is left of each is kept."""
    await db.run(
        conn,
        "update timers set paused_at = $4 where shop_id = $1 and subject = $2"
        " and kind = any ($3) and paused_at is null",
        shop_id,
        subject,
        list(kinds),
        at,
    )


async def resume(
    conn: db.Connection, shop_id: int, subject: UUID, kinds: Sequence[str], at: datetime
) -> None:
    """Let stopped clocks go on, later by as long as they stood."""
    await db.run(
        conn,
        "update timers set due_at = due_at + ($4::timestamptz - paused_at), paused_at = null"
        " where shop_id = $1 and subject = $2 and kind = any ($3) and paused_at is not null",
        shop_id,
        subject,
        list(kinds),
        at,
    )


async def of(conn: db.Connection, shop_id: int, subject: UUID) -> list[Timer]:
    """A subject's timers, the next one first."""
    return await db.all(
        conn,
        Timer,
        f"select {_COLUMNS} from timers where shop_id = $1 and subject = $2 order by due_at",
        shop_id,
        subject,
    )


async def due(conn: db.Connection, at: datetime, most: int = 200) -> list[Timer]:
    """What is due by `at` in all shops, oldest first (the worker's sweep)."""
    return await db.all(
        conn,
        Timer,
        f"select {_COLUMNS} from timers /* all shops: the worker's sweep */"
        " where due_at <= $1 and paused_at is null"
        " order by due_at limit $2",
        at,
        most,
    )


async def claim(conn: db.Connection, timer: Timer, at: datetime) -> bool:
    """Take a due timer for oneself, in the transaction that acts on it; False when it is gone."""
    return await db.changed(
        conn,
        "delete from timers where shop_id = $1 and subject = $2 and kind = $3"
        " and due_at <= $4 and paused_at is not distinct from $5",
        timer.shop_id,
        timer.subject,
        timer.kind,
        at,
        timer.paused_at,
    )


async def park(conn: db.Connection, timer: Timer, at: datetime) -> bool:
    """Set a due timer aside until a person has looked; False when it was gone or set aside."""
    return await db.changed(
        conn,
        "update timers set paused_at = $4"
        " where shop_id = $1 and subject = $2 and kind = $3 and paused_at is null",
        timer.shop_id,
        timer.subject,
        timer.kind,
        at,
    )
