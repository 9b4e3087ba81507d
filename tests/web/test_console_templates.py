"""The seller's pages read well in both languages and keep the strict policy."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

import littleshop
from littleshop import i18n
from littleshop.web import pages
from littleshop.web.console import charts, installing, proportions
from tests.web import console_more_samples as more
from tests.web.console_pages import everything

FOLDER = Path(littleshop.__file__).parent
NAMES = sorted(everything("en"))
BOTH = [(locale, name) for locale in i18n.LOCALES for name in NAMES]
VOID = {"input", "img", "meta", "link", "br", "hr", "path", "circle", "rect", "use", "source"}


class Markup(HTMLParser):
    """Reads a page and notes what a strict reader would object to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.problems: list[str] = []
        self.forms = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.problems += [f"{tag} {name}" for name in told if name == "style" or name[:2] == "on"]
        if tag == "script" and not told.get("src"):
            self.problems.append("script without an address")
        if tag == "form" and "form" in self.open:
            self.problems.append("a form in a form")
        if tag == "img" and "alt" not in told:
            self.problems.append("a picture without alt")
        if identity := told.get("id"):
            self.ids.append(identity)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.problems.append(f"</{tag}> closes {self.open[-1:]}")
        elif self.open:
            self.open.pop()


def drawn(locale: str, name: str) -> str:
    template, told = everything(locale)[name]
    return pages.render(locale, template, **told)


@pytest.mark.parametrize(("locale", "name"), BOTH)
def test_every_page_is_whole_and_keeps_the_policy(locale: str, name: str) -> None:
    read = Markup()
    read.feed(drawn(locale, name))
    assert read.problems == []
    assert read.open == []
    assert len(read.ids) == len(set(read.ids))


@pytest.mark.parametrize("name", NAMES)
def test_an_english_page_says_nothing_in_the_words_of_the_other_language(name: str) -> None:
    written = drawn("en", name)
    for key, text in i18n.catalogue("zh-CN").items():
        if key.startswith(("console.", "opening.")) and len(text.plain) > 5 and not text.holes:
            assert text.plain not in written, key


def test_both_languages_have_the_same_texts() -> None:
    for area in ("console", "opening"):
        texts = {
            locale: json.loads((FOLDER / "locales" / locale / f"{area}.json").read_text())
            for locale in i18n.LOCALES
        }
        stems = {
            locale: {re.sub(r"\.(one|other)$", "", key) for key in told}
            for locale, told in texts.items()
        }
        assert stems["en"] == stems["zh-CN"]


def test_every_text_is_used_by_a_template() -> None:
    folders = [FOLDER / "templates" / each for each in ("console", "entry")]
    source = "".join(each.read_text() for folder in folders for each in folder.rglob("*.html"))
    source += (FOLDER / "web/console/installing.py").read_text()
    for area in ("console", "opening"):
        for key in json.loads((FOLDER / "locales/en" / f"{area}.json").read_text()):
            stem = re.sub(r"\.(one|other|next)$", "", key)
            parts = stem.split(".")
            stems = {stem} | {".".join(parts[:at]) + "." for at in range(1, len(parts))}
            stems |= {re.sub(r"waits_.*", "waits_", stem)}
            assert any(f"'{each}" in source or f'"{each}' in source for each in stems), key


def test_the_console_is_an_app_on_the_home_screen() -> None:
    told = installing.manifest("zh-CN", "/console/xiaoman", "小满茶器")
    assert told["start_url"] == "/console/xiaoman"
    assert {icon["purpose"] for icon in told["icons"]} == {"any", "maskable"}
    for icon in told["icons"]:
        assert (FOLDER / icon["src"].removeprefix("/")).is_file()


def test_no_awning_hangs_inside_the_console() -> None:
    for name in NAMES:
        if not name.startswith("open-"):
            assert 'class="awning' not in drawn("en", name)


def test_the_best_day_is_the_named_bar_and_its_label_stays_inside() -> None:
    bars = charts.day_bars([100, 900, 300])
    assert [bar.named for bar in bars.bars] == [False, True, False]
    last = charts.day_bars([0] * 29 + [500])
    assert last.label == charts.Label(charts.WIDTH, 14, "end")
    assert max(bar.height for bar in last.bars) == charts.BAR_HEIGHT


def test_days_without_anything_have_no_best_day() -> None:
    assert charts.day_bars([0, 0, 0]).best is None
    assert charts.day_dots([0, 0, 0]).dots == ()
    assert charts.day_line([]).best is None


def test_a_busy_day_makes_one_dot_stand_for_several_orders() -> None:
    dots = charts.day_dots([3, 1, 120])
    assert dots.each == 10
    assert sum(dot.named for dot in dots.dots) == 12
    assert sum(not dot.named for dot in dots.dots) == 2


def test_today_climbs_up_to_now_and_yesterday_to_midnight() -> None:
    drawing = charts.through_the_day([(600, 500), (700, 900)], [(800, 300)], 860)
    assert drawing.now_x == pytest.approx((860 - 360) / 1080 * charts.WIDTH, abs=0.1)
    assert drawing.yesterday.endswith(f"H{charts.WIDTH:.1f}V{drawing.baseline - 28.5:.1f}")
    assert [minute for minute, _ in drawing.ticks] == [360, 600, 1440]


@pytest.mark.parametrize(
    ("today", "yesterday", "now"),
    [
        ([(540, 80), (960, 110), (1210, 4540)], [(870, 100), (1140, 468)], 1216),
        ([(60, 240), (930, 780), (1060, 1534)], [(920, 700), (1180, 904)], 1203),
        ([(600, 300), (900, 500)], [(650, 310), (910, 520)], 1000),
        ([], [(1300, 500)], 400),
        ([(700, 900)], [], 1435),
        ([(minute, minute) for minute in range(400, 1400, 40)], [(500, 1300)], 1400),
    ],
)
def test_yesterdays_label_lies_on_no_line_and_not_on_todays(
    today: list[charts.Moment], yesterday: list[charts.Moment], now: int
) -> None:
    drawing = charts.through_the_day(today, yesterday, now)
    label, other = drawing.yesterday_label, drawing.now_label
    left = label.x - charts.THEN_WIDE if label.anchor == "end" else label.x
    assert 0 <= left <= charts.WIDTH - charts.THEN_WIDE
    for path in (drawing.today, drawing.yesterday):
        for x, y in _corners(path):
            inside = left < x < left + charts.THEN_WIDE
            assert not (inside and label.y - charts.LETTERS < y < label.y), (x, y)
    right = other.x + (0 if other.anchor == "end" else charts.NOW_WIDE)
    apart = abs(label.y - other.y) >= charts.LETTERS
    assert apart or right < left or right - charts.NOW_WIDE > left + charts.THEN_WIDE


def _corners(path: str) -> list[tuple[float, float]]:
    first, *steps = path.removeprefix("M").split("H")
    start_x, y = (float(each) for each in first.split(" "))
    corners = [(start_x, y)]
    for step in steps:
        x, _, next_y = step.partition("V")
        corners += [(float(x), y), (float(x), float(next_y))]
        y = float(next_y)
    return corners


def test_an_order_before_six_moves_the_left_edge_to_midnight() -> None:
    drawing = charts.through_the_day([(30, 500)], [], 700)
    assert drawing.ticks[0][0] == 0


def test_bars_of_a_list_compare_with_the_longest() -> None:
    assert [row.percent for row in charts.ranked([50, 25, 0])] == [100, 50, 0]
    assert [row.named for row in charts.funnel([100, 40, 10])] == [False, False, True]
    assert proportions.leading([43, 28, 21, 15, 32]) == 2


@pytest.mark.parametrize(
    ("part", "whole", "ten"), [(0, 9, 0), (1, 900, 1), (56, 139, 4), (9, 9, 10), (3, 0, 0)]
)
def test_people_who_came_back_are_counted_out_of_ten(part: int, whole: int, ten: int) -> None:
    assert proportions.out_of_ten(part, whole) == ten


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_a_payout_that_no_bank_confirmed_is_not_promised_for_a_day_that_is_over(
    locale: str,
) -> None:
    context = more.money(locale)
    told = {key: i18n.t(locale, f"console.payout.{key}", day="|").split("|")
            for key in ("sent", "late")}  # fmt: skip

    def says(key: str, html: str) -> bool:
        row = html[html.index("8814") :]
        return all(part in unescape(row) for part in told[key])

    before = pages.render(locale, "console/money.html", **context)
    assert says("sent", before) and not says("late", before)
    after = context["now"] + timedelta(days=4)
    late = pages.render(locale, "console/money.html", **context | {"now": after})
    assert says("late", late) and not says("sent", late)
