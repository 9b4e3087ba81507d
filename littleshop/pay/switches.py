"""Rails that were switched off live: no new payment begins on them, what was begun goes on."""

from __future__ import annotations

from datetime import datetime

import msgspec

from littleshop import db
from littleshop.errors import Refused


class Switch(msgspec.Struct, frozen=True):
    """A rail that is off, since when, why and by whom."""

    gateway: str
    why: str
    off_by: str
    off_at: datetime


async def off(conn: db.Connection) -> dict[str, Switch]:
    """Every rail that is off now."""
    rows = await db.all(conn, Switch, "select gateway, why, off_by, off_at from rail_switches")
    return {row.gateway: row for row in rows}


async def switch_off(conn: db.Connection, gateway: str, *, why: str, by: str, at: datetime) -> bool:
    """No new payment begins on this rail; False when it was off, the first reason stands.

    Raises Refused("switch_why") without a reason.
    """
    if not why.strip():
        raise Refused("switch_why")
    return await db.changed(
        conn,
        "insert into rail_switches (gateway, why, off_by, off_at) values ($1, $2, $3, $4)"
        " on conflict on constraint rail_switches_pkey do nothing",
        gateway,
        why.strip(),
        by,
        at,
    )


async def switch_on(conn: db.Connection, gateway: str) -> bool:
    """The rail takes payments again; False when it did."""
    return await db.run(conn, "delete from rail_switches where gateway = $1", gateway) == 1
