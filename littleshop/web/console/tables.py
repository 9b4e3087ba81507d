"""Figures of a span as rows for a spreadsheet, with a head; what a formula looks like is made
harmless where they are written out."""

from __future__ import annotations

from collections.abc import Callable

from littleshop import i18n
from littleshop.money import digits
from littleshop.web.console import brought
from littleshop.web.console.span_figures import Figures, Read
from littleshop.web.console.spans import DAY

ALL = ("days", "hours", "ways", "things")
OF_THING = ("days",)
MOST_THINGS = 2000

_DAY = (
    "visitors", "visits", "looked", "basket", "orders", "buyers", "again", "pieces", "turnover",
    "kept", "backs", "back",
)  # fmt: skip
_THING_DAY = ("visitors", "visits", "orders", "pieces", "turnover", "kept")
_OF: dict[str, Callable[[Figures], int]] = {
    "visitors": lambda each: each.visitors,
    "visits": lambda each: each.views,
    "looked": lambda each: each.looked,
    "basket": lambda each: each.basket,
    "orders": lambda each: each.orders,
    "buyers": lambda each: each.buyers,
    "again": lambda each: each.again,
    "pieces": lambda each: each.pieces,
    "turnover": lambda each: each.minor,
    "kept": lambda each: each.kept_minor,
    "backs": lambda each: each.backs,
    "back": lambda each: each.back_minor,
}
_MONEY = ("turnover", "kept", "back")


def rows(read: Read, of: str, locale: str) -> list[list[str]]:
    """A table with its head: of days, hours, ways, things, or the days of one thing."""
    made = {
        "days": lambda: _days(read, locale, _DAY),
        "thing": lambda: _days(read, locale, _THING_DAY),
        "hours": lambda: _hours(read, locale),
        "ways": lambda: _ways(read, locale),
        "things": lambda: _things(read, locale),
    }
    return made[of]()


def _head(read: Read, locale: str, *names: str) -> list[str]:
    heads = [i18n.t(locale, f"figures.csv.{name}") for name in names]
    return [
        f"{head} ({read.currency})" if name in _MONEY else head
        for name, head in zip(names, heads, strict=True)
    ]


def _days(read: Read, locale: str, names: tuple[str, ...]) -> list[list[str]]:
    told = [_head(read, locale, "day", *names)]
    for at, each in enumerate(read.days):
        cells = [_cell(read, name, _OF[name](each)) for name in names]
        told.append([(read.span.first + at * DAY).isoformat(), *cells])
    return told


def _cell(read: Read, name: str, value: int) -> str:
    return plain(value, read.currency) if name in _MONEY else str(value)


def plain(minor: int, currency: str) -> str:
    """Minor units as a spreadsheet reads them: 16800 is 168.00."""
    places = digits(currency)
    if not places:
        return str(minor)
    whole, part = divmod(minor, 10**places)
    return f"{whole}.{part:0{places}d}"


def _hours(read: Read, locale: str) -> list[list[str]]:
    orders, minor, _ = read.hours
    return [_head(read, locale, "hour", "orders", "turnover")] + [
        [f"{hour:02}:00", str(orders[hour]), plain(minor[hour], read.currency)]
        for hour in range(24)
    ]


def _ways(read: Read, locale: str) -> list[list[str]]:
    told = [_head(read, locale, "way", "channel", "name", "orders", "turnover")]
    for each in read.ways:
        words = [i18n.t(locale, f"figures.way.{each.way}"), brought.channel(locale, each.channel)]
        told.append([*words, each.label, str(each.orders), plain(each.minor, read.currency)])
    orders = sum(each.orders for each in read.days) - sum(each.orders for each in read.ways)
    minor = sum(each.minor for each in read.days) - sum(each.minor for each in read.ways)
    direct = i18n.t(locale, "figures.direct")
    return [*told, [direct, "", "", str(orders), plain(minor, read.currency)]]


def _things(read: Read, locale: str) -> list[list[str]]:
    told = [_head(read, locale, "thing", "orders", "pieces", "gone_pieces", "turnover", "kept")]
    for each in read.things:
        counts = [str(each.orders), str(each.pieces), str(each.gone_pieces)]
        sums = [plain(minor, read.currency) for minor in (each.minor, each.minor - each.gone_minor)]
        told.append([each.title, *counts, *sums])
    return told
