"""Opening a shop: four steps, two orders, on several phones, with double clicks and kills."""

from __future__ import annotations

import asyncio
from datetime import date
from uuid import uuid4

import pytest

from littleshop import i18n
from littleshop.db import Connection
from littleshop.entry import opening
from littleshop.entry.opening import Progress
from littleshop.errors import GatewayError, NotFound, Refused
from littleshop.identity import numbers
from littleshop.identity.people import Person
from littleshop.shop import merchants, openings, shops, staff
from littleshop.shop.shops import BroughtBy, Face
from tests.entry.conftest import ADA, XIAOMAN, XIAOMAN_CARD, XIAOMAN_ID, Street
from tests.entry.test_signing_in import refusal

QINGCI = Face("小满的青瓷", "qingci", line="景德镇手作", awning="sea")


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


async def test_xiaoman_opens_from_the_front_page_in_four_steps(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    begun = await begin(street, xiaoman)
    shop_id = begun.shop.shop_id
    assert [step for step, _ in begun.steps] == ["phone", "identity", "card", "shop"]
    assert begun.next == "identity"
    assert (await identify(street, xiaoman, shop_id)).next == "card"
    assert (await bind(street, xiaoman, shop_id)).next == "shop"
    await street.work()
    done = await name(street, xiaoman, shop_id)
    assert dict(done.steps) == dict.fromkeys(("phone", "identity", "card", "shop"), "done")
    assert (done.next, done.waits, done.shop.status) == (None, (), "open")
    asked = {each.get("card_number"): each.get("phone") for each in street.asked}
    assert asked == {None: None, XIAOMAN_CARD: "+8613800002046"}
    async with street.database.connection() as conn:
        assert [each.shop_id for each in await staff.shops_of(conn, xiaoman.person_id)] == [shop_id]
        assert await staff.role_of(conn, shop_id, xiaoman.person_id) == "owner"


async def test_ada_opens_on_the_viral_path_and_puts_papers_off(street: Street) -> None:
    ada = await street.sign_in(ADA)
    product = uuid4()
    begun = await opening.begin(
        street.database,
        ada,
        path="viral",
        locale="en",
        at=street.at,
        brought_by=BroughtBy(7, "7-abcdef", product),
    )
    assert [step for step, _ in begun.steps] == ["phone", "shop", "identity", "card"]
    shop_id = begun.shop.shop_id
    assert begun.next == "shop"
    shared = await name(street, ada, shop_id, Face("Ada's Knits", ""))
    assert (shared.shop.status, shared.shop.slug, shared.next) == ("open", "adas-knits", "identity")
    await skip(street, ada, shop_id, "identity")
    left = await skip(street, ada, shop_id, "card")
    assert (left.next, left.waits) == (None, ("identity", "card"))
    for locale in i18n.LOCALES:
        assert all(i18n.t(locale, f"entry.waits.{step}") for step in left.waits)
    brought = left.shop
    assert (brought.brought_by_shop_id, brought.brought_by_share) == (7, "7-abcdef")
    assert brought.brought_by_product_id == product
    await identify(street, ada, shop_id, name="Ada Fairweather", id_number=_foreigner())
    await bind(street, ada, shop_id, holder="ADA FAIRWEATHER")
    await street.work()
    assert (await now(street, ada, shop_id)).waits == ()


def _foreigner() -> str:
    first = "91182619880704001"
    return first + numbers.check_digit(first)


async def test_a_double_click_makes_one_shop(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    begun = await asyncio.gather(*(begin(street, xiaoman) for _ in range(5)))
    assert len({each.shop.shop_id for each in begun}) == 1
    shop_id = begun[0].shop.shop_id
    await asyncio.gather(*(identify(street, xiaoman, shop_id) for _ in range(3)))
    await asyncio.gather(*(bind(street, xiaoman, shop_id) for _ in range(3)))
    await street.work()
    assert len(street.asked) == 2
    opened = await asyncio.gather(*(name(street, xiaoman, shop_id) for _ in range(5)))
    assert {each.shop.slug for each in opened} == {"qingci"}
    assert len({each.shop.version for each in opened}) == 1


async def test_the_opening_goes_on_from_another_phone(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    await identify(street, xiaoman, shop_id)
    street.pass_time(days=3)
    again = await street.sign_in(XIAOMAN)
    resumed = await opening.resume(street.database, again.person_id, street.at)
    assert resumed is not None and (resumed.shop.shop_id, resumed.next) == (shop_id, "card")
    await name(street, again, shop_id)
    assert await opening.resume(street.database, again.person_id, street.at) is None


async def test_after_one_shop_is_open_another_can_be_opened(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    first = (await begin(street, xiaoman)).shop.shop_id
    await name(street, xiaoman, first)
    assert (await begin(street, xiaoman)).shop.shop_id != first


async def test_a_kill_after_the_first_row_is_mended_by_pressing_again(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    async with street.database.connection() as conn:  # own-key row written, then killed
        begun = await openings.begin(
            conn,
            xiaoman.person_id,
            await shops.number(conn),
            path="viral",
            locale="zh-CN",
            brought_by=BroughtBy(7, "7-abcdef"),
            at=street.at,
        )
        assert await shops.find(conn, begun.shop_id) is None
    resumed = await opening.resume(street.database, xiaoman.person_id, street.at)
    assert resumed is not None and resumed.shop.brought_by_share == "7-abcdef"


@pytest.mark.parametrize("done", [1, 2])
async def test_a_kill_while_the_doors_open_is_mended_by_pressing_again(
    street: Street, done: int
) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    async with street.database.connection() as conn:
        await shops.take_slug(conn, "qingci", shop_id, street.at)
        if done == 2:
            await shops.open_doors(conn, shop_id, QINGCI, street.at)
    opened = await name(street, xiaoman, shop_id)
    assert opened.shop.status == "open" and opened.opening.finished_at == street.at


async def test_an_address_already_taken_is_refused_with_a_free_one(street: Street) -> None:
    xiaoman, ada = await street.sign_in(XIAOMAN), await street.sign_in(ADA)
    await name(street, xiaoman, (await begin(street, xiaoman)).shop.shop_id)
    hers = (await begin(street, ada)).shop.shop_id
    taken = await refusal(name(street, ada, hers, Face("Ada's Knits", "qingci")))
    assert (taken.code, taken.details) == ("slug_taken", {"slug": "qingci", "free": "qingci-shop"})
    assert (await name(street, ada, hers, Face("Ada's Knits", "qingci-shop"))).next == "identity"


async def test_two_sellers_who_want_one_address_at_once(street: Street) -> None:
    xiaoman, ada = await street.sign_in(XIAOMAN), await street.sign_in(ADA)
    shops_of = [(await begin(street, person)).shop.shop_id for person in (xiaoman, ada)]
    answers = await asyncio.gather(
        name(street, xiaoman, shops_of[0]), name(street, ada, shops_of[1]), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert [answer.code for answer in refused] == ["slug_taken"]


async def test_an_open_shop_is_not_named_a_second_time(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    await name(street, xiaoman, shop_id)
    other = Face("另一家", "qingci-2")
    assert (await refusal(name(street, xiaoman, shop_id, other))).code == "shop_open_already"


async def test_nobody_opens_somebody_elses_shop(street: Street) -> None:
    xiaoman, ada = await street.sign_in(XIAOMAN), await street.sign_in(ADA)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    for attempt in (
        name(street, ada, shop_id),
        identify(street, ada, shop_id),
        bind(street, ada, shop_id),
        skip(street, ada, shop_id, "card"),
        now(street, ada, shop_id),
    ):
        with pytest.raises(NotFound):
            await attempt


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"name": " "}, "name_empty"),
        ({"name": "林"}, "name_invalid"),
        ({"name": "Xiaoman2"}, "name_invalid"),
        ({"name": "<b>林小满</b>"}, "name_invalid"),
        ({"id_number": XIAOMAN_ID[:-1]}, "id_length"),
        ({"id_number": XIAOMAN_ID[:-1] + "1"}, "id_check_digit"),
        ({"id_number": "360203201512010010"}, "id_check_digit"),
        ({"consent": False}, "consent_missing"),
    ],
)
async def test_an_identity_that_cannot_be_is_refused_before_anybody_is_asked(
    street: Street, typed: dict[str, object], code: str
) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    assert (await refusal(identify(street, xiaoman, shop_id, **typed))).code == code  # type: ignore[arg-type]
    await street.work()
    assert street.asked == []


async def test_somebody_of_fifteen_is_told_from_when(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    first = "36020320110503121"
    young = first + numbers.check_digit(first)
    said = await refusal(identify(street, xiaoman, shop_id, id_number=young))
    assert (said.code, said.details) == ("id_underage", {"age": 16, "on": "2027-05-03"})
    assert date(2011, 5, 3).replace(year=2027).isoformat() in i18n.t(
        "en", "errors.id_underage", **said.details
    )


async def test_a_name_that_does_not_match_can_be_mended(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    street.register_says = {"match": False, "reason": "name"}
    await identify(street, xiaoman, shop_id, name="林小曼")
    await street.work()
    refused = await now(street, xiaoman, shop_id)
    assert (dict(refused.steps)["identity"], refused.next) == ("refused", "identity")
    assert (await refusal(bind(street, xiaoman, shop_id))).code == "identity_first"
    street.register_says = {"match": True, "reason": None}
    await identify(street, xiaoman, shop_id)
    await street.work()
    assert dict((await now(street, xiaoman, shop_id)).steps)["identity"] == "done"


async def test_another_name_is_not_taken_while_one_is_checked_or_settled(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    await identify(street, xiaoman, shop_id)
    other = identify(street, xiaoman, shop_id, name="陈婉婷")
    assert (await refusal(other)).code == "identity_checking"
    await street.work()
    other = identify(street, xiaoman, shop_id, name="陈婉婷")
    assert (await refusal(other)).code == "identity_settled"


async def test_the_answer_is_heard_once(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    await identify(street, xiaoman, shop_id)
    async with street.database.connection() as conn:
        merchant = await merchants.find(conn, shop_id)
        assert merchant is not None
        answers = [
            await merchants.hear(
                conn, shop_id, merchant.check_id, matched=matched, reason="", at=street.at
            )
            for matched in (True, False)
        ]
        heard = await merchants.find(conn, shop_id)
    assert answers == [True, False] and heard is not None and heard.verdict == "matched"


async def test_without_a_verifier_the_shop_opens_and_the_question_waits(street: Street) -> None:
    street.verifier = None
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    await identify(street, xiaoman, shop_id)
    await street.work()
    opened = await name(street, xiaoman, shop_id)
    assert dict(opened.steps)["identity"] == "checking"
    assert (opened.shop.status, opened.waits) == ("open", ("identity", "card"))
    with pytest.raises(GatewayError):
        from littleshop.entry import verifying

        assert opened.merchant is not None
        await verifying.send_identity(
            street.database,
            street.keyring,
            None,
            shop_id=shop_id,
            check_id=str(opened.merchant.check_id),
            at=street.at,
        )


async def test_the_card_must_be_the_owners_own(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    assert (await refusal(bind(street, xiaoman, shop_id))).code == "identity_first"
    await identify(street, xiaoman, shop_id)
    said = await refusal(bind(street, xiaoman, shop_id, holder="陈婉婷"))
    assert said.code == "holder_mismatch"
    await bind(street, xiaoman, shop_id, holder="林 小满", phone="13900000001")
    await street.work()
    assert [each["phone"] for each in street.asked if "phone" in each] == ["+8613900000001"]


async def test_a_credit_card_and_a_luhn_are_told_at_the_step(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    await identify(street, xiaoman, shop_id)
    credit = await refusal(bind(street, xiaoman, shop_id, "6222300000000005"))
    assert credit.code == "card_credit"
    doubtful = XIAOMAN_CARD[:-1] + "2"
    assert (await refusal(bind(street, xiaoman, shop_id, doubtful))).code == "card_luhn"
    assert (await bind(street, xiaoman, shop_id, doubtful, confirmed=True)).card is not None


async def test_a_card_the_bank_does_not_know_gives_way_to_another(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    await identify(street, xiaoman, shop_id)
    await street.work()
    await bind(street, xiaoman, shop_id)
    other = "6222021502003456799"
    checking = await refusal(bind(street, xiaoman, shop_id, other))
    assert checking.code == "card_checking"
    street.register_says = {"match": False, "reason": "card"}
    await street.work()
    assert (await now(street, xiaoman, shop_id)).next == "card"
    street.register_says = {"match": True, "reason": None}
    await bind(street, xiaoman, shop_id, other)
    await street.work()
    settled = await refusal(bind(street, xiaoman, shop_id))
    assert settled.code == "card_settled"
    card = (await now(street, xiaoman, shop_id)).card
    assert card is not None and (card.tail, card.verdict) == ("6799", "matched")


async def test_name_number_card_and_phone_are_nowhere_in_clear(
    street: Street, owner: Connection
) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    await identify(street, xiaoman, shop_id)
    await bind(street, xiaoman, shop_id)
    for table in ("people", "merchants", "cards", "codes", "sessions", "openings", "jobs"):
        rows = await owner.fetch(f"select ({table})::text as row from {table}")
        assert rows, table
        for row in rows:
            for secret in ("林小满", XIAOMAN_ID, XIAOMAN_CARD, "13800002046"):
                assert secret not in row["row"]
                assert secret.encode().hex() not in row["row"]
