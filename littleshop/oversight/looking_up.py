"""Looking up: a shop or a person is found by what people read out; to open one is an act.

What is shown is masked: an operator helps with it, he does not take it home.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import crypto, db
from littleshop.clock import BusinessCalendar
from littleshop.crypto import Keyring
from littleshop.errors import NotFound, Refused
from littleshop.identity import operators, people, phones
from littleshop.identity.people import Person
from littleshop.oversight import acts
from littleshop.oversight.acts import Act
from littleshop.risk import holds
from littleshop.risk.holds import Hold
from littleshop.settlement import outlook, payouts
from littleshop.settlement.outlook import Expected
from littleshop.settlement.payouts import Payout
from littleshop.shop import admissions, cards, merchants, payees, shops, staff
from littleshop.shop.admissions import Admission
from littleshop.shop.cards import BankCard
from littleshop.shop.payees import Payee
from littleshop.shop.shops import PLATFORM, Shop
from littleshop.shop.staff import PersonShop

OPEN_FOR = timedelta(hours=1)  # then the page asks again why
_NUMBER = re.compile(r"#?([0-9]{1,9})")
_SLUG = re.compile(r"(?:\S*/)?@?([a-z0-9-]{3,30})")


class Found(msgspec.Struct, frozen=True):
    """What answers to a text."""

    shops: list[Shop]
    people: list[Person]


class Worker(msgspec.Struct, frozen=True):
    """Somebody who works in a shop."""

    person_id: UUID
    role: str
    phone: str


class Counts(msgspec.Struct, frozen=True):
    """A shop's orders and cases by what they wait for."""

    orders: int
    to_ship: int
    open_cases: int
    disputed: int


@dataclass(frozen=True)
class ShopSheet:
    """A shop as an operator sees it; `legal_name` is masked, "" while nobody was named."""

    shop: Shop
    team: list[Worker]
    legal_name: str
    identity: str
    card: BankCard | None
    payee: Payee | None
    money: Expected
    holds: list[Hold]
    payouts: list[Payout]
    counts: Counts
    acts: list[Act]
    admissions: list[Admission]


@dataclass(frozen=True)
class PersonSheet:
    """A person as an operator sees him."""

    person: Person
    phone: str
    shops: list[tuple[PersonShop, Shop]]
    devices: int
    is_operator: bool


async def find(conn: db.Connection, keyring: Keyring, text: str) -> Found:
    """Shops by number, address or slug, a person by the whole phone; nothing for anything else."""
    typed = text.strip().lower()[:200]
    found: list[Shop | None] = []
    if number := _NUMBER.fullmatch(typed):
        found.append(await shops.find(conn, int(number[1])))
    if slug := _SLUG.fullmatch(typed):
        found.append(await shops.by_slug(conn, slug[1]))
    person = None
    try:
        person = await people.by_phone(conn, keyring, phones.parse(typed))
    except Refused:
        pass  # no phone
    known = {shop.shop_id: shop for shop in found if shop is not None}
    known.pop(PLATFORM, None)
    return Found(list(known.values()), [] if person is None else [person])


async def known_shop(conn: db.Connection, shop_id: int) -> Shop:
    """A seller's shop; the platform is none. Raises NotFound."""
    if shop_id == PLATFORM:
        raise NotFound("shop")
    return await shops.get(conn, shop_id)


async def open_shop(
    conn: db.Connection, operator: UUID, shop_id: int, *, reason: str, at: datetime
) -> None:
    """Look into a shop, and say why. Raises Refused reason_short, NotFound."""
    shop = await known_shop(conn, shop_id)
    await acts.record(
        conn, operator, "shop_opened", f"shop/{shop_id}", reason=reason, at=at, shop_id=shop_id,
        shop=shop.name,
    )  # fmt: skip


async def open_person(
    conn: db.Connection, operator: UUID, person_id: UUID, *, reason: str, at: datetime
) -> None:
    """Look into a person, and say why. Raises Refused reason_short, NotFound."""
    if await people.get(conn, person_id) is None:
        raise NotFound("person")
    subject = f"person/{person_id}"
    await acts.record(conn, operator, "person_opened", subject, reason=reason, at=at)


async def may_read(
    conn: db.Connection, operator: UUID, kind: str, subject: str, at: datetime
) -> bool:
    """Whether this operator said within the hour why he looks into it."""
    return await acts.has_done(conn, operator, kind, subject, at - OPEN_FOR)


async def shop_sheet(
    conn: db.Connection, keyring: Keyring, calendar: BusinessCalendar, shop_id: int, at: datetime
) -> ShopSheet:
    """All that the desk tells of a shop. Raises NotFound."""
    shop = await shops.get(conn, shop_id)
    merchant = await merchants.find(conn, shop_id)
    return ShopSheet(
        shop=shop,
        team=await _team(conn, keyring, shop_id),
        legal_name=crypto.mask_name(keyring.open(merchant.name_sealed)) if merchant else "",
        identity=merchant.verdict if merchant else "none",
        card=await cards.active(conn, shop_id),
        payee=await payees.active(conn, shop_id),
        money=await outlook.expected(conn, shop_id, calendar, at),
        holds=await holds.of_shop(conn, shop_id),
        payouts=await payouts.of_shop(conn, shop_id, limit=5),
        counts=await _counts(conn, shop_id),
        acts=await acts.latest(conn, 10, shop_id=shop_id),
        admissions=await admissions.of_shop(conn, shop_id),
    )


async def _team(conn: db.Connection, keyring: Keyring, shop_id: int) -> list[Worker]:
    team = []
    for member in await staff.of_shop(conn, shop_id):
        person = await people.get(conn, member.person_id)
        if person is not None:
            phone = person.masked_phone(keyring)
            team.append(Worker(member.person_id, member.role, phone))
    return team


async def _counts(conn: db.Connection, shop_id: int) -> Counts:
    return await db.the_one(
        conn,
        Counts,
        "select (select count(*) from orders where shop_id = $1)::integer as orders,"
        " (select count(*) from orders where shop_id = $1 and status = 'to_ship')::integer"
        "   as to_ship,"
        " (select count(*) from cases where shop_id = $1 and ended_at is null)::integer"
        "   as open_cases,"
        " (select count(*) from cases where shop_id = $1 and status = 'disputed')::integer"
        "   as disputed from (values (1)) one",
        shop_id,
    )


async def person_sheet(
    conn: db.Connection, keyring: Keyring, person_id: UUID, at: datetime
) -> PersonSheet:
    """All that the desk tells of a person. Raises NotFound."""
    person = await people.get(conn, person_id)
    if person is None:
        raise NotFound("person")
    works_in = [(one, await shops.find(conn, one.shop_id))
                for one in await staff.shops_of(conn, person_id)]  # fmt: skip
    devices = await db.value(
        conn,
        "select count(*) from sessions"
        " where person_id = $1 and ended_at is null and expires_at > $2",
        person_id,
        at,
    )
    return PersonSheet(
        person=person,
        phone=person.masked_phone(keyring),
        shops=[(one, shop) for one, shop in works_in if shop is not None],
        devices=int(devices),
        is_operator=await operators.get(conn, person_id) is not None,
    )
