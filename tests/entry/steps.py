"""The steps of an opening as tests take them."""

from __future__ import annotations

import pytest

from littleshop import i18n
from littleshop.entry import opening
from littleshop.entry.opening import Progress
from littleshop.errors import Refused
from littleshop.identity.people import Person
from littleshop.shop import openings
from littleshop.shop.shops import Face
from tests.entry.conftest import XIAOMAN_CARD, XIAOMAN_ID, Street

QINGCI = Face("小满的青瓷", "qingci", line="景德镇手作", awning="sea")


async def refusal(attempt: object) -> Refused:
    """The no that an attempt ends in, said in both languages on the way."""
    with pytest.raises(Refused) as said:
        await attempt  # type: ignore[misc]
    for locale in i18n.LOCALES:
        assert i18n.t(locale, f"errors.{said.value.code}", **said.value.details)
    return said.value


async def begin(street: Street, person: Person, path: openings.Path = "front") -> Progress:
    return await opening.begin(street.database, person, path=path, locale="zh-CN", at=street.at)


async def identify(
    street: Street,
    person: Person,
    shop_id: int,
    *,
    name: str = "林小满",
    id_number: str = XIAOMAN_ID,
    consent: bool = True,
) -> Progress:
    return await opening.identify(
        street.database,
        street.keyring,
        person.person_id,
        shop_id,
        name=name,
        id_number=id_number,
        consent=consent,
        at=street.at,
    )


async def bind(
    street: Street,
    person: Person,
    shop_id: int,
    number: str = XIAOMAN_CARD,
    *,
    holder: str | None = None,
    phone: str | None = None,
    confirmed: bool = False,
) -> Progress:
    return await opening.bind_card(
        street.database,
        street.keyring,
        person,
        shop_id,
        number=number,
        holder=holder,
        phone=phone,
        confirmed=confirmed,
        at=street.at,
    )


async def name(street: Street, person: Person, shop_id: int, face: Face = QINGCI) -> Progress:
    return await opening.name_shop(street.database, person.person_id, shop_id, face, at=street.at)


async def skip(street: Street, person: Person, shop_id: int, step: openings.PutOff) -> Progress:
    return await opening.skip(street.database, person.person_id, shop_id, step, at=street.at)


async def now(street: Street, person: Person, shop_id: int) -> Progress:
    async with street.database.connection() as conn:
        return await opening.progress(conn, person.person_id, shop_id)
