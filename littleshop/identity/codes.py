"""One-time codes by SMS: kept as a keyed hash, bound to a phone, a purpose and the browser that
asked (PRODUCT 2.1; docs/decisions/0015-limits.md says which number keeps whom out).

The code itself is in no row and no job: it follows from its id and our key, so that the job that
sends it can make it again and a repeated job sends the same one.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Sequence
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
PRESS = timedelta(seconds=30)  # the same browser typing the same right code again is one press
KEPT = timedelta(days=2)
KEPT_BROWSER = timedelta(days=365)  # as long as its cookie


class Share(msgspec.Struct, frozen=True):
    """So many codes to one phone in an hour and in a day."""

    per_hour: int
    per_day: int


# What Chinese SMS vendors let through per number and signature (PROTOCOLS 8.1).
OF_PHONE = Share(5, 10)
# Of that, browsers that never typed a code of this phone share so much, and one of them (or all
# at its address) gets so much: whoever knows the number can neither shut out a browser that was
# signed in with it, nor, from one place, a new one of its owner's.
OF_STRANGERS = Share(4, 8)
OF_STRANGER = Share(3, 5)


class Asker(msgspec.Struct, frozen=True):
    """Who asks: the hash of the browser's cookie, and the address it comes from."""

    browser: bytes
    address: str


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
    proven: bool

    @property
    def resend_at(self) -> datetime:
        return self.asked_at + RESEND


class Verdict(msgspec.Struct, frozen=True):
    """What a try came to; `left` counts the tries that remain after a wrong one, `code_id` is of
    the code that was right, `again` that this browser pressed twice."""

    outcome: Literal["right", "wrong", "expired", "spent"]
    left: int = 0
    code_id: uuid.UUID | None = None
    again: bool = False

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


_COLUMNS = ", ".join(Code.__struct_fields__)


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
    conn: Connection,
    keyring: Keyring,
    phone: Phone,
    asker: Asker,
    *,
    purpose: str,
    locale: str,
    at: datetime,
) -> Code:
    """A fresh code for `phone` and `purpose`; an older one of this browser dies. Sends nothing.

    Raises Refused: code_too_soon(seconds), code_too_many(minutes) when an hour or day is full.
    """
    index = keyring.index(phone.e164)
    place = keyring.index(f"address {asker.address}")
    await take_turns(conn, index, at)
    proven = await is_proven(conn, index, asker.browser, at)
    _count(await _asked(conn, index, asker.browser, place, purpose, at), proven, at)
    await _retire(conn, index, asker.browser, purpose, at)
    code_id = ids.uuid7(at)
    code = await db.one(
        conn,
        Code,
        f"""
        insert into codes (phone_index, code_id, purpose, code_hash, phone_sealed, locale,
                           asked_at, expires_at, browser, asked_from, proven)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        returning {_COLUMNS}""",
        index,
        code_id,
        purpose,
        _hash(keyring, code_id, words(keyring, code_id)),
        keyring.seal(phone.e164),
        locale,
        at,
        at + LIFE,
        asker.browser,
        place,
        proven,
    )
    assert code is not None
    return code


async def _retire(
    conn: Connection, index: bytes, browser: bytes, purpose: str, at: datetime
) -> None:
    await db.run(
        conn,
        """update codes set spent_at = $4
            where phone_index = $1 and browser = $2 and purpose = $3 and spent_at is null""",
        index,
        browser,
        purpose,
        at,
    )


class _Asked(msgspec.Struct, frozen=True):
    asked_at: datetime
    proven: bool
    by_browser: bool
    from_place: bool
    same_purpose: bool


async def _asked(
    conn: Connection, index: bytes, browser: bytes, place: bytes, purpose: str, at: datetime
) -> list[_Asked]:
    """The codes of this phone's last day, the newest first; the phone's row is locked."""
    return await db.all(
        conn,
        _Asked,
        "select asked_at, proven, coalesce(browser = $2, false) as by_browser,"
        " coalesce(asked_from = $3, false) as from_place, purpose = $4 as same_purpose"
        "  from codes where phone_index = $1 and asked_at > $5 order by asked_at desc",
        index,
        browser,
        place,
        purpose,
        at - timedelta(days=1),
    )


def _count(asked: Sequence[_Asked], proven: bool, at: datetime) -> None:
    """Exact counts over the sliding hour and day. Raises Refused code_too_soon, code_too_many."""
    strangers = [each for each in asked if not each.proven]
    mine = [each for each in strangers if each.by_browser or each.from_place]
    if proven:
        mine = [each for each in asked if each.by_browser]
    last = next((each.asked_at for each in mine if each.same_purpose), None)
    if last is not None and last + RESEND > at:
        raise Refused("code_too_soon", seconds=_ceil_seconds(last + RESEND - at))
    shares = [(asked, OF_PHONE)]
    if not proven:
        shares += [(strangers, OF_STRANGERS), (mine, OF_STRANGER)]
    free_at = [_free_at(codes, share, at) for codes, share in shares]
    if (latest := max(free_at)) > at:
        raise Refused("code_too_many", minutes=-(-_ceil_seconds(latest - at) // 60))


def _free_at(asked: Sequence[_Asked], share: Share, at: datetime) -> datetime:
    """When this share has room for one more code; `at` when it has now."""
    moments = [each.asked_at for each in asked]
    free = [at]
    for span, most in ((timedelta(hours=1), share.per_hour), (timedelta(days=1), share.per_day)):
        within = [moment for moment in moments if moment > at - span]
        if len(within) >= most:
            free.append(within[most - 1] + span)
    return max(free)


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


async def live(
    conn: Connection, keyring: Keyring, phone: Phone, browser: bytes, *, purpose: str
) -> Code | None:
    """This browser's unused code of this phone and purpose, for the page that counts down."""
    return await db.one(
        conn,
        Code,
        f"select {_COLUMNS} from codes where phone_index = $1 and browser = $2 and purpose = $3"
        " and spent_at is null",
        keyring.index(phone.e164),
        browser,
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
    conn: Connection,
    keyring: Keyring,
    phone: Phone,
    browser: bytes,
    *,
    purpose: str,
    digits: str,
    at: datetime,
) -> Verdict:
    """Spend one try on this browser's newest code; a right one can be used once.

    Never raises Refused, so that the try is committed: call `insist()` on the answer afterwards.
    A browser that never asked for this phone is answered like an expired code, and what it types
    counts against nobody else's code. A right code pressed twice within PRESS is right again.
    """
    index = keyring.index(phone.e164)
    newest = await db.one(
        conn,
        _Tried,
        """select code_id, code_hash, tries, expires_at, spent_at from codes
            where phone_index = $1 and browser = $2 and purpose = $3
            order by code_id desc limit 1 for update""",
        index,
        browser,
        purpose,
    )
    if newest is None:
        return Verdict("expired")
    typed = _hash(keyring, newest.code_id, clean(digits))
    right = hmac.compare_digest(typed, newest.code_hash)
    if right and newest.spent_at is not None and newest.spent_at + PRESS > at:
        return Verdict("right", code_id=newest.code_id, again=True)
    if newest.expires_at <= at:
        return Verdict("expired")
    if newest.spent_at is not None or newest.tries >= TRIES:
        return Verdict("spent")
    await db.run(
        conn,
        "update codes set tries = tries + 1, spent_at = $3 where phone_index = $1 and code_id = $2",
        index,
        newest.code_id,
        at if right else None,
    )
    if not right:
        return Verdict("wrong", left=TRIES - newest.tries - 1)
    await _prove(conn, index, browser, at)
    return Verdict("right", code_id=newest.code_id)


async def _prove(conn: Connection, index: bytes, browser: bytes, at: datetime) -> None:
    """This browser's person holds the phone: its later codes are not counted as a stranger's."""
    await db.run(
        conn,
        "insert into phone_browsers (phone_index, browser, proven_at) values ($1, $2, $3)"
        " on conflict (phone_index, browser) do update set proven_at = excluded.proven_at",
        index,
        browser,
        at,
    )


async def is_proven(conn: Connection, index: bytes, browser: bytes, at: datetime) -> bool:
    """Whether this browser typed a code that came to this phone, as far as its cookie lasts."""
    known = await db.value(
        conn,
        "select 1 from phone_browsers where phone_index = $1 and browser = $2 and proven_at > $3",
        index,
        browser,
        at - KEPT_BROWSER,
    )
    return known is not None


async def proven_on(conn: Connection, browser: bytes, at: datetime) -> list[bytes]:
    """The phones of which this browser once typed a code, the last one first."""
    rows = await conn.fetch(
        "select phone_index from phone_browsers where browser = $1 and proven_at > $2"
        " order by proven_at desc limit 5",
        browser,
        at - KEPT_BROWSER,
    )
    return [row["phone_index"] for row in rows]


async def forget(conn: Connection, browser: bytes) -> None:
    """Who signs out leaves this browser without a phone that it proved."""
    await db.run(conn, "delete from phone_browsers where browser = $1", browser)


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
    """Forget codes that no count needs any more, and browsers whose cookie is gone; how many."""
    return await db.run(conn, "delete from codes where asked_at < $1", at - KEPT) + await db.run(
        conn, "delete from phone_browsers where proven_at < $1", at - KEPT_BROWSER
    )
