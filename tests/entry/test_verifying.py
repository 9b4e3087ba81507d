"""Identity and card: what is refused at once, what the authority refuses, and how it is mended."""

from __future__ import annotations

from datetime import date

import pytest

from littleshop import i18n
from littleshop.db import Connection
from littleshop.entry import verifying
from littleshop.errors import GatewayError
from littleshop.identity import numbers
from littleshop.shop import merchants
from tests.entry.conftest import XIAOMAN, XIAOMAN_CARD, XIAOMAN_ID, Street
from tests.entry.steps import begin, bind, identify, name, now, refusal


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
