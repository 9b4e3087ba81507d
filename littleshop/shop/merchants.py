"""The legal person behind a shop: name and number sealed, and what the verifier said."""

from __future__ import annotations

import unicodedata
import uuid
from datetime import datetime

import msgspec

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.db import Connection
from littleshop.errors import Refused

PURPOSE = "identity_check_for_payouts"  # what the person agreed to; the words are in the locale


class Merchant(msgspec.Struct, frozen=True):
    """`verdict` is asked, matched or mismatched; `check_id` is our id of that question."""

    shop_id: int
    name_sealed: bytes
    id_country: str
    id_kind: str
    id_number_sealed: bytes
    birth_year: int
    consent_at: datetime
    consent_purpose: str
    check_id: uuid.UUID
    verdict: str
    reason: str
    asked_at: datetime
    verified_at: datetime | None


class LegalPerson(msgspec.Struct, frozen=True):
    """What is kept, before it is sealed."""

    name: str
    id_country: str
    id_kind: str
    id_number: str
    birth_year: int


_COLUMNS = ", ".join(Merchant.__struct_fields__)


def check_name(text: str) -> str:
    """A legal name as papers write it: Chinese names without spaces, others with single ones.

    Raises Refused: name_empty, name_invalid.
    """
    name = " ".join(unicodedata.normalize("NFKC", text).replace("•", "·").split())
    if not name:
        raise Refused("name_empty")
    if any("\u4e00" <= sign <= "\u9fff" for sign in name):
        name = name.replace(" ", "").replace("・", "·").replace("‧", "·")
    letters = [sign for sign in name if sign.isalpha()]
    fits = all(sign.isalpha() or sign in " .-'’·" or unicodedata.combining(sign) for sign in name)
    if len(letters) < 2 or len(name) > 60 or not fits:
        raise Refused("name_invalid")
    return name


def plain_name(text: str) -> str:
    """A name for comparing: case, spaces and the middle dot's shape do not matter."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if sign.isalpha())


async def find(conn: Connection, shop_id: int) -> Merchant | None:
    """The legal person of a shop, or None while nobody was named."""
    return await db.one(
        conn, Merchant, f"select {_COLUMNS} from merchants where shop_id = $1", shop_id
    )


async def name(
    conn: Connection,
    keyring: Keyring,
    shop_id: int,
    person: LegalPerson,
    *,
    check_id: uuid.UUID,
    at: datetime,
) -> bool:
    """Name the legal person and ask; False when one is being checked or was verified before."""
    return await db.changed(
        conn,
        """
        insert into merchants (shop_id, name_sealed, id_country, id_kind, id_number_sealed,
                               id_number_index, birth_year, consent_at, consent_purpose,
                               check_id, verdict, asked_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'asked', $8)
        on conflict (shop_id) do update set
               name_sealed = excluded.name_sealed, id_country = excluded.id_country,
               id_kind = excluded.id_kind, id_number_sealed = excluded.id_number_sealed,
               id_number_index = excluded.id_number_index, birth_year = excluded.birth_year,
               consent_at = excluded.consent_at, consent_purpose = excluded.consent_purpose,
               check_id = excluded.check_id, verdict = 'asked', reason = '',
               asked_at = excluded.asked_at
         where merchants.verdict = 'mismatched'""",
        shop_id,
        keyring.seal(person.name),
        person.id_country,
        person.id_kind,
        keyring.seal(person.id_number),
        number_index(keyring, person.id_country, person.id_number),
        person.birth_year,
        at,
        PURPOSE,
        check_id,
    )


def number_index(keyring: Keyring, country: str, id_number: str) -> bytes:
    """How a number is found again without being read."""
    return keyring.index(f"id {country} {id_number}")


async def is_same(conn: Connection, keyring: Keyring, shop_id: int, person: LegalPerson) -> bool:
    """Whether the shop's legal person is this one: a repeated click, not another content."""
    merchant = await find(conn, shop_id)
    return (
        merchant is not None
        and keyring.open(merchant.name_sealed) == person.name
        and keyring.open(merchant.id_number_sealed) == person.id_number
    )


async def hear(
    conn: Connection,
    shop_id: int,
    check_id: uuid.UUID,
    *,
    matched: bool,
    reason: str,
    at: datetime,
) -> bool:
    """Write the verifier's answer; False when the question was answered or replaced before."""
    return await db.changed(
        conn,
        """update merchants set verdict = $3, reason = $4, verified_at = $5
            where shop_id = $1 and check_id = $2 and verdict = 'asked'""",
        shop_id,
        check_id,
        "matched" if matched else "mismatched",
        reason,
        at if matched else None,
    )


async def pass_on(conn: Connection, shop_id: int, handover_id: uuid.UUID, at: datetime) -> None:
    """The shop goes to another person: who was its legal person is kept for the law, and the next
    one is asked for anew."""
    await db.run(
        conn,
        "insert into former_merchants (shop_id, handover_id, name_sealed, id_country, id_kind,"
        " id_number_sealed, id_number_index, birth_year, consent_at, consent_purpose, verdict,"
        " verified_at, until_at) select $1, $2, name_sealed, id_country, id_kind,"
        " id_number_sealed, id_number_index, birth_year, consent_at, consent_purpose, verdict,"
        " verified_at, $3 from merchants m where m.shop_id = $1",
        shop_id,
        handover_id,
        at,
    )
    await db.run(conn, "delete from merchants where shop_id = $1", shop_id)
