"""Plain numbers in, plain geometry out: what the console's drawings need and nothing else.

Pure: no clock, no database, no words. Lengths are units of the drawing (`WIDTH` across);
`templates/console/charts.html` turns the answers into SVG made of attributes and classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

WIDTH = 326
"""Inner width of a card on a 390 px phone; drawings scale from it."""

DAY_MINUTES = 24 * 60
BAR_HEIGHT, BAR_TOP = 112, 24
LINE_HEIGHT, LINE_TOP = 92, 26
DAY_HEIGHT, DAY_TOP = 84, 24
DOT_STEP, DOT_TOP, DOTS_HIGH = 8.4, 22, 14
AXIS_ROOM = 24
LABEL_HALF = 52
"""Half of the widest label we write over a mark: nearer to an edge it is anchored there."""

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Label:
    """Where a text stands and from which end it is measured."""

    x: float
    y: float
    anchor: Anchor


@dataclass(frozen=True)
class Bar:
    """One day of turnover; `named` is the one that the sentence speaks of."""

    index: int
    x: float
    y: float
    width: float
    height: float
    named: bool


@dataclass(frozen=True)
class Bars:
    """Bars of a row of days; `best` is the day with the label, None when every day is 0."""

    height: float
    baseline: float
    bars: tuple[Bar, ...]
    best: int | None
    label: Label | None


@dataclass(frozen=True)
class Dot:
    """One order, or `Dots.each` of them."""

    x: float
    y: float
    named: bool


@dataclass(frozen=True)
class Dots:
    """Orders per day as a pile of dots; `each` says how many orders one dot stands for."""

    height: float
    baseline: float
    dots: tuple[Dot, ...]
    each: int
    best: int | None
    label: Label | None


@dataclass(frozen=True)
class Line:
    """Visitors per day: `path` is the line, `area` what lies under it."""

    height: float
    baseline: float
    path: str
    area: str
    best: int | None
    best_x: float
    best_y: float
    best_label: Label
    last_x: float
    last_y: float
    last_label: Label | None


@dataclass(frozen=True)
class DayChart:
    """Today's turnover climbing beside yesterday's, both cumulative."""

    height: float
    baseline: float
    today: str
    area: str
    yesterday: str
    now_x: float
    now_y: float
    now_label: Label
    now_tick: Label
    yesterday_label: Label
    ticks: tuple[tuple[int, Label], ...]


@dataclass(frozen=True)
class Share:
    """One row of a list of bars: `percent` is the bar's length, 0 to 100."""

    index: int
    percent: float
    named: bool


def _round(value: float) -> float:
    return round(value, 1)


def _column(index: int, days: int) -> float:
    """The middle of a day's column."""
    step = WIDTH / days
    return index * step + step / 2


def _over(x: float, y: float) -> Label:
    """A label over a mark that never leaves the drawing."""
    if x < LABEL_HALF:
        return Label(0, y, "start")
    if x > WIDTH - LABEL_HALF:
        return Label(WIDTH, y, "end")
    return Label(_round(x), y, "middle")


def _best(values: Sequence[int]) -> int | None:
    """The first of the highest days; None when nothing happened on any."""
    top = max(values, default=0)
    return list(values).index(top) if top > 0 else None


def day_bars(values: Sequence[int]) -> Bars:
    """Bars of turnover in minor units, oldest day first. A day with nothing is a 1 px line.

    Days below zero (more given back than taken) are drawn as nothing; the words say the sum.
    """
    best = _best(values)
    top = max(values, default=0) or 1
    width = min(24.0, WIDTH / max(1, len(values)) * 0.66)
    bars = []
    for index, value in enumerate(values):
        height = max(3.0, value / top * BAR_HEIGHT) if value > 0 else 1.0
        x = _column(index, len(values)) - width / 2
        y = BAR_TOP + BAR_HEIGHT - height
        bars.append(Bar(index, _round(x), _round(y), _round(width), _round(height), index == best))
    label = None if best is None else _over(_column(best, len(values)), 14)
    baseline = BAR_TOP + BAR_HEIGHT + 0.5
    return Bars(BAR_TOP + BAR_HEIGHT + AXIS_ROOM, baseline, tuple(bars), best, label)


def _each(top: int) -> int:
    """How many orders one dot must stand for so that the highest pile fits."""
    for each in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        if top <= each * DOTS_HIGH:
            return each
    return -(-top // DOTS_HIGH)


def day_dots(values: Sequence[int]) -> Dots:
    """Orders per day, oldest first, as piles of dots (rounded up: a day with one shows one)."""
    best = _best(values)
    top = max(values, default=0)
    each = _each(top)
    rows = max(3, -(-top // each))
    bottom = DOT_TOP + rows * DOT_STEP
    dots = tuple(
        Dot(
            _round(_column(index, len(values))),
            _round(bottom - 5 - level * DOT_STEP),
            index == best,
        )
        for index, value in enumerate(values)
        for level in range(-(-max(0, value) // each))
    )
    label = None if best is None else _over(_column(best, len(values)), 12)
    return Dots(_round(bottom + AXIS_ROOM), _round(bottom + 0.5), dots, each, best, label)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "".join(f"{'L' if index else 'M'}{x:.1f} {y:.1f}" for index, (x, y) in enumerate(points))


def day_line(values: Sequence[int]) -> Line:
    """Visitors per day, oldest first; the best day and the last day carry a label."""
    if not values:
        values = (0,)
    top = max(*values, 1)
    bottom = LINE_TOP + LINE_HEIGHT
    points = [
        (_column(index, len(values)), bottom - max(0, value) / top * LINE_HEIGHT)
        for index, value in enumerate(values)
    ]
    best = _best(values)
    best_x, best_y = points[best or 0]
    last_x, last_y = points[-1]
    path = _path(points)
    beside = best_x < WIDTH * 0.6
    best_label = Label(
        _round(best_x + 9 if beside else best_x - 9),
        _round(best_y + 3),
        "start" if beside else "end",
    )
    # two labels on the same day, or side by side at the edge, would lie on each other
    crowded = best is not None and best >= len(values) - max(2, len(values) // 5)
    return Line(
        height=bottom + AXIS_ROOM,
        baseline=bottom + 0.5,
        path=path,
        area=f"{path}L{last_x:.1f} {bottom}L{points[0][0]:.1f} {bottom}Z",
        best=best,
        best_x=_round(best_x),
        best_y=_round(best_y),
        best_label=best_label,
        last_x=_round(last_x),
        last_y=_round(last_y),
        last_label=None if crowded else Label(WIDTH, _round(last_y - 12), "end"),
    )


def _steps(points: Sequence[tuple[float, float]]) -> str:
    first, *rest = points
    return f"M{first[0]:.1f} {first[1]:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in rest)


Moment = tuple[int, int]
"""(minute of the day, turnover so far in minor units)"""


def through_the_day(
    today: Sequence[Moment], yesterday: Sequence[Moment], now: int, opens: int = 6 * 60
) -> DayChart:
    """Draw both days from `opens` to midnight; `now` is the minute of the day.

    Whatever happened before `opens` moves the left edge back to midnight, so nothing is cut.
    """
    if any(minute < opens for minute, _ in (*today, *yesterday)) or now < opens + 60:
        opens = 0
    top = max((value for _, value in (*today, *yesterday)), default=0) or 1
    bottom = DAY_TOP + DAY_HEIGHT

    def x(minute: int) -> float:
        return (minute - opens) / (DAY_MINUTES - opens) * WIDTH

    def y(value: int) -> float:
        return bottom - max(0, value) / top * DAY_HEIGHT

    def run(moments: Sequence[Moment], end: int) -> list[tuple[float, float]]:
        seen = [(x(opens), y(0))] + [(x(m), y(v)) for m, v in moments if m <= end]
        return [*seen, (x(end), seen[-1][1])]

    then, so_far = run(yesterday, DAY_MINUTES), run(today, now)
    now_x, now_y = so_far[-1]
    path = _steps(so_far)
    now_label = _now_label(now_x, now_y)
    return DayChart(
        height=bottom + AXIS_ROOM + 2,
        baseline=bottom + 0.5,
        today=path,
        area=f"{path}V{bottom}H0Z",
        yesterday=_steps(then),
        now_x=_round(now_x),
        now_y=_round(now_y),
        now_label=now_label,
        now_tick=_tick(now_x, bottom),
        yesterday_label=_then_label(then, so_far, now_label, bottom),
        ticks=_hours(opens, now_x, bottom),
    )


def _now_label(now_x: float, now_y: float) -> Label:
    """Left of the point and above it; right of it in the morning."""
    if now_x < 70:
        return Label(_round(now_x + 10), _round(now_y - 6), "start")
    return Label(_round(now_x - 10), _round(now_y - 9), "end")


THEN_WIDE, NOW_WIDE = 116, 40
"""Room that the words for yesterday and for today take at most."""
LETTERS = 12
"""Height of a label's letters over its foot."""
NEAR = 26
"""A label further from its line than this belongs to nothing."""
SAMPLE = 22
"""Room for a piece of the dashed line before a label that does not stand at it."""


def _then_label(
    then: Sequence[tuple[float, float]],
    so_far: Sequence[tuple[float, float]],
    now: Label,
    bottom: float,
) -> Label:
    """At the end of yesterday's line, over it or under it; where today is in the way, on top.

    Nothing climbs as high as the top row, so a label there is free of both lines.
    """
    left = WIDTH - THEN_WIDE
    own, both = _heights(then, left, WIDTH), _heights(then, left, WIDTH)
    both += _heights(so_far, left, WIDTH)
    for foot, away in (
        (min(both) - 8, min(own) - min(both)),
        (max(both) + LETTERS + 4, max(both) - then[-1][1]),
    ):
        fits = LETTERS <= foot <= bottom - 3 and away <= NEAR
        if fits and not _meet(left, WIDTH, foot, now):
            return Label(WIDTH, _round(foot), "end")
    if _meet(left, WIDTH, LETTERS, now) or now.x > left:
        return Label(SAMPLE, LETTERS, "start")
    return Label(WIDTH, LETTERS, "end")


def _heights(points: Sequence[tuple[float, float]], left: float, right: float) -> list[float]:
    """Where a line of steps runs between two columns."""
    ends = [x for x, _ in points[1:]] + [points[-1][0]]
    return [
        y for (x, y), end in zip(points, ends, strict=True) if x <= right + 4 and end >= left - 4
    ]


def _meet(left: float, right: float, foot: float, other: Label) -> bool:
    """Whether a label of these columns would lie on today's."""
    first = other.x - NOW_WIDE if other.anchor == "end" else other.x
    beside = right < first - 4 or left > first + NOW_WIDE + 4
    return not beside and abs(foot - other.y) < LETTERS + 3


def _tick(x: float, bottom: float) -> Label:
    """A time under the axis, centred under its moment unless it would leave the drawing."""
    if x < 18:
        return Label(0, bottom + 20, "start")
    if x > WIDTH - 18:
        return Label(WIDTH, bottom + 20, "end")
    return Label(_round(x), bottom + 20, "middle")


def _hours(opens: int, now_x: float, bottom: float) -> tuple[tuple[int, Label], ...]:
    """(minute, place) of the axis' times: both ends and one between, none under `now`."""
    middle = 10 * 60 if opens else 8 * 60
    places = (
        (minute, _tick((minute - opens) / (DAY_MINUTES - opens) * WIDTH, bottom))
        for minute in (opens, middle, DAY_MINUTES)
    )
    return tuple(
        (minute, at)
        for minute, at in places
        if abs(at.x - now_x) > (46 if at.anchor == "middle" else 58)
    )


def ranked(values: Sequence[int], named: int = 1) -> tuple[Share, ...]:
    """Bars for a list, longest = 100; the first `named` rows are the point of the sentence."""
    top = max(values, default=0) or 1
    return tuple(
        Share(index, _round(max(0.0, value / top * 100)), index < named)
        for index, value in enumerate(values)
    )


def funnel(values: Sequence[int]) -> tuple[Share, ...]:
    """Bars of the steps from a visit to a payment; only the last one is the point."""
    last = len(values) - 1
    top = values[0] if values and values[0] > 0 else 1
    return tuple(
        Share(index, _round(min(100.0, max(0, value) / top * 100)), index == last)
        for index, value in enumerate(values)
    )
