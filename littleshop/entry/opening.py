"""Opening a shop: phone, identity, bank card, shop; on the viral path the shop comes second.

Every step is saved when it is made and may be made on another phone; which step is next is read
from the facts. Own-key rows come first, then the shop's, each repeatable, so that a kill between
two of them is mended by pressing again. What the verifier says is `entry/verifying.py`.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

import msgspec

from littleshop import jobs
from littleshop.clock import SHANGHAI
from littleshop.crypto import Keyring
from littleshop.db import Connection, Database
from littleshop.entry import crediting, verifying
from littleshop.errors import NotFound, Refused
from littleshop.identity import numbers, operators, phones
from littleshop.identity.people import Person
from littleshop.ids import uuid7
from littleshop.shop import cards, merchants, openings, shops, slugs, staff
from littleshop.shop.cards import BankCard
from littleshop.shop.merchants import LegalPerson, Merchant
from littleshop.shop.openings import Opening, Path, PutOff
from littleshop.shop.shops import BroughtBy, Face, Shop
from littleshop.trade import counters

Step = Literal["phone", "identity", "card", "shop"]
State = Literal["done", "checking", "refused", "later", "todo"]
ORDER: dict[Path, tuple[Step, ...]] = {
    "front": ("phone", "identity", "card", "shop"),
    "viral": ("phone", "shop", "identity", "card"),
}


class Progress(msgspec.Struct, frozen=True):
    """How far an opening is.

    `steps` in the order of the path with their states; `next` is the one to show, None when all
    is done or put off; `waits` names the steps without which nothing is paid out (words under
    "opening.waits."). The shop can be shared as soon as its status is not "opening".
    """

    opening: Opening
    shop: Shop
    merchant: Merchant | None
    card: BankCard | None
    steps: tuple[tuple[Step, State], ...]
    next: Step | None
    waits: tuple[PutOff, ...]


async def begin(
    database: Database,
    person: Person,
    *,
    path: Path,
    locale: str,
    at: datetime,
    brought_by: BroughtBy | None = None,
    own_goods: bool = False,
) -> Progress:
    """Begin an opening, or go on with the one this person has not finished.

    `own_goods`: the platform sells its own goods and may hold nobody else's money, so only its
    operators open shops. Raises Refused("own_goods_only").
    """

    async def reserve(conn: Connection) -> Opening:
        known = await openings.unfinished(conn, person.person_id)
        if known is not None:
            return known
        if own_goods and await operators.get(conn, person.person_id) is None:
            raise Refused("own_goods_only")
        return await openings.begin(
            conn,
            person.person_id,
            await shops.number(conn),
            path=path,
            locale=locale,
            brought_by=brought_by or BroughtBy(),
            at=at,
        )

    opening = await database.transaction(reserve)
    return await _arrive(database, opening, at)


async def resume(database: Database, person_id: uuid.UUID, at: datetime) -> Progress | None:
    """The person's unfinished opening, on whatever phone, or None."""
    async with database.connection() as conn:
        opening = await openings.unfinished(conn, person_id)
    return None if opening is None else await _arrive(database, opening, at)


async def _arrive(database: Database, opening: Opening, at: datetime) -> Progress:
    """Make the shop's own rows, which a kill may have prevented the first time."""

    async def arrive(conn: Connection) -> Progress:
        shop_id, person_id = opening.shop_id, opening.person_id
        await shops.create(
            conn, shop_id, locale=opening.locale, brought_by=opening.brought_by, at=at
        )
        await staff.add(conn, shop_id, person_id, role="owner", at=at)
        await counters.begin(conn, shop_id)
        await staff.note_shop(conn, person_id, shop_id, role="owner", at=at)
        return await _read(conn, opening)

    return await database.transaction(arrive)


async def progress(conn: Connection, person_id: uuid.UUID, shop_id: int) -> Progress:
    """How far this shop is. Raises NotFound unless the person is opening it or opened it."""
    opening = await openings.find(conn, person_id, shop_id)
    if opening is None or await staff.role_of(conn, shop_id, person_id) != "owner":
        raise NotFound("shop")
    return await _read(conn, opening)


async def waits(conn: Connection, person_id: uuid.UUID, shop_id: int) -> tuple[PutOff, ...]:
    """What a payout to this shop waits for; nothing to whom the owner's papers are no concern:
    staff, and who keeps a shop of the demo town."""
    try:
        return (await progress(conn, person_id, shop_id)).waits
    except NotFound:
        return ()


async def _read(conn: Connection, opening: Opening) -> Progress:
    shop = await shops.get(conn, opening.shop_id)
    merchant = await merchants.find(conn, opening.shop_id)
    card = await cards.active(conn, opening.shop_id)
    states: dict[Step, State] = {
        "phone": "done",
        "identity": _state(merchant, opening.identity_skipped_at),
        "card": _state(card, opening.card_skipped_at),
        "shop": "todo" if shop.status == "opening" else "done",
    }
    steps = tuple((step, states[step]) for step in ORDER[opening.path])
    waits = tuple(step for step in _PUT_OFF if states[step] != "done")
    upcoming = (step for step, state in steps if state in ("refused", "todo"))
    return Progress(opening, shop, merchant, card, steps, next(upcoming, None), waits)


_PUT_OFF: tuple[PutOff, ...] = ("identity", "card")


def _state(checked: Merchant | BankCard | None, skipped_at: datetime | None) -> State:
    if checked is None:
        return "later" if skipped_at else "todo"
    states: dict[str, State] = {
        "asked": "checking",
        "matched": "done",
        "mismatched": "later" if skipped_at and skipped_at > checked.asked_at else "refused",
    }
    return states[checked.verdict]


async def name_shop(
    database: Database, person_id: uuid.UUID, shop_id: int, face: Face, *, at: datetime
) -> Progress:
    """Give the shop its face and address and open its doors.

    An empty slug is filled in from the name. A repeated press with the same face is answered
    like the first. Raises Refused: shop_name_*, shop_line_length, slug_invalid, slug_reserved,
    slug_taken(slug, free), shop_open_already; NotFound for somebody else's shop.
    """
    wanted = shops.check_face(face, shop_id)

    async def take(conn: Connection) -> Face:
        await _owned(conn, shop_id, person_id)
        slug = wanted.slug or await slugs.suggest(conn, wanted.name, shop_id)
        shop = await shops.get(conn, shop_id)
        if shop.status != "opening" and slug != shop.slug:  # an open shop reserves nothing here
            raise Refused("shop_open_already")
        if not await slugs.take(conn, slug, shop_id, at):
            free = await slugs.suggest(conn, slug, shop_id)
            raise Refused("slug_taken", slug=slug, free=free)
        return msgspec.structs.replace(wanted, slug=slug)

    async def open_doors(conn: Connection) -> None:
        opened = await shops.open_doors(conn, shop_id, tidy, at)
        if opened is None and not _is_face(await shops.get(conn, shop_id), tidy):
            raise Refused("shop_open_already")

    async def settle(conn: Connection) -> Progress:
        await slugs.keep(conn, tidy.slug, shop_id, at)
        await openings.finish(conn, person_id, shop_id, at)
        await crediting.ask(conn, await shops.get(conn, shop_id), person_id)
        return await progress(conn, person_id, shop_id)

    tidy = await database.transaction(take)
    await database.transaction(open_doors)
    return await database.transaction(settle)


def _is_face(shop: Shop, face: Face) -> bool:
    return (shop.name, shop.slug, shop.line, shop.picture, shop.awning) == (
        face.name, face.slug, face.line, face.picture, face.awning,
    )  # fmt: skip


async def _owned(conn: Connection, shop_id: int, person_id: uuid.UUID) -> None:
    if await staff.role_of(conn, shop_id, person_id) != "owner":
        raise NotFound("shop")


async def identify(
    database: Database,
    keyring: Keyring,
    person_id: uuid.UUID,
    shop_id: int,
    *,
    name: str,
    id_number: str,
    consent: bool,
    at: datetime,
    country: str = "CN",
) -> Progress:
    """Name the legal person and have it checked; the answer comes by `verifying.send_identity`.

    Raises Refused: name_*, id_* (identity/numbers.py), consent_missing, identity_checking and
    identity_settled for another person than the one asked about or verified; NotFound.
    """
    legal_name = merchants.check_name(name)
    paper = numbers.parse(id_number, on=at.astimezone(SHANGHAI).date(), country=country)
    if not consent:
        raise Refused("consent_missing")
    legal = LegalPerson(legal_name, paper.country, paper.kind, paper.number, paper.birth.year)

    async def ask(conn: Connection) -> Progress:
        await _owned(conn, shop_id, person_id)
        check_id = uuid7(at)
        if await merchants.name(conn, keyring, shop_id, legal, check_id=check_id, at=at):
            await jobs.defer(
                conn,
                verifying.SEND_IDENTITY,
                at=at,
                shop_id=shop_id,
                check_id=str(check_id),
            )
        elif not await merchants.is_same(conn, keyring, shop_id, legal):
            merchant = await merchants.find(conn, shop_id)
            settled = merchant is not None and merchant.verdict == "matched"
            raise Refused("identity_settled" if settled else "identity_checking")
        return await progress(conn, person_id, shop_id)

    return await database.transaction(ask)


async def bind_card(
    database: Database,
    keyring: Keyring,
    person: Person,
    shop_id: int,
    *,
    number: str,
    at: datetime,
    holder: str | None = None,
    phone: str | None = None,
    confirmed: bool = False,
) -> Progress:
    """Name the card to be paid to and have it checked; `verifying.send_card` brings the answer.

    `holder` is the legal name and `phone` the sign-in phone unless given; `confirmed` overrules
    the warnings of `cards.accept`. Raises Refused: card_*, phone_*, identity_first,
    holder_mismatch, card_checking, card_settled; NotFound.
    """
    card = cards.accept(number, confirmed=confirmed)
    reserved = phones.parse(phone).e164 if phone else keyring.open(person.phone_sealed)

    async def ask(conn: Connection) -> Progress:
        await _owned(conn, shop_id, person.person_id)
        merchant = await merchants.find(conn, shop_id)
        if merchant is None or merchant.verdict == "mismatched":
            raise Refused("identity_first")
        legal_name = keyring.open(merchant.name_sealed)
        if holder and merchants.plain_name(holder) != merchants.plain_name(legal_name):
            raise Refused("holder_mismatch")
        card_id = uuid7(at)
        bound = await cards.bind(
            conn, keyring, shop_id, card,
            card_id=card_id, holder=legal_name, phone=reserved, at=at,
        )  # fmt: skip
        if bound:
            await jobs.defer(
                conn, verifying.SEND_CARD, at=at, shop_id=shop_id, card_id=str(card_id)
            )
        elif not await cards.is_same(conn, keyring, shop_id, card):
            active = await cards.active(conn, shop_id)
            settled = active is not None and active.verdict == "matched"
            raise Refused("card_settled" if settled else "card_checking")
        return await progress(conn, person.person_id, shop_id)

    return await database.transaction(ask)


async def skip(
    database: Database, person_id: uuid.UUID, shop_id: int, step: PutOff, *, at: datetime
) -> Progress:
    """Put identity or card off: the shop opens and sells, the money waits (`Progress.waits`)."""

    async def put_off(conn: Connection) -> Progress:
        await _owned(conn, shop_id, person_id)
        await openings.skip(conn, person_id, shop_id, step, at)
        return await progress(conn, person_id, shop_id)

    return await database.transaction(put_off)
