"""Bank cards: the number names its bank, credit cards are refused, a failing Luhn only warns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from littleshop import i18n
from littleshop.errors import Refused
from littleshop.shop import cards


def made(prefix: str, length: int = 19) -> str:
    """A number of that length whose Luhn digit fits."""
    body = prefix.ljust(length - 1, "0")
    return next(body + digit for digit in "0123456789" if cards.luhn_ok(body + digit))


LAUNCH = [
    ("622202", 19, "ICBC", "工商银行"),
    ("622848", 19, "ABC", "农业银行"),
    ("621700", 19, "CCB", "建设银行"),
    ("621483", 16, "CMB", "招商银行"),
    ("622260", 19, "COMM", "交通银行"),
    ("621771", 16, "CITIC", "中信银行"),
    ("622521", 16, "SPDB", "浦发银行"),
    ("622622", 16, "CMBC", "民生银行"),
    ("622155", 16, "SPABANK", "平安银行"),
    ("621661", 19, "BOC", "中国银行"),
    ("621098", 19, "PSBC", "邮储银行"),
]


@pytest.mark.parametrize(("prefix", "length", "code", "name"), LAUNCH)
def test_the_number_names_its_bank(prefix: str, length: int, code: str, name: str) -> None:
    card = cards.recognise(made(prefix, length))
    assert (card.bank_code, card.bank_name("zh-CN"), card.luhn_ok) == (code, name, True)


def test_the_nine_banks_of_the_launch_have_clearing_numbers() -> None:
    codes = ("ICBC", "ABC", "CCB", "CMB", "COMM", "CITIC", "SPDB", "CMBC", "SPABANK")
    banks = [bank for code in codes if (bank := cards.bank(code)) is not None]
    assert [bank.zh for bank in banks] == [
        "工商银行", "农业银行", "建设银行", "招商银行", "交通银行", "中信银行", "浦发银行",
        "民生银行", "平安银行",
    ]  # fmt: skip
    assert all(bank.cnaps and len(bank.cnaps) == 12 for bank in banks)


def test_minsheng_and_merchants_are_not_mistaken_for_one_another() -> None:
    merchants_bank, minsheng = cards.bank("CMB"), cards.bank("CMBC")
    assert merchants_bank is not None and merchants_bank.en == "China Merchants Bank"
    assert minsheng is not None and minsheng.en == "China Minsheng Bank"


def test_a_debit_card_is_accepted_as_typed() -> None:
    number = made("622202")
    typed = " ".join(number[place : place + 4] for place in range(0, 19, 4))
    card = cards.accept(typed)
    assert (card.number, card.kind, card.tail) == (number, "debit", number[-4:])


@pytest.mark.parametrize(
    ("typed", "code", "details"),
    [
        ("", "card_empty", {}),
        ("6222 02ab", "card_digits", {}),
        ("62220215", "card_length", {"have": 8, "want": "19"}),
        (made("622202") + "0", "card_length", {"have": 20, "want": "19"}),
        ("99", "card_length", {"have": 2, "want": "16–19"}),
        (made("000000", 16), "card_unknown_bank", {}),
        (made("622230", 16), "card_credit", {"bank_zh": "工商银行", "bank_en": "ICBC"}),
    ],
)
def test_what_no_payout_can_reach_is_refused(
    typed: str, code: str, details: dict[str, object]
) -> None:
    with pytest.raises(Refused) as said:
        cards.accept(typed)
    assert (said.value.code, said.value.details) == (code, details)
    for locale in i18n.LOCALES:
        assert i18n.t(locale, f"errors.{code}", **details)


def test_a_credit_card_is_refused_even_if_one_insists() -> None:
    with pytest.raises(Refused, match="card_credit"):
        cards.accept(made("622230", 16), confirmed=True)


def test_a_failing_luhn_warns_and_can_be_confirmed() -> None:
    right = made("622202")
    wrong = right[:-1] + str((int(right[-1]) + 1) % 10)
    with pytest.raises(Refused) as said:
        cards.accept(wrong)
    assert said.value.code in cards.WARNINGS and said.value.code == "card_luhn"
    assert cards.accept(wrong, confirmed=True).number == wrong


def test_a_card_of_unusual_length_warns_with_the_usual_one() -> None:
    with pytest.raises(Refused) as said:
        cards.accept(made("622202", 18))
    assert said.value.code == "card_length_unusual" and said.value.code in cards.WARNINGS
    assert (said.value.details["have"], said.value.details["want"]) == (18, "19")
    assert cards.accept(made("622202", 18), confirmed=True).bank_code == "ICBC"


def test_a_half_typed_number_already_names_its_bank() -> None:
    assert cards.recognise("6222 02").bank_name("en") == "ICBC"
    assert cards.recognise("62").bank is None


@given(st.text(max_size=40))
def test_whatever_is_typed_is_accepted_or_refused(typed: str) -> None:
    try:
        cards.accept(typed)
    except Refused as said:
        assert i18n.t("zh-CN", f"errors.{said.code}", **said.details)
