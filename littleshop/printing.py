"""Printing: a table as a PDF that shows its Chinese in every viewer, made by a child process.

The child (press.py) holds the font and the library that sets it; the processes that serve pages
import neither.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from littleshop import confined
from littleshop.confined import Limits
from littleshop.errors import Refused

LIMITS = Limits(memory_bytes=700 * 1024 * 1024, cpu_seconds=60, wall_seconds=60.0)
AT_ONCE = 1  # children per web process; further sheets wait their turn
PRESS = Path(__file__).with_name("press.py")
FONT = Path(__file__).parent / "fonts" / "noto-sans-sc.ttf.xz"


class Sheet(msgspec.Struct, frozen=True):
    """What is printed. `columns` are (name, part of the width, holds figures), `facts` name and
    value under the title, `bold` the numbers of the rows that sum up, `page` the foot with {page}
    and {pages}."""

    title: str
    facts: list[tuple[str, str]]
    columns: list[tuple[str, float, bool]]
    rows: list[list[str]]
    bold: list[int]
    notes: list[str]
    page: str


_turns = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="press")


async def pdf(sheet: Sheet) -> bytes:
    """The sheet as PDF, without blocking the loop. Raises Refused not_printed when the child
    was killed or took too long."""
    loop = asyncio.get_running_loop()
    made = await loop.run_in_executor(_turns, _print, msgspec.json.encode(sheet))
    if not made.startswith(b"%PDF-"):
        raise Refused("not_printed")
    return made


def _print(sheet: bytes) -> bytes:
    return confined.run(PRESS, str(FONT), sheet, LIMITS)
