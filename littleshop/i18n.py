"""Words, money and time in a person's language.

A locale is a folder of `locales/`; its JSON files hold flat dotted keys and are merged into one
catalogue. A text may carry {names} in braces; counted texts have one key per plural form
("basket.things.one", "basket.things.other") and are asked for by the stem with `count=`.
The plain path is one dictionary look-up: babel is asked for plural rules only, and once per number.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale as BabelLocale
from markupsafe import Markup, escape

from littleshop.clock import SHANGHAI
from littleshop.money import Money, digits

FOLDER = Path(__file__).parent / "locales"
LOCALES = tuple(sorted(each.name for each in FOLDER.iterdir() if each.is_dir()))
DEFAULT = "zh-CN"
SIGNS = {"CNY": "¥", "GBP": "£", "USD": "$", "EUR": "€", "HKD": "HK$", "TWD": "NT$", "JPY": "JP¥"}
MINUS = "\N{MINUS SIGN}"

_log = logging.getLogger(__name__)
_hole = re.compile(r"\{([a-z_]+)\}")
_mark = re.compile(r"<[^>]*>")
_HAN = ("\u4e00", "\u9fff")


class UnknownText(KeyError):
    """A text is asked for that no catalogue of this locale has (raised in tests only)."""


class MoneyText(NamedTuple):
    """An amount in three pieces, because pages set sign and cents smaller than the whole."""

    sign: str
    whole: str
    cents: str

    def __str__(self) -> str:
        return self.sign + self.whole + self.cents


def _han(letter: str) -> bool:
    return _HAN[0] <= letter <= _HAN[1]


def _latin(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()


class Text:
    """One text of a catalogue, cut at its {holes} once so that filling it is a join."""

    __slots__ = ("han_after", "han_before", "holes", "parts", "plain")

    def __init__(self, source: str) -> None:
        pieces = _hole.split(source)
        self.parts = pieces[0::2]
        self.holes = pieces[1::2]
        self.plain = source
        bare = [_mark.sub("", part) for part in self.parts]
        self.han_before = [_han(part[-1:]) for part in bare[:-1]]
        self.han_after = [_han(part[:1]) for part in bare[1:]]

    def fill(self, params: Mapping[str, object], shown: Callable[[object], str]) -> str:
        """The text with its holes filled; raises KeyError for a hole without a value.

        Figures and Latin names stand off from Chinese by a space, as the texts do themselves.
        """
        if not self.holes:
            return self.plain
        filled = [self.parts[0]]
        for at, hole in enumerate(self.holes):
            value = shown(params[hole])
            if self.han_before[at] and _latin(value[:1]):
                filled.append(" ")
            filled.append(value)
            if self.han_after[at] and _latin(value[-1:]):
                filled.append(" ")
            filled.append(self.parts[at + 1])
        return "".join(filled)


@cache
def catalogue(locale: str) -> dict[str, Text]:
    """All texts of a locale by key; raises ValueError when two files claim one key."""
    merged: dict[str, Text] = {}
    for path in sorted((FOLDER / locale).glob("*.json")):
        for key, source in json.loads(path.read_text(encoding="utf-8")).items():
            if key in merged:
                raise ValueError(f"{locale}/{path.name}: {key} stands in another file too")
            merged[key] = Text(source)
    return merged


def t(locale: str, key: str, **params: object) -> str:
    """The text for `key`, holes filled; counted texts choose their form by `count`.

    Raises UnknownText in tests; elsewhere a missing text is logged and its key is shown.
    """
    text = _find(locale, key, params)
    if text is None:
        return _missing(locale, key)
    return text.fill(params, lambda value: _shown(locale, value))


def html(locale: str, key: str, **params: object) -> Markup:
    """Like `t`, for texts that carry marks such as <b>: what is filled in is escaped."""
    text = _find(locale, key, params)
    if text is None:
        return Markup(escape(_missing(locale, key)))

    def safe(value: object) -> str:
        return str(escape(value if isinstance(value, Markup) else _shown(locale, value)))

    return Markup(text.fill(params, safe))


def has(locale: str, key: str) -> bool:
    """Whether the locale has this text (plain, not counted)."""
    return key in catalogue(locale)


def _find(locale: str, key: str, params: Mapping[str, object]) -> Text | None:
    texts = catalogue(locale)
    found = texts.get(key)
    if found is None and isinstance(count := params.get("count"), int):
        form = plural(locale, count)
        found = texts.get(f"{key}.{form}") or texts.get(f"{key}.other")
    return found


def _shown(locale: str, value: object) -> str:
    if isinstance(value, timedelta):
        return within(locale, value)
    return str(money(locale, value)) if isinstance(value, Money) else str(value)


def _missing(locale: str, key: str) -> str:
    if "PYTEST_CURRENT_TEST" in os.environ:
        raise UnknownText(f"{locale}: {key}")
    _log.error("text missing", extra={"locale": locale, "key": key})
    return key


@lru_cache(maxsize=4096)
def plural(locale: str, count: int) -> str:
    """The CLDR plural form of a number: "one", "other", ..."""
    return str(BabelLocale.parse(locale, sep="-").plural_form(count))


def money(locale: str, amount: Money, *, plus: bool = False) -> MoneyText:
    """An amount as DESIGN writes it: ¥1,250.80; below zero with a true minus before the sign.

    Both of our languages group and point alike, so `locale` changes nothing yet.
    """
    decimals = digits(amount.currency)
    whole, cents = divmod(abs(amount.minor), 10**decimals)
    before = MINUS if amount.minor < 0 else "+" if plus and amount.minor else ""
    return MoneyText(
        before + SIGNS.get(amount.currency, amount.currency + "\N{NO-BREAK SPACE}"),
        f"{whole:,}",
        f".{cents:0{decimals}}" if decimals else "",
    )


def clock(at: datetime, zone: ZoneInfo = SHANGHAI) -> str:
    """The time of day where the shop is: 16:05."""
    return at.astimezone(zone).strftime("%H:%M")


def day(locale: str, on: date, today: date) -> str:
    """A day as people say it today: tomorrow, Thu 26 Nov, 明天（周一）, 周四（26 日）."""
    distance = (on - today).days
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get(distance)
    names: dict[str, object] = {
        "weekday": t(locale, f"words.weekday.{on.weekday()}"),
        "month": t(locale, f"words.month.{on.month}"),
        "day": on.day,
        "year": on.year,
    }
    if near:
        return t(locale, f"words.day.{near}", **names)
    if 1 < distance < 7:
        return t(locale, "words.day.this_week", **names)
    return t(locale, "words.day.same_year" if on.year == today.year else "words.day.far", **names)


def when(locale: str, at: datetime, now: datetime, zone: ZoneInfo = SHANGHAI) -> str:
    """A moment with its day and its time: "tomorrow at 16:05", "明天（周一）10:00"."""
    said = day(locale, at.astimezone(zone).date(), now.astimezone(zone).date())
    # a full-width bracket brings its own white: 明天（周一）10:00, but 今天 10:00
    return t(locale, "words.when", day=said, time=clock(at, zone)).replace("） ", "）")


def full_date(locale: str, on: date) -> str:
    """A date that stays true on paper: 17 November 2026, 2026 年 11 月 17 日."""
    month = t(locale, f"words.month_long.{on.month}")
    return t(locale, "words.date", day=on.day, month=month, year=on.year)


def within(locale: str, span: timedelta) -> str:
    """A span in its largest whole unit: 2 days, 48 小时 become 2 天, 30 分钟."""
    seconds = int(span.total_seconds())
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= size and seconds % size == 0:
            return t(locale, f"words.{unit}", count=seconds // size)
    if seconds >= 60:
        return t(locale, "words.minutes", count=-(-seconds // 60))
    return t(locale, "words.seconds", count=seconds)


_LONGEST_ACCEPT = 256  # signs of Accept-Language that are read and remembered


def choose(query: str | None, cookie: str | None, accept: str | None) -> str:
    """The locale for a visitor: ?lang= first, then the cookie, then Accept-Language."""
    for wish in (query, cookie):
        if wish in LOCALES:
            return wish
    return _accepted(accept[:_LONGEST_ACCEPT]) if accept else DEFAULT


@lru_cache(maxsize=1024)
def _accepted(header: str) -> str:
    """The best locale of an Accept-Language header (RFC 9110, 12.5.4), English for the rest."""
    wishes: list[tuple[float, str]] = []
    for part in header.split(",")[:20]:
        tag, _, weight = part.strip().partition(";q=")
        try:
            wishes.append((-float(weight or 1), tag.lower()))
        except ValueError:
            continue
    for weight_, tag in sorted(wishes, key=lambda wish: wish[0]):
        language = tag.partition("-")[0]
        for locale in LOCALES:
            if weight_ and locale.partition("-")[0] == language:
                return locale
    return "en" if wishes and wishes[0][1] != "*" else DEFAULT
