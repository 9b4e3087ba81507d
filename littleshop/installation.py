"""What the database remembers of its installation: mode, keys, the demo's clock, the calendar."""

from __future__ import annotations

from datetime import timedelta

from littleshop import db
from littleshop.clock import BusinessCalendar
from littleshop.config import Misconfigured, Settings
from littleshop.crypto import Keyring


async def settle(conn: db.Connection, settings: Settings, keyring: Keyring) -> None:
    """Write mode and key fingerprint at the first start, compare them at every later one.

    Raises Misconfigured when the database was born in the other mode or under other keys.
    """
    await _keep(conn, "mode", settings.mode, "this database was born in {was} mode, not {now}")
    await _keep(
        conn,
        "keys",
        keyring.fingerprint(),
        "this database was written under other keys ({was}): give its key file back ({now})",
    )


async def _keep(conn: db.Connection, name: str, value: str, sentence: str) -> None:
    await db.run(
        conn,
        "insert into installation (name, value) values ($1, $2)"
        " on conflict on constraint installation_pkey do nothing",
        name,
        value,
    )
    was = await db.value(conn, "select value from installation where name = $1", name)
    if was != value:
        raise Misconfigured(sentence.format(was=was, now=value))


async def clock_offset(conn: db.Connection) -> timedelta:
    """How far the demo's clock is ahead of the machine's; zero in live mode."""
    seconds = await db.value(conn, "select value from installation where name = 'clock_offset'")
    return timedelta(seconds=int(seconds or 0))


async def advance_clock(conn: db.Connection, by: timedelta) -> timedelta:
    """Move the demo's clock ahead; it never goes back. Raises Misconfigured in live mode."""
    mode = await db.value(conn, "select value from installation where name = 'mode'")
    if mode != "demo":
        raise Misconfigured("only the demo has a clock that can be advanced")
    if by < timedelta():
        raise Misconfigured("the clock only goes forward")
    seconds = await db.value(
        conn,
        "insert into installation (name, value) values ('clock_offset', $1::bigint::text)"
        " on conflict on constraint installation_pkey do update"
        " set value = (installation.value::bigint + excluded.value::bigint)::text"
        " returning value",
        int(by.total_seconds()),
    )
    return timedelta(seconds=int(seconds))


async def business_calendar(conn: db.Connection) -> BusinessCalendar:
    """The calendar of working days with this installation's overrides."""
    rows = await conn.fetch("select day, working from calendar_overrides")
    return BusinessCalendar({row["day"]: row["working"] for row in rows})
