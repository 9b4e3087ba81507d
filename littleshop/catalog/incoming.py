"""Incoming goods: the rows of a sheet made into things, each with what its sheet says of it.

None means that the sheet says nothing: what is there stays. A row that cannot be read spoils its
thing and no other; where it stands in the file and why is kept for the seller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from littleshop import sheets
from littleshop.catalog import drafts, photos, typed
from littleshop.catalog.drafts import Option
from littleshop.errors import Refused
from littleshop.sheets import Row

MOST_BYTES = 50 * 1024 * 1024
MOST_THINGS = 20_000
HANDLE_LENGTH = 200


class Piece(msgspec.Struct, frozen=True):
    """A kind as a row says it; `compare_at_minor` 0: none."""

    choice: tuple[str, ...]
    price_minor: int
    stock: int | None = None
    compare_at_minor: int | None = None
    cost_minor: int | None = None
    sku: str | None = None
    barcode: str | None = None
    grams: int | None = None


class Thing(msgspec.Struct, frozen=True):
    """A product as its rows say it; `photos` are addresses or names of files of an archive."""

    line: int
    handle: str
    title: str
    pieces: tuple[Piece, ...]
    options: tuple[Option, ...] = ()
    has_options: bool = True  # the sheet has columns for them
    description: str | None = None
    category: str | None = None
    status: str | None = None
    no_return: str | None = None
    tags: tuple[str, ...] | None = None
    photos: tuple[str, ...] = ()


class Wrong(msgspec.Struct, frozen=True):
    """A thing, or a row, that cannot be taken: where and why."""

    line: int
    handle: str
    title: str
    code: str
    details: dict[str, Any] = {}


class Line(NamedTuple):
    """A row by the names of its columns; what a sheet has no column for is missing."""

    line: int
    cells: dict[str, str]

    def text(self, name: str) -> str:
        return self.cells.get(name, "")

    def said(self, name: str) -> str | None:
        """The cell, None when the sheet has no such column."""
        return self.cells.get(name)


class Misread(Exception):
    """A row that cannot be read: its line and the refusal."""

    def __init__(self, line: int, refused: Refused) -> None:
        super().__init__(line, refused.code)
        self.line = line
        self.refused = refused


class Format(NamedTuple):
    """A way of writing goods down: `columns` by the names each may have, those without which it is
    not this one, which rows belong together, and what they say. `also`: names that count where
    none of a column's own stands in the head."""

    name: str
    columns: Mapping[str, frozenset[str]]
    needed: tuple[str, ...]
    key: Callable[[Line], str]
    thing: Callable[[str, Sequence[Line], str], Thing]
    also: Mapping[str, frozenset[str]] = MappingProxyType({})

    def place(self, column: str, named: Sequence[str]) -> int:
        """Where a column stands in a head, -1 for nowhere."""
        for known in (self.columns[column], self.also.get(column, frozenset())):
            for at, cell in enumerate(named):
                if cell in known:
                    return at
        return -1


class Opened(NamedTuple):
    """A file whose head was understood."""

    format: Format
    things: Iterator[Thing | Wrong]


def open_rows(rows: Iterator[Row], formats: Sequence[Format], currency: str) -> Opened:
    """The things of a file, told by its head which format it has.

    Raises Refused: sheet_empty, import_columns and, of a head that lacks one thing, import_no_title
    or import_no_price, each with (columns); while it is read import_things(most=) and as
    sheets.rows."""
    for row in rows:
        named = [sheets.name(cell) for cell in row.cells]
        if len(named) == 1 or (named and named[0].startswith("version")):
            continue  # a line above the head
        for each in formats:
            places = {column: each.place(column, named) for column in each.columns}
            if all(places[column] >= 0 for column in each.needed):
                found = {column: at for column, at in places.items() if at >= 0}
                return Opened(each, _things(rows, each, found, len(named), currency))
        raise _unknown(row, named, formats)
    raise Refused("sheet_empty")


def _unknown(row: Row, named: Sequence[str], formats: Sequence[Format]) -> Refused:
    """Which columns nobody knows, in a head that is of no format; what lacks, where that is one."""
    every = [names for each in formats for names in (*each.columns.values(), *each.also.values())]
    known = {cell for names in every for cell in names}
    strange = [cell.strip()[:20] for cell in row.cells if sheets.name(cell) not in known]
    columns = "、".join(each for each in strange if each)[:120] or "-"
    own = formats[-1]
    lacks = [column for column in own.needed if own.place(column, named) < 0]
    if len(lacks) == 1 and lacks[0] in ("title", "price"):
        return Refused(f"import_no_{lacks[0]}", columns=columns)
    return Refused("import_columns", columns=columns)


def _things(
    rows: Iterator[Row], format: Format, places: Mapping[str, int], width: int, currency: str
) -> Iterator[Thing | Wrong]:
    done: set[str] = set()
    for key, lines, wrong in _groups(rows, format, places, width):
        if len(done) >= MOST_THINGS:
            raise Refused("import_things", most=MOST_THINGS)
        first = lines[0] if lines else Line(wrong.line if wrong else 0, {})
        title = sheets.bare(first.text("title"))[: drafts.TITLE_LENGTH]
        if wrong is None and key in done:
            wrong = Misread(first.line, Refused("import_handle_again", handle=key[:60]))
        if wrong is None:
            try:
                thing = format.thing(key, lines, currency)
            except Misread as misread:
                wrong = misread
            except Refused as refused:
                wrong = Misread(first.line, refused)
        done.add(key or f"\x00{first.line}")
        if wrong is None:
            yield thing
        else:
            told = wrong.refused
            yield Wrong(wrong.line, key[:HANDLE_LENGTH], title, told.code, dict(told.details))


def _groups(
    rows: Iterator[Row], format: Format, places: Mapping[str, int], width: int
) -> Iterator[tuple[str, list[Line], Misread | None]]:
    """Rows that follow one another and name the same thing, and what is wrong with one of them."""
    key, lines, wrong = "", list[Line](), None
    for row in rows:
        line = Line(row.line, {name: _cell(row, at) for name, at in places.items()})
        fault = _misread(row, width)
        its = format.key(line) or (f"row {row.line}" if row.half else "")
        if lines and its and its != key:
            yield key, lines, wrong
            lines, wrong = [], None
        if not lines:
            key = its
        if _heads_again(line, format):
            continue
        lines.append(line)
        wrong = wrong or fault
    if lines:
        yield key, lines, wrong


def _heads_again(line: Line, format: Format) -> bool:
    """A second head in another language, as a Taobao assistant writes it."""
    price = sheets.name(line.text("price"))
    return bool(price) and price in format.columns["price"]


def _cell(row: Row, at: int) -> str:
    return row.cells[at] if at < len(row.cells) else ""


def _misread(row: Row, width: int) -> Misread | None:
    have = len(row.cells)
    if row.half:
        return Misread(row.line, Refused("import_row_half"))
    if have < width or any(cell.strip() for cell in row.cells[width:]):
        return Misread(row.line, Refused("import_row_cells", have=have, want=width))
    return None


def amount(line: Line, name: str, currency: str) -> int | None:
    """What a cell says in minor units, None where it says nothing. Raises Misread."""
    text = sheets.bare(line.text(name))
    if not text:
        return None
    try:
        return typed.amount(text, currency, least=0)
    except Refused as refused:
        raise Misread(line.line, refused) from None


def price(line: Line, name: str, currency: str) -> int:
    """A price that must be there. Raises Misread."""
    try:
        return typed.amount(sheets.bare(line.text(name)), currency, least=1)
    except Refused as refused:
        raise Misread(line.line, refused) from None


def count(line: Line, name: str) -> int | None:
    """A number of pieces, None where nothing is said; what was sold beyond the stock is none.
    Raises Misread."""
    text = sheets.bare(line.text(name)).removesuffix(".0").removesuffix(".00")
    if not text:
        return None
    try:
        return 0 if text.startswith("-") and text[1:].isdigit() else typed.count(text)
    except Refused as refused:
        raise Misread(line.line, refused) from None


def code(line: Line, name: str) -> str | None:
    """A printed or written code, None where the sheet has no column for it. Raises Misread when a
    spreadsheet took it for a number and lost digits."""
    if (said := line.said(name)) is None:
        return None
    text = sheets.bare(said)
    if sheets.digits_lost(text):
        raise Misread(line.line, Refused("import_digits_lost", cell=text[:40]))
    return text


def words(text: str, marks: str) -> tuple[str, ...]:
    """What stands between these marks."""
    for mark in marks[1:]:
        text = text.replace(mark, marks[0])
    return tuple(each.strip() for each in text.split(marks[0]) if each.strip())


def pictures(found: Sequence[str]) -> tuple[str, ...]:
    """Addresses and names, each once, as many as a product has room for."""
    return tuple(dict.fromkeys(each[:2000] for each in found if each))[: photos.MOST]


def axes(names: Sequence[str], choices: Sequence[tuple[str, ...]]) -> tuple[Option, ...]:
    """The axes that rows use, with their values in the order in which they come."""
    return tuple(
        Option(name, tuple(dict.fromkeys(choice[at] for choice in choices)))
        for at, name in enumerate(names)
    )
