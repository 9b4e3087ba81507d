"""Handing over: a shop with all that runs in it goes to another person
(docs/decisions/0053-leaving-a-shop.md).

The owner names a phone, tells the identity number that was verified and types a code of the
sign-in phone; his phones hear of it, with a link behind which a press ends it and stops payouts.
The link in the other SMS shows; it acts only for who is signed in with that phone. What was
released until then is paid to the old card (settlement/former.py), what is held follows the
orders. The new owner's identity and card are asked for anew; then payouts wait 48 hours.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import msgspec

from littleshop import ids, jobs
from littleshop.clock import SHANGHAI
from littleshop.crypto import Keyring, mask_phone
from littleshop.db import Connection, Database
from littleshop.entry import proving_phone
from littleshop.entry.changing_card import HELD
from littleshop.errors import NotFound, Refused
from littleshop.identity import numbers, operators, people, phones, sessions
from littleshop.identity.people import Person
from littleshop.jobs import Context, Task
from littleshop.ledger import accounts, chart
from littleshop.notify import live, messages, subscriptions, ways
from littleshop.notify.live import Event
from littleshop.notify.messages import Recipient
from littleshop.risk import holds, strangers
from littleshop.shop import (
    admissions,
    card_changes,
    cards,
    handovers,
    merchants,
    openings,
    payees,
    shop_acts,
    shops,
    staff,
    staff_invitations,
)
from littleshop.shop.cards import BankCard
from littleshop.shop.handovers import Handover, Offer

PURPOSE = "hand_over"  # of the code; also the end of its text's name
SETTLE = "handing_over.settle"
TYPING = timedelta(minutes=15)  # so long what was filled in waits for its code


Owing = Callable[[Connection, int], Awaitable[int]]  # of a shop, in minor units


class Wish(msgspec.Struct, frozen=True):
    """What the owner filled in, kept sealed by his browser until the code is typed."""

    person_id: UUID
    shop_id: int
    phone: str
    staff_stays: bool
    until: datetime

    def holds(self, person_id: UUID, shop_id: int, at: datetime) -> bool:
        """Whether it is his, for this shop, and still good."""
        return (self.person_id, self.shop_id) == (person_id, shop_id) and self.until > at


class Details(msgspec.Struct, frozen=True):
    """What the owner tells, as typed; `staff_stays`: who works here goes on under the next one."""

    phone: str
    id_number: str
    staff_stays: bool


async def check(
    database: Database,
    keyring: Keyring,
    owner: Person,
    shop_id: int,
    details: Details,
    at: datetime,
) -> Wish:
    """What is filled in, if it can be done.

    Raises Refused: phone_*, id_*, id_differs, handover_self, handover_open, handover_first,
    handover_card_first, handover_institution, payouts_stopped; NotFound.
    """
    phone = phones.parse(details.phone)
    if keyring.index(phone.e164) == owner.phone_index:
        raise Refused("handover_self")
    async with database.connection() as conn:
        await _owned(conn, shop_id, owner.person_id)
        await _ready(conn, shop_id, at)
        merchant = await merchants.find(conn, shop_id)
        if await handovers.open_one(conn, shop_id, at) is not None:
            raise Refused("handover_open")
    if merchant is not None and merchant.verdict == "matched":
        day = at.astimezone(SHANGHAI).date()
        told = numbers.parse(details.id_number, on=day, country=merchant.id_country).number
        known = keyring.open(merchant.id_number_sealed)
        if not hmac.compare_digest(told.encode(), known.encode()):
            raise Refused("id_differs")
    return Wish(owner.person_id, shop_id, phone.e164, details.staff_stays, at + TYPING)


async def needs_number(conn: Connection, shop_id: int) -> bool:
    """Whether the owner must tell the identity number: one was verified."""
    merchant = await merchants.find(conn, shop_id)
    return merchant is not None and merchant.verdict == "matched"


async def ask(
    database: Database,
    keyring: Keyring,
    owner: Person,
    wish: Wish,
    digits: str,
    *,
    browser: bytes,
    locale: str,
    at: datetime,
) -> Handover:
    """Offer the shop; both sides hear of it.

    Raises Refused: code_*, handover_open, and what strangers.need and `check` raise; NotFound.
    """
    shop_id = wish.shop_id
    await proving_phone.check_code(
        database, keyring, owner, digits, browser=browser, purpose=PURPOSE, at=at
    )
    offer = Offer(keyring.index(wish.phone), keyring.seal(wish.phone), wish.staff_stays)

    async def write(conn: Connection) -> Handover:
        await _owned(conn, shop_id, owner.person_id)
        await _ready(conn, shop_id, at)
        handover_id = ids.uuid7(at)
        made = await handovers.ask(
            conn, shop_id, handover_id, owner.person_id, offer,
            token=ids.handover_token(keyring.link_key, shop_id, handover_id),
            objection=ids.objection_token(keyring.link_key, shop_id, handover_id), at=at,
        )  # fmt: skip
        if made is None:
            raise Refused("handover_open")
        await strangers.need(conn, shop_id, offer.phone_index, at)
        name = (await shops.get(conn, shop_id)).name
        await messages.send(
            conn, shop_id, [Recipient(None, offer.phone_sealed, locale)],
            about="handover_offered", subject=handover_id, at=at, shop=name,
        )  # fmt: skip
        await _word(conn, keyring, made, "handover_word", at, phone=mask_phone(wish.phone))
        await shop_acts.note(
            conn, shop_id, owner.person_id, "handover_offered", at=at, phone=mask_phone(wish.phone)
        )
        return made

    return await database.transaction(write)


async def _ready(conn: Connection, shop_id: int, at: datetime) -> None:
    """Raises Refused while the shop cannot go to anybody."""
    shop = await shops.get(conn, shop_id)
    if shop.status == "opening":
        raise Refused("handover_first")
    if await admissions.of_shop(conn, shop_id):  # its contract is with him in person
        raise Refused("handover_institution")
    hold = await holds.current(conn, shop_id, at)
    if hold is not None and hold.until_at is None:
        raise Refused("payouts_stopped")
    await _card_of(conn, shop_id, await _released(conn, shop_id, shop.currency))


async def _released(conn: Connection, shop_id: int, currency: str) -> int:
    """What stands in the shop's balance, which nobody moves until we commit; in minor units."""
    return max((await accounts.lock_all(conn, shop_id, currency)).get(chart.PAYABLE, 0), 0)


async def _card_of(conn: Connection, shop_id: int, owed: int) -> BankCard | None:
    """Where the old owner is paid. Raises Refused handover_card_first."""
    card = await cards.active(conn, shop_id)
    if card is not None and card.verdict == "matched":
        return card
    if owed:
        raise Refused("handover_card_first")
    return None


async def _word(
    conn: Connection, keyring: Keyring, handover: Handover, about: str, at: datetime, **facts: str
) -> None:
    """Word to the sign-in phone of who keeps the shop and to the phone his bank knows, once to
    each; the link in it says "not me"."""
    person = await people.get(conn, handover.from_person)
    card = await cards.active(conn, handover.shop_id)
    shop = await shops.get(conn, handover.shop_id)
    assert person is not None
    to = [Recipient(person.person_id, person.phone_sealed, person.locale)]
    if card is not None and keyring.open(card.phone_sealed) != keyring.open(person.phone_sealed):
        to.append(Recipient(None, card.phone_sealed, person.locale))
    await messages.send(
        conn, handover.shop_id, to,
        about=about, subject=handover.handover_id, at=at, shop=shop.name, **facts,
    )  # fmt: skip


async def take_back(
    database: Database, owner: Person, shop_id: int, handover_id: UUID, at: datetime
) -> None:
    """The offer is over; once more, or when it was taken, changes nothing. Raises NotFound."""

    async def end(conn: Connection) -> None:
        await _owned(conn, shop_id, owner.person_id)
        if await handovers.end(conn, shop_id, handover_id, "taken_back", at):
            await shop_acts.note(conn, shop_id, owner.person_id, "handover_taken_back", at=at)

    await database.transaction(end)


async def refuse(database: Database, person: Person, token: str, at: datetime) -> None:
    """Who was offered the shop does not want it. Raises Refused handover_other_phone; NotFound."""
    shop_id = ids.shop_of(token)

    async def end(conn: Connection) -> None:
        found = await _offered(conn, shop_id, token, person)
        if await handovers.end(conn, shop_id, found.handover_id, "refused", at):
            await live.publish(conn, shop_id, Event("handover_refused"), at=at)

    await database.transaction(end)


async def _offered(conn: Connection, shop_id: int, token: str, person: Person) -> Handover:
    found = await handovers.behind(conn, shop_id, token)
    if found is None:
        raise NotFound("handover")
    if found.phone_index != person.phone_index:
        raise Refused("handover_other_phone")
    return found


async def accept(
    database: Database,
    keyring: Keyring,
    person: Person,
    token: str,
    *,
    own_goods: bool,
    owing: Owing,
    at: datetime,
) -> Handover:
    """The person takes the shop; a second press is answered like the first. `owing` says what of
    its balance is owed to who kept it before (settlement/former.py).

    Raises Refused: handover_other_phone, handover_over, handover_card_first,
    handover_institution, payouts_stopped, own_goods_only; NotFound for a link that is not ours.
    """
    shop_id = ids.shop_of(token)
    gone: list[UUID] = []

    async def take(conn: Connection) -> Handover:
        gone.clear()
        found = await _offered(conn, shop_id, token, person)
        if found.status == "done" and found.to_person == person.person_id:
            return found
        if not found.is_open(at):
            raise Refused("handover_over")
        if own_goods and await operators.get(conn, person.person_id) is None:
            raise Refused("own_goods_only")
        await _ready(conn, shop_id, at)
        gone.extend(await _pass_on(conn, keyring, found, person, owing, at))
        await jobs.defer(
            conn, SETTLE, at=at, shop_id=shop_id, handover_id=str(found.handover_id),
            gone=[str(each) for each in gone],
        )  # fmt: skip
        return found

    found = await database.transaction(take)
    settle = partial(_settle, shop_id=shop_id, handover_id=found.handover_id, gone=gone, at=at)
    await database.transaction(settle)
    return found


async def _settle(
    conn: Connection, *, shop_id: int, handover_id: UUID, gone: Sequence[UUID], at: datetime
) -> None:
    """What the persons have of it: whose shop it is, and that the one before is signed out. A
    second time changes nothing."""
    done = await handovers.done(conn, shop_id)
    this = next(each for each in done if each.handover_id == handover_id)
    for each in (this.from_person, *gone):
        if await staff.role_of(conn, shop_id, each) is None:  # nor was asked back meanwhile
            await staff.forget_shop(conn, each, shop_id)
    await sessions.end_all(conn, this.from_person, this.ended_at or at)
    if this is not done[-1] or this.to_person is None:
        return  # the shop has gone on since
    person = await people.get(conn, this.to_person)
    assert person is not None
    await staff.note_owner(conn, person.person_id, shop_id, at)
    await openings.take_over(conn, person.person_id, shop_id, locale=person.locale, at=at)


async def settle(context: Context, *, shop_id: int, handover_id: str, gone: Sequence[str]) -> None:
    """The same for who died between the shop's transaction and the persons'."""
    people_gone = [UUID(each) for each in gone]
    await context.database.transaction(
        partial(
            _settle, shop_id=shop_id, handover_id=UUID(handover_id), gone=people_gone, at=context.at
        )
    )


def tasks() -> dict[str, Task]:
    """The jobs of handing over."""
    return {SETTLE: Task(settle, attempts=40)}


async def _pass_on(
    conn: Connection,
    keyring: Keyring,
    handover: Handover,
    person: Person,
    owing: Owing,
    at: datetime,
) -> list[UUID]:
    """Everything of the shop's own changes hands at once; who of the staff works here no more."""
    shop_id, before = handover.shop_id, handover.from_person
    currency = (await shops.get(conn, shop_id)).currency
    released = await _released(conn, shop_id, currency)
    owed = max(released - await owing(conn, shop_id), 0)
    card = await _card_of(conn, shop_id, owed)
    if not await handovers.finish(
        conn, handover, person.person_id,
        card_id=card.card_id if card else None, owed_minor=owed, at=at,
    ):  # fmt: skip
        raise Refused("handover_over")
    await _word(conn, keyring, handover, "handed_over", at)
    await _set_aside(conn, shop_id, handover.handover_id, at)
    await staff.pass_on(conn, shop_id, before, person.person_id, at)
    await subscriptions.forget(conn, shop_id, before)
    await ways.forget(conn, shop_id, before)
    await shop_acts.note(conn, shop_id, person.person_id, "handed_over", at=at, subject=str(before))
    await live.publish(conn, shop_id, Event("handed_over"), at=at)
    await jobs.defer(
        conn, handovers.TELL_BUYERS, at=at,
        shop_id=shop_id, handover_id=str(handover.handover_id),
    )  # fmt: skip
    return [] if handover.staff_stays else await _let_go(conn, shop_id, person.person_id, at)


async def _set_aside(conn: Connection, shop_id: int, handover_id: UUID, at: datetime) -> None:
    """Whom and where the shop was paid holds no longer, nor what was asked about it."""
    change = await card_changes.latest(conn, shop_id)
    if change is not None and change.status == "asked":
        await card_changes.answer(conn, shop_id, change.card_id, refused="stopped", at=at)
    await merchants.pass_on(conn, shop_id, handover_id, at)
    await cards.set_aside(conn, shop_id)
    await payees.end(conn, shop_id, at)
    await staff_invitations.end_all(conn, shop_id, at)


async def _let_go(conn: Connection, shop_id: int, owner: UUID, at: datetime) -> list[UUID]:
    gone = []
    for each in await staff.of_shop(conn, shop_id):
        role = await staff.remove(conn, shop_id, each.person_id)
        if role is not None:
            gone.append(each.person_id)
            await subscriptions.forget(conn, shop_id, each.person_id)
            await ways.forget(conn, shop_id, each.person_id)
            await shop_acts.note(
                conn, shop_id, owner, "staff_removed", at=at, subject=str(each.person_id), role=role
            )
    return gone


async def payee_verified(conn: Connection, card: BankCard, at: datetime) -> None:
    """The first card of who took a shop is verified: payouts wait as after any changed card.
    Called in the transaction that writes the answer."""
    passed = await handovers.done(conn, card.shop_id)
    if passed and passed[-1].ended_at is not None and card.asked_at >= passed[-1].ended_at:
        await holds.place(
            conn, card.shop_id, passed[-1].handover_id, "card_changed",
            reason=f"handed over -> **** {card.tail}", at=at, until_at=at + HELD,
        )  # fmt: skip


async def _owned(conn: Connection, shop_id: int, person_id: UUID) -> None:
    if await staff.role_of(conn, shop_id, person_id) != "owner":
        raise NotFound("shop")
