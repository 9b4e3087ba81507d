"""Sheets: tables that spreadsheets wrote, in whatever coding and with whatever mark between their
cells, read row by row from a file; and cells that go out without doing harm."""

from __future__ import annotations

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from littleshop.errors import Refused

EXACT = 15  # digits that a spreadsheet keeps of a number
LONGEST_CELL = 2_000_000  # characters: what is longer lost its closing quotation mark
MARKS = (",", ";", "\t")
_PIECE = 1 << 20
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_SCIENTIFIC = re.compile(r"\d+([.,]\d+)?e[+-]?\d+", re.I)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Row(NamedTuple):
    """A row as a spreadsheet shows it: its number, from 1, and whether it ends in the middle of
    a cell that was opened with a quotation mark."""

    line: int
    cells: list[str]
    half: bool


def coding(head: bytes) -> str:
    """What the first bytes say of a coding; "" when they say nothing.

    Raises Refused sheet_empty, sheet_is_workbook."""
    if not head.strip():
        raise Refused("sheet_empty")
    if head[:4] in _WORKBOOKS:
        raise Refused("sheet_is_workbook")
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if head[1:64:2].count(0) > len(head[1:64:2]) // 2:  # the mark was lost on the way
        return "utf-16-le"
    return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else ""


def coding_of(path: Path) -> str:
    """The coding of a file: UTF-8 with or without its mark, UTF-16, GB18030 else.

    Raises Refused: as `coding`, sheet_unreadable."""
    with path.open("rb") as file:
        told = coding(file.read(4096))
    for name in (told,) if told else ("utf-8", "gb18030"):
        if _reads(path, name):
            return name
    raise Refused("sheet_unreadable")


def _reads(path: Path, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    with path.open("rb") as file:
        try:
            while piece := file.read(_PIECE):
                if "\x00" in decoder.decode(piece):
                    return False
        except UnicodeDecodeError:
            return False
    return True  # one that was cut off in the middle of a letter too: its last row says so


def mark_of(head: str) -> str:
    """The mark that parts the cells of a head."""
    return max(MARKS, key=head.count)


def rows(path: Path) -> Iterator[Row]:
    """The rows of a file that hold anything; little of it is in memory at a time.

    Raises Refused: as `coding_of`, sheet_quote_open(line=)."""
    name = coding_of(path)
    with path.open(encoding=name, errors="replace", newline="") as file:
        head = next((line for line in file if line.strip().lower() not in ("", _VERSION)), "")
        file.seek(0)
        quotes = _Counted(file)
        reader = csv.reader(quotes, delimiter=mark_of(head))
        csv.field_size_limit(LONGEST_CELL)
        yield from _rows(reader, quotes)


_VERSION = "version 1.00"  # stands above the head of what a Taobao assistant wrote


class _Counted:
    """Lines of a file, and how many quotation marks the row that is being read holds."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.marks = 0

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> str:
        line = next(self._lines).replace("\x00", "")
        self.marks += line.count('"')
        return line


def _rows(reader: Iterator[list[str]], quotes: _Counted) -> Iterator[Row]:
    waiting: Row | None = None
    line = 1
    while True:
        quotes.marks = 0
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as fault:
            raise Refused("sheet_quote_open", line=line) from fault
        if any(cell.strip() for cell in cells):
            if waiting is not None:
                yield waiting._replace(half=False)
            waiting = Row(line, cells, quotes.marks % 2 == 1)
        line += 1
    if waiting is not None:
        yield waiting  # only the last one can have been cut


def name(head: str) -> str:
    """The head of a column without spaces, marks and the difference of capitals."""
    return re.sub(r"[\s_*]", "", unicodedata.normalize("NFKC", head)).lower()


def bare(cell: str) -> str:
    """A cell without what kept a spreadsheet from reading it: a leading ', or ="..."."""
    cell = cell.strip()
    if len(cell) > 3 and cell.startswith('="') and cell.endswith('"'):
        cell = cell[2:-1]
    return cell.removeprefix("'").strip()


def digits_lost(cell: str) -> bool:
    """Whether a spreadsheet took a long number for a quantity: 7.53E+13, or noughts after the
    fifteenth digit."""
    if _SCIENTIFIC.fullmatch(cell):
        return True
    return cell.isdigit() and len(cell) > EXACT + 1 and not cell[EXACT:].strip("0")


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: OWASP, CSV injection."""
    return f"'{cell}" if _is_formula(cell) else cell


def _is_formula(cell: str) -> bool:
    """Also of wide letters, and behind what is not seen: some programs take those off first."""
    seen = next((one for one in cell if unicodedata.category(one) not in ("Cf", "Zs")), "")
    return cell[:1] in _FORMULA or unicodedata.normalize("NFKC", seen) in _FORMULA


def guarded(cell: str) -> str:
    """A cell that comes back through `bare` as it is: neither a formula, nor a mark of its own,
    nor a code that a spreadsheet would take for a number and shorten."""
    long = cell.isdigit() and (len(cell) > 11 or (len(cell) > 1 and cell[0] == "0"))
    return f"'{cell}" if long or cell[:1] == "'" or _is_formula(cell) else cell
