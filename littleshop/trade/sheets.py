"""Sheets: a table that a spreadsheet wrote, in whatever coding and with whatever mark between its
cells, and the faults that spreadsheets make in long numbers."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Mapping

import msgspec

from littleshop import sheets
from littleshop.errors import Refused
from littleshop.sheets import digits_lost

__all__ = ["MOST_BYTES", "MOST_ROWS", "Sheet", "decode", "digits_lost", "read"]

MOST_BYTES = 2 * 1024 * 1024
MOST_ROWS = 1000
_LONGEST_CELL = 2000


class Sheet(msgspec.Struct, frozen=True):
    """The rows of a table below its head: line in the file, and the cells of wanted columns."""

    rows: list[tuple[int, dict[str, str]]]


def decode(content: bytes) -> str:
    """The text of a file: UTF-8 with or without its mark, UTF-16, GBK else.

    Raises Refused: sheet_empty, sheet_is_workbook, sheet_unreadable."""
    told = sheets.coding(content)
    for coding in (told,) if told else ("utf-8", "gb18030"):
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
    mark = sheets.mark_of(head)
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
    named = [sheets.name(cell) for cell in head]
    places = {
        name: next((at for at, cell in enumerate(named) if cell in known), -1)
        for name, known in columns.items()
    }
    if -1 in places.values():
        raise Refused("sheet_columns")
    return places


def _cell(cells: list[str], place: int) -> str:
    """A cell as it was meant; one that is not there is empty."""
    if place >= len(cells):
        return ""
    return sheets.bare(unicodedata.normalize("NFKC", cells[place][:_LONGEST_CELL]))
