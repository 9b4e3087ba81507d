"""The fields of a posted form, read as a browser meant them."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from littleshop.errors import Refused
from littleshop.web.storefront import checkouts

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


@given(st.dictionaries(TEXT, TEXT))
def test_what_a_browser_encodes_is_read_back(fields: dict[str, str]) -> None:
    assert checkouts.fields_of(urlencode(fields).encode()) == fields


@given(st.text(st.sampled_from("ab%=&+ 0123456789ABCDEFe陈"), max_size=60))
def test_odd_forms_are_read_as_the_library_reads_them(text: str) -> None:
    library = dict(parse_qsl(text, keep_blank_values=True))
    assert checkouts.fields_of(text.encode()) == {
        name: value.replace("\x00", "") for name, value in library.items()
    }


def test_a_form_of_too_many_fields_is_refused() -> None:
    with pytest.raises(Refused, match="form_too_large"):
        checkouts.fields_of(b"a=1&" * 300)


def test_of_an_address_pasted_before_nothing_stays_and_what_was_typed_by_hand_does() -> None:
    where = "陈婉婷 13800002046 浙江省杭州市西湖区文三路 478 号"
    first = checkouts.sorted_out({"pasted": where, "note": "轻放"})
    assert (first["city"], first["street"], first["note"]) == ("杭州市", "文三路 478 号", "轻放")
    typed = first | {"street": "文三路 9 号"}
    second = checkouts.sorted_out(typed | {"pasted": "Ann Lee 13900000001"})
    told = {"recipient": "Ann Lee", "phone": "13900000001", "street": "文三路 9 号"}
    told |= {"province": "", "city": "", "district": "", "note": "轻放"}
    assert {name: second[name] for name in told} == told
    third = checkouts.sorted_out(second | {"city": "杭州市", "pasted": "周德贵 13900000002"})
    assert (third["recipient"], third["city"]) == ("周德贵", "杭州市")
