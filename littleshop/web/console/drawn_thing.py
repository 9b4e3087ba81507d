"""Figures of one thing in a span as sentences, drawings and tables: of figures_thing.html."""

from __future__ import annotations

from typing import Any

from littleshop import i18n
from littleshop.web.console import charts, drawn
from littleshop.web.console.drawn import Drawn
from littleshop.web.console.span_figures import Read

_ROWS = ("visitors", "visits", "orders", "pieces", "turnover", "kept")


def told(read: Read, locale: str) -> dict[str, Any]:
    """The context of figures_thing.html without its frame and its list of spans."""
    shown = Drawn(read, locale)
    beside = drawn.beside(shown)
    names = {shown.t(f"row.{name}") for name in _ROWS}
    return {
        "any": bool(shown.sum.orders or shown.sum.visitors),
        "one_day": read.span.length == 1,
        "dates": shown.axis(),
        "turnover": _turnover(shown),
        "pieces": _pieces(shown),
        "visitors": _visitors(shown),
        "beside": [row for row in beside if row["name"] in names],
        "lines": drawn.lines(shown),
    }


def _turnover(shown: Drawn) -> dict[str, Any]:
    bars = charts.day_bars(shown.values(lambda each: each.minor))
    best = bars.best or 0
    label = {"sum": shown.money(shown.marks[best].minor), "day": shown.names[best]}
    gone = shown.sum.gone_minor
    return {
        "says": drawn.took(shown),
        "bars": bars,
        "label": i18n.t(shown.locale, "console.figures.best_sum", **label),
        "gone": shown.t("thing.gone", sum=shown.money(gone)) if gone else "",
    }


def _pieces(shown: Drawn) -> dict[str, Any]:
    bars = charts.day_bars(shown.values(lambda each: each.pieces))
    best = bars.best or 0
    before = shown.read.before
    orders = shown.t("thing.orders", count=shown.sum.orders)
    label = {"number": shown.marks[best].pieces, "day": shown.names[best]}
    return {
        "says": shown.t("thing.pieces", count=shown.sum.pieces, orders=orders),
        "bars": bars,
        "label": shown.t("thing.best_pieces", **label),
        "before": None if before is None else shown.before(drawn.grouped(before.pieces)),
    }


def _visitors(shown: Drawn) -> dict[str, Any]:
    values = shown.values(lambda each: each.visitors)
    line = charts.day_line(values)
    before, came = shown.read.before, shown.sum.visitors
    best = values[line.best or 0]
    in_100 = min(100, (shown.sum.orders * 200 + came) // (2 * came)) if came else 0
    return {
        "says": shown.t("thing.looked", count=in_100, figure=drawn.grouped(came)),
        "line": line,
        "label": i18n.t(shown.locale, "console.figures.best_visitors", count=best),
        "last": drawn.grouped(values[-1]),
        "before": None if before is None else shown.before(drawn.grouped(before.visitors)),
    }
