"""One-time codes by SMS: kept as a keyed hash, bound to a phone and a purpose (PRODUCT 2.1).

The code itself is in no row and no job: it follows from its id and our key, so that the job that
sends it can make it again and a repeated job sends the same one.
"""

from __future__ import annotations

import hmac
import uuid
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from littleshop import db, ids
from littleshop.crypto import Keyring
from littleshop.db import Connection
from littleshop.errors import Refused
from littleshop.identity.phones import Phone

LIFE = timedelta(minutes=5)
RESEND = timedelta(seconds=60)
TRIES = 5
PER_HOUR = 5  # what Chinese SMS vendors let through per number and signature (PROTOCOLS 8.1)
PER_DAY = 10
KEPT = timedelta(days=2)


class Code(msgspec.Struct, frozen=True):
    """A code that was asked for; `resend_at` is the moment another one may be asked."""

    code_id: uuid.UUID
    phone_index: bytes
    purpose: str
    phone_sealed: bytes
    locale: str
    asked_at: datetime
    expires_at: datetime
    sent_at: datetime | None

    @property
    def resend_at(self) -> datetime:
        return self.asked_at + RESEND


class Verdict(msgspec.Struct, frozen=True):
    """What a try came to; `left` counts the tries that remain after a wrong one."""

    outcome: Literal["right", "wrong", "expired", "spent"]
    left: int = 0

    def insist(self) -> None:
        """Raise Refused unless right: code_wrong(left), code_expired, code_spent.

        Called after the transaction of `try_code` has committed, else a try would not count.
        """
        match self.outcome:
            case "wrong":
                raise Refused("code_wrong", left=self.left)
            case "expired":
                raise Refused("code_expired")
            case "spent":
                raise Refused("code_spent")
            case "right":
                return


_COLUMNS = "code_id, phone_index, purpose, phone_sealed, locale, asked_at, expires_at, sent_at"


def words(keyring: Keyring, code_id: uuid.UUID) -> str:
    """The six digits of a code."""
    return f"{int(keyring.sign(f'one-time code {code_id}'), 16) % 1_000_000:06}"


def _hash(keyring: Keyring, code_id: uuid.UUID, digits: str) -> bytes:
    return keyring.index(f"one-time code {code_id} {digits}")


async def take_turns(conn: Connection, phone_index: bytes, at: datetime) -> None:
    """Until this transaction ends, nobody else asks for a code for this phone."""
    await db.run(
        conn,
        "insert into code_phones (phone_index, first_asked_at) values ($1, $2)"
        " on conflict (phone_index) do nothing",
        phone_index,
        at,
    )
    await db.run(conn, "select 1 from code_phones where phone_index = $1 for update", phone_index)


async def ask(
    conn: Connection, keyring: Keyring, phone: Phone, *, purpose: str, locale: str, at: datetime
) -> Code:
    """A fresh code for `phone` and `purpose`; an older one dies. Sends nothing.

    Raises Refused: code_too_soon(seconds), code_too_many(minutes) when the hour or day is full.
    """
    index = keyring.index(phone.e164)
    await take_turns(conn, index, at)
    await _count(conn, index, at)
    await db.run(
        conn,
        """update codes set spent_at = $3
            where phone_index = $1 and purpose = $2 and spent_at is null""",
        index,
        purpose,
        at,
    )
    code_id = ids.uuid7(at)
    code = await db.one(
        conn,
        Code,
        f"""
        insert into codes (phone_index, code_id, purpose, code_hash, phone_sealed, locale,
                           asked_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        returning {_COLUMNS}""",
        index,
        code_id,
        purpose,
        _hash(keyring, code_id, words(keyring, code_id)),
        keyring.seal(phone.e164),
        locale,
        at,
        at + LIFE,
    )
    assert code is not None
    return code


async def _count(conn: Connection, index: bytes, at: datetime) -> None:
    """Exact counts over the sliding hour and day; the phone's row is locked."""
    asked: list[datetime] = [
        row["asked_at"]
        for row in await conn.fetch(
            "select asked_at from codes where phone_index = $1 and asked_at > $2"
            " order by asked_at desc",
            index,
            at - timedelta(days=1),
        )
    ]
    if asked and asked[0] + RESEND > at:
        raise Refused("code_too_soon", seconds=_ceil_seconds(asked[0] + RESEND - at))
    for span, most in ((timedelta(hours=1), PER_HOUR), (timedelta(days=1), PER_DAY)):
        within = [moment for moment in asked if moment > at - span]
        if len(within) >= most:
            free_at = within[most - 1] + span
            raise Refused("code_too_many", minutes=-(-_ceil_seconds(free_at - at) // 60))


def _ceil_seconds(span: timedelta) -> int:
    return max(1, -(-int(span.total_seconds() * 1000) // 1000))


async def find(conn: Connection, phone_index: bytes, code_id: uuid.UUID) -> Code | None:
    """A code that still may be sent: neither used nor replaced by a newer one."""
    return await db.one(
        conn,
        Code,
        f"select {_COLUMNS} from codes"
        " where phone_index = $1 and code_id = $2 and spent_at is null",
        phone_index,
        code_id,
    )


async def live(conn: Connection, keyring: Keyring, phone: Phone, *, purpose: str) -> Code | None:
    """The newest unused code of this phone and purpose, for the page that counts down."""
    return await db.one(
        conn,
        Code,
        f"select {_COLUMNS} from codes"
        " where phone_index = $1 and purpose = $2 and spent_at is null",
        keyring.index(phone.e164),
        purpose,
    )


async def mark_sent(conn: Connection, phone_index: bytes, code_id: uuid.UUID, at: datetime) -> None:
    """The SMS was taken by the vendor; a repeated job then does nothing."""
    await db.run(
        conn,
        "update codes set sent_at = $3 where phone_index = $1 and code_id = $2 and sent_at is null",
        phone_index,
        code_id,
        at,
    )


class _Tried(msgspec.Struct, frozen=True):
    code_id: uuid.UUID
    code_hash: bytes
    tries: int
    expires_at: datetime
    spent_at: datetime | None


async def try_code(
    conn: Connection, keyring: Keyring, phone: Phone, *, purpose: str, digits: str, at: datetime
) -> Verdict:
    """Spend one try on the newest code; a right one can be used once.

    Never raises Refused, so that the try is committed: call `insist()` on the answer afterwards.
    A phone that never asked is answered like an expired code.
    """
    index = keyring.index(phone.e164)
    newest = await db.one(
        conn,
        _Tried,
        """select code_id, code_hash, tries, expires_at, spent_at from codes
            where phone_index = $1 and purpose = $2
            order by code_id desc limit 1 for update""",
        index,
        purpose,
    )
    if newest is None or newest.expires_at <= at:
        return Verdict("expired")
    if newest.spent_at is not None or newest.tries >= TRIES:
        return Verdict("spent")
    typed = _hash(keyring, newest.code_id, clean(digits))
    right = hmac.compare_digest(typed, newest.code_hash)
    tried = await db.value(
        conn,
        """update codes set tries = tries + 1, spent_at = $3
            where phone_index = $1 and code_id = $2 and spent_at is null and tries < $4
        returning tries""",
        index,
        newest.code_id,
        at if right else None,
        TRIES,
    )
    if tried is None:
        return Verdict("spent")
    return Verdict("right") if right else Verdict("wrong", left=TRIES - int(tried))


def check_typed(text: str) -> None:
    """Say so before a try is spent on it. Raises Refused: code_empty, code_length(have, want)."""
    digits = clean(text)
    if not digits:
        raise Refused("code_empty")
    if len(digits) != 6:
        raise Refused("code_length", have=len(digits), want=6)


def clean(text: str) -> str:
    """The digits of what was typed: spaces and full-width forms are forgiven."""
    return "".join(str(int(sign)) for sign in text[:32] if sign.isdecimal())


async def sweep(conn: Connection, at: datetime) -> int:
    """Forget codes that no count needs any more; returns how many."""
    return await db.run(conn, "delete from codes where asked_at < $1", at - KEPT)
