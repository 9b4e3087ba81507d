"""Changing the payout card: what the owner needs, what a thief lacks, and how he is stopped."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest

from littleshop import i18n, ids
from littleshop.db import Connection
from littleshop.entry import changing_card, proving_phone
from littleshop.entry.changing_card import Details, Proof, Standing
from littleshop.errors import NotFound, Refused
from littleshop.identity.codes import Asker
from littleshop.identity.people import Person
from littleshop.risk import holds
from littleshop.shop import staff
from littleshop.shop.card_changes import CardChange
from tests.entry.conftest import ADA, XIAOMAN, XIAOMAN_ID, Street
from tests.entry.steps import begin, bind, identify, name, refusal

NEW_CARD = "6222021502003456799"
OLD_BANK_PHONE = "+8613900000001"
DETAILS = Details(XIAOMAN_ID, NEW_CARD, "13900000002")


@dataclass
class Stall:
    """小满's shop, verified and open, as she or somebody else would change its card."""

    street: Street
    owner: Person
    shop_id: int

    async def stands(self) -> Standing:
        async with self.street.database.connection() as conn:
            return await changing_card.stands(conn, self.shop_id, self.street.at)

    async def tail(self) -> str:
        """The end of the number that is paid to."""
        card = (await self.stands()).card
        assert card is not None
        return card.tail

    async def prove(self, browser: str = "own") -> Proof:
        """A code comes to the sign-in phone and is typed."""
        street = self.street
        asker = Asker(ids.hashed(browser), "10.0.0.1")
        await proving_phone.send_code(
            street.database,
            street.keyring,
            self.owner,
            asker,
            purpose=changing_card.PURPOSE,
            locale="zh-CN",
            at=street.at,
        )
        await street.work()
        return await self.type_code(street.inbox[-1][1], browser)

    async def type_code(self, digits: str, browser: str = "own") -> Proof:
        street = self.street
        return await changing_card.prove(
            street.database,
            street.keyring,
            self.owner,
            self.shop_id,
            digits,
            browser=ids.hashed(browser),
            at=street.at,
        )

    async def ask(self, proof: Proof | None, details: Details = DETAILS) -> CardChange:
        street = self.street
        return await changing_card.ask(
            street.database, street.keyring, self.owner, self.shop_id, proof, details, at=street.at
        )

    async def change(self) -> CardChange:
        """The whole of it, until the register has answered and the word is out."""
        change = await self.ask(await self.prove())
        await self.street.work()
        return change

    async def objects(self) -> None:
        """Whoever got the word presses the button behind its link."""
        token = self.street.told[-1][2]["objection"]
        await changing_card.object_to(
            self.street.database, ids.shop_of(token), token, at=self.street.at
        )


@pytest.fixture
async def stall(street: Street) -> Stall:
    owner = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, owner)).shop.shop_id
    await identify(street, owner, shop_id)
    await bind(street, owner, shop_id, phone=OLD_BANK_PHONE)
    await name(street, owner, shop_id)
    await street.work()
    street.pass_time(days=3)
    street.told.clear()
    return Stall(street, owner, shop_id)


async def test_the_owner_changes_the_card_payouts_wait_and_every_phone_hears_of_it(
    stall: Stall,
) -> None:
    street = stall.street
    change = await stall.ask(await stall.prove())
    assert (change.status, await stall.tail()) == ("asked", "6781")  # paid to until it is checked
    await street.work()
    now = await stall.stands()
    assert await stall.tail() == "6799" and now.change is not None and now.change.status == "done"
    assert now.hold is not None and now.hold.kind == "card_changed"
    assert now.hold.until_at == street.at + timedelta(hours=48)
    assert street.asked[-1]["card_number"] == NEW_CARD and street.asked[-1]["name"] == "林小满"
    words = [told for told in street.told if "CARD_CHANGED" in told[1]]
    assert {phone for phone, _, _ in words} == {"13800002046", "13900000001", "13900000002"}
    assert all(told["tail"] == "6799" and told["shop"] == "小满的青瓷" for _, _, told in words)
    street.pass_time(hours=48)
    assert (await stall.stands()).hold is None


async def test_the_code_says_that_it_changes_the_card(stall: Stall) -> None:
    await stall.prove()
    assert [text for _, text, _ in stall.street.told] == ["LITTLESHOP_CODE_CHANGE_CARD_ZH_CN"]


async def test_a_stolen_code_moves_no_money_without_the_identity_number(stall: Stall) -> None:
    street = stall.street
    proof = await stall.prove("the thief's")
    for guess in ("11010519491231002X", "360203199205031218", "360203199205031226"):
        with pytest.raises(Refused) as said:
            await stall.ask(proof, Details(guess, DETAILS.number, DETAILS.phone))
        assert said.value.code in ("id_differs", "id_check_digit")
    await street.work()
    now = await stall.stands()
    assert (await stall.tail(), now.change, now.hold) == ("6781", None, None)


async def test_a_thief_who_knows_the_number_too_waits_and_is_stopped_without_signing_in(
    stall: Stall,
) -> None:
    street = stall.street
    await stall.change()
    street.pass_time(hours=30)
    await stall.objects()
    street.pass_time(days=20)
    now = await stall.stands()
    assert now.hold is not None and (now.hold.kind, now.hold.until_at) == ("not_me", None)
    proof = await stall.prove()
    again = Details(XIAOMAN_ID, "6222021502003456781")
    assert (await refusal(stall.ask(proof, again))).code == "payouts_stopped"


async def test_a_change_that_is_being_checked_while_somebody_objects_to_the_one_before_is_off(
    stall: Stall,
) -> None:
    await stall.change()
    stall.street.pass_time(hours=1)
    await stall.ask(await stall.prove(), Details(XIAOMAN_ID, "6222021502003456781"))
    stall.street.told[:] = [told for told in stall.street.told if "CARD_CHANGED" in told[1]]
    await stall.objects()  # before the register has answered
    await stall.street.work()
    now = await stall.stands()
    assert await stall.tail() == "6799"
    assert now.change is not None and (now.change.status, now.change.reason) == (
        "refused",
        "stopped",
    )


async def test_an_objection_counts_once_until_an_operator_lifts_it(stall: Stall) -> None:
    await stall.change()
    for _ in range(2):
        await stall.objects()
    stall.street.pass_time(days=3)
    database, at = stall.street.database, stall.street.at
    hold = (await stall.stands()).hold
    assert hold is not None and hold.kind == "not_me"
    operator = uuid4()
    lifted = [
        await database.transaction(
            lambda conn: holds.lift(conn, stall.shop_id, hold.hold_id, by=operator, at=at)
        )
        for _ in range(2)
    ]
    assert lifted == [True, False] and (await stall.stands()).hold is None
    await stall.objects()  # the same link stops nothing a second time
    assert (await stall.stands()).hold is None


async def test_what_an_operator_holds_stops_a_change_too_and_is_no_objection(stall: Stall) -> None:
    change = await stall.change()
    database, at = stall.street.database, stall.street.at
    await database.transaction(
        lambda conn: holds.place(conn, stall.shop_id, uuid4(), "operator", reason="a test", at=at)
    )
    stall.street.pass_time(hours=1)
    again = Details(XIAOMAN_ID, "6222021502003456781")
    assert (await refusal(stall.ask(await stall.prove(), again))).code == "payouts_stopped"
    token = ids.objection_token(stall.street.keyring.link_key, stall.shop_id, change.card_id)
    async with database.connection() as conn:
        assert (await changing_card.behind(conn, stall.shop_id, token)).hold is None


async def test_a_link_of_long_ago_and_one_that_was_made_up_stop_nothing(stall: Stall) -> None:
    await stall.change()
    database, at = stall.street.database, stall.street.at
    made_up = ids.token(stall.shop_id)
    with pytest.raises(NotFound):
        await changing_card.object_to(database, stall.shop_id, made_up, at=at)
    stall.street.pass_time(days=30)
    assert (await refusal(stall.objects())).code == "objection_late"
    assert (await stall.stands()).hold is None


async def test_the_word_is_not_out_before_the_register_has_answered_nor_when_it_says_no(
    stall: Stall,
) -> None:
    street = stall.street
    proof = await stall.prove()
    street.register_says = {"match": False, "reason": "card"}
    change = await stall.ask(proof)
    token = ids.objection_token(street.keyring.link_key, stall.shop_id, change.card_id)
    with pytest.raises(NotFound):
        await changing_card.object_to(street.database, stall.shop_id, token, at=street.at)
    await street.work()
    now = await stall.stands()
    assert now.change is not None and (now.change.status, now.change.reason) == ("refused", "card")
    assert (await stall.tail(), now.hold) == ("6781", None)
    assert not [told for told in street.told if "CARD_CHANGED" in told[1]]
    street.register_says = {"match": True, "reason": None}
    await stall.ask(proof)  # compared once more, it was the phone
    await street.work()
    assert await stall.tail() == "6799"


async def test_a_double_click_asks_once_and_a_second_card_waits_for_the_first(
    stall: Stall,
) -> None:
    proof = await stall.prove()
    asked = await asyncio.gather(*(stall.ask(proof) for _ in range(4)))
    assert len({each.card_id for each in asked}) == 1
    other = Details(XIAOMAN_ID, "6222021502003456807", confirmed=True)
    assert (await refusal(stall.ask(proof, other))).code == "card_checking"
    await stall.street.work()
    assert (await stall.ask(proof)).card_id == asked[0].card_id
    assert await stall.street.work() == 0


@pytest.mark.parametrize(
    ("details", "code"),
    [
        (Details("", NEW_CARD), "id_empty"),
        (Details(XIAOMAN_ID[:-1], NEW_CARD), "id_length"),
        (Details(XIAOMAN_ID, ""), "card_empty"),
        (Details(XIAOMAN_ID, "6222300000000005"), "card_credit"),
        (Details(XIAOMAN_ID, NEW_CARD[:-1] + "2"), "card_luhn"),
        (Details(XIAOMAN_ID, NEW_CARD, "139"), "phone_length"),
        (Details(XIAOMAN_ID, "6222 0215 0200 3456 781"), "card_same"),
    ],
)
async def test_what_cannot_be_is_said_before_anybody_is_asked(
    stall: Stall, details: Details, code: str
) -> None:
    proof, before = await stall.prove(), len(stall.street.asked)
    assert (await refusal(stall.ask(proof, details))).code == code
    await stall.street.work()
    assert len(stall.street.asked) == before


async def test_the_form_is_taken_for_ten_minutes_after_the_code_for_that_person_and_shop(
    stall: Stall,
) -> None:
    proof = await stall.prove()
    for wrong in (
        None,
        Proof(proof.person_id, stall.shop_id + 1, proof.until),
        Proof(uuid4(), stall.shop_id, proof.until),
    ):
        assert (await refusal(stall.ask(wrong))).code == "phone_unproved"
    stall.street.pass_time(minutes=10)
    assert (await refusal(stall.ask(proof))).code == "phone_unproved"


async def test_only_the_owner_changes_the_card_and_only_of_a_verified_shop(
    stall: Stall, street: Street
) -> None:
    ada = await street.sign_in(ADA, "ada's")
    proof = Proof(ada.person_id, stall.shop_id, street.at + changing_card.PROVED)
    thief = Stall(street, ada, stall.shop_id)
    with pytest.raises(NotFound):
        await thief.ask(proof)

    async def hire(conn: Connection) -> None:
        await staff.add(conn, stall.shop_id, ada.person_id, role="packer", at=street.at)

    await street.database.transaction(hire)
    with pytest.raises(NotFound):
        await thief.ask(proof)
    bare = Stall(street, ada, (await begin(street, ada)).shop.shop_id)
    proof = Proof(ada.person_id, bare.shop_id, street.at + changing_card.PROVED)
    assert (await refusal(bare.ask(proof))).code == "card_first"
    assert not (await bare.stands()).may_change


async def test_a_code_for_signing_in_opens_no_change_and_wrong_ones_are_counted(
    stall: Stall,
) -> None:
    street = stall.street
    await street.ask(XIAOMAN)
    await street.work()
    assert (await refusal(stall.type_code(street.inbox[-1][1]))).code == "code_expired"
    street.pass_time(minutes=2)
    await stall.prove()
    street.pass_time(minutes=2)
    asker = Asker(ids.hashed("own"), "10.0.0.1")
    await proving_phone.send_code(
        street.database,
        street.keyring,
        stall.owner,
        asker,
        purpose=changing_card.PURPOSE,
        locale="en",
        at=street.at,
    )
    await street.work()
    for left in (4, 3, 2, 1, 0):
        said = await refusal(stall.type_code(street.wrong()))
        assert (said.code, said.details) == ("code_wrong", {"left": left})
    assert (await refusal(stall.type_code(street.inbox[-1][1]))).code == "code_spent"


async def test_the_new_number_and_the_link_are_nowhere_in_clear(
    stall: Stall, owner: Connection
) -> None:
    await stall.ask(await stall.prove())
    asked = await owner.fetch("select arguments::text as row from jobs")
    await stall.street.work()
    token = stall.street.told[-1][2]["objection"]
    kept = "".join(row["row"] for row in asked)
    for table in ("cards", "card_changes", "payout_holds", "messages"):
        rows = await owner.fetch(f"select ({table})::text as row from {table}")
        kept += "".join(row["row"] for row in rows)
    for secret in (NEW_CARD, XIAOMAN_ID, "13900000002", token):
        assert secret not in kept and secret.encode().hex() not in kept
    for locale in i18n.LOCALES:
        assert i18n.has(locale, "sms.card_changed") and i18n.has(locale, "sms.code_change_card")
