"""Posters: a code that a decoder reads, Chinese that is not boxes, few bytes."""

from __future__ import annotations

import asyncio
import io
import lzma
import resource
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image, ImageDraw
from reportlab.pdfbase.ttfonts import TTFontFile

from littleshop import confined
from littleshop.errors import Refused
from littleshop.printing import FONT
from littleshop.social import easel, posters
from littleshop.social.posters import FORMATS, MOST_BYTES, Card, Order, Posters

LINK = "https://littleshop.example/s/5-ab34cd"
TITLE = "青灰釉盖碗，松木柴烧"


def order(format: str = "tall", title: str = TITLE, **more: object) -> Order:
    known = {
        "shop": "小满茶器",
        "place": "江西景德镇，2019 年开店",
        "awning": "moss",
        "link": LINK,
        "call": "长按，打开就能买",
        "promise": "收到货，钱才给卖家",
        "price": ("¥", "168", ".00"),
    }
    return Order(format, title, **(known | more))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Posters:
    """A folder for posters; the font is unpacked into it once."""
    return Posters(tmp_path_factory.mktemp("posters"))


def noise() -> bytes:
    """A photo that no encoder makes small."""
    kept = io.BytesIO()
    Image.effect_noise((1080, 1080), 60).convert("RGB").save(kept, "JPEG", quality=90)
    return kept.getvalue()


@pytest.mark.parametrize("format", FORMATS)
async def test_every_format_has_its_size_few_bytes_and_a_code_that_is_read(
    shelf: Posters, format: str
) -> None:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    made = await shelf.draw(order(format), noise(), noise())
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - spent
    image = Image.open(io.BytesIO(made))
    assert (image.format, image.size) == ("JPEG", FORMATS[format][:2])
    assert len(made) < MOST_BYTES
    assert spent < 1.5  # of a processor; 0.2 s as measured, the machine may be a slow one
    (found,) = zxingcpp.read_barcodes(image)
    assert found.text == LINK
    corner = found.position
    assert corner.top_right.x - corner.top_left.x >= easel.CODE_LEAST
    assert shelf.find(order(format)) == made  # the same is not drawn twice
    assert shelf.find(order(format, price=("¥", "158", ".00"))) is None


async def test_without_a_photo_sold_out_and_with_a_name_of_emoji_there_is_a_poster(
    shelf: Posters,
) -> None:
    bare = order("square", "🍵🍵", price=(), note="卖完了", place="", line="手工茶器", awning="?")
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(await shelf.draw(bare, b""))))
    assert found.text == LINK


async def test_a_picture_for_a_card_is_square_and_small(shelf: Posters) -> None:
    wide = Image.open(io.BytesIO(noise())).resize((1600, 700))
    kept = io.BytesIO()
    wide.save(kept, "WEBP", quality=95)
    made = await shelf.draw(Card("a" * 32), kept.getvalue())
    assert Image.open(io.BytesIO(made)).size == (600, 600) and len(made) < 300_000


async def test_what_is_no_picture_is_refused_by_the_child_alone(shelf: Posters) -> None:
    with pytest.raises(Refused, match="poster_not_drawn"):
        await shelf.draw(Card("b" * 32), b"\xff\xd8 no picture")


def brush(folder: Path) -> easel.Brush:
    font = folder / "font.ttf"
    font.write_bytes(lzma.decompress(FONT.read_bytes()))
    return easel.Brush(ImageDraw.Draw(Image.new("RGB", (10, 10))), str(font))


def test_every_letter_that_is_written_is_a_glyph_of_the_font(tmp_path: Path) -> None:
    known = set(TTFontFile(io.BytesIO(lzma.decompress(FONT.read_bytes()))).charToGlyph)
    pairs = (bytes((row, cell)) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF))
    everyday = {each for pair in pairs if (each := pair.decode("gb2312", "ignore"))}
    assert len(everyday) == 6763 and {ord(each) for each in everyday} <= known
    pen = brush(tmp_path)
    assert pen.legible(TITLE) == TITLE and {ord(sign) for sign in TITLE} <= known
    assert pen.legible("Ada’s “Corner” · 他说“好”") == 'Ada\'s "Corner" - 他说“好”'
    told = "𠮷野家 🍵❤️‍🔥 café №5 ¥168（大）"
    assert pen.legible(told) == "〓野家 café №5 ¥168（大）"
    assert {ord(sign) for sign in pen.legible(told)} <= known | {ord(" ")}


def test_lines_part_between_words_and_never_begin_with_a_stop(tmp_path: Path) -> None:
    pen = brush(tmp_path)
    assert pen.lines(TITLE, 52, 400, 2) == ["青灰釉盖碗，", "松木柴烧"]
    rows = pen.lines("Hand-thrown celadon gaiwan with a lid", 40, 420, 3)
    assert " ".join(rows) == "Hand-thrown celadon gaiwan with a lid" and len(rows) > 1
    cut = pen.lines("很长" * 40, 40, 400, 2)
    assert len(cut) == 2 and cut[1].endswith("…")
    assert not any(row[0] in easel.HELD for row in pen.lines("一二三四五，" * 9, 40, 200, 99))
    assert all(pen.width(row, 40) <= 400 for row in [*cut, *pen.lines("w" * 90, 40, 400, 9)])


def test_the_child_imports_nothing_of_ours() -> None:
    said = confined.run(posters.EASEL, "no-font", b"{}\n", posters.LIMITS)
    assert said == b"" and "littleshop" not in Path(posters.EASEL).read_text().split('"""', 2)[2]


async def test_the_same_poster_asked_for_twenty_times_at_once_is_drawn_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    draw = confined.run

    def counted(script: Path, *rest: Any) -> bytes:
        drawn.append(script.name)
        return draw(script, *rest)

    monkeypatch.setattr(confined, "run", counted)
    shelf = Posters(tmp_path)
    made = await asyncio.gather(
        *(shelf.draw(order(title="一起要的海报"), b"") for _ in range(20)),
        *(shelf.draw(order(title="另一张"), b"") for _ in range(5)),
    )
    assert len(drawn) == 2 and len(set(made)) == 2
    gone = asyncio.create_task(shelf.draw(order(title="等不及的人"), b""))
    other = asyncio.create_task(shelf.draw(order(title="等不及的人"), b""))
    await asyncio.sleep(0)
    gone.cancel()  # his going takes it from nobody
    assert (await other).startswith(b"\xff\xd8") and len(drawn) == 3
