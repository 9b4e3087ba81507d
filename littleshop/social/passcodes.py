"""Pass-codes: eight signs, said or pasted where a link would not pass, that open a share.

A code is derived from its share under our key, so asking twice gives the same one; it runs out and
a new asking gives it another month. None of its signs is taken for another: there is no 0 O, 1 I L,
2 Z, 5 S, 8 B, V.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from datetime import datetime, timedelta

import msgspec

from littleshop import db
from littleshop.crypto import Keyring

SIGNS = "34679ACDEFGHJKMNPQRTUWXY"
LENGTH = 8
LIFE = timedelta(days=30)
LONGEST = 400  # characters of a pasted text that are looked at
_GROUP = re.compile(rf"(?<![0-9A-Z])[{SIGNS}]{{4}}[ \-·]?[{SIGNS}]{{4}}(?![0-9A-Z])")
_BRACKETED = re.compile(r"[【\[「(]([0-9A-Z \-·]{1,20})[】\]」)]")


class Passcode(msgspec.Struct, frozen=True):
    """A row of passcodes."""

    passcode: str
    share_code: str
    made_at: datetime
    expires_at: datetime


async def make(conn: db.Connection, keyring: Keyring, share_code: str, at: datetime) -> Passcode:
    """The pass-code of a share, good for LIFE from now; called in a transaction."""
    for turn in range(8):  # another share may have the same eight signs
        found = await db.one(
            conn,
            Passcode,
            "insert into passcodes as p (passcode, share_code, made_at, expires_at)"
            " values ($1, $2, $3, $4) on conflict on constraint passcodes_pkey do update"
            " set share_code = excluded.share_code, made_at = excluded.made_at,"
            " expires_at = excluded.expires_at"
            " where p.share_code = excluded.share_code or p.expires_at <= excluded.made_at"
            " returning passcode, share_code, made_at, expires_at",
            _derived(keyring, share_code, turn),
            share_code,
            at,
            at + LIFE,
        )
        if found is not None:
            return found
    raise AssertionError("no free pass-code")


def _derived(keyring: Keyring, share_code: str, turn: int) -> str:
    digest = hmac.digest(keyring.index(f"passcode {share_code}"), bytes([turn]), "sha256")
    number = int.from_bytes(digest, "big")
    signs = []
    for _ in range(LENGTH):
        number, rest = divmod(number, len(SIGNS))
        signs.append(SIGNS[rest])
    return "".join(signs)


async def open_share(conn: db.Connection, passcode: str, at: datetime) -> str | None:
    """The share code behind a pass-code that has not run out, or None."""
    found = await db.value(
        conn,
        "select share_code from passcodes where passcode = $1 and expires_at > $2",
        passcode,
        at,
    )
    return None if found is None else str(found)


async def sweep(conn: db.Connection, at: datetime) -> int:
    """Forget codes that ran out a week ago; until then they may be asked for again."""
    return await db.run(conn, "delete from passcodes where expires_at < $1", at - timedelta(days=7))


def read(text: str) -> str:
    """The pass-code in what somebody typed or pasted (the whole message may be pasted), in
    capitals and without blanks; what is no code comes back as the signs it has."""
    bare = unicodedata.normalize("NFKC", text[:LONGEST]).upper()
    marked = _BRACKETED.search(bare)
    if marked and len(plain := _plain(marked[1])) == LENGTH:
        return plain
    found = _GROUP.search(bare)
    return _plain(found[0] if found else bare)


def _plain(text: str) -> str:
    return "".join(sign for sign in text if sign.isalnum())


def is_whole(passcode: str) -> bool:
    """Whether these are eight signs that a code may have."""
    return len(passcode) == LENGTH and all(sign in SIGNS for sign in passcode)


def spaced(passcode: str) -> str:
    """A pass-code as it is shown: ACDE 3467."""
    return f"{passcode[:4]} {passcode[4:]}"
