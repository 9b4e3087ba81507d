"""Photos people send, made into pictures that are safe and quick to show.

A photo is known by its first bytes, never by its name or by what the browser says. It is decoded
in a child process (darkroom.py) with a memory, processor and wall-clock limit; what comes back is
upright, sRGB, free of metadata (places, camera, owner), in three widths as WebP and AVIF and once
as JPEG for link cards. Nothing is written here: files.py keeps a Picture.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import msgspec

from littleshop import confined
from littleshop.confined import Limits
from littleshop.errors import Refused

MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000
# A progressive 50-megapixel JPEG needs about 700 MB.
LIMITS = Limits(memory_bytes=1_200 * 1024 * 1024, cpu_seconds=15, wall_seconds=20.0)
AT_ONCE = 2  # children per web process; further photos wait their turn
DARKROOM = Path(__file__).with_name("darkroom.py")

Kind = Literal["webp", "avif", "jpg"]


class Variant(msgspec.Struct, frozen=True):
    """One encoded file of a picture; sizes in pixels."""

    kind: Kind
    width: int
    height: int
    content: bytes

    @property
    def name(self) -> str:
        """File name under the picture's hash, as in `/f/<hash>/720.webp`."""
        return f"{self.width}.{self.kind}"


class Picture(msgspec.Struct, frozen=True):
    """A photo ready to be kept. `hash` (32 hex digits) covers the bytes of all variants.

    `width` and `height` are those of the largest WebP in pixels, `colour` is the average as
    `#rrggbb`: the ground to show while the picture loads.
    """

    hash: str
    width: int
    height: int
    colour: str
    variants: tuple[Variant, ...]

    def of_kind(self, kind: Kind) -> tuple[Variant, ...]:
        """Variants of one kind, smallest first."""
        return tuple(variant for variant in self.variants if variant.kind == kind)

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths that exist as WebP and as AVIF, smallest first, in pixels."""
        return tuple(variant.width for variant in self.of_kind("webp"))

    @property
    def card(self) -> Variant:
        """The JPEG for OpenGraph."""
        return self.of_kind("jpg")[-1]


class _Facts(msgspec.Struct):
    refused: str = ""
    hash: str = ""
    colour: str = ""
    files: list[tuple[Kind, int, int, int]] = []


_turns = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="darkroom")


def kind_of(photo: bytes) -> str:
    """What the first bytes say: jpeg, png, webp, gif, avif, heic, svg or an empty string."""
    if photo.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if photo.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if photo[:4] == b"RIFF" and photo[8:12] == b"WEBP":
        return "webp"
    if photo[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if photo[4:8] == b"ftyp":
        brands = photo[8:64]
        if b"avif" in brands or b"avis" in brands:
            return "avif"
        return "heic" if any(b in brands for b in (b"heic", b"heix", b"mif1", b"hevc")) else ""
    # An SVG is text: look behind byte order marks, comments and the XML head.
    start = photo[:4096].replace(b"\x00", b"").lower()
    return "svg" if b"<svg" in start else ""


async def process(photo: bytes) -> Picture:
    """Turn the bytes of an upload into a Picture without blocking the loop.

    Raises Refused: photo_too_big, photo_svg, photo_heic, photo_not_a_picture,
    photo_too_many_pixels or photo_broken (truncated, hostile, or its child was killed).
    """
    if len(photo) > MAX_BYTES:
        raise Refused("photo_too_big", megabytes=MAX_BYTES // 1_000_000)
    kind = kind_of(photo)
    if kind in ("svg", "heic"):
        raise Refused(f"photo_{kind}")
    if not kind:
        raise Refused("photo_not_a_picture")
    loop = asyncio.get_running_loop()
    return _picture(await loop.run_in_executor(_turns, _develop, photo))


def _develop(photo: bytes) -> bytes:
    """The child's answer; empty when it was killed, ran too long or said no more.

    A thread waits for the child, not the loop: a request cancelled while asyncio still spawns
    would never be woken again, and a person who leaves must not cost the shop a turn.
    """
    return confined.run(DARKROOM, str(MAX_PIXELS), photo, LIMITS)


def _picture(answer: bytes) -> Picture:
    head, _, rest = answer.partition(b"\n")
    try:
        facts = msgspec.json.decode(head, type=_Facts)
    except msgspec.DecodeError as error:
        raise Refused("photo_broken") from error
    if facts.refused == "photo_too_many_pixels":
        raise Refused("photo_too_many_pixels", megapixels=MAX_PIXELS // 1_000_000)
    if facts.refused or not facts.files:
        raise Refused("photo_broken")
    variants, at = [], 0
    for kind, width, height, length in facts.files:
        variants.append(Variant(kind, width, height, rest[at : at + length]))
        at += length
    largest = max((v for v in variants if v.kind == "webp"), key=lambda v: v.width)
    return Picture(facts.hash, largest.width, largest.height, facts.colour, tuple(variants))
