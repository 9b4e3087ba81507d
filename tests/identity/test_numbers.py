"""Numbers of papers: what is right is taken, what is wrong is counted."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from littleshop import i18n
from littleshop.errors import Refused
from littleshop.identity import numbers

TODAY = date(2026, 11, 23)


def made(first17: str) -> str:
    return first17 + numbers.check_digit(first17)


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("11010519491231002X", "resident"),  # the example of the standard GB 11643
        (" 110105 19491231 002x ", "resident"),
        ("１１０１０５１９４９１２３１００２Ｘ", "resident"),  # typed in full width
        (made("36020319920503121"), "resident"),
        (
            made("44010519600101123"),
            "resident",
        ),  # county younger than the person: real all the same
        (made("46040019900101123"), "resident"),
        (made("81000019900101001"), "hk_permit"),
        (made("82000019900101001"), "macao_permit"),
        (made("83000019900101001"), "taiwan_permit"),
        (made("91184019880704001"), "foreign_resident"),
        (made("11010520101123001"), "resident"),  # sixteen today
    ],
)
def test_a_real_number_is_taken(typed: str, kind: str) -> None:
    paper = numbers.parse(typed, on=TODAY)
    assert paper.kind == kind and len(paper.number) == 18


@pytest.mark.parametrize(
    ("typed", "code", "details"),
    [
        ("", "id_empty", {}),
        ("   ", "id_empty", {}),
        ("1101051949123100", "id_length", {"have": 16, "want": 18}),
        ("11010519491231002", "id_length", {"have": 17, "want": 18}),
        ("11010519491231002XX", "id_length", {"have": 19, "want": 18}),
        ("110105491231002", "id_length", {"have": 15, "want": 18}),  # the form before 1999
        ("1101051949123100XX", "id_character", {"place": 17, "sign": "X"}),
        ("11010519491231O021", "id_character", {"place": 15, "sign": "O"}),
        ("110105194912310020", "id_check_digit", {}),
        ("110105194912310012", "id_check_digit", {}),
        (made("11010519490229002"), "id_date", {"year": "1949", "month": "02", "day": "29"}),
        (made("11010519491331002"), "id_date", {"year": "1949", "month": "13", "day": "31"}),
        (made("11010520270101002"), "id_date", {"year": "2027", "month": "01", "day": "01"}),
        (made("11010516491231002"), "id_date", {"year": "1649", "month": "12", "day": "31"}),
        (made("11010520101124001"), "id_underage", {"age": 16, "on": "2026-11-24"}),
        (made("11010520120229001"), "id_underage", {"age": 16, "on": "2028-02-29"}),
    ],
)
def test_a_wrong_number_is_refused_in_counting_words(
    typed: str, code: str, details: dict[str, object]
) -> None:
    with pytest.raises(Refused) as said:
        numbers.parse(typed, on=TODAY)
    assert (said.value.code, said.value.details) == (code, details)
    for locale in i18n.LOCALES:
        assert i18n.t(locale, f"errors.{code}", **details)


def test_one_digit_short_is_said_so() -> None:
    assert i18n.t("zh-CN", "errors.id_length", have=17, want=18) == "要 18 位，现在 17 位。"


def test_a_country_without_rules_is_named() -> None:
    with pytest.raises(Refused, match="id_country"):
        numbers.parse("AB123456C", on=TODAY, country="GB")


def test_a_number_is_shown_with_its_ends_only() -> None:
    assert numbers.parse("11010519491231002X", on=TODAY).masked == "1****************X"


@given(place=st.integers(0, 16), by=st.integers(1, 9))
def test_any_one_wrong_digit_is_noticed(place: int, by: int) -> None:
    right = made("36020319920503121")
    wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]
    with pytest.raises(Refused):
        numbers.parse(wrong, on=TODAY)


@given(st.text(max_size=80))
def test_whatever_is_typed_is_taken_or_refused(typed: str) -> None:
    try:
        assert len(numbers.parse(typed, on=TODAY).number) == 18
    except Refused as said:
        assert i18n.t("en", f"errors.{said.code}", **said.details)
