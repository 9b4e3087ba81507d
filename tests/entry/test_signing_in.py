"""Signing in by phone and code, and every way in which it goes wrong."""

from __future__ import annotations

import asyncio

from littleshop.db import Connection
from littleshop.errors import Refused
from littleshop.identity import codes, sessions
from tests.entry.conftest import ADA, XIAOMAN, Street
from tests.entry.steps import refusal


async def test_a_code_arrives_and_signs_its_phone_in(street: Street) -> None:
    asked = await street.ask(XIAOMAN)
    assert asked.phone.masked == "138 **** 2046"
    await street.work()
    phone, digits = street.inbox[0]
    assert phone.endswith("13800002046") and len(digits) == 6
    signed_in = await street.confirm(XIAOMAN, digits)
    assert not signed_in.met_before
    async with street.database.connection() as conn:
        session = await sessions.find(conn, signed_in.token, street.at)
    assert session is not None and session.person_id == signed_in.person.person_id


async def test_the_second_time_it_is_the_same_person(street: Street) -> None:
    first = await street.sign_in(ADA)
    street.pass_time(minutes=2)
    again = await street.sign_in("0044 7400 123456")
    assert again.person_id == first.person_id and again.country == "GB"


async def test_the_database_knows_neither_code_nor_phone(street: Street, owner: Connection) -> None:
    await street.ask(XIAOMAN)
    kept = await owner.fetchval(
        "select (select string_agg(codes::text, '') from codes)"
        " || (select string_agg(arguments::text, '') from jobs)"
    )
    await street.work()
    assert street.inbox[0][1] not in kept and "13800002046" not in kept


async def test_a_double_click_sends_one_code(street: Street) -> None:
    await asyncio.gather(street.ask(XIAOMAN), street.ask(XIAOMAN), street.ask(XIAOMAN))
    await street.work()
    assert len(street.inbox) == 1


async def test_another_code_may_be_asked_after_a_minute_and_replaces_the_first(
    street: Street,
) -> None:
    await street.ask(XIAOMAN)
    await street.work()
    street.pass_time(seconds=20)
    too_soon = await refusal(street.ask(XIAOMAN))
    assert (too_soon.code, too_soon.details) == ("code_too_soon", {"seconds": 40})
    street.pass_time(seconds=40)
    await street.ask(XIAOMAN)
    await street.work()
    first, second = (digits for _, digits in street.inbox)
    if first != second:
        assert (await refusal(street.confirm(XIAOMAN, first))).code == "code_wrong"
    await street.confirm(XIAOMAN, second)


async def test_the_wrong_code_six_times_spends_it(street: Street) -> None:
    await street.ask(XIAOMAN)
    await street.work()
    left = []
    for _ in range(5):
        wrong = await refusal(street.confirm(XIAOMAN, street.wrong()))
        assert wrong.code == "code_wrong"
        left.append(wrong.details["left"])
    assert left == [4, 3, 2, 1, 0]
    assert (await refusal(street.confirm(XIAOMAN, street.wrong()))).code == "code_spent"
    assert (await refusal(street.confirm(XIAOMAN, street.inbox[0][1]))).code == "code_spent"


async def test_wrong_codes_typed_at_once_are_all_counted(street: Street) -> None:
    await street.ask(XIAOMAN)
    await street.work()
    answers = await asyncio.gather(
        *(street.confirm(XIAOMAN, street.wrong()) for _ in range(8)), return_exceptions=True
    )
    said = sorted(answer.code for answer in answers if isinstance(answer, Refused))
    assert said == ["code_spent"] * 3 + ["code_wrong"] * 5


async def test_a_code_works_once(street: Street) -> None:
    await street.ask(XIAOMAN)
    await street.work()
    await street.confirm(XIAOMAN, street.inbox[0][1])
    street.pass_time(seconds=30)
    assert (await refusal(street.confirm(XIAOMAN, street.inbox[0][1]))).code == "code_spent"


async def test_pressing_twice_begins_one_session_in_whatever_process_the_presses_arrive(
    street: Street,
) -> None:
    await street.ask(XIAOMAN)
    await street.work()
    digits = street.inbox[0][1]
    answers = await asyncio.gather(*(street.confirm(XIAOMAN, digits) for _ in range(4)))
    street.pass_time(seconds=20)  # a slow line repeats what it was told
    answers.append(await street.confirm(XIAOMAN, digits))
    assert len({(each.token, each.session.session_id) for each in answers}) == 1
    assert [each.met_before for each in answers] == [False] * 5
    assert await street.database.pool.fetchval("select count(*) from sessions") == 1


async def test_a_press_again_does_not_bring_back_a_session_that_was_ended(street: Street) -> None:
    await street.ask(XIAOMAN)
    await street.work()
    digits = street.inbox[0][1]
    token = (await street.confirm(XIAOMAN, digits)).token
    await street.database.transaction(lambda conn: sessions.end(conn, token, street.at))
    assert (await refusal(street.confirm(XIAOMAN, digits))).code == "code_spent"


async def test_the_code_of_one_browser_is_nothing_in_another(street: Street) -> None:
    await street.ask(XIAOMAN)
    await street.work()
    digits = street.inbox[0][1]
    for _ in range(6):
        said = await refusal(street.confirm(XIAOMAN, digits, "a stranger's"))
        assert said.code == "code_expired"
    assert (await street.confirm(XIAOMAN, digits)).person.country == "CN"


async def test_a_code_expires_after_five_minutes(street: Street) -> None:
    await street.ask(XIAOMAN)
    await street.work()
    street.pass_time(minutes=5)
    assert (await refusal(street.confirm(XIAOMAN, street.inbox[0][1]))).code == "code_expired"


async def test_a_phone_that_never_asked_hears_what_an_expired_one_hears(street: Street) -> None:
    assert (await refusal(street.confirm(XIAOMAN, "123456"))).code == "code_expired"


async def test_a_code_of_another_purpose_opens_nothing(street: Street) -> None:
    await street.ask(XIAOMAN, purpose="change_card")
    await street.work()
    digits = street.inbox[0][1]
    assert (await refusal(street.confirm(XIAOMAN, digits))).code == "code_expired"


async def test_a_half_typed_code_costs_no_try(street: Street) -> None:
    await street.ask(XIAOMAN)
    await street.work()
    for _ in range(6):
        short = await refusal(street.confirm(XIAOMAN, "1234"))
        assert (short.code, short.details) == ("code_length", {"have": 4, "want": 6})
    assert (await refusal(street.confirm(XIAOMAN, " "))).code == "code_empty"
    digits = street.inbox[0][1]
    await street.confirm(XIAOMAN, f" {digits[:3]} {digits[3:]} ")


async def test_the_code_still_comes_when_the_vendor_was_away_for_a_moment(street: Street) -> None:
    street.sms_away = 2
    await street.ask(XIAOMAN)
    for _ in range(3):
        await street.work()
        street.pass_time(seconds=20)
    await street.work()
    assert len(street.inbox) == 1


async def test_a_code_is_not_sent_after_it_expired(street: Street) -> None:
    street.sms_away = 1
    await street.ask(XIAOMAN)
    await street.work()
    street.pass_time(minutes=6)
    await street.work()
    assert street.inbox == []


async def test_codes_nobody_needs_any_more_are_forgotten(street: Street) -> None:
    await street.ask(XIAOMAN)
    street.pass_time(days=3)
    assert await street.database.transaction(lambda conn: codes.sweep(conn, street.at)) == 1
