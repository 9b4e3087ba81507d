"""Signed-in devices: the cookie holds a token nobody can guess, the row only its hash."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta

import msgspec

from littleshop import db, ids
from littleshop.crypto import Keyring
from littleshop.db import Connection

LIFE = timedelta(days=30)
TOUCH = timedelta(hours=1)  # a sliding session is moved at most this often, not per request


class Session(msgspec.Struct, frozen=True):
    """A device that signed in."""

    session_id: uuid.UUID
    person_id: uuid.UUID
    device: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


_COLUMNS = "session_id, person_id, device, created_at, seen_at, expires_at"


def token_of(keyring: Keyring, code_id: uuid.UUID) -> str:
    """The token of the session that this one-time code opens: 128 bits under our key, so that any
    process that sees the same press again finds the session it began."""
    return keyring.sign(f"session of code {code_id}")


async def start(
    conn: Connection,
    person_id: uuid.UUID,
    *,
    device: str,
    at: datetime,
    token: str | None = None,
) -> tuple[str, Session]:
    """A new session; the token, a random one unless given, is for the cookie and kept nowhere."""
    token = token or secrets.token_urlsafe(32)
    session = await db.one(
        conn,
        Session,
        f"""
        insert into sessions (token_hash, {_COLUMNS}) values ($1, $2, $3, $4, $5, $5, $6)
        returning {_COLUMNS}""",
        ids.hashed(token),
        ids.uuid7(at),
        person_id,
        device[:200],
        at,
        at + LIFE,
    )
    assert session is not None
    return token, session


async def find(conn: Connection, token: str, at: datetime) -> Session | None:
    """The live session of a cookie, or None; being seen moves its end to 30 days from now."""
    session = await db.one(
        conn,
        Session,
        f"""select {_COLUMNS} from sessions
             where token_hash = $1 and ended_at is null and expires_at > $2""",
        ids.hashed(token),
        at,
    )
    if session is None or session.seen_at + TOUCH > at:
        return session
    return await db.one(
        conn,
        Session,
        f"""update sessions set seen_at = $2, expires_at = $3
             where token_hash = $1 and ended_at is null
         returning {_COLUMNS}""",
        ids.hashed(token),
        at,
        at + LIFE,
    )


async def end(conn: Connection, token: str, at: datetime) -> None:
    """Sign this device out; a second time changes nothing."""
    await db.run(
        conn,
        "update sessions set ended_at = $2 where token_hash = $1 and ended_at is null",
        ids.hashed(token),
        at,
    )


async def end_all(conn: Connection, person_id: uuid.UUID, at: datetime) -> None:
    """Sign a person out on every device where he had signed in by then."""
    await db.run(
        conn,
        "update sessions set ended_at = $2"
        " where person_id = $1 and ended_at is null and created_at <= $2",
        person_id,
        at,
    )


async def sweep(conn: Connection, at: datetime) -> int:
    """Forget sessions that are over; returns how many."""
    return await db.run(conn, "delete from sessions where expires_at < $1", at)
