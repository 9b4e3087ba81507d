"""Entering: the second factor makes a signed-in device an operator's for some hours."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.identity import operators, people
from littleshop.notify import messages
from littleshop.notify.messages import Recipient
from littleshop.oversight import acts
from littleshop.shop.shops import PLATFORM


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


async def warn(conn: db.Connection, person_id: UUID, window: datetime, at: datetime) -> None:
    """Tell an operator by SMS that wrong codes were typed under his name, once for each `window`
    of tries: who types them is signed in with his phone already."""
    person = await people.get(conn, person_id)
    assert person is not None, person_id
    to = Recipient(person_id, person.phone_sealed, person.locale)
    await messages.send(
        conn, PLATFORM, [to], about="operator_codes", subject=person_id, at=at,
        occasion=window.isoformat(),
    )  # fmt: skip


async def code_for_the_demo(
    conn: db.Connection, keyring: Keyring, person_id: UUID, at: datetime
) -> str:
    """The code that is right now and was not taken yet, as the app would show it. Only a demo
    shows it: there the other phone is played too."""
    known = await operators.get(conn, person_id)
    assert known is not None, person_id
    step = max(operators.step_at(at), known.used_step + 1)
    return operators.code_of(known.secret(keyring), step)
