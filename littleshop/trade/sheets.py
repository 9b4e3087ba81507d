"""Sheets: a table that a spreadsheet wrote, in whatever coding and with whatever mark between its
cells, and the faults that spreadsheets make in long numbers."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping

import msgspec

from littleshop.errors import Refused

MOST_BYTES = 2 * 1024 * 1024
MOST_ROWS = 1000
_LONGEST_CELL = 2000
EXACT = 15  # digits that a spreadsheet keeps of a number
_SCIENTIFIC = re.compile(r"\d+([.,]\d+)?e[+-]?\d+", re.I)


class Sheet(msgspec.Struct, frozen=True):
    """The rows of a table below its head: line in the file, and the cells of wanted columns."""

    rows: list[tuple[int, dict[str, str]]]


def decode(content: bytes) -> str:
    """The text of a file: UTF-8 with or without its mark, UTF-16 with one, GBK else.

    Raises Refused: sheet_empty, sheet_is_workbook, sheet_unreadable."""
    if not content.strip():
        raise Refused("sheet_empty")
    if content[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise Refused("sheet_is_workbook")
    codings = ["utf-8-sig", "gb18030"]
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        codings = ["utf-16"]
    for coding in codings:
        try:
            text = content.decode(coding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise Refused("sheet_unreadable")


def read(content: bytes, columns: Mapping[str, frozenset[str]]) -> Sheet:
    """The rows of a file, by the names of its columns; a row that is short has empty cells.

    Raises Refused: as decode, sheet_columns when one is missing, sheet_rows(most=)."""
    text = decode(content)
    head = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    mark = max((",", ";", "\t"), key=head.count)
    csv.field_size_limit(MOST_BYTES)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    places: dict[str, int] = {}
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if not places:
                places = _places(cells, columns)
                continue
            if len(rows) >= MOST_ROWS:
                raise Refused("sheet_rows", most=MOST_ROWS)
            told = {name: _cell(cells, place) for name, place in places.items()}
            rows.append((lines.line_num, told))
    except csv.Error as fault:
        raise Refused("sheet_unreadable") from fault
    if not rows:
        raise Refused("sheet_empty")
    return Sheet(rows)


def _places(head: list[str], columns: Mapping[str, frozenset[str]]) -> dict[str, int]:
    named = [_plain(cell) for cell in head]
    places = {
        name: next((at for at, cell in enumerate(named) if cell in known), -1)
        for name, known in columns.items()
    }
    if -1 in places.values():
        raise Refused("sheet_columns")
    return places


def _plain(cell: str) -> str:
    return re.sub(r"[\s_*]", "", unicodedata.normalize("NFKC", cell)).lower()


def _cell(cells: list[str], place: int) -> str:
    """A cell without what keeps a spreadsheet from reading it: a leading ', or ="..."."""
    if place >= len(cells):
        return ""
    cell = unicodedata.normalize("NFKC", cells[place][:_LONGEST_CELL]).strip()
    if len(cell) > 3 and cell.startswith('="') and cell.endswith('"'):
        cell = cell[2:-1]
    return cell.removeprefix("'").strip()


def digits_lost(cell: str) -> bool:
    """Whether a spreadsheet took a long number for a quantity: 7.53E+13, or noughts after the
    fifteenth digit."""
    if _SCIENTIFIC.fullmatch(cell):
        return True
    return cell.isdigit() and len(cell) > EXACT + 1 and not cell[EXACT:].strip("0")
