"""Strangers who know a phone number: they cannot keep its owner out, and guess no more for it.

The figures are those of docs/decisions/0015-limits.md.
"""

from __future__ import annotations

import itertools

import pytest

from littleshop.errors import Refused
from littleshop.identity import codes
from tests.entry.conftest import ADA, XIAOMAN, Street
from tests.entry.steps import refusal


async def stranger(street: Street, number: int, phone: str = XIAOMAN) -> bool:
    """A browser nobody saw before, at an address nobody saw before, asks; whether it may."""
    try:
        await street.ask(phone, f"stranger {number}", f"10.1.0.{number}")
    except Refused as refused:
        assert refused.code == "code_too_many"
        return False
    return True


async def test_a_strangers_wrong_tries_cost_the_owner_none(street: Street) -> None:
    await street.ask(XIAOMAN)
    await street.work()
    digits = street.inbox[-1][1]
    await street.ask(XIAOMAN, "a stranger's", "10.1.0.1")
    await street.work()
    for _ in range(codes.TRIES):
        said = await refusal(street.confirm(XIAOMAN, street.wrong(), "a stranger's"))
        assert said.code == "code_wrong"
    said = await refusal(street.confirm(XIAOMAN, digits, "a stranger's"))
    assert said.code == "code_spent"  # the owner's code is nothing in his browser
    assert (await refusal(street.confirm(XIAOMAN, f"{int(digits) ^ 1:06}"))).details == {"left": 4}
    await street.confirm(XIAOMAN, digits)


async def test_a_strangers_asking_makes_the_owner_neither_wait_nor_ask_again(
    street: Street,
) -> None:
    await street.ask(XIAOMAN)
    await street.work()
    own = street.inbox[-1][1]
    for number in range(3):
        assert await stranger(street, number)
    await street.work()
    await street.confirm(XIAOMAN, own)  # his code did not die of theirs


async def test_whatever_strangers_ask_for_a_browser_that_was_signed_in_gets_its_code(
    street: Street,
) -> None:
    await street.sign_in(XIAOMAN)
    street.pass_time(days=2)
    for hour in range(24):
        allowed = [await stranger(street, hour * 6 + place) for place in range(6)]
        assert sum(allowed) <= codes.OF_STRANGERS.per_hour
        street.pass_time(hours=1)
    await street.sign_in(XIAOMAN)
    street.pass_time(hours=1)
    await street.sign_in(XIAOMAN)


async def test_one_place_cannot_use_up_what_new_browsers_of_the_owner_may_ask(
    street: Street,
) -> None:
    for place in range(codes.OF_STRANGER.per_hour):
        await street.ask(XIAOMAN, f"throwaway {place}", "10.1.0.1")
        street.pass_time(minutes=2)
    for browser in ("throwaway 0", "throwaway 9"):
        said = await refusal(street.ask(XIAOMAN, browser, "10.1.0.1"))
        assert (said.code, said.details) == ("code_too_many", {"minutes": 54})
    await street.sign_in(XIAOMAN, "the owner's new phone")


async def test_a_second_code_to_a_browser_or_place_waits_a_minute(street: Street) -> None:
    await street.ask(XIAOMAN, "one", "10.1.0.1")
    street.pass_time(seconds=20)
    for browser, address in (("one", "10.1.0.2"), ("two", "10.1.0.1")):
        said = await refusal(street.ask(XIAOMAN, browser, address))
        assert (said.code, said.details) == ("code_too_soon", {"seconds": 40})
    await street.ask(XIAOMAN, "two", "10.1.0.2")
    await street.ask(XIAOMAN, "one", "10.1.0.1", "change_card")  # for another act it need not wait


@pytest.mark.parametrize("span", ["hour", "day"])
async def test_all_browsers_together_guess_so_often_and_no_more(street: Street, span: str) -> None:
    """25 guesses at the codes of an hour and 50 at those of a day, of a million: the owner's
    browsers counted in."""
    await street.sign_in(XIAOMAN)
    street.pass_time(days=2)
    begun, guesses, newcomers = street.at, 0, itertools.count()
    while (street.at - begun).total_seconds() < (3600 if span == "hour" else 86_400):
        for browser in ("own", *(f"stranger {next(newcomers)}" for _ in range(6))):
            try:
                await street.ask(XIAOMAN, browser, f"address of {browser}")
            except Refused:
                continue
            await street.work()
            guesses += await guessed(street, browser)
        street.pass_time(minutes=7)
    most = codes.OF_PHONE.per_hour if span == "hour" else codes.OF_PHONE.per_day
    assert guesses == most * codes.TRIES == (25 if span == "hour" else 50)


async def guessed(street: Street, browser: str) -> int:
    """How often this browser may guess before it is told that it may not."""
    for tried in range(20):
        said = await refusal(street.confirm(XIAOMAN, street.wrong(), browser))
        if said.code == "code_spent":
            return tried
    raise AssertionError("nobody ends the guessing")


async def test_a_stranger_hears_the_same_of_a_phone_that_is_known_and_of_one_that_is_not(
    street: Street,
) -> None:
    await street.sign_in(XIAOMAN)
    street.pass_time(days=2)
    heard = [
        [await stranger(street, number, phone) for number in range(6)] for phone in (XIAOMAN, ADA)
    ]
    assert heard[0] == heard[1] == [True] * 4 + [False] * 2


async def test_five_codes_an_hour_and_ten_a_day_are_all_that_a_phone_gets(street: Street) -> None:
    await street.sign_in(XIAOMAN)
    for _ in range(codes.OF_PHONE.per_hour - 1):
        street.pass_time(minutes=2)
        await street.ask(XIAOMAN)
    street.pass_time(minutes=2)
    many = await refusal(street.ask(XIAOMAN))
    assert (many.code, many.details) == ("code_too_many", {"minutes": 50})
    street.pass_time(minutes=50)
    for _ in range(codes.OF_PHONE.per_day - codes.OF_PHONE.per_hour):
        await street.ask(XIAOMAN)
        street.pass_time(minutes=20)
    assert (await refusal(street.ask(XIAOMAN))).code == "code_too_many"
    street.pass_time(days=1)
    await street.ask(XIAOMAN)
    await street.ask(ADA)


async def test_a_browser_that_did_not_come_for_a_year_is_forgotten(street: Street) -> None:
    await street.sign_in(XIAOMAN)
    street.pass_time(days=366)
    assert await street.database.transaction(lambda conn: codes.sweep(conn, street.at)) == 2
