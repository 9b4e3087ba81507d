"""Posters: a picture of a thing and its shop with a code to scan, and pictures cut for link cards.

Drawn by a child process (easel.py) and kept under the hash of all that is on them, so that the same
poster is drawn once; what is asked for least goes when the folder is full. The font lies packed
(3 MB, printing.py has the same); unpacking takes longer than drawing, so it is unpacked once.
"""

from __future__ import annotations

import asyncio
import contextlib
import lzma
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import msgspec
import segno

from littleshop import confined
from littleshop.confined import Limits
from littleshop.errors import Refused
from littleshop.printing import FONT

EASEL = Path(__file__).with_name("easel.py")
LIMITS = Limits(memory_bytes=700 * 1024 * 1024, cpu_seconds=10, wall_seconds=15.0)
AT_ONCE = 2  # children per web process; further posters wait their turn
MOST_BYTES = 400_000
MOST_CARD_BYTES = 290_000  # WeChat leaves larger ones away
CARD_SIDE = 600
MOST_KEPT = 3000  # files, a poster has about 150 KB
_DRAWN_AS = 2  # moves when the drawing itself changes

# Width, height, and what is left free at the foot.
FORMATS = {"tall": (1080, 1440, 0), "story": (1080, 1920, 160), "square": (1080, 1080, 0)}
AWNINGS = {
    "sea": "#7C97A3",
    "moss": "#7F9070",
    "clay": "#C58A69",
    "straw": "#CFA95B",
    "plum": "#9C7083",
    "dusk": "#4A4740",
}
CREAM = "#FBF8F1"


class Order(msgspec.Struct, frozen=True):
    """What is on a poster. `price` is (sign, whole, cents) or () for a whole shop, `note` stands
    beside it, `line` under the title; `photo` and `face` are hashes of pictures, "" for none;
    `link` is what the code says."""

    format: str
    title: str
    shop: str
    place: str
    awning: str
    link: str
    call: str
    promise: str
    price: tuple[str, ...] = ()
    note: str = ""
    line: str = ""
    photo: str = ""
    face: str = ""


class Card(msgspec.Struct, frozen=True):
    """A picture, by its hash, cut square for the card of a link."""

    photo: str


_turns = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="easel")
_drawings: dict[str, asyncio.Future[bytes]] = {}  # of this process, by the file they will be


class Posters:
    """The posters kept in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, order: Order | Card) -> bytes | None:
        """The poster, when it was drawn before."""
        try:
            path = self._folder / _name(order)
            content = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        return content

    async def draw(self, order: Order | Card, photo: bytes, face: bytes = b"") -> bytes:
        """The poster as JPEG, drawn and kept, without blocking the loop; b"" is no picture.

        Raises Refused poster_not_drawn when the child was killed or took too long.
        """
        name = str(self._folder / _name(order))
        drawing = _drawings.get(name)
        if drawing is None:  # the first to ask has it drawn, whoever else asks meanwhile waits
            loop = asyncio.get_running_loop()
            drawing = loop.run_in_executor(_turns, self._draw, order, photo, face)
            _drawings[name] = drawing
            drawing.add_done_callback(lambda _: _drawings.pop(name, None))
        made = await asyncio.shield(drawing)  # one who goes away takes it from nobody
        if not made.startswith(b"\xff\xd8"):
            raise Refused("poster_not_drawn")
        return made

    def _draw(self, order: Order | Card, photo: bytes, face: bytes) -> bytes:
        head = msgspec.json.encode(_told(order) | {"photo": len(photo)})
        made = confined.run(EASEL, str(self._font()), head + b"\n" + photo + face, LIMITS)
        if made:
            self._keep(_name(order), made)
        return made

    def _font(self) -> Path:
        """The font as a file that a child opens at once."""
        path = self._folder / f"{FONT.stem}-{FONT.stat().st_size}"
        if not path.exists():
            self._keep(path.name, lzma.decompress(FONT.read_bytes()))
        return path

    def _keep(self, name: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._folder / f".{secrets.token_hex(8)}"
        fresh.write_bytes(content)
        fresh.rename(self._folder / name)
        if name.startswith("0"):  # one in sixteen is enough to look
            self._make_room()

    def _make_room(self) -> None:
        kept = list(self._folder.glob("*.jpg"))
        if len(kept) <= MOST_KEPT:
            return
        with contextlib.suppress(FileNotFoundError):  # another process makes room too
            kept.sort(key=lambda path: path.stat().st_mtime)
            for path in kept[: len(kept) - MOST_KEPT * 3 // 4]:
                path.unlink(missing_ok=True)


def _name(order: Order | Card) -> str:
    told = msgspec.json.encode([_DRAWN_AS, type(order).__name__, order])
    return f"{sha256(told).hexdigest()[:40]}.jpg"


def _told(order: Order | Card) -> dict[str, object]:
    """What the child is told."""
    if isinstance(order, Card):
        side = {"width": CARD_SIDE, "height": CARD_SIDE}
        return {"kind": "card", "most": MOST_CARD_BYTES, **side}
    width, height, spare = FORMATS[order.format]
    words = {"title", "shop", "place", "call", "promise", "price", "note", "line"}
    return {
        "kind": "poster",
        "most": MOST_BYTES,
        "width": width,
        "height": height,
        "spare": spare,
        "awning": [AWNINGS.get(order.awning, AWNINGS["sea"]), CREAM],
        "code": code(order.link),
        **{name: getattr(order, name) for name in words},
    }


def code(text: str) -> list[str]:
    """A QR code as rows of 0 and 1, without a margin."""
    matrix = segno.make(text, error="m", boost_error=False).matrix
    return ["".join("1" if module else "0" for module in row) for row in matrix]
