"""Changing the card a shop is paid to: a phone's code alone moves no money (PRODUCT 2).

`ask` is for the owner who, signed in, has typed a code of the sign-in phone and now tells the
identity number that was verified; `verifying.send_card` asks the register about the new card under
the same name; `hear` lets it take the place of the old one, holds payouts for 48 hours and tells
every phone known of both cards, in one transaction. `object_to` is behind the link in that word:
whoever got it stops all payouts, signed in or not, until an operator has looked.
"""

from __future__ import annotations

import hmac
import uuid
from datetime import datetime, timedelta

import msgspec

from littleshop import ids, jobs
from littleshop.clock import SHANGHAI
from littleshop.crypto import Keyring
from littleshop.db import Connection, Database
from littleshop.entry import proving_phone
from littleshop.errors import NotFound, Refused
from littleshop.identity import numbers, people, phones
from littleshop.identity.people import Person
from littleshop.ids import uuid7
from littleshop.notify import messages
from littleshop.notify.messages import Recipient
from littleshop.risk import holds, telling
from littleshop.risk.holds import Hold
from littleshop.shop import card_changes, cards, merchants, shops, staff
from littleshop.shop.card_changes import CardChange
from littleshop.shop.cards import BankCard, Card
from littleshop.shop.merchants import Merchant

PURPOSE = "change_card"  # of the code; also the end of its text's name
SEND = "changing_card.send"
HELD = timedelta(hours=48)
OBJECTION = timedelta(days=30)  # so long the link in the word works
TWIN = timedelta(minutes=10)  # the same number again this soon is the same press
PROVED = timedelta(minutes=10)  # so long a typed code opens the form


class Standing(msgspec.Struct, frozen=True):
    """The card a shop is paid to, the last change of it, and what keeps payouts back."""

    card: BankCard | None
    change: CardChange | None
    wanted: BankCard | None
    hold: Hold | None

    @property
    def may_change(self) -> bool:
        """Only a verified card is changed; one that lacks or waits is the opening's step."""
        return self.card is not None and self.card.verdict == "matched"


class Proof(msgspec.Struct, frozen=True):
    """That this person typed a code of the sign-in phone, for this shop; kept sealed by the
    browser."""

    person_id: uuid.UUID
    shop_id: int
    until: datetime

    def holds(self, person_id: uuid.UUID, shop_id: int, at: datetime) -> bool:
        """Whether it is his, for this shop, and still good."""
        return (self.person_id, self.shop_id) == (person_id, shop_id) and self.until > at


class Details(msgspec.Struct, frozen=True):
    """What the owner tells, as typed: the identity number, the new card, the phone of its bank
    (the sign-in phone unless given), and whether he insists after a warning."""

    id_number: str
    number: str
    phone: str = ""
    confirmed: bool = False


class Objection(msgspec.Struct, frozen=True):
    """A change as the link in the word shows it to whoever holds that phone; `hold` is what an
    objection placed, lifted or not."""

    change: CardChange
    shop_name: str
    card: BankCard
    hold: Hold | None


async def stands(conn: Connection, shop_id: int, at: datetime) -> Standing:
    """How the shop's card stands."""
    change = await card_changes.latest(conn, shop_id)
    return Standing(
        card=await cards.active(conn, shop_id),
        change=change,
        wanted=None if change is None else await cards.get(conn, shop_id, change.card_id),
        hold=await holds.current(conn, shop_id, at),
    )


async def prove(
    database: Database,
    keyring: Keyring,
    person: Person,
    shop_id: int,
    digits: str,
    *,
    browser: bytes,
    at: datetime,
) -> Proof:
    """What a right code is worth: ten minutes in which the form is taken.

    Raises Refused: code_empty, code_wrong(left), code_expired, code_spent.
    """
    await proving_phone.check_code(
        database, keyring, person, digits, browser=browser, purpose=PURPOSE, at=at
    )
    return Proof(person.person_id, shop_id, at + PROVED)


async def ask(
    database: Database,
    keyring: Keyring,
    person: Person,
    shop_id: int,
    proof: Proof | None,
    details: Details,
    *,
    at: datetime,
) -> CardChange:
    """Ask for another card; a second press is answered like the first.

    Raises Refused: phone_unproved; card_*, phone_*, id_* of the form; card_first,
    payouts_stopped, id_differs, card_same, card_checking; NotFound.
    """
    if proof is None or not proof.holds(person.person_id, shop_id, at):
        raise Refused("phone_unproved")
    card = cards.accept(details.number, confirmed=details.confirmed)
    typed = details.phone.strip()
    reserved = phones.parse(typed).e164 if typed else keyring.open(person.phone_sealed)

    async def write(conn: Connection) -> CardChange:
        if await staff.role_of(conn, shop_id, person.person_id) != "owner":
            raise NotFound("shop")
        await cards.lock(conn, shop_id)
        known = await stands(conn, shop_id, at)
        holder = await _proved(conn, keyring, shop_id, known, details.id_number, at)
        twin = await _twin(conn, keyring, shop_id, known, card, at)
        return twin or await _propose(
            conn, keyring, person, known, _Wish(card, holder, reserved), at
        )

    return await database.transaction(write)


async def _proved(
    conn: Connection,
    keyring: Keyring,
    shop_id: int,
    known: Standing,
    id_number: str,
    at: datetime,
) -> str:
    """The legal name, once the number told is the one that was verified with it."""
    merchant = await merchants.find(conn, shop_id)
    if merchant is None or merchant.verdict != "matched" or not known.may_change:
        raise Refused("card_first")
    if known.hold is not None and known.hold.until_at is None:
        raise Refused("payouts_stopped")
    if not _is_his(keyring, merchant, id_number, at):
        raise Refused("id_differs")
    return keyring.open(merchant.name_sealed)


def _is_his(keyring: Keyring, merchant: Merchant, id_number: str, at: datetime) -> bool:
    """Raises Refused id_* when it is no number at all."""
    day = at.astimezone(SHANGHAI).date()
    told = numbers.parse(id_number, on=day, country=merchant.id_country).number
    return hmac.compare_digest(told.encode(), keyring.open(merchant.id_number_sealed).encode())


async def _twin(
    conn: Connection, keyring: Keyring, shop_id: int, known: Standing, card: Card, at: datetime
) -> CardChange | None:
    """The change that an earlier press of the same began. Raises Refused card_same,
    card_checking."""
    change = known.change
    if (
        change is not None
        and change.status != "refused"
        and change.asked_at + TWIN > at
        and await cards.is_same(conn, keyring, shop_id, card, change.card_id)
    ):
        return change
    if await cards.is_same(conn, keyring, shop_id, card):
        raise Refused("card_same")
    if change is not None and change.status == "asked":
        raise Refused("card_checking")
    return None


class _Wish(msgspec.Struct, frozen=True):
    card: Card
    holder: str
    phone: str


async def _propose(
    conn: Connection,
    keyring: Keyring,
    person: Person,
    known: Standing,
    wish: _Wish,
    at: datetime,
) -> CardChange:
    assert known.card is not None
    shop_id, card_id = known.card.shop_id, uuid7(at)
    await cards.propose(
        conn, keyring, shop_id, wish.card,
        card_id=card_id, holder=wish.holder, phone=wish.phone, at=at,
    )  # fmt: skip
    token = ids.objection_token(keyring.link_key, shop_id, card_id)
    change = await card_changes.ask(
        conn, shop_id, card_id, known.card.card_id, person.person_id,
        objection_hash=ids.hashed(token), at=at,
    )  # fmt: skip
    assert change is not None, "no other one is open: the shop's card is locked"
    await jobs.defer(conn, SEND, at=at, shop_id=shop_id, card_id=str(card_id))
    return change


async def hear(
    conn: Connection,
    keyring: Keyring,
    card: BankCard,
    *,
    matched: bool,
    reason: str,
    at: datetime,
) -> bool:
    """Act on the register's answer about a card that is to take the place of another; False when
    it was heard before. Called in the transaction that writes it."""
    shop_id, card_id = card.shop_id, card.card_id
    if not await cards.hear(conn, shop_id, card_id, matched=matched, reason=reason, at=at):
        return False
    hold = await holds.current(conn, shop_id, at)
    stopped = hold is not None and hold.until_at is None
    refused = (reason or "other") if not matched else "stopped" if stopped else ""
    change = await card_changes.answer(conn, shop_id, card_id, refused=refused, at=at)
    if change is None or change.status != "done":
        return change is not None
    before = await cards.get(conn, shop_id, change.before_id)
    assert before is not None
    await cards.take_over(conn, shop_id, card_id)
    await holds.place(
        conn, shop_id, card_id, "card_changed",
        reason=f"**** {before.tail} -> **** {card.tail}", at=at, until_at=at + HELD,
    )  # fmt: skip
    await _tell(conn, keyring, change, before, card, at)
    return True


async def _tell(
    conn: Connection,
    keyring: Keyring,
    change: CardChange,
    before: BankCard,
    card: BankCard,
    at: datetime,
) -> None:
    """Word to the sign-in phone and to the phones the banks know of both cards, once to each."""
    person = await people.get(conn, change.person_id)
    assert person is not None
    shop = await shops.get(conn, change.shop_id)
    told = {keyring.open(each): each for each in (card.phone_sealed, before.phone_sealed)}
    told.pop(keyring.open(person.phone_sealed), None)
    await messages.send(
        conn,
        change.shop_id,
        [
            Recipient(person.person_id, person.phone_sealed, person.locale),
            *(Recipient(None, told[phone], person.locale) for phone in sorted(told)),
        ],
        about="card_changed",
        subject=change.card_id,
        at=at,
        shop=shop.name,
        tail=card.tail,
    )


async def behind(conn: Connection, shop_id: int, token: str) -> Objection:
    """The change that a link in the word is about. Raises NotFound."""
    change = await card_changes.behind(conn, shop_id, ids.hashed(token))
    shop = await shops.find(conn, shop_id)
    card = None if change is None else await cards.get(conn, shop_id, change.card_id)
    if change is None or shop is None or card is None:
        raise NotFound("change")
    hold = await holds.get(conn, shop_id, holds.identity(card.card_id, "not_me"))
    return Objection(change, shop.name, card, hold)


async def object_to(database: Database, shop_id: int, token: str, *, at: datetime) -> None:
    """Stop all payouts of the shop until an operator lifts it; a second press changes nothing.

    Raises Refused objection_late(days); NotFound.
    """

    async def stop(conn: Connection) -> None:
        found = await behind(conn, shop_id, token)
        if found.change.asked_at + OBJECTION <= at:
            raise Refused("objection_late", days=OBJECTION.days)
        await card_changes.object_to(conn, shop_id, found.change.card_id, at)
        card_id = found.change.card_id
        if await holds.place(
            conn, shop_id, card_id, "not_me",
            reason=f"the change to **** {found.card.tail}: not me", at=at,
        ):  # fmt: skip
            await telling.held(conn, shop_id, holds.identity(card_id, "not_me"), at)

    await database.transaction(stop)
