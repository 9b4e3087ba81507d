"""Which courier a tracking number may be of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from littleshop.trade import carriers


@pytest.mark.parametrize(
    ("number", "first"),
    [
        ("SF1234567890123", "sf"),
        (" sf 1234 5678 9012 3 ", "sf"),
        ("YT1234567890123", "yto"),
        ("JT1234567890123", "jt"),
        ("JD0012345678901", "jd"),
        ("78123456789012", "zto"),
        ("776123456789012", "sto"),
        ("463123456789012", "yunda"),
        ("DPK202512345678", "deppon"),
        ("9876543210123", "post"),
        ("EE123456785CN", "ems"),
        ("RR473124829GB", "royal_mail"),
        ("1Z999AA10123456784", "ups"),
    ],
)
def test_the_likeliest_courier_comes_first(number: str, first: str) -> None:
    guesses = carriers.guess(number)
    assert guesses[0].carrier.code == first
    assert [each.sure for each in guesses] == sorted((each.sure for each in guesses), reverse=True)


def test_a_postal_number_with_a_wrong_check_digit_is_not_ems() -> None:
    assert carriers.s10_check_digit("47312482") == 9  # the example of UPU S10
    assert carriers.guess("EE123456789CN") == []


def test_an_ambiguous_number_offers_several_each_once() -> None:
    codes = [each.carrier.code for each in carriers.guess("268123456789")]
    assert len(codes) >= 2 and len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("number", "thing"),
    [
        ("6901234567892", True),
        ("036000291452", True),  # the example of UPC-A
        ("6901234567893", False),  # its last digit is wrong
        ("SF1234567890123", False),
        ("9876543210123", False),  # the post's
        ("", False),
    ],
)
def test_the_barcode_of_a_thing_is_no_parcels(number: str, thing: bool) -> None:
    assert carriers.is_of_a_thing(number) is thing
    assert carriers.gtin_check_digit("400638133393") == 1  # the example of EAN-13


@given(st.text(max_size=90))
def test_whatever_is_scanned_is_guessed_without_a_crash(scanned: str) -> None:
    carriers.guess(scanned)
    carriers.is_of_a_thing(scanned)
