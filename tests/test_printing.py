"""Paper: real Chinese in any viewer, every sign or an honest mark, as many pages as it says."""

from __future__ import annotations

import asyncio
import time

import pypdfium2
import pytest

from littleshop import printing
from littleshop.errors import Refused
from littleshop.printing import Sheet

COLUMNS = [("日期", 1.0, False), ("事项", 3.0, False), ("余额", 1.0, True)]


def sheet(rows: int, said: str = "订单 1001 已收货") -> Sheet:
    return Sheet(
        title="小满茶器对账单",
        facts=[("店铺", "小满茶器（喆堃镕）"), ("区间", "2026-11-01 – 2026-11-30")],
        columns=COLUMNS,
        rows=[["2026-11-22", f"{said} {n}", f"¥{n}.00"] for n in range(rows)],
        bold=[0, rows - 1],
        notes=["合计与账本一致。"],
        page="第 {page} 页，共 {pages} 页",
    )


def texts(made: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(made)
    return [page.get_textpage().get_text_bounded() for page in document]


async def test_a_sheet_says_in_text_what_was_printed() -> None:
    made = await printing.pdf(sheet(3))
    (text,) = texts(made)
    for said in ("小满茶器对账单", "喆堃镕", "订单 1001 已收货 2", "¥2.00", "第 1 页，共 1 页"):
        assert said in text
    assert b"/FontFile2" in made  # its glyphs are in the file: no viewer has to have them
    assert len(made) < 60_000


async def test_its_signs_are_drawn_and_not_boxes() -> None:
    """Two signs that differ must look different; a viewer's boxes would all be alike."""
    drawn = []
    for signs in ("喆" * 40, "堃" * 40, "茶" * 40):
        page = pypdfium2.PdfDocument(await printing.pdf(sheet(1, signs)))[0]
        drawn.append(bytes(page.render(scale=2, grayscale=True).buffer))
    assert len(set(drawn)) == 3


async def test_what_the_font_lacks_is_a_printers_mark() -> None:
    (text,) = texts(await printing.pdf(sheet(1, "🍵𠮷 end")))
    assert "〓〓 end" in text


async def test_long_ones_have_as_many_pages_as_their_feet_say() -> None:
    started = time.perf_counter()
    pages = texts(await printing.pdf(sheet(300)))
    assert time.perf_counter() - started < 10
    assert [f"第 {n} 页，共 {len(pages)} 页" in page for n, page in enumerate(pages, 1)] == [
        True
    ] * len(pages)
    assert sum(page.count("已收货") for page in pages) == 300


async def test_a_press_that_breaks_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "FONT", printing.PRESS)
    with pytest.raises(Refused, match="not_printed"):
        await asyncio.wait_for(printing.pdf(sheet(1)), 30)
