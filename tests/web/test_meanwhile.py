"""Of a form that comes back, what its sender left alone stays as it is by now."""

from __future__ import annotations

import pytest
from starlette.datastructures import FormData

from littleshop.web import meanwhile
from littleshop.web.forms import Form

SHOWED = {"title": "茶", "price": "12.00", "line": "一行\n两行"}


def came(mark: str = "") -> Form:
    return Form(FormData([(meanwhile.FIELD, mark or meanwhile.mark(SHOWED))]))


def test_what_was_left_alone_stays_as_somebody_else_has_made_it() -> None:
    typed = SHOWED | {"line": "新的一行"}
    kept, moved = meanwhile.merge(came(), typed, SHOWED | {"price": "99.00"})
    assert kept == {"title": "茶", "price": "99.00", "line": "新的一行"} and not moved


def test_what_both_changed_is_asked_about_and_what_they_changed_alike_is_not() -> None:
    typed = SHOWED | {"title": "我的", "price": "15.00"}
    kept, moved = meanwhile.merge(came(), typed, SHOWED | {"title": "他的", "price": "15.00"})
    assert moved == ["title"] and kept["title"] == "我的" and kept["price"] == "15.00"


def test_line_ends_and_spaces_around_are_no_change() -> None:
    typed = SHOWED | {"line": "一行\r\n两行 "}
    kept, moved = meanwhile.merge(came(), typed, SHOWED | {"line": "另一行"})
    assert kept["line"] == "另一行" and not moved


@pytest.mark.parametrize("mark", ["", "[]", "{", '{"title": 1}', "null"])
def test_a_form_that_does_not_say_what_it_showed_means_what_it_says(mark: str) -> None:
    form = Form(FormData([(meanwhile.FIELD, mark)]))
    assert meanwhile.merge(form, SHOWED, SHOWED | {"title": "他的"}) == (SHOWED, [])
