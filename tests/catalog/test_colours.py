"""Colours as people name them or type them."""

from __future__ import annotations

import pytest

from littleshop.catalog import colours, drafts
from littleshop.catalog.drafts import Option, ProductDraft, VariantDraft
from littleshop.errors import Refused


@pytest.mark.parametrize(
    ("typed", "colour"),
    [
        ("", ""),
        ("天青", "#8FB3A9"),
        (" 天青色 ", "#8FB3A9"),
        ("Celadon", "#8FB3A9"),
        ("moon WHITE", "#E3E8E6"),
        ("#8fb3a9", "#8FB3A9"),
        ("＃８ＦＢ３Ａ９", "#8FB3A9"),
        ("8fb3a9", "#8FB3A9"),
        ("#abc", "#AABBCC"),
        ("黑", "#1E1C1A"),
    ],
)
def test_a_colour_is_read_as_people_type_it(typed: str, colour: str) -> None:
    assert colours.read(typed) == colour


@pytest.mark.parametrize("typed", ["abc", "#12345", "#gggggg", "url(x)", '"/><script>', "色"])
def test_what_is_no_colour_is_refused(typed: str) -> None:
    with pytest.raises(Refused, match="colour_unknown"):
        colours.read(typed)


def test_only_an_axis_of_colours_suggests_them() -> None:
    assert colours.guess("釉色", "天青") == colours.guess("Colour", "celadon") == "#8FB3A9"
    assert colours.guess("口味", "橙") == ""  # an orange to eat


def test_a_colour_stands_in_its_field_by_name_where_it_has_one() -> None:
    assert colours.shown("zh-CN", "#8FB3A9") == "天青"
    assert colours.shown("en", "#010203") == "#010203"


def test_a_draft_keeps_colours_of_its_values_only() -> None:
    option = Option("釉色", ("青灰", "月白"), {" 青灰 ": "#9DB1AC", "gone": "#000000"})
    kinds = tuple(VariantDraft((value,), 100, 1) for value in option.values)
    checked = drafts.check(ProductDraft("盖碗", kinds, options=(option,)))
    assert checked.options[0].colours == {"青灰": "#9DB1AC"}
    evil = Option("釉色", ("青灰",), {"青灰": 'red" onload="x'})
    with pytest.raises(Refused, match="options_wrong"):
        drafts.check(ProductDraft("盖碗", kinds[:1], options=(evil,)))
