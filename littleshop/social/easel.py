"""The child program that draws one poster, or cuts one picture square (confined.py).

Run as `easel.py FONT` by posters.py: on standard input a line of JSON and then the photo and the
face, on standard output a JPEG. It imports nothing of littleshop and dies after one picture: no
process that serves pages keeps the memory of a Chinese font or of a decoded photo.
"""

from __future__ import annotations

import io
import json
import re
import sys
from typing import Any

from PIL import Image, ImageDraw, ImageFilter, ImageFont
from PIL.JpegImagePlugin import JpegImageFile
from PIL.WebPImagePlugin import WebPImageFile

PAPER, CARD, SUNK = "#F6F4EF", "#FFFFFF", "#ECE8DF"
INK, SOFT, HAIR = "#1D1B16", "#645F55", "#E4DFD4"
AWNING_HIGH, STRIPES = 132, 9
EDGE = 60  # from the side of the poster to what stands on it
PANEL = 452  # words and code under the picture
CODE_LEAST, CODE_MARGIN = 240, 26
LEAST_QUALITY = 30
HELD = "，。、；：！？）」』】》〉…,.;:!?)"  # never begin a line
GETA = "〓"  # the printer's mark for a sign that the font has not
Font = ImageFont.FreeTypeFont


# As wide as a Chinese sign in this font: between Latin letters the typewriter's own stand better.
_STRAIGHT = {"’": "'", "‘": "'", "“": '"', "”": '"', "·": "-"}
_CURLY = re.compile(r"(?<=[ -ɏ])[’‘“”·]|^[‘“](?=[ -ɏ])")


class Brush:
    """Words in the one font we have: sizes kept, a second weight by a thin outline."""

    def __init__(self, draw: ImageDraw.ImageDraw, font: str) -> None:
        self._draw = draw
        self._file = font
        self._sizes: dict[int, Font] = {}
        self._missing = bytes(self.font(24).getmask("\uffff"))
        self._known: dict[str, bool] = {}

    def font(self, size: int) -> Font:
        """The font in a size, pixels."""
        if size not in self._sizes:
            self._sizes[size] = ImageFont.truetype(self._file, size)
        return self._sizes[size]

    def legible(self, text: str) -> str:
        """What the font can write: no emoji nor joiners, a rare letter as the printer's mark."""
        kept = []
        for sign in _CURLY.sub(lambda found: _STRAIGHT[found[0]], text):
            if sign == " " or self._has(sign):
                kept.append(sign)
            elif sign.isalnum():
                kept.append(GETA)
        return " ".join("".join(kept).split())

    def _has(self, sign: str) -> bool:
        if sign not in self._known:
            mask = bytes(self.font(24).getmask(sign))
            self._known[sign] = bool(mask) and mask != self._missing
        return self._known[sign]

    def width(self, text: str, size: int) -> float:
        """How wide a line is, pixels."""
        return self.font(size).getlength(text)

    def write(
        self,
        at: tuple[float, float],
        text: str,
        size: int,
        colour: str = INK,
        *,
        bold: bool = False,
        anchor: str = "ls",
    ) -> None:
        """One line, `at` its foot (or as `anchor` says)."""
        stroke = size / 52 if bold else 0
        font = self.font(size)
        self._draw.text(at, text, fill=colour, font=font, stroke_width=stroke, anchor=anchor)

    def lines(self, text: str, size: int, width: float, most: int) -> list[str]:
        """A text in at most `most` lines; the last ends in … when something is left out."""
        rows: list[str] = []
        row = ""
        for piece in re.findall(r"[!-⺀]+\s*|\s+|.", text):
            for part in self._parts(piece, size, width):
                if self.width((row + part).rstrip(), size) <= width or not row:
                    row += part
                elif part[0] in HELD:  # the sign before goes down with it
                    rows.append(row[:-1])
                    row = row[-1] + part
                else:
                    rows.append(row)
                    row = part
        rows = [each.strip() for each in [*rows, row] if each.strip()]
        if len(rows) <= most:
            return self._balanced(rows, size, width)
        last = rows[most - 1] + "…"
        while len(last) > 1 and self.width(last, size) > width:
            last = last[:-2] + "…"
        return [*rows[: most - 1], last]

    def _parts(self, piece: str, size: int, width: float) -> list[str]:
        """A word, or its letters when it is longer than a line."""
        return list(piece) if self.width(piece, size) > width else [piece]

    def _balanced(self, rows: list[str], size: int, width: float) -> list[str]:
        """Two lines part after a comma when both fit so."""
        whole = "".join(rows)
        if len(rows) != 2 or not re.search(r"[，、；：]", whole):
            return rows
        places = [found.end() for found in re.finditer(r"[，、；：]\s*", whole)]
        for place in sorted(places, key=lambda each: abs(2 * each - len(whole))):
            pair = [whole[:place].strip(), whole[place:].strip()]
            if all(pair) and all(self.width(each, size) <= width for each in pair):
                return pair
        return rows


class Poster:
    """One poster as it is drawn: the picture under the awning, then words and the code."""

    def __init__(self, told: dict[str, Any], photo: bytes, face: bytes, font: str) -> None:
        self._told = told
        self._photo, self._face = photo, face
        self._width, self._height = told["width"], told["height"]
        self._spare = told["spare"]  # left free at the foot: apps lay their own things over it
        self.image = Image.new("RGB", (self._width, self._height), PAPER)
        self._draw = ImageDraw.Draw(self.image)
        self._brush = Brush(self._draw, font)
        self._top = self._height - PANEL - self._spare  # of the panel

    def run(self) -> None:
        """Draw everything."""
        self._picture()
        self._awning()
        self._top += self._spare // 4
        left = self._code()
        self._words(left - EDGE)

    def _picture(self) -> None:
        size = (self._width, self._top)
        if self._photo:
            self.image.paste(cut(self._photo, size), (0, 0))
            return
        self._draw.rectangle((0, 0, *size), fill=SUNK)
        first = self._brush.legible(self._told["title"])[:1] or self._told["shop"][:1]
        middle = (size[0] / 2, (size[1] + AWNING_HIGH) / 2)
        self._brush.write(middle, first, 320, SOFT, anchor="mm")

    def _awning(self) -> None:
        wide = self._width / STRIPES
        shape = Image.new("L", (self._width, AWNING_HIGH + 8), 0)
        mask = ImageDraw.Draw(shape)
        for stripe in range(STRIPES):
            box = (stripe * wide, -wide, (stripe + 1) * wide, AWNING_HIGH)
            mask.rounded_rectangle(box, radius=wide / 2, fill=255)
        shadow = shape.filter(ImageFilter.GaussianBlur(5)).point(lambda value: value * 46 // 255)
        self.image.paste("#28200A", (0, 5), shadow)
        cloth = Image.new("RGB", shape.size)
        paint = ImageDraw.Draw(cloth)
        for stripe in range(STRIPES):
            colour = self._told["awning"][stripe % 2]
            paint.rectangle((stripe * wide, 0, (stripe + 1) * wide, AWNING_HIGH), fill=colour)
        shade = Image.linear_gradient("L").resize((self._width, AWNING_HIGH // 2))
        dark = shade.point(lambda value: (255 - value) * 26 // 255)
        cloth.paste("#000000", (0, 0), dark)
        self.image.paste(cloth, (0, 0), shape)

    def _code(self) -> float:
        """The code on its white card with two lines under it; where the card begins."""
        rows: list[str] = self._told["code"]
        module = -(-CODE_LEAST // len(rows))
        side = module * len(rows) + 2 * CODE_MARGIN
        left, top = self._width - EDGE - side, self._top + 36
        box = (left, top, left + side, top + side)
        self._draw.rounded_rectangle(box, radius=24, fill=CARD, outline=HAIR, width=2)
        for down, row in enumerate(rows):
            for across, sign in enumerate(row):
                if sign == "1":
                    x = left + CODE_MARGIN + across * module
                    y = top + CODE_MARGIN + down * module
                    self._draw.rectangle((x, y, x + module - 1, y + module - 1), fill=INK)
        middle, foot = left + side / 2, top + side
        wide = side + EDGE
        self._line((middle, foot + 36), self._told["call"], 26, INK, wide, bold=True)
        self._line((middle, foot + 72), self._told["promise"], 23, SOFT, wide)
        return float(left)

    def _line(
        self,
        at: tuple[float, float],
        text: str,
        size: int,
        colour: str,
        width: float,
        *,
        bold: bool = False,
    ) -> None:
        """A line around its middle, smaller when it is too long."""
        text = self._brush.legible(text)
        while size > 16 and self._brush.width(text, size) > width:
            size -= 1
        self._brush.write(at, text, size, colour, bold=bold, anchor="ms")

    def _words(self, right: float) -> None:
        width = right - EDGE
        title = self._brush.legible(self._told["title"]) or self._brush.legible(self._told["shop"])
        size, step, most = 52, 72, 2
        rows = self._brush.lines(title, size, width, 99)
        if len(rows) > most:
            size, step, most = 40, 50, 3
            rows = self._brush.lines(title, size, width, most)
        y = self._top + 36 + size
        for row in rows:
            self._brush.write((EDGE, y), row, size, bold=True)
            y += step
        if self._told["line"]:
            for row in self._brush.lines(self._brush.legible(self._told["line"]), 30, width, 2):
                self._brush.write((EDGE, y), row, 30, SOFT)
                y += 42
        foot = self._top + PANEL - 48
        if self._told["price"]:
            self._price(EDGE, foot - 128, width)
        self._seller(EDGE, foot, width)

    def _price(self, x: float, y: float, width: float) -> None:
        sign, whole, cents = self._told["price"]
        note, size = self._told["note"], 84
        while size > 40 and self._price_width(sign, whole, cents, size) > width:
            size -= 4
        for text, scale in ((sign, size // 2), (whole, size), (cents, size // 2)):
            self._brush.write((x, y), text, scale, bold=True)
            x += self._brush.width(text, scale) + (3 if text else 0)
        left = width - (x - EDGE) - 24
        rows = self._brush.lines(self._brush.legible(note), 28, left, 1) if left > 90 else []
        if rows:
            self._brush.write((x + 24, y), rows[0], 28, SOFT)

    def _price_width(self, sign: str, whole: str, cents: str, size: int) -> float:
        small = self._brush.width(sign, size // 2) + self._brush.width(cents, size // 2)
        return small + self._brush.width(whole, size) + 6

    def _seller(self, x: float, foot: float, width: float) -> None:
        """A face, the shop's name and where it is."""
        name = self._brush.legible(self._told["shop"])
        place = self._brush.legible(self._told["place"])
        side = 80
        self._round_face((round(x), round(foot - side + 16)), side, name)
        room = width - side - 20
        y = foot - (side / 2 if place else side / 2 - 28) + 8
        self._fitted((x + side + 20, y), name, 30, INK, room, bold=True)
        self._fitted((x + side + 20, y + 36), place, 25, SOFT, room)

    def _fitted(
        self,
        at: tuple[float, float],
        text: str,
        size: int,
        colour: str,
        width: float,
        *,
        bold: bool = False,
    ) -> None:
        """A line from its left, smaller when it is too long, then cut."""
        least = size * 3 // 4
        while size > least and self._brush.width(text, size) > width:
            size -= 1
        for row in self._brush.lines(text, size, width, 1):
            self._brush.write(at, row, size, colour, bold=bold)

    def _round_face(self, at: tuple[int, int], side: int, name: str) -> None:
        ring = Image.new("L", (side * 4, side * 4), 0)
        ImageDraw.Draw(ring).ellipse((0, 0, side * 4 - 1, side * 4 - 1), fill=255)
        ring = ring.resize((side, side), Image.Resampling.LANCZOS)
        if self._face:
            self.image.paste(cut(self._face, (side, side)), at, ring)
            return
        self.image.paste(SUNK, at, ring)
        self._brush.write(
            (at[0] + side / 2, at[1] + side / 2), name[:1], 36, bold=True, anchor="mm"
        )


def cut(photo: bytes, size: tuple[int, int]) -> Image.Image:
    """A photo that fills a box, what is too much of it left out at both sides."""
    kept = io.BytesIO(photo)
    # By name: `open` would first import what reads fifty other kinds, half of our time.
    image: Image.Image
    if photo.startswith(b"\xff\xd8"):
        image = JpegImageFile(kept)
        image.draft("RGB", size)
    else:
        image = WebPImageFile(kept)
    scale = max(size[0] / image.width, size[1] / image.height)
    width, height = size[0] / scale, size[1] / scale
    left, top = (image.width - width) / 2, (image.height - height) / 2
    box = (left, top, left + width, top + height)
    whole = image if image.mode == "RGB" else image.convert("RGB")
    return whole.resize(size, Image.Resampling.BICUBIC, box, reducing_gap=2.0)


def encoded(image: Image.Image, most: int) -> bytes:
    """A JPEG of fewer than `most` bytes: quality gives way first, then size."""
    quality = 86
    while True:
        kept = io.BytesIO()
        image.save(kept, "JPEG", quality=quality)
        if kept.tell() < most:
            return kept.getvalue()
        if quality > LEAST_QUALITY:
            quality -= 7
        else:
            image = image.resize((image.width * 4 // 5, image.height * 4 // 5))


def drawn(told: dict[str, Any], photo: bytes, face: bytes, font: str) -> bytes:
    """The picture that is asked for."""
    if told["kind"] == "card":
        return encoded(cut(photo, (told["width"], told["height"])), told["most"])
    poster = Poster(told, photo, face, font)
    poster.run()
    return encoded(poster.image, told["most"])


if __name__ == "__main__":
    head, _, rest = sys.stdin.buffer.read().partition(b"\n")
    asked = json.loads(head)
    first, second = rest[: asked["photo"]], rest[asked["photo"] :]
    sys.stdout.buffer.write(drawn(asked, first, second, sys.argv[1]))
