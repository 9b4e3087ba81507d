"""What shares and entrances brought, as rows: one by one, by channel, by sharer, as a tree."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from littleshop import clock, db, i18n
from littleshop.insights import sharing
from littleshop.insights.sharing import Brought, Way
from littleshop.money import Money, digits
from littleshop.shop.shops import Shop
from littleshop.social import descents
from littleshop.social.descents import Descent

SPAN = timedelta(days=90)
VIEWS = ("share", "channel", "sharer", "tree")
MOST_ROWS = 100
MOST_DESCENTS = 5000
DEEPEST = 4  # further down a tree is drawn no further in
DOWN = "\N{DOWNWARDS ARROW WITH TIP RIGHTWARDS} "  # in a table: it came of the one above
CSV_HEAD = (
    "name", "channel", "visits", "visitors", "placed", "paid", "kept", "paid_sum", "kept_sum",
    "opened",
)  # fmt: skip


class Facts(msgspec.Struct, frozen=True):
    """What a shop's shares and entrances brought in SPAN, by code, and what came of what."""

    shop: Shop
    brought: dict[str, Brought]
    ways: dict[str, Way]
    descents: list[Descent]


async def read(conn: db.Connection, shop: Shop, at: datetime) -> Facts:
    """Everything the rows are made of."""
    since = clock.local_day(at, shop.zone) - SPAN
    found = await sharing.brought(conn, shop.shop_id, shop.zone, since)
    lines = await descents.of_shop(conn, shop.shop_id, most=MOST_DESCENTS)
    codes = {each.code for each in found}
    codes |= {code for each in lines for code in (each.code, each.parent_code)}
    known = await sharing.ways(conn, shop.shop_id, codes)
    return Facts(shop, {each.code: each for each in found}, known, lines)


class Row(msgspec.Struct, frozen=True):
    """A row: its name, the words under it, what it brought; `way` when it is one share."""

    name: str
    under: list[str]
    brought: Brought
    way: Way | None = None
    depth: int = 0
    below: Brought | None = None  # with all that came of it


def shares(facts: Facts, locale: str, titles: dict[str, str], chosen: str = "") -> list[Row]:
    """Every share that brought somebody or that the shop's own people made, the best first."""
    rows = [
        Row(name(way, locale), _under(way, locale, titles), _of(facts, way.code), way)
        for way in facts.ways.values()
        if not way.entrance and chosen in ("", subject(way))
    ]
    return _sorted(row for row in rows if _own(row) or _counts(row.brought))


def _own(row: Row) -> bool:
    return row.way is not None and row.way.person_id is not None


def entrances(facts: Facts, locale: str) -> list[Row]:
    """Every entrance, the best first."""
    rows = [
        Row(way.label, [channel(locale, way.channel)], _of(facts, way.code), way)
        for way in facts.ways.values()
        if way.entrance
    ]
    return _sorted(rows)


def channels(facts: Facts, locale: str) -> list[Row]:
    """The channels of shares, and what began with an invitation, the best first."""
    sums = _together(facts, lambda way: way.channel)
    if (invited := facts.brought.get(sharing.INVITATION)) is not None:
        sums[sharing.INVITATION] = invited
    rows = [Row(channel(locale, key), [], brought) for key, brought in sums.items()]
    return _sorted(rows)


def sharers(facts: Facts, locale: str) -> list[Row]:
    """Who shared: the shop's own people as one, visitors each by the device they shared from."""
    people = {_sharer(way): way for way in facts.ways.values()}
    sums = {key: each for key, each in _together(facts, _sharer).items() if _counts(each)}
    return _sorted(Row(who(people[key], locale), [], brought) for key, brought in sums.items())


def _together(facts: Facts, key: Callable[[Way], str]) -> dict[str, Brought]:
    found: dict[str, list[Brought]] = defaultdict(list)
    for way in facts.ways.values():
        if not way.entrance and way.code in facts.brought:
            found[key(way)].append(facts.brought[way.code])
    return {each: sharing.total(some, each) for each, some in found.items()}


def _sharer(way: Way) -> str:
    return "shop" if way.device is None else way.device.hex()


def tree(facts: Facts, locale: str, titles: dict[str, str]) -> list[Row]:
    """What came of what: each beginning with all below it, the widest first, down in order; what
    brought nobody is left out, for a sheet makes a share for every way that it offers."""
    below: dict[str, list[str]] = defaultdict(list)
    for each in facts.descents:
        below[each.parent_code].append(each.code)
    come = {each.code for each in facts.descents}
    rows: list[Row] = []
    roots = [_grown(facts, code, below, set()) for code in below if code not in come]
    for root in sorted(filter(_counts, roots), key=_weight, reverse=True):
        _walk(facts, root.code, below, 0, locale, titles, rows)
    return rows


def _grown(facts: Facts, code: str, below: dict[str, list[str]], seen: set[str]) -> Brought:
    """A share with all that came of it; each once, whatever the rows say."""
    waiting = [code]
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen.add(here)
            waiting += below.get(here, [])
    return sharing.total((_of(facts, each) for each in seen), code)


def _walk(
    facts: Facts,
    root: str,
    below: dict[str, list[str]],
    depth: int,
    locale: str,
    titles: dict[str, str],
    rows: list[Row],
) -> None:
    """Put a share and what came of it into `rows`, the wider branch first."""
    waiting, seen = [(root, depth)], set()
    while waiting and len(rows) < MOST_ROWS:
        code, depth = waiting.pop()
        way = facts.ways.get(code)
        if way is None or code in seen:
            continue
        seen.add(code)
        grown = [_grown(facts, each, below, set()) for each in below.get(code, [])]
        branches = [each for each in grown if _counts(each)]
        whole = _grown(facts, code, below, set()) if branches else None
        words = [who(way, locale), *_under(way, locale, titles)] if way.label else []
        words = words or _under(way, locale, titles)
        rows.append(
            Row(name(way, locale), words, _of(facts, code), way, min(depth, DEEPEST), whole)
        )
        waiting += [(each.code, depth + 1) for each in sorted(branches, key=_weight)]


def _counts(each: Brought) -> bool:
    return bool(each.views or each.placed or each.opened)


def _of(facts: Facts, code: str) -> Brought:
    return facts.brought.get(code, Brought(code))


def _weight(each: Brought) -> tuple[int, int, int, str]:
    return (each.kept_minor, each.paid, each.visitors, each.code)


def _sorted(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: _weight(row.brought), reverse=True)


def subject(way: Way) -> str:
    """What a share shows, as the picker names it: a product's id or "shop"."""
    return str(way.product_id) if way.product_id else "shop"


def name(way: Way, locale: str) -> str:
    """The seller's own name for it, else whose it is."""
    return way.label or who(way, locale)


def who(way: Way, locale: str) -> str:
    """Whose share it is. A visitor is a sign of this shop for the device that no other shop would
    see: the name that he greets a friend by was promised to stay between the two."""
    if way.entrance:
        return i18n.t(locale, "brought.entrance")
    if way.device is None:
        return i18n.t(locale, "brought.own")
    sign = hashlib.blake2b(way.device, key=way.code.partition("-")[0].encode(), digest_size=2)
    return i18n.t(locale, "brought.visitor", sign=sign.hexdigest().upper())


def channel(locale: str, key: str) -> str:
    """A channel or a kind of entrance in words."""
    said = f"brought.channel.{key}"
    return i18n.t(locale, said) if i18n.has(locale, said) else key.replace("_", " ")


def _under(way: Way, locale: str, titles: dict[str, str]) -> list[str]:
    if way.entrance:
        return [channel(locale, way.channel)]
    thing = titles.get(subject(way), "") or i18n.t(locale, "console.shares.whole")
    return [channel(locale, way.channel), thing]


def told(row: Row, currency: str) -> dict[str, Any]:
    """A row as the templates want it."""
    return {
        "name": row.name,
        "under": row.under,
        "depth": row.depth,
        "made_at": row.way.created_at if row.way and not row.depth and not row.below else None,
        "code": row.way.code if row.way else "",
        **figures(row.brought, currency),
        "below": figures(row.below, currency) if row.below else None,
    }


def figures(brought: Brought, currency: str) -> dict[str, Any]:
    """The figures of a row, or of all rows together."""
    return {
        "visits": brought.views,
        "visitors": brought.visitors,
        "placed": brought.placed,
        "paid": brought.paid,
        "kept": brought.kept,
        "turnover": Money(brought.kept_minor, currency),
        "went_back": Money(brought.paid_minor - brought.kept_minor, currency),
        "opened": brought.opened,
    }


def table(rows: Iterable[Row], currency: str, locale: str) -> list[list[str]]:
    """Rows for a spreadsheet, with a head."""
    head = [i18n.t(locale, f"brought.csv.{each}", currency=currency) for each in CSV_HEAD]
    return [head, *(_line(row, currency) for row in rows)]


def _line(row: Row, currency: str) -> list[str]:
    each = row.brought
    counts = (each.views, each.visitors, each.placed, each.paid, each.kept)
    sums = (_plain(each.paid_minor, currency), _plain(each.kept_minor, currency))
    under = " / ".join(row.under)
    name = DOWN * row.depth + row.name
    return [name, under, *map(str, counts), *sums, str(each.opened)]


def _plain(minor: int, currency: str) -> str:
    places = digits(currency)
    whole, part = divmod(minor, 10**places)
    return f"{whole}.{part:0{places}d}" if places else str(minor)
