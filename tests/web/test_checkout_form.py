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
