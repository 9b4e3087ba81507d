"""Letters: what one person sends another, in every state and both languages."""

from __future__ import annotations

import re
from typing import Any

import pytest

from littleshop.web import assets, pages
from tests.web import storefront_letters as kept
from tests.web.storefront_goods import thing

PAGES = [*kept.letters(), *kept.to_payers()]
both = pytest.mark.parametrize("locale", ["en", "zh-CN"])
every = pytest.mark.parametrize(
    ("name", "template", "context"), PAGES, ids=[each[0] for each in PAGES]
)


def drawn(context: dict[str, Any], locale: str = "en", template: str = "letter") -> str:
    """A letter's page as text."""
    return pages.render(locale, f"storefront/{template}.html", **context)


@both
@every
def test_a_letter_is_drawn_without_anything_the_content_policy_forbids(
    name: str, template: str, context: dict[str, Any], locale: str
) -> None:
    html = drawn(context, locale, template)
    assert " style=" not in html and " onclick" not in html
    assert html.count("<h1") == 1
    assert not re.search(r"\b(letters|storefront|words)\.[a-z]", re.sub(r"/static/\S+", "", html))


def test_an_open_letter_has_one_button_and_one_that_ended_has_none() -> None:
    assert drawn(kept.invitation()).count("btn go") == 1
    for state in ("paid", "used", "expired", "cancelled"):
        html = drawn(kept.invitation(state))
        assert "btn go" not in html and 'role="img" aria-label=' in html


def test_hostile_words_stay_words() -> None:
    evil = "</p><script>alert(1)</script>\u202e<img src=x onerror=alert(1)>"
    html = drawn(kept.invitation(it=kept.sheet(words=evil, head=evil, signed=evil)))
    assert "<script>alert" not in html and "<img src=x" not in html


def test_a_stamp_without_an_amount_shows_none() -> None:
    gift = kept.sheet(
        total=None, lines=[], stamp=thing(picture=None, name="碗", place="", amount=None)
    )
    html = drawn(kept.invitation("paid", it=gift, amount=None))
    assert "¥" not in html and "180" not in html


def test_the_style_sheet_of_buyers_stays_small() -> None:
    assert len(assets.load("storefront.css").gzipped or b"") <= 10 * 1024
