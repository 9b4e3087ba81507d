"""Phones as people type them, from here and from abroad."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from littleshop import i18n
from littleshop.errors import Refused
from littleshop.identity import phones


@pytest.mark.parametrize(
    ("typed", "e164", "country"),
    [
        ("13800002046", "+8613800002046", "CN"),
        (" 138-0000-2046 ", "+8613800002046", "CN"),
        ("+86 138 0000 2046", "+8613800002046", "CN"),
        ("8613800002046", "+8613800002046", "CN"),
        ("00 86 13800002046", "+8613800002046", "CN"),
        ("１３８００００２０４６", "+8613800002046", "CN"),
        ("19212345678", "+8619212345678", "CN"),  # China Broadnet
        ("17012345678", "+8617012345678", "CN"),
        ("+852 9123 4567", "+85291234567", "HK"),
        ("+853 6612 3456", "+85366123456", "MO"),
        ("+886 912 345 678", "+886912345678", "TW"),
        ("+44 7400 123456", "+447400123456", "GB"),
        ("+1 415 555 2671", "+14155552671", "US"),
        ("+65 8123 4567", "+6581234567", "SG"),
    ],
)
def test_a_mobile_number_is_understood(typed: str, e164: str, country: str) -> None:
    phone = phones.parse(typed)
    assert (phone.e164, phone.country) == (e164, country)


@pytest.mark.parametrize(
    ("typed", "code", "details"),
    [
        ("", "phone_empty", {}),
        ("1380000204", "phone_length", {"have": 10, "want": 11}),
        ("138000020466", "phone_length", {"have": 12, "want": 11}),
        ("+86 1380000204", "phone_length", {"have": 10, "want": 11}),
        ("12345678901", "phone_invalid", {}),
        ("hello", "phone_empty", {}),
        ("+999 1234567", "phone_invalid", {}),
        ("010 6505 1234", "phone_not_mobile", {}),
        ("1" * 60, "phone_invalid", {}),
    ],
)
def test_what_is_no_mobile_number_is_refused(
    typed: str, code: str, details: dict[str, object]
) -> None:
    with pytest.raises(Refused) as said:
        phones.parse(typed)
    assert (said.value.code, said.value.details) == (code, details)


def test_a_country_we_cannot_text_is_named_in_both_languages() -> None:
    with pytest.raises(Refused) as said:
        phones.parse("+33 6 12 34 56 78")
    assert said.value.code == "phone_country"
    assert "France (+33)" in i18n.t("en", "errors.phone_country", **said.value.details)
    assert "法国（+33）" in i18n.t("zh-CN", "errors.phone_country", **said.value.details)


def test_the_operator_may_allow_another_country() -> None:
    assert phones.parse("+33 6 12 34 56 78", allowed=frozenset({"FR"})).country == "FR"


def test_a_phone_is_shown_with_its_middle_hidden() -> None:
    assert phones.parse("13800002046").masked == "138 **** 2046"
    assert phones.parse("+44 7400 123456").masked == "+44 **** 3456"


@given(st.text(max_size=60))
def test_whatever_is_typed_is_taken_or_refused(typed: str) -> None:
    try:
        assert phones.parse(typed).e164.startswith("+")
    except Refused as said:
        assert i18n.t("en", f"errors.{said.code}", **said.details)


@given(st.integers(0, 9999), st.integers(0, 9_999_999), st.sampled_from(["", "+86", "+86 "]))
def test_the_short_way_for_mainland_mobiles_says_what_the_library_says(
    head: int, tail: int, country: str
) -> None:
    typed = f"{country}1{head:03}{tail:07}"[: len(country) + 11]
    if phones._MAINLAND.fullmatch(typed) is not None:
        number = phonenumbers.parse(typed, "CN")
        assert phonenumbers.is_valid_number(number)
        assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
        assert phonenumbers.region_code_for_number(number) == "CN"
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        assert phones.parse(typed) == phones.Phone(e164=e164, country="CN")


def test_every_beginning_of_the_short_way_is_a_mainland_mobile() -> None:
    for head in range(1000, 2000):
        typed = f"{head}0002046"
        if phones._MAINLAND.fullmatch(typed):
            number = phonenumbers.parse(typed, "CN")
            assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
