"""The child program that sets a table on paper: one PDF with its own glyphs, for any viewer.

Run as `press.py FONT` by printing.py, under hard limits (confined.py): the sheet as JSON on
standard input, the PDF on standard output. It imports nothing of littleshop and dies after one
sheet, so that the memory of a Chinese font (25 MB) is not kept by any process that serves pages.
"""

from __future__ import annotations

import io
import json
import lzma
import sys
from pathlib import Path
from typing import Any, NamedTuple

from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

FONT = "paper"
WIDTH, HEIGHT = landscape(A4)
MARGIN = 36.0  # points, as everything below
TITLE, WORDS, SMALL = 16, 9, 8
ROW = 16.0
TOP = HEIGHT - MARGIN
BOTTOM = MARGIN + 24
INK, SOFT, HAIR = (0.11, 0.11, 0.09), (0.39, 0.37, 0.33), (0.89, 0.87, 0.83)


class Column(NamedTuple):
    """A column: its head, its part of the width, and whether it holds figures (set right)."""

    name: str
    width: float
    figures: bool


class Sheet(NamedTuple):
    """What is printed: `facts` stand under the title, `bold` are the numbers of rows that sum up,
    `page` is the foot with {page} and {pages}."""

    title: str
    facts: list[list[str]]
    columns: list[Column]
    rows: list[list[str]]
    bold: list[int]
    notes: list[str]
    page: str


class Press:
    """One PDF as it is being set."""

    def __init__(self, sheet: Sheet, out: io.BytesIO) -> None:
        self._sheet = sheet
        self._canvas = Canvas(out, pagesize=(WIDTH, HEIGHT), invariant=1)
        self._canvas.setTitle(sheet.title)
        self._canvas.setAuthor("littleshop")
        self._known = pdfmetrics.getFont(FONT).face.charToGlyph
        whole = WIDTH - 2 * MARGIN
        total = sum(column.width for column in sheet.columns)
        self._widths = [whole * column.width / total for column in sheet.columns]
        self._y = TOP
        self._page = 0

    def run(self) -> None:
        """Set everything."""
        pages = self._pages()
        self._begin(pages)
        bold = set(self._sheet.bold)
        for number, row in enumerate(self._sheet.rows):
            if self._y - ROW < BOTTOM:
                self._begin(pages)
            self._row(row, INK, strong=number in bold)
        for note in self._sheet.notes:
            if self._y - ROW < BOTTOM:
                self._begin(pages)
            self._say(MARGIN, self._y - 11, note, SMALL, SOFT)
            self._y -= ROW
        self._canvas.save()

    def _pages(self) -> int:
        first = int((TOP - self._above() - ROW - BOTTOM) // ROW)
        later = int((TOP - ROW - BOTTOM) // ROW)
        lines = len(self._sheet.rows) + len(self._sheet.notes)
        return 1 + max(0, -(-(lines - first) // later))

    def _above(self) -> float:
        return 30 + 14 * len(self._sheet.facts) + 8

    def _begin(self, pages: int) -> None:
        if self._page:
            self._canvas.showPage()
        self._page += 1
        self._y = TOP
        if self._page == 1:
            self._say(MARGIN, TOP - 14, self._sheet.title, TITLE, INK)
            for number, (name, value) in enumerate(self._sheet.facts):
                y = TOP - 34 - 14 * number
                self._say(MARGIN, y, name, WORDS, SOFT)
                self._say(MARGIN + 110, y, value, WORDS, INK)
            self._y = TOP - self._above()
        self._row([column.name for column in self._sheet.columns], SOFT, strong=True)
        foot = self._sheet.page.format(page=self._page, pages=pages)
        self._canvas.setFont(FONT, SMALL)
        self._canvas.setFillColorRGB(*SOFT)
        self._canvas.drawRightString(WIDTH - MARGIN, MARGIN, self._legible(foot))

    def _row(self, cells: list[str], colour: tuple[float, float, float], *, strong: bool) -> None:
        x, y = MARGIN, self._y - 11
        for cell, column, width in zip(cells, self._sheet.columns, self._widths, strict=True):
            text = self._fitting(cell, width - 6)
            if column.figures:
                text_width = pdfmetrics.stringWidth(text, FONT, WORDS)
                self._say(x + width - 3 - text_width, y, text, WORDS, colour, strong=strong)
            else:
                self._say(x, y, text, WORDS, colour, strong=strong)
            x += width
        self._canvas.setStrokeColorRGB(*(SOFT if strong else HAIR))
        self._canvas.setLineWidth(0.6 if strong else 0.4)
        self._canvas.line(MARGIN, self._y - ROW + 0.5, WIDTH - MARGIN, self._y - ROW + 0.5)
        self._y -= ROW

    def _say(
        self,
        x: float,
        y: float,
        text: str,
        size: int,
        colour: tuple[float, float, float],
        *,
        strong: bool = False,
    ) -> None:
        words = self._canvas.beginText(x, y)
        words.setFont(FONT, size)
        words.setFillColorRGB(*colour)
        if strong:  # one weight is kept; a thin outline in the same ink makes the other
            self._canvas.setStrokeColorRGB(*colour)
            self._canvas.setLineWidth(0.2)
            words.setTextRenderMode(2)
        words.textOut(self._legible(text))
        if strong:
            words.setTextRenderMode(0)
        self._canvas.drawText(words)

    def _legible(self, text: str) -> str:
        """Signs that the font has; the printer's mark for what is missing instead of a box."""
        return "".join(sign if ord(sign) in self._known else "〓" for sign in text)

    def _fitting(self, text: str, width: float) -> str:
        text = self._legible(text)
        if pdfmetrics.stringWidth(text, FONT, WORDS) <= width:
            return text
        while text and pdfmetrics.stringWidth(f"{text}…", FONT, WORDS) > width:
            text = text[:-1]
        return f"{text}…"


def printed(told: dict[str, Any], font: bytes) -> bytes:
    """The PDF of a sheet."""
    pdfmetrics.registerFont(TTFont(FONT, io.BytesIO(font)))
    columns = [Column(*each) for each in told.pop("columns")]
    out = io.BytesIO()
    Press(Sheet(columns=columns, **told), out).run()
    return out.getvalue()


if __name__ == "__main__":
    with Path(sys.argv[1]).open("rb") as packed:
        glyphs = lzma.decompress(packed.read())
    sys.stdout.buffer.write(printed(json.load(sys.stdin.buffer), glyphs))
