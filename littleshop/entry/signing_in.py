"""Signing in: a phone is asked for, a code is sent to it, the code comes back, a session begins.

`ask_code` writes the intent, `send_code` is the job that makes the wire call, `confirm_code`
hears what the person types. Known and unknown phones get the same answers throughout. A code works
in the browser that asked for it only, so that nobody else can spend its tries.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta

import msgspec

from littleshop import i18n, jobs
from littleshop.crypto import Keyring
from littleshop.db import Connection, Database
from littleshop.errors import GatewayError
from littleshop.identity import codes, people, phones, sessions
from littleshop.identity.codes import Asker
from littleshop.identity.people import Person
from littleshop.identity.phones import Phone
from littleshop.identity.sessions import Session
from littleshop.notify.sms import Sms, Unwanted

PURPOSE = "sign_in"
SEND = "signing_in.send_code"
_log = logging.getLogger(__name__)
TWIN = timedelta(seconds=3)  # a second press this soon is the same press


class Asked(msgspec.Struct, frozen=True):
    """What the page says after asking: where the code goes, until when, when to ask again."""

    phone: Phone
    expires_at: datetime
    resend_at: datetime


class SignedIn(msgspec.Struct, frozen=True):
    """`token` goes into the cookie; `met_before` is False for somebody new."""

    token: str
    session: Session
    person: Person
    met_before: bool


async def ask_code(
    database: Database,
    keyring: Keyring,
    text: str,
    asker: Asker,
    *,
    locale: str,
    at: datetime,
    purpose: str = PURPOSE,
    allowed: frozenset[str] = phones.ALLOWED,
) -> Asked:
    """Have a code sent to the phone as typed.

    Raises Refused: phone_* (identity/phones.py), code_too_soon(seconds), code_too_many(minutes).
    A double click is answered with the code that is already on its way.
    """
    phone = phones.parse(text, allowed=allowed)

    async def ask(conn: Connection) -> codes.Code:
        await codes.take_turns(conn, keyring.index(phone.e164), at)
        twin = await codes.live(conn, keyring, phone, asker.browser, purpose=purpose)
        if twin is not None and twin.asked_at + TWIN > at:
            return twin
        code = await codes.ask(conn, keyring, phone, asker, purpose=purpose, locale=locale, at=at)
        await jobs.defer(
            conn,
            SEND,
            at=at,
            phone_index=code.phone_index.hex(),
            code_id=str(code.code_id),
        )
        return code

    code = await database.transaction(ask)
    return Asked(phone=phone, expires_at=code.expires_at, resend_at=code.resend_at)


async def send_code(
    database: Database,
    keyring: Keyring,
    sms: Sms | None,
    *,
    phone_index: str,
    code_id: str,
    at: datetime,
) -> None:
    """Put the code on the phone, unless it was sent, used, replaced or has expired meanwhile.

    Raises GatewayError for the worker; a repeat sends the same digits under the same id. A phone
    that takes no messages is nobody's fault and nobody's work.
    """
    index, wanted = bytes.fromhex(phone_index), uuid.UUID(code_id)
    async with database.connection() as conn:
        code = await codes.find(conn, index, wanted)
    if code is None or code.sent_at is not None or code.expires_at <= at:
        return
    if sms is None:
        raise GatewayError("no SMS rail is configured", retryable=True)
    words = {
        "code": codes.words(keyring, code.code_id),
        "minutes": str(codes.LIFE // timedelta(minutes=1)),
    }
    phone = keyring.open(code.phone_sealed)
    try:
        await sms.send(phone, text_of(code), code.locale, words, out_id=code.code_id.hex, at=at)
    except Unwanted:
        _log.info("phone takes no codes", extra={"code_id": str(code.code_id)})

    async def note(conn: Connection) -> None:
        await codes.mark_sent(conn, index, wanted, at)

    await database.transaction(note)


def text_of(code: codes.Code) -> str:
    """The text that carries a code: what it is for is said where that is worth stealing."""
    own = f"code_{code.purpose}"
    return own if i18n.has(code.locale, f"sms.{own}") else "code"


def tasks(sms: Sms | None, keyring: Keyring) -> dict[str, jobs.Task]:
    """The job of this flow; it gives up soon, because a code lives five minutes."""

    async def send(context: jobs.Context, *, phone_index: str, code_id: str) -> None:
        await send_code(
            context.database, keyring, sms, phone_index=phone_index, code_id=code_id, at=context.at
        )

    patience = timedelta(seconds=30)
    return {SEND: jobs.Task(send, attempts=12, first_wait=TWIN, longest_wait=patience)}


async def check_code(
    database: Database,
    keyring: Keyring,
    phone: Phone,
    digits: str,
    *,
    browser: bytes,
    purpose: str,
    at: datetime,
) -> None:
    """Spend a try and return when it was right, for other acts that ask for a code.

    Raises Refused: code_empty, code_wrong(left), code_expired, code_spent.
    """
    codes.check_typed(digits)

    async def spend(conn: Connection) -> codes.Verdict:
        return await codes.try_code(
            conn, keyring, phone, browser, purpose=purpose, digits=digits, at=at
        )

    (await database.transaction(spend)).insist()


async def confirm_code(
    database: Database,
    keyring: Keyring,
    text: str,
    digits: str,
    *,
    browser: bytes,
    device: str,
    locale: str,
    at: datetime,
    allowed: frozenset[str] = phones.ALLOWED,
) -> SignedIn:
    """Sign in with the code that came. `device` is what the list of devices will call this one.

    The second press of a right code, in whatever process, is answered with the session of the
    first. Raises Refused: phone_*, code_empty, code_wrong(left), code_expired, code_spent.
    """
    phone = phones.parse(text, allowed=allowed)
    codes.check_typed(digits)

    async def hear(conn: Connection) -> tuple[codes.Verdict, SignedIn | None]:
        verdict = await codes.try_code(
            conn, keyring, phone, browser, purpose=PURPOSE, digits=digits, at=at
        )
        if verdict.code_id is None:
            return verdict, None
        token = sessions.token_of(keyring, verdict.code_id)
        person = await people.meet(conn, keyring, phone, locale=locale, at=at)
        if verdict.again:
            session = await sessions.find(conn, token, at)
        else:
            _, session = await sessions.start(
                conn, person.person_id, device=device, at=at, token=token
            )
        if session is None:  # signed out between the two presses
            return codes.Verdict("spent"), None
        return verdict, SignedIn(token, session, person, person.created_at < session.created_at)

    verdict, signed_in = await database.transaction(hear)
    verdict.insist()
    assert signed_in is not None
    return signed_in
