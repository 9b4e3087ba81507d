"""Who works in a shop, and what each role may do there (docs/decisions/0047-staff.md)."""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec

from littleshop import db
from littleshop.db import Connection
from littleshop.errors import NotFound
from littleshop.identity import people
from littleshop.notify import subscriptions
from littleshop.notify.messages import Recipient

INVITED = ("manager", "packer", "bookkeeper")  # the roles that are given; the owner opened the shop
_ALL = frozenset(("owner", *INVITED))
_RUNNING = frozenset(("owner", "manager"))
_OWNER = frozenset(("owner",))
RIGHTS: dict[str, frozenset[str]] = {
    "enter": _ALL,  # the console's frame, language, what one's own phone is told
    "ship": frozenset(("owner", "manager", "packer")),  # orders with addresses, parcels
    "deals": _RUNNING,  # what an order costs, calling off, what goes back, quick collection
    "today": _RUNNING,
    "goods": _RUNNING,
    "stock": frozenset(("owner", "manager", "packer")),  # goods received, counting; no cost
    "people": _RUNNING,  # customers, what is said to them, privileges and coupons
    "settings": _RUNNING,
    "acts": _RUNNING,  # the list of who did what
    "figures": frozenset(("owner", "manager", "bookkeeper")),
    "money": frozenset(("owner", "manager", "bookkeeper")),  # sums, payouts, statements
    "keep": _OWNER,  # the card, who works here, the papers
}


def may(role: str, right: str) -> bool:
    """Whether somebody in this role may do this; what is in no table only the owner may."""
    return role in RIGHTS.get(right, _OWNER)


class Member(msgspec.Struct, frozen=True):
    """Somebody who works in a shop in a `role`: owner, manager, packer or bookkeeper."""

    shop_id: int
    person_id: uuid.UUID
    role: str
    added_at: datetime


class PersonShop(msgspec.Struct, frozen=True):
    """A shop a person works in."""

    shop_id: int
    role: str
    added_at: datetime


async def add(
    conn: Connection, shop_id: int, person_id: uuid.UUID, *, role: str, at: datetime
) -> None:
    """Let a person work in a shop; the second time changes nothing."""
    await db.run(
        conn,
        "insert into staff (shop_id, person_id, role, added_at) values ($1, $2, $3, $4)"
        " on conflict (shop_id, person_id) do nothing",
        shop_id,
        person_id,
        role,
        at,
    )


async def note_shop(
    conn: Connection, person_id: uuid.UUID, shop_id: int, *, role: str, at: datetime
) -> None:
    """Note beside the person where he works, for his list of shops."""
    await db.run(
        conn,
        "insert into person_shops (person_id, shop_id, role, added_at) values ($1, $2, $3, $4)"
        " on conflict (person_id, shop_id) do nothing",
        person_id,
        shop_id,
        role,
        at,
    )


async def role_of(conn: Connection, shop_id: int, person_id: uuid.UUID) -> str | None:
    """The role, or None for somebody who does not work here."""
    role = await db.value(
        conn, "select role from staff where shop_id = $1 and person_id = $2", shop_id, person_id
    )
    return None if role is None else str(role)


async def require(conn: Connection, shop_id: int, person_id: uuid.UUID) -> Member:
    """The person as staff of this shop. Raises NotFound: a stranger learns nothing of it."""
    member = await db.one(
        conn,
        Member,
        "select shop_id, person_id, role, added_at from staff"
        " where shop_id = $1 and person_id = $2",
        shop_id,
        person_id,
    )
    if member is None:
        raise NotFound("shop")
    return member


async def remove(conn: Connection, shop_id: int, person_id: uuid.UUID) -> str | None:
    """Somebody works here no more; his role, None when there was nobody. The owner stays."""
    role = await db.value(
        conn,
        "delete from staff where shop_id = $1 and person_id = $2 and role <> 'owner'"
        " returning role",
        shop_id,
        person_id,
    )
    return None if role is None else str(role)


async def pass_on(
    conn: Connection, shop_id: int, before: uuid.UUID, after: uuid.UUID, at: datetime
) -> None:
    """The shop is another person's: who kept it works here no more, who takes it is its owner."""
    await db.run(
        conn,
        "delete from staff where shop_id = $1 and person_id in ($2, $3)",
        shop_id,
        before,
        after,
    )
    await add(conn, shop_id, after, role="owner", at=at)


async def note_owner(conn: Connection, person_id: uuid.UUID, shop_id: int, at: datetime) -> None:
    """Note beside the person that the shop is his, whatever he was there before."""
    await forget_shop(conn, person_id, shop_id)
    await note_shop(conn, person_id, shop_id, role="owner", at=at)


async def forget_shop(conn: Connection, person_id: uuid.UUID, shop_id: int) -> None:
    """Take a shop off the list of those a person works in."""
    await db.run(
        conn, "delete from person_shops where person_id = $1 and shop_id = $2", person_id, shop_id
    )


async def seen(conn: Connection, person_ids: list[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """When each of these people last looked at any page signed in, an hour more or less."""
    rows = await conn.fetch(
        "select person_id, max(seen_at) as seen_at from sessions"
        " where person_id = any ($1) group by person_id",
        person_ids,
    )
    return {row["person_id"]: row["seen_at"] for row in rows}


async def of_shop(conn: Connection, shop_id: int) -> list[Member]:
    """Everybody who works in a shop, the owner first."""
    return await db.all(
        conn,
        Member,
        "select shop_id, person_id, role, added_at from staff where shop_id = $1"
        " order by role = 'owner' desc, added_at",
        shop_id,
    )


async def recipients(conn: Connection, shop_id: int, *, owners: bool = False) -> list[Recipient]:
    """Who is told of what concerns a shop: everybody who works there, or the owners alone, each in
    his language, with his phone and the browsers he listens with."""
    members = [
        member.person_id
        for member in await of_shop(conn, shop_id)
        if member.role == "owner" or not owners
    ]
    browsers = await subscriptions.of(conn, shop_id, members)
    known = await people.known(conn, members)
    return [
        Recipient(each, known[each].phone_sealed, known[each].locale, tuple(browsers.get(each, ())))
        for each in members
        if each in known
    ]


async def shops_of(conn: Connection, person_id: uuid.UUID) -> list[PersonShop]:
    """The shops a person works in, the newest first (may lag a moment behind `staff`)."""
    return await db.all(
        conn,
        PersonShop,
        "select shop_id, role, added_at from person_shops where person_id = $1"
        " order by added_at desc, shop_id desc",
        person_id,
    )


async def is_phone_of(conn: Connection, shop_id: int, phone_index: bytes) -> bool:
    """Whether the phone with this blind index is of somebody who works in a shop."""
    found = await db.value(
        conn,
        "select 1 from staff s join people p on p.person_id = s.person_id"
        " where s.shop_id = $1 and p.phone_index = $2 limit 1",
        shop_id,
        phone_index,
    )
    return found is not None
