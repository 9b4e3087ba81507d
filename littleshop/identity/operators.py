"""Operators: people who run the platform. A phone is not enough for them: each shows a second
factor too, the six digits of RFC 6238 (30 seconds, SHA-1) that an authenticator app counts out.

A right code makes one signed-in device an operator's for eight hours. A code is taken once, its
neighbours before and after it are right as well, for clocks that differ.
"""

from __future__ import annotations

import base64
import secrets
import uuid
from datetime import datetime, timedelta

import msgspec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from littleshop import db, ids
from littleshop.crypto import Keyring
from littleshop.db import Connection
from littleshop.errors import NotFound, Refused
from littleshop.identity import codes

LIFE = timedelta(hours=8)
STEP = 30  # seconds
SKEW = 1  # steps that a phone's clock may be early or late
SECRET_BYTES = 20


class Operator(msgspec.Struct, frozen=True):
    """A row of operators; `used_step` is of the last code that was taken."""

    person_id: uuid.UUID
    totp_sealed: bytes
    used_step: int
    added_at: datetime
    confirmed_at: datetime | None
    removed_at: datetime | None

    def secret(self, keyring: Keyring) -> bytes:
        """What the authenticator app has been given."""
        return from_typed(keyring.open(self.totp_sealed))


class Seat(msgspec.Struct, frozen=True):
    """An operator on one signed-in device; `ends_at` is None until he shows the second factor."""

    person_id: uuid.UUID
    ends_at: datetime | None


_COLUMNS = ", ".join(Operator.__struct_fields__)


def new_secret() -> bytes:
    """What nobody but the operator's app is to know, 160 bits (RFC 4226, 4 R6)."""
    return secrets.token_bytes(SECRET_BYTES)


def as_typed(secret: bytes) -> str:
    """A secret as people type it into their app."""
    return base64.b32encode(secret).decode()


def from_typed(text: str) -> bytes:
    """The secret of `as_typed`."""
    return base64.b32decode(text)


def uri(secret: bytes, account: str, issuer: str) -> str:
    """The otpauth:// address that an app reads from a QR code; neither name holds a colon."""
    told = _totp(secret).get_provisioning_uri(account, issuer)
    return told.replace("+", "%20")  # some apps show a plus where a blank is meant


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, 6, SHA1(), STEP)  # RFC 6238's own; what every app can do


def step_at(at: datetime) -> int:
    """Which 30 seconds a moment belongs to."""
    return int(at.timestamp()) // STEP


def code_of(secret: bytes, step: int) -> str:
    """The six digits of a step."""
    return _totp(secret).generate(step * STEP).decode()


async def add(
    conn: Connection, keyring: Keyring, person_id: uuid.UUID, secret: bytes, at: datetime
) -> bool:
    """Make a person an operator with this secret; False for one who is (his secret stays)."""
    return await db.changed(
        conn,
        """
        insert into operators as o (person_id, totp_sealed, added_at) values ($1, $2, $3)
        on conflict (person_id) do update
           set totp_sealed = excluded.totp_sealed, used_step = 0, added_at = excluded.added_at,
               confirmed_at = null, removed_at = null
         where o.removed_at is not null""",
        person_id,
        keyring.seal(as_typed(secret)),
        at,
    )


async def remove(conn: Connection, person_id: uuid.UUID, at: datetime) -> bool:
    """He is none any more, on every device at once; False when he was none."""
    await db.run(conn, "delete from operator_sessions where person_id = $1", person_id)
    return await db.changed(
        conn,
        "update operators set removed_at = $2 where person_id = $1 and removed_at is null",
        person_id,
        at,
    )


async def get(conn: Connection, person_id: uuid.UUID) -> Operator | None:
    """An operator who was not removed, or None."""
    return await db.one(
        conn,
        Operator,
        f"select {_COLUMNS} from operators where person_id = $1 and removed_at is null",
        person_id,
    )


async def was_one(conn: Connection, person_id: uuid.UUID) -> bool:
    """Whether a person is an operator or was one before."""
    known = await db.value(conn, "select 1 from operators where person_id = $1", person_id)
    return known is not None


async def listed(conn: Connection) -> list[Operator]:
    """Who is an operator now, the first one first."""
    return await db.all(
        conn,
        Operator,
        f"select {_COLUMNS} from operators where removed_at is null order by added_at, person_id",
    )


async def seat(conn: Connection, person_id: uuid.UUID, token: str, at: datetime) -> Seat | None:
    """Whether this person on this device sits at the desk at `at`; None for who is no operator."""
    return await db.one(
        conn,
        Seat,
        """
        select o.person_id, s.ends_at
          from operators o
          left join operator_sessions s
            on s.token_hash = $2 and s.person_id = o.person_id and s.ends_at > $3
         where o.person_id = $1 and o.removed_at is null""",
        person_id,
        ids.hashed(token),
        at,
    )


async def prove(
    conn: Connection,
    keyring: Keyring,
    person_id: uuid.UUID,
    token: str,
    digits: str,
    at: datetime,
) -> datetime:
    """Take a code; until when this device is an operator's.

    Each try is counted by the caller. Raises NotFound for who is no operator, Refused totp_wrong,
    totp_used for one that was taken, or is older than one that was.
    """
    known = await db.one(
        conn,
        Operator,
        f"select {_COLUMNS} from operators"
        " where person_id = $1 and removed_at is null for no key update",
        person_id,
    )
    if known is None:
        raise NotFound("operator")
    step = _matching(known.secret(keyring), codes.clean(digits), at)
    if step is None:
        raise Refused("totp_wrong")
    if step <= known.used_step:
        raise Refused("totp_used")
    await db.run(
        conn,
        "update operators set used_step = $2, confirmed_at = coalesce(confirmed_at, $3)"
        " where person_id = $1",
        person_id,
        step,
        at,
    )
    await _sit_down(conn, person_id, token, at)
    return at + LIFE


def _matching(secret: bytes, digits: str, at: datetime) -> int | None:
    """The step whose code this is, of those that are right at `at`."""
    totp, now = _totp(secret), step_at(at)
    for step in range(now - SKEW, now + SKEW + 1):
        try:
            totp.verify(digits.encode(), step * STEP)
        except InvalidToken:
            continue
        return step
    return None


async def _sit_down(conn: Connection, person_id: uuid.UUID, token: str, at: datetime) -> None:
    await db.run(
        conn,
        "insert into operator_sessions (token_hash, person_id, proven_at, ends_at)"
        " values ($1, $2, $3, $4) on conflict on constraint operator_sessions_pkey do update"
        " set person_id = excluded.person_id, proven_at = excluded.proven_at,"
        " ends_at = excluded.ends_at",
        ids.hashed(token),
        person_id,
        at,
        at + LIFE,
    )


async def stand_up(conn: Connection, token: str) -> None:
    """This device is no operator's any more; a second time changes nothing."""
    await db.run(conn, "delete from operator_sessions where token_hash = $1", ids.hashed(token))


async def sweep(conn: Connection, at: datetime) -> int:
    """Forget devices whose hours are over; returns how many."""
    return await db.run(conn, "delete from operator_sessions where ends_at < $1", at)
