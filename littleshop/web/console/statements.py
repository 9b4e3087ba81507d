"""A shop's statement to take along: a month or any span of business days, as CSV and as PDF."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from littleshop import http, i18n, printing
from littleshop.clock import SHANGHAI, value_date
from littleshop.db import Database
from littleshop.errors import Refused
from littleshop.money import digits
from littleshop.printing import Sheet
from littleshop.settlement import seller_statements
from littleshop.settlement.seller_statements import Line, Pockets
from littleshop.shop.shops import Shop
from littleshop.web import keepers, pages
from littleshop.web.console import frame
from littleshop.web.console.figures import harmless

MOST_ON_PAPER = 20_000  # lines of one PDF: about 750 pages, ten seconds on a busy machine
IN_PRESS = timedelta(seconds=10)  # after which the next one is worth asking for
MONTHS = 12  # that the money page offers
POCKETS = ("held", "balance", "on_the_way", "owed")


async def statement(request: Request) -> Response:
    """GET root/statement?month=YYYY-MM | from=&to=, as=csv|pdf; the owner alone"""
    work, house = await http.at_work(request), http.house(request)
    try:
        first, last = _span(request, work.shop)
        if request.query_params.get("as") == "pdf":
            return await _paper(request, work.shop, first, last)
    except Refused as refused:
        return frame.refuse(request, f"{frame.root(work.shop)}/money", refused)
    async with house.database.connection() as conn:
        opened = await seller_statements.opening(conn, work.shop.shop_id, work.shop.currency, first)
    teller = _teller(request, work.shop, opened)
    told = _csv(house.database, work.shop, teller, first, last)
    return StreamingResponse(
        told, media_type="text/csv; charset=utf-8", headers=_named(work.shop, first, last, "csv")
    )


def _span(request: Request, shop: Shop) -> tuple[date, date]:
    """The days that are asked for, as far as the shop was there and they are not to come. Raises
    Refused statement_span, statement_no_days."""
    asked = request.query_params
    try:
        if "month" in asked:
            first = date.fromisoformat(f"{asked['month']}-01")
            last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        else:
            first = date.fromisoformat(asked.get("from", ""))
            last = date.fromisoformat(asked.get("to", ""))
    except (ValueError, OverflowError):
        raise Refused("statement_span", most=seller_statements.LONGEST) from None
    seller_statements.check(first, last)
    began, today = shop.created_at.astimezone(SHANGHAI).date(), value_date(http.now(request))
    if first > today or last < began:
        raise Refused("statement_no_days")
    return max(first, began), min(last, today)


def _named(shop: Shop, first: date, last: date, kind: str) -> dict[str, str]:
    name = f"{shop.slug or shop.shop_id}-{first}-{last}.{kind}"
    return pages.PRIVATE | {"content-disposition": f'attachment; filename="{name}"'}


def months(first: date, last: date) -> list[str]:
    """The months of these days as YYYY-MM, the latest first."""
    found: list[str] = []
    month = last.replace(day=1)
    while month >= first.replace(day=1) and len(found) < MONTHS:
        found.append(f"{month:%Y-%m}")
        month = (month - timedelta(days=1)).replace(day=1)
    return found


def offered(shop: Shop, days: tuple[date, date] | None, today: date) -> dict[str, Any]:
    """What the money page offers to take along."""
    here = f"{frame.root(shop)}/statement"
    rows = [
        {"month": each, "csv_url": f"{here}?month={each}", "pdf_url": f"{here}?month={each}&as=pdf"}
        for each in (months(*days) if days else [])
    ]
    since = max(days[0], today - timedelta(days=90)) if days else today
    return {"url": here, "months": rows, "since": since, "until": today}


def _teller(request: Request, shop: Shop, opened: Pockets) -> _Teller:
    keeper = keepers.of_page(request)
    return _Teller(shop, pages.locale_of(request), opened, "" if keeper == keepers.US else keeper)


async def _csv(
    database: Database, shop: Shop, teller: _Teller, first: date, last: date
) -> AsyncIterator[bytes]:
    """The statement as it is read, a week at a time."""
    yield b"\xef\xbb\xbf" + _written([teller.head(), teller.bound("opening", first)])
    async for found in seller_statements.lines(database, shop.shop_id, shop.currency, first, last):
        yield _written(teller.row(line) for line in found)
    yield _written([teller.bound("closing", last)])


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    told = io.StringIO()
    csv.writer(told).writerows(rows)
    return told.getvalue().encode()


_in_press: set[int] = set()  # shops of which this process makes a PDF: one queues no more of them


async def _paper(request: Request, shop: Shop, first: date, last: date) -> Response:
    """Raises Refused statement_long, not_printed."""
    if shop.shop_id in _in_press:
        return _later(request, shop)
    _in_press.add(shop.shop_id)
    try:
        return await _printed(request, shop, first, last)
    finally:
        _in_press.discard(shop.shop_id)


def _later(request: Request, shop: Shop) -> Response:
    """Another PDF of this shop is being made; the presses are for everybody."""
    answer = pages.page(
        request, "storefront/error.html", status=429, private=True,
        message=i18n.t(pages.locale_of(request), "statement.in_press"), wait=IN_PRESS,
        home=f"{frame.root(shop)}/money", home_label=i18n.t(pages.locale_of(request), "words.back"),
        reference=None,
    )  # fmt: skip
    answer.headers["retry-after"] = str(int(IN_PRESS.total_seconds()))
    return answer


async def _printed(request: Request, shop: Shop, first: date, last: date) -> Response:
    house = http.house(request)
    async with house.database.connection() as conn:
        opened = await seller_statements.opening(conn, shop.shop_id, shop.currency, first)
    lines = await seller_statements.total(
        house.database, shop.shop_id, shop.currency, first, last, MOST_ON_PAPER
    )
    teller = _teller(request, shop, opened)
    made = await printing.pdf(_sheet(shop, teller, (first, last), lines, http.now(request)))
    return Response(made, media_type="application/pdf", headers=_named(shop, first, last, "pdf"))


def _sheet(
    shop: Shop, teller: _Teller, days: tuple[date, date], lines: Sequence[Line], at: datetime
) -> Sheet:
    """The statement as a table on paper."""
    locale, (first, last) = teller.locale, days
    rows = [teller.bound("opening", first), *[_on_paper(teller.row(line)) for line in lines]]
    rows += [teller.bound("closing", last)]
    widths = (1.5, 1.55, 2.9, 0.9, 2.9, 1.35, 1.35, 1.35, 1.2, 1.2, 1.4)
    return Sheet(
        title=i18n.t(locale, "statement.title", shop=shop.name),
        facts=[
            (i18n.t(locale, "statement.shop"), f"{shop.name} · {shop.shop_id}"),
            (i18n.t(locale, "statement.days"), f"{first} – {last}"),
            (i18n.t(locale, "statement.currency"), shop.currency),
            (i18n.t(locale, "statement.made"), f"{at.astimezone(SHANGHAI):%Y-%m-%d}"),
        ],
        columns=[
            (name, width, place > 4)
            for place, (name, width) in enumerate(zip(teller.head(), widths, strict=True))
        ],
        rows=rows,
        bold=[0, len(rows) - 1],
        notes=[teller.name("note", each) for each in (*POCKETS, "kept")],
        page=i18n.t(locale, "statement.page", page="{page}", pages="{pages}"),
    )


def _on_paper(row: list[str]) -> list[str]:
    """A column of paper is too narrow for an order's reference, and its number names it too."""
    return [*row[:4], "", *row[5:]] if row[3] else row


class _Teller:
    """Rows of one statement; the balances run along. `keeper` has what buyers paid and have not
    received yet, "" for the platform."""

    def __init__(self, shop: Shop, locale: str, opened: Pockets, keeper: str) -> None:
        self.locale, self._keeper, self._now = locale, keeper, opened
        self._zone, self._decimals = ZoneInfo(shop.zone), digits(shop.currency)

    def head(self) -> list[str]:
        """The names of the columns."""
        names = ("day", "time", "what", "order", "reference", *POCKETS, "kept", "after")
        return [self.name("column", each) for each in names]

    def name(self, kind: str, what: str) -> str:
        """What a column is called, or the note that explains it."""
        there = f".{self._keeper}" if what == "held" and self._keeper else ""
        return i18n.t(self.locale, f"statement.{kind}.{what}{there}")

    def bound(self, name: str, day: date) -> list[str]:
        """The pockets at the beginning or the end."""
        words = i18n.t(self.locale, f"statement.{name}")
        pockets = [self._plain(getattr(self._now, each)) for each in POCKETS]
        return [day.isoformat(), "", words, "", "", *pockets, "", self._plain(self._now.balance)]

    def row(self, line: Line) -> list[str]:
        """A line, and the balance after it."""
        self._now += line.moved
        moved = [getattr(line.moved, each) for each in POCKETS]
        return [
            line.value_on.isoformat(),
            line.booked_at.astimezone(self._zone).strftime("%m-%d %H:%M"),
            self._what(line),
            str(line.number or ""),
            harmless(line.reference),
            *[self._plain(minor) if minor else "" for minor in moved],
            self._plain(line.kept_minor) if line.kept_minor else "",
            self._plain(self._now.balance),
        ]

    def _what(self, line: Line) -> str:
        said = i18n.t(self.locale, f"statement.line.{line.kind}")
        return f"{said} {line.arrived_on}" if line.arrived_on else said

    def _plain(self, minor: int) -> str:
        """A figure as a spreadsheet reads it: a bare number, which is no formula."""
        whole, part = divmod(abs(minor), 10**self._decimals)
        cents = f".{part:0{self._decimals}d}" if self._decimals else ""
        return f"{'-' if minor < 0 else ''}{whole}{cents}"
