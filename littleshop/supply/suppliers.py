"""Suppliers: who a shop buys from; how to reach one is sealed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.errors import NotFound, Refused

LONGEST_NAME = 60
LONGEST_CONTACT = 300
LONGEST_NOTES = 2000


class Supplier(msgspec.Struct, frozen=True):
    """A row of suppliers with the number of purchases that are not ended."""

    supplier_id: UUID
    name: str
    contact_sealed: bytes | None
    notes: str
    running: int

    def contact(self, keyring: Keyring) -> str:
        return "" if self.contact_sealed is None else keyring.open(self.contact_sealed)


_SELECT = (
    "select s.supplier_id, s.name, s.contact_sealed, s.notes,"
    " (select count(*) from purchases b where b.shop_id = $1 and b.supplier_id = s.supplier_id"
    "   and b.ended_at is null) as running from suppliers s where s.shop_id = $1"
)


async def listing(conn: db.Connection, shop_id: int) -> list[Supplier]:
    """A shop's suppliers by name."""
    return await db.all(conn, Supplier, f"{_SELECT} order by s.name, s.supplier_id", shop_id)


async def get(conn: db.Connection, shop_id: int, supplier_id: UUID) -> Supplier:
    """Raises NotFound."""
    found = await db.one(conn, Supplier, f"{_SELECT} and s.supplier_id = $2", shop_id, supplier_id)
    if found is None:
        raise NotFound("supplier")
    return found


async def write(
    conn: db.Connection,
    keyring: Keyring,
    shop_id: int,
    supplier_id: UUID,
    *,
    name: str,
    contact: str,
    notes: str,
    person_id: UUID,
    at: datetime,
) -> None:
    """Write a supplier, a new one under its form's id.

    Raises Refused: supplier_name(most=), supplier_contact(most=), supplier_notes(most=).
    """
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Refused("supplier_name", most=LONGEST_NAME)
    if len(contact) > LONGEST_CONTACT:
        raise Refused("supplier_contact", most=LONGEST_CONTACT)
    if len(notes) > LONGEST_NOTES:
        raise Refused("supplier_notes", most=LONGEST_NOTES)
    await db.run(
        conn,
        "insert into suppliers (shop_id, supplier_id, name, contact_sealed, notes, made_at,"
        " made_by) values ($1, $2, $3, $4, $5, $6, $7)"
        " on conflict on constraint suppliers_pkey do update set name = excluded.name,"
        " contact_sealed = excluded.contact_sealed, notes = excluded.notes",
        shop_id,
        supplier_id,
        name,
        keyring.seal(contact) if contact else None,
        notes,
        at,
        person_id,
    )
