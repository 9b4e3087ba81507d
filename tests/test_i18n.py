"""Words, money and days, as people of both languages read them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from markupsafe import Markup

from littleshop import i18n
from littleshop.money import Money

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)  # a Sunday, noon in Shanghai


def forms(key: str) -> str:
    """The stem of a counted key, the key itself otherwise."""
    return re.sub(r"\.(one|two|few|many|other|zero)$", "", key)


def test_every_text_exists_in_both_languages() -> None:
    english, chinese = ({forms(key) for key in i18n.catalogue(each)} for each in ("en", "zh-CN"))
    assert english == chinese


def test_a_missing_text_fails_the_test_that_shows_it() -> None:
    with pytest.raises(i18n.UnknownText):
        i18n.t("en", "words.no_such_text")


def test_counted_things_take_the_plural_of_the_language() -> None:
    assert i18n.t("en", "words.days", count=1) == "1 day"
    assert i18n.t("en", "words.days", count=2) == "2 days"
    assert i18n.t("zh-CN", "words.days", count=1) == "1 天"


@pytest.mark.parametrize("locale", i18n.LOCALES)
def test_a_text_that_counts_has_a_form_for_one(locale: str) -> None:
    """Where a plural noun follows the number: "1 differences" is said to nobody."""
    plain = {
        key
        for key, text in i18n.catalogue(locale).items()
        if re.search(r"\{count\} [a-z]+s\b", text.plain) and not key.endswith((".one", ".other"))
    }
    assert plain == set()
    assert "1 " not in i18n.t("en", "errors.day_unexplained", count=1)
    assert i18n.t(locale, "errors.day_unexplained", count=2) != "errors.day_unexplained"


def test_what_a_person_typed_cannot_become_a_mark() -> None:
    said = i18n.html("en", "storefront.order.if_nobody.ship", seller="<i>", when="x", amount="1")
    assert "<i>" not in said and "&lt;i&gt;" in said and "<b>" in said
    assert isinstance(said, Markup)


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (16_800, "CNY", "¥168.00"),
        (125_080_05, "CNY", "¥125,080.05"),
        (-1_320, "CNY", "−¥13.20"),
        (9_600, "GBP", "£96.00"),
        (1_500, "JPY", "JP¥1,500"),
        (5, "CHF", "CHF\N{NO-BREAK SPACE}0.05"),
    ],
)
def test_money_is_shown_with_its_sign_and_cents(minor: int, currency: str, shown: str) -> None:
    assert str(i18n.money("en", Money(minor, currency))) == shown


@pytest.mark.parametrize(
    ("hours", "english", "chinese"),
    [
        (-24, "yesterday at 12:00", "昨天 12:00"),
        (4, "today at 16:00", "今天 16:00"),
        (22, "tomorrow at 10:00", "明天（周一）10:00"),
        (96, "Thu 26 Nov at 12:00", "周四（26 日）12:00"),
        (24 * 20, "Sat 12 Dec at 12:00", "12 月 12 日 12:00"),
        (24 * 60, "21 Jan 2027 at 12:00", "2027 年 1 月 21 日 12:00"),
    ],
)
def test_a_moment_is_said_as_people_say_it_today(hours: int, english: str, chinese: str) -> None:
    at = NOON + timedelta(hours=hours)
    assert i18n.when("en", at, NOON) == english
    assert i18n.when("zh-CN", at, NOON) == chinese


def test_midnight_belongs_to_the_shop_not_to_greenwich() -> None:
    late = datetime(2026, 11, 22, 17, tzinfo=UTC)  # already Monday in Shanghai
    assert i18n.when("en", late, NOON) == "tomorrow at 01:00"


def test_a_span_is_said_in_its_largest_whole_unit() -> None:
    assert i18n.within("en", timedelta(hours=48)) == "2 days"
    assert i18n.within("en", timedelta(hours=36)) == "36 hours"
    assert i18n.within("zh-CN", timedelta(minutes=30)) == "30 分钟"
    assert i18n.within("en", timedelta(seconds=61)) == "2 minutes"
    assert i18n.within("en", timedelta(seconds=1)) == "1 second"


def test_a_date_on_paper_names_its_year() -> None:
    assert i18n.full_date("en", date(2026, 11, 17)) == "17 November 2026"
    assert i18n.full_date("zh-CN", date(2026, 11, 17)) == "2026 年 11 月 17 日"


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "locale"),
    [
        ("en", "zh-CN", "zh", "en"),
        ("xx", "en", "zh", "en"),
        (None, None, "zh-TW,zh;q=0.9,en;q=0.8", "zh-CN"),
        (None, None, "en-GB,en;q=0.9", "en"),
        (None, None, "en;q=0.2,zh;q=0.9", "zh-CN"),
        (None, None, "fr-FR,fr", "en"),
        (None, None, "zh;q=0,en;q=0.1", "en"),
        (None, None, "en;q=a lot", "zh-CN"),
        (None, None, "*", "zh-CN"),
        (None, None, None, "zh-CN"),
    ],
)
def test_the_language_follows_the_wish_then_the_cookie_then_the_browser(
    query: str | None, cookie: str | None, accept: str | None, locale: str
) -> None:
    assert i18n.choose(query, cookie, accept) == locale


def test_figures_and_latin_names_stand_off_from_chinese() -> None:
    said = i18n.html("zh-CN", "storefront.order.if_nobody.pay", when="今天 20:58")
    assert "今天 20:58 </b>订单" in said
    assert i18n.t("zh-CN", "storefront.order.remind", seller="Ada") == "催 Ada 发货"
    assert i18n.t("zh-CN", "storefront.order.remind", seller="小满") == "催小满发货"
