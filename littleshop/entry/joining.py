"""Joining: an owner asks a phone to work in his shop, its person comes, and goes again.

The link in the SMS shows who asks for what; it acts only for who is signed in with that phone, and
signing in asks for a code to it. Own-key rows follow the shop's, each repeatable.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime

from littleshop import ids
from littleshop.crypto import Keyring, mask_phone
from littleshop.db import Connection, Database
from littleshop.errors import NotFound, Refused
from littleshop.identity import phones
from littleshop.identity.people import Person
from littleshop.notify import messages
from littleshop.notify.messages import Recipient
from littleshop.risk import strangers
from littleshop.shop import shop_acts, shops, staff, staff_invitations
from littleshop.shop.staff_invitations import Invitation


async def invite(
    database: Database,
    keyring: Keyring,
    owner: Person,
    shop_id: int,
    text: str,
    role: str,
    *,
    locale: str,
    at: datetime,
) -> Invitation:
    """Ask the phone as typed to work here; an SMS takes the link.

    Raises Refused: phone_*, staff_role, staff_already, staff_asked_already, staff_too_many(most)
    and what strangers.need_invitation raises; NotFound.
    """
    phone = phones.parse(text)
    if role not in staff.INVITED:
        raise Refused("staff_role")
    index, sealed = keyring.index(phone.e164), keyring.seal(phone.e164)

    async def ask(conn: Connection) -> Invitation:
        await _owned(conn, shop_id, owner.person_id)
        if await staff.is_phone_of(conn, shop_id, index):
            raise Refused("staff_already")
        await _make_room(conn, shop_id, at)
        invitation_id = ids.uuid7(at)
        made = await staff_invitations.invite(
            conn, shop_id, invitation_id, index, sealed, role,
            ids.work_token(keyring.link_key, shop_id, invitation_id),
            invited_by=owner.person_id, at=at,
        )  # fmt: skip
        if made is None:
            raise Refused("staff_asked_already")
        await strangers.need_invitation(conn, shop_id, index, at)
        shop = await shops.get(conn, shop_id)
        await messages.send(
            conn, shop_id, [Recipient(None, sealed, locale)],
            about="staff_invited", subject=invitation_id, at=at, shop=shop.name,
        )  # fmt: skip
        await shop_acts.note(
            conn, shop_id, owner.person_id, "staff_invited", at=at, role=role,
            phone=mask_phone(phone.e164),
        )  # fmt: skip
        return made

    return await database.transaction(ask)


async def _make_room(conn: Connection, shop_id: int, at: datetime) -> None:
    await staff_invitations.expire(conn, shop_id, at)
    if len(await staff_invitations.open_ones(conn, shop_id, at)) >= staff_invitations.MOST:
        raise Refused("staff_too_many", most=staff_invitations.MOST)


async def take_back(
    database: Database,
    keyring: Keyring,
    owner: Person,
    shop_id: int,
    which: uuid.UUID,
    at: datetime,
) -> None:
    """The invitation is over; once more, or when it was taken, changes nothing."""

    async def end(conn: Connection) -> None:
        await _owned(conn, shop_id, owner.person_id)
        ended = await staff_invitations.end(conn, shop_id, which, taken=False, at=at)
        if ended is not None:
            await shop_acts.note(
                conn, shop_id, owner.person_id, "staff_taken_back", at=at, role=ended.role,
                phone=mask_phone(keyring.open(ended.phone_sealed)),
            )  # fmt: skip

    await database.transaction(end)


async def accept(database: Database, person: Person, token: str, at: datetime) -> Invitation:
    """The person comes to work; a second press is answered like the first.

    Raises Refused: staff_other_phone, staff_invitation_over; NotFound for a link that is not ours.
    """
    shop_id = ids.shop_of(token)

    async def behind(conn: Connection) -> Invitation | None:
        return await staff_invitations.behind(conn, shop_id, token)

    return await _come(database, person, shop_id, behind, at)


async def accept_asked(
    database: Database, person: Person, shop_id: int, which: uuid.UUID, at: datetime
) -> Invitation:
    """The same without the link: whoever signed in with the phone that was asked has proved it.

    Raises Refused staff_invitation_over; NotFound, also for what another phone was asked.
    """

    async def his(conn: Connection) -> Invitation | None:
        found = await staff_invitations.get(conn, shop_id, which)
        return found if found and found.phone_index == person.phone_index else None

    return await _come(database, person, shop_id, his, at)


async def _come(
    database: Database,
    person: Person,
    shop_id: int,
    find: Callable[[Connection], Awaitable[Invitation | None]],
    at: datetime,
) -> Invitation:
    async def come(conn: Connection) -> Invitation:
        found = await find(conn)
        if found is None:
            raise NotFound("invitation")
        if found.phone_index != person.phone_index:
            raise Refused("staff_other_phone")
        ended = await staff_invitations.end(conn, shop_id, found.invitation_id, taken=True, at=at)
        if ended is None:
            if found.taken and await staff.role_of(conn, shop_id, person.person_id):
                return found
            raise Refused("staff_invitation_over")
        await staff.add(conn, shop_id, person.person_id, role=found.role, at=at)
        await shop_acts.note(
            conn, shop_id, person.person_id, "staff_joined", at=at, role=found.role
        )
        return ended

    found = await database.transaction(come)
    await database.transaction(
        lambda conn: staff.note_shop(conn, person.person_id, shop_id, role=found.role, at=at)
    )
    return found


async def remove(
    database: Database, owner: Person, shop_id: int, gone: uuid.UUID, at: datetime
) -> None:
    """Somebody works here no more, from the next thing he asks for; again is harmless. Raises
    NotFound, also for the owner: a shop is handed over (handing_over.py)."""

    async def end(conn: Connection) -> None:
        await _owned(conn, shop_id, owner.person_id)
        if gone == owner.person_id:
            raise NotFound("staff")
        role = await staff.remove(conn, shop_id, gone)
        if role is not None:
            await shop_acts.note(
                conn, shop_id, owner.person_id, "staff_removed", at=at, subject=str(gone), role=role
            )

    await database.transaction(end)
    await database.transaction(lambda conn: staff.forget_shop(conn, gone, shop_id))


async def _owned(conn: Connection, shop_id: int, person_id: uuid.UUID) -> None:
    if await staff.role_of(conn, shop_id, person_id) != "owner":
        raise NotFound("shop")
