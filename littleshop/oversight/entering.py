"""Entering: the second factor makes a signed-in device an operator's for some hours."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.identity import operators
from littleshop.oversight import acts


async def prove(
    conn: db.Connection,
    keyring: Keyring,
    person_id: UUID,
    token: str,
    digits: str,
    *,
    device: str,
    at: datetime,
) -> datetime:
    """Take the code of an operator's app and write that he came; until when he may stay.

    The caller has counted the try. Raises NotFound, Refused totp_wrong, totp_used.
    """
    until = await operators.prove(conn, keyring, person_id, token, digits, at)
    subject = f"person/{person_id}"
    await acts.record(conn, person_id, "signed_in", subject, reason="", at=at, device=device[:200])
    return until


async def code_for_the_demo(
    conn: db.Connection, keyring: Keyring, person_id: UUID, at: datetime
) -> str:
    """The code that is right now and was not taken yet, as the app would show it. Only a demo
    shows it: there the other phone is played too."""
    known = await operators.get(conn, person_id)
    assert known is not None, person_id
    step = max(operators.step_at(at), known.used_step + 1)
    return operators.code_of(known.secret(keyring), step)
