"""People: one per phone, found by its blind index."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

import msgspec

from littleshop import crypto, db, ids
from littleshop.crypto import Keyring
from littleshop.db import Connection
from littleshop.identity.phones import Phone


class Person(msgspec.Struct, frozen=True):
    """Somebody whose phone answered a code."""

    person_id: uuid.UUID
    phone_index: bytes
    phone_sealed: bytes
    country: str
    locale: str
    created_at: datetime

    def masked_phone(self, keyring: Keyring) -> str:
        """The phone as pages show it."""
        return crypto.mask_phone(keyring.open(self.phone_sealed))


_COLUMNS = "person_id, phone_index, phone_sealed, country, locale, created_at"


async def meet(
    conn: Connection, keyring: Keyring, phone: Phone, *, locale: str, at: datetime
) -> Person:
    """The person of this phone, made at the first meeting; the same one every time after."""
    index = keyring.index(phone.e164)
    await db.run(
        conn,
        f"""
        insert into people ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6)
        on conflict (phone_index) do nothing""",
        ids.uuid7(at),
        index,
        keyring.seal(phone.e164),
        phone.country,
        locale,
        at,
    )
    person = await by_phone(conn, keyring, phone)
    assert person is not None
    return person


async def by_phone(conn: Connection, keyring: Keyring, phone: Phone) -> Person | None:
    """The person of this phone, or None."""
    return await db.one(
        conn,
        Person,
        f"select {_COLUMNS} from people where phone_index = $1",
        keyring.index(phone.e164),
    )


async def get(conn: Connection, person_id: uuid.UUID) -> Person | None:
    """A person by id, or None."""
    return await db.one(
        conn, Person, f"select {_COLUMNS} from people where person_id = $1", person_id
    )


async def known(conn: Connection, person_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Person]:
    """These people, by id."""
    found = await db.all(
        conn,
        Person,
        f"select {_COLUMNS} from people where person_id = any ($1)",
        list(person_ids),
    )
    return {person.person_id: person for person in found}


async def speak(conn: Connection, person_id: uuid.UUID, locale: str) -> None:
    """Remember the language a person chose, for what we send later."""
    await db.run(conn, "update people set locale = $2 where person_id = $1", person_id, locale)
