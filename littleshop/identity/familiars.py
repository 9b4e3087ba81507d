"""Familiars: whom an app's own sign (WeChat's openid) belongs to.

Somebody showed his phone inside the app once; the app tells us by its own sign-in that it is the
same account, and his page opens without another code. The sign itself is kept nowhere here.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.db import Connection


def _index(keyring: Keyring, container: str, sign: str) -> bytes:
    return keyring.index(f"{container} sign {sign}")


async def remember(
    conn: Connection,
    keyring: Keyring,
    container: str,
    sign: str,
    person_id: uuid.UUID,
    at: datetime,
) -> None:
    """This account is that person's from now on, whose it was before."""
    await db.run(
        conn,
        "insert into familiars (container, sign_index, person_id, met_at) values ($1, $2, $3, $4)"
        " on conflict (sign_index, container) do update"
        " set person_id = excluded.person_id, met_at = excluded.met_at",
        container,
        _index(keyring, container, sign),
        person_id,
        at,
    )


async def find(conn: Connection, keyring: Keyring, container: str, sign: str) -> uuid.UUID | None:
    """The person of this account, or None."""
    found: uuid.UUID | None = await db.value(
        conn,
        "select person_id from familiars where sign_index = $2 and container = $1",
        container,
        _index(keyring, container, sign),
    )
    return found


async def forget(conn: Connection, keyring: Keyring, container: str, sign: str) -> None:
    """Who signs out is asked for a code again."""
    await db.run(
        conn,
        "delete from familiars where sign_index = $2 and container = $1",
        container,
        _index(keyring, container, sign),
    )
