"""Proving the phone: a code to the sign-in phone of who is signed in, before what moves a shop.

Whoever found an open session has not got the phone. What the code is for is its `purpose`.
"""

from __future__ import annotations

from datetime import datetime

from littleshop.crypto import Keyring
from littleshop.db import Connection, Database
from littleshop.entry import signing_in
from littleshop.entry.signing_in import Asked
from littleshop.identity import codes, phones
from littleshop.identity.codes import Asker, Code
from littleshop.identity.people import Person


async def send_code(
    database: Database,
    keyring: Keyring,
    person: Person,
    asker: Asker,
    *,
    purpose: str,
    locale: str,
    at: datetime,
) -> Asked:
    """Have one sent. Raises Refused as signing_in.ask_code."""
    phone = keyring.open(person.phone_sealed)
    return await signing_in.ask_code(
        database, keyring, phone, asker, locale=locale, at=at, purpose=purpose
    )


async def code_on_its_way(
    conn: Connection,
    keyring: Keyring,
    person: Person,
    browser: bytes,
    *,
    purpose: str,
    at: datetime,
) -> Code | None:
    """This browser's code, as long as it can be typed."""
    phone = phones.parse(keyring.open(person.phone_sealed))
    code = await codes.live(conn, keyring, phone, browser, purpose=purpose)
    return code if code is not None and code.expires_at > at else None


async def check_code(
    database: Database,
    keyring: Keyring,
    person: Person,
    digits: str,
    *,
    browser: bytes,
    purpose: str,
    at: datetime,
) -> None:
    """Spend a try and return when it was right.

    Raises Refused: code_empty, code_wrong(left), code_expired, code_spent.
    """
    phone = phones.parse(keyring.open(person.phone_sealed))
    await signing_in.check_code(
        database, keyring, phone, digits, browser=browser, purpose=purpose, at=at
    )
