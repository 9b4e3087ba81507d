"""Figures of a span as sentences, drawings and tables: the context of figures.html."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from littleshop import i18n
from littleshop.insights.sales import Thing
from littleshop.money import Money
from littleshop.web.console import brought, charts, frame, proportions, spans
from littleshop.web.console.span_figures import Figures, Read, total
from littleshop.web.console.spans import DAY, Piece

MOST_ROWS = 6
MOST_PILES = 36  # more marks than that are bars, for dots would lie on each other
Row = dict[str, Any]


class Drawn:
    """A span in one language."""

    def __init__(self, read: Read, locale: str) -> None:
        self.read, self.locale = read, locale
        self.sum = total(read.days)
        self.pieces = spans.pieces(read.span)
        self.marks = [self._of(piece) for piece in self.pieces]
        self.names = [self.name(piece) for piece in self.pieces]

    def _of(self, piece: Piece) -> Figures:
        if piece.kind != "hour":
            return total(self.read.days[at] for at in piece.days)
        if not self.read.hours:
            return Figures()
        orders, minor, visitors = (each[piece.hour] for each in self.read.hours)
        return Figures(orders=orders, minor=minor, visitors=visitors)

    def t(self, key: str, **params: object) -> str:
        """A text of this page."""
        return i18n.t(self.locale, f"figures.{key}", **params)

    def money(self, minor: int) -> Money:
        """In the shop's currency."""
        return Money(minor, self.read.currency)

    def name(self, piece: Piece) -> str:
        """What a mark stands for, as it is said after "most"."""
        if piece.kind == "hour":
            return f"{piece.hour}:00"
        today = self.read.span.last + (0 if self.read.span.running else 1) * DAY
        if piece.kind == "month":
            month = i18n.t(self.locale, f"words.month.{piece.first.month}")
            return self.t("month", month=month, year=piece.first.year)
        said = i18n.day(self.locale, piece.first, today)
        return self.t("from_day", day=said) if piece.kind == "week" else said

    def axis(self) -> dict[str, str]:
        """The three words under a drawing."""
        names = [name if p.kind == "hour" else self._short(p) for p, name in self._named()]
        return {"first": names[0], "middle": names[len(names) // 2], "last": names[-1]}

    def _named(self) -> list[tuple[Piece, str]]:
        return list(zip(self.pieces, self.names, strict=True))

    def _short(self, piece: Piece) -> str:
        if piece.kind == "month":
            return self.name(piece)
        last = piece.first if piece.kind == "day" else self.read.span.last
        shown = last if piece is self.pieces[-1] else piece.first
        today = self.read.span.last + (0 if self.read.span.running else 1) * DAY
        return i18n.day(self.locale, shown, today)

    def before(self, figure: object) -> str:
        """The sentence that holds a figure against the same time before."""
        span = self.read.span
        if span.kind == "today":
            return self.t("before_today", figure=figure)
        key = "before_running" if span.running else "before"
        return self.t(key, figure=figure, count=span.length)

    def values(self, of: Callable[[Figures], int]) -> list[int]:
        """One figure of every mark."""
        return [of(each) for each in self.marks]


def told(read: Read, locale: str, root: str) -> dict[str, Any]:
    """The context of figures.html without its frame and its list of spans."""
    drawn = Drawn(read, locale)
    return {
        "any": bool(drawn.sum.orders or drawn.sum.visitors or drawn.sum.backs),
        "dates": drawn.axis(),
        "turnover": _turnover(drawn),
        "orders": _orders(drawn),
        "visitors": _visitors(drawn),
        "funnel": _funnel(drawn),
        "hours": _hours(drawn),
        "channels": _channels(drawn),
        "shares": _shares(drawn),
        "things": _things(drawn, read.things, root),
        "again": _again(drawn),
        "back": _back(drawn),
        "beside": beside(drawn),
        "lines": lines(drawn),
    }


def _turnover(drawn: Drawn) -> Row:
    values = drawn.values(lambda each: each.minor)
    bars = charts.day_bars(values)
    best = bars.best or 0
    label = {"sum": drawn.money(values[best]), "day": drawn.names[best]}
    return {
        "says": took(drawn),
        "bars": bars,
        "label": i18n.t(drawn.locale, "console.figures.best_sum", **label),
    }


def took(drawn: Drawn) -> str:
    """What came in, and how much more or less that is than before."""
    span, sum_ = drawn.read.span, drawn.money(drawn.sum.minor)
    if drawn.read.before is None and span.kind == "today":
        return drawn.t("took_today", sum=sum_)
    if drawn.read.before is None:
        return i18n.t(drawn.locale, "console.figures.took", sum=sum_, count=span.length)
    ahead = drawn.sum.minor - drawn.read.before.minor
    by = drawn.money(abs(ahead))
    way = "more" if ahead > 0 else "less" if ahead < 0 else "same"
    if span.kind == "today":
        return i18n.t(drawn.locale, f"console.today.{way}", sum=sum_, by=by)
    if not ahead:
        return i18n.t(drawn.locale, "console.figures.took", sum=sum_, count=span.length)
    if span.running:
        return drawn.t(f"took_{way}", sum=sum_, by=by, count=span.length)
    return i18n.t(drawn.locale, f"console.figures.took_{way}", sum=sum_, by=by, count=span.length)


def _orders(drawn: Drawn) -> Row:
    values = drawn.values(lambda each: each.orders)
    count, before = drawn.sum.orders, drawn.read.before
    things = drawn.t("pieces", count=drawn.sum.pieces)
    piles = charts.day_dots(values) if len(values) <= MOST_PILES else None
    bars = charts.day_bars(values)
    says = drawn.t("orders", count=count, things=things) if count else drawn.t("no_orders")
    if piles and count:
        dot = i18n.t(drawn.locale, "console.figures.dot", count=piles.each)
        says = drawn.t("two", first=says, second=dot)
    best = bars.best or 0
    label = {"number": values[best], "day": drawn.names[best]}
    return {
        "says": says,
        "total": count,
        "dots": piles,
        "bars": bars,
        "label": i18n.t(drawn.locale, "console.figures.best_orders", **label),
        "before": None if before is None else drawn.before(grouped(before.orders)),
    }


def grouped(count: int) -> str:
    """A number as people read it: 12,480."""
    return f"{count:,}"


def _visitors(drawn: Drawn) -> Row:
    values = drawn.values(lambda each: each.visitors)
    line, before = charts.day_line(values), drawn.read.before
    best = line.best or 0
    visits = drawn.t("visits", count=drawn.sum.views, figure=grouped(drawn.sum.views))
    figure = grouped(drawn.sum.visitors)
    key = {"hour": "visitors_hour", "day": "visitors"}.get(drawn.pieces[0].kind, "visitors_span")
    facts = {"figure": figure, "visits": visits, "day": drawn.names[best]}
    says = drawn.t(key, count=drawn.sum.visitors, **facts)
    return {
        "says": says if drawn.sum.visitors else drawn.t("no_visitors"),
        "line": line,
        "bars": charts.day_bars(values) if drawn.pieces[0].kind == "hour" else None,
        "label": i18n.t(drawn.locale, "console.figures.best_visitors", count=values[best]),
        "last": grouped(values[-1]),
        "before": None if before is None else drawn.before(grouped(before.visitors)),
    }


def _funnel(drawn: Drawn) -> Row:
    counts = [drawn.sum.visitors, drawn.sum.looked, drawn.sum.basket, drawn.sum.buyers]
    for at in (2, 1, 0):  # who paid had looked and put it in a basket, counted or not
        counts[at] = max(counts[at], counts[at + 1])
    steps = ("visited", "looked", "basket", "paid")
    lost = max(range(3), key=lambda at: counts[at] - counts[at + 1])
    in_100 = (counts[-1] * 200 + counts[0]) // (2 * counts[0]) if counts[0] else 0
    before = drawn.read.before
    return {
        "in_100": min(100, in_100),
        "lost": steps[lost],
        "rows": [
            {"name": name, "count": count, "bar": bar}
            for name, count, bar in zip(steps, counts, charts.funnel(counts), strict=True)
        ],
        "before": None if before is None else drawn.before(percent(before.buyers, before.visitors)),
    }


def percent(part: int, whole: int) -> str:
    """Of a hundred, with a tenth: 8.2%."""
    return f"{min(1000, proportions.permille(part, whole)) / 10}%"


def _hours(drawn: Drawn) -> Row | None:
    """When in the day people pay; of one day the other drawings say that already."""
    if drawn.read.span.length == 1 or not drawn.sum.orders:
        return None
    values = drawn.read.hours[0]
    bars = charts.day_bars(values)
    best = bars.best or 0
    of = grouped(drawn.sum.orders)
    return {
        "says": drawn.t("hours", since=best, until=best + 1, count=values[best], of=of),
        "bars": bars,
        "label": f"{best}:00",
    }


def _ranked(drawn: Drawn, counts: dict[str, int]) -> list[Row]:
    rows = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_ROWS]
    bars = charts.ranked([count for _, count in rows])
    return [
        {"name": name, "orders": count, "bar": bar}
        for (name, count), bar in zip(rows, bars, strict=True)
    ]


def _channels(drawn: Drawn) -> Row | None:
    """By which ways orders came, and how many by none."""
    counts: dict[str, int] = {}
    for each in drawn.read.ways:
        name = brought.channel(drawn.locale, each.channel)
        counts[name] = counts.get(name, 0) + each.orders
    if not counts:
        return None
    direct = drawn.sum.orders - sum(counts.values())
    if direct > 0:
        counts[drawn.t("direct")] = direct
    rows = _ranked(drawn, counts)
    name, count = rows[0]["name"], rows[0]["orders"]
    key = "channels_none" if name == drawn.t("direct") else "channels"
    says = drawn.t(key, name=name, count=count, of=grouped(drawn.sum.orders))
    return {"says": says, "rows": rows}


def _shares(drawn: Drawn) -> Row | None:
    """Named shares and entrances one by one, all of visitors' own as one row."""
    counts: dict[str, int] = {}
    for each in drawn.read.ways:
        if each.way == "invitation":
            continue
        name = each.label or i18n.t(drawn.locale, "console.shares.visitors")
        counts[name] = counts.get(name, 0) + each.orders
    if not counts:
        return None
    rows = _ranked(drawn, counts)
    leading = proportions.leading([row["orders"] for row in rows])
    for at, row in enumerate(rows):
        row["bar"] = charts.Share(at, row["bar"].percent, at < leading)
    whole = drawn.sum.orders or 1
    part = sum(row["orders"] for row in rows[:leading])
    share = (part * 200 + whole) // (2 * whole)
    return {"says": drawn.t("shares", count=leading, percent=share), "rows": rows}


def _things(drawn: Drawn, things: Sequence[Thing], root: str) -> Row | None:
    if not things:
        return None
    bars = charts.ranked([each.minor - each.gone_minor for each in things])
    seller = max(things, key=lambda each: each.pieces - each.gone_pieces)
    query = drawn.read.span.query
    return {
        "earner": things[0].title,
        "seller": seller.title,
        "rows": [
            {
                "title": each.title,
                "picture_url": frame.picture(each.photo),
                "sold": each.pieces - each.gone_pieces,
                "turnover": drawn.money(each.minor - each.gone_minor),
                "bar": bar,
                "url": f"{root}/goods/{each.product_id}/figures?{query}",
            }
            for each, bar in zip(things, bars, strict=True)
        ],
    }


def _again(drawn: Drawn) -> Row | None:
    if not drawn.sum.orders:
        return None
    before = drawn.read.before
    return {
        "ten": proportions.out_of_ten(drawn.sum.again, drawn.sum.orders),
        "orders": drawn.sum.again,
        "of": drawn.sum.orders,
        "before": None if before is None else drawn.before(percent(before.again, before.orders)),
    }


def _back(drawn: Drawn) -> Row | None:
    """Money that left in the span, by the day on which it did; of one day a sentence is enough."""
    if not drawn.sum.backs and not drawn.sum.gone_minor:
        return None
    sums = {"back": drawn.money(drawn.sum.back_minor), "kept": drawn.money(drawn.sum.kept_minor)}
    values = drawn.values(lambda each: each.back_minor)
    bars = charts.day_bars(values)
    best = bars.best
    label = {"sum": drawn.money(values[best or 0]), "day": drawn.names[best or 0]}
    return {
        "says": drawn.t("back", count=drawn.read.span.length, **sums),
        "bars": None if best is None else bars,
        "label": i18n.t(drawn.locale, "console.figures.best_sum", **label),
    }


def beside(drawn: Drawn) -> list[Row]:
    """Every figure of the span beside that of the time before, in words: (name, now, before)."""
    now, then = drawn.sum, drawn.read.before
    views = None if then is None or drawn.read.span.running else grouped(then.views)

    def row(name: str, of: Callable[[Figures], object]) -> Row:
        return {"name": drawn.t(f"row.{name}"), "now": of(now), "then": then and of(then)}

    return [
        row("visitors", lambda each: grouped(each.visitors)),
        row("visits", lambda each: grouped(each.views)) | {"then": views},
        row("orders", lambda each: grouped(each.orders)),
        row("bought", lambda each: percent(each.buyers, each.visitors)),
        row("pieces", lambda each: grouped(each.pieces)),
        row("turnover", lambda each: drawn.money(each.minor)),
        row("kept", lambda each: drawn.money(each.kept_minor)),
        row("back", lambda each: drawn.money(each.back_minor)),
        row("again", lambda each: percent(each.again, each.orders)),
    ]


def lines(drawn: Drawn) -> list[Row]:
    """The drawings as a table: a row for every mark."""
    return [
        {
            "name": name,
            "visitors": grouped(each.visitors),
            "orders": grouped(each.orders),
            "turnover": drawn.money(each.minor),
        }
        for name, each in zip(drawn.names, drawn.marks, strict=True)
    ]
