"""The child program that decodes one photo a stranger sent, under hard limits (confined.py).

Run by pictures.py: the photo on standard input, on standard output one line of JSON and then the
encoded files back to back. It imports nothing of littleshop, opens no file, and dies after one
photo, so that whatever a hostile file does to a decoder stays in here and its memory goes back to
the system.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Callable
from typing import NamedTuple

from PIL import Image, ImageCms, ImageOps

WIDTHS = (360, 720, 1080)
CARD_WIDTH = 1200  # what chats fetch for the card of a shared link (OpenGraph)
CARD_BYTES = 300_000
TALLEST = 3  # a picture is shrunk until its height is at most this many times its width
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")


class TurnedAway(Exception):
    """The photo is refused; the argument is the code a person is told."""


class Encoded(NamedTuple):
    """One file of a picture: `kind` is webp, avif or jpg; sizes in pixels."""

    kind: str
    width: int
    height: int
    content: bytes


def opened(photo: bytes, max_pixels: int) -> Image.Image:
    """The picture with only its header read; raises TurnedAway before a pixel is decoded."""
    Image.MAX_IMAGE_PIXELS = None  # our own limit below is the tighter one
    try:
        image = Image.open(io.BytesIO(photo), formats=FORMATS)
    except Exception as error:
        raise TurnedAway("photo_broken") from error
    if image.width * image.height > max_pixels:
        raise TurnedAway("photo_too_many_pixels")
    if image.width < 1 or image.height < 1:
        raise TurnedAway("photo_broken")
    return image


def developed(image: Image.Image) -> Image.Image:
    """Upright, sRGB, without transparency or metadata, at most CARD_WIDTH wide."""
    if image.format == "JPEG":  # let the decoder itself leave out what we would throw away
        image.draft("RGB", (CARD_WIDTH, CARD_WIDTH))
    profile = image.info.get("icc_profile")
    orientation = image.getexif().get(0x0112, 1)
    sideways = orientation in (5, 6, 7, 8)
    image.load()
    image = flattened(image)
    width, height = (image.height, image.width) if sideways else image.size
    shrink = min(1.0, CARD_WIDTH / width, CARD_WIDTH * TALLEST / height)
    size = (max(1, round(image.width * shrink)), max(1, round(image.height * shrink)))
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    image = in_srgb(image, profile)
    exif = Image.Exif()
    exif[0x0112] = orientation if orientation in range(1, 9) else 1
    image.info = {"exif": exif.tobytes()}
    upright = ImageOps.exif_transpose(image)
    clean = Image.new("RGB", upright.size)
    clean.paste(upright)
    return clean


def flattened(image: Image.Image) -> Image.Image:
    """RGB (or CMYK, until its profile is applied) over white."""
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    if image.mode == "CMYK":
        return image
    if image.has_transparency_data:
        solid = image.convert("RGBA")
        image = Image.new("RGB", solid.size, "white")
        image.paste(solid, mask=solid.getchannel("A"))
    return image.convert("RGB")


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Colours as every browser shows them; a broken or foreign profile is ignored."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            turned = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if turned is not None:
                return turned
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass
    return image.convert("RGB")


def encoded(master: Image.Image) -> list[Encoded]:
    """WebP and AVIF in each width (never enlarged) and one JPEG card."""
    files = []
    for width in sorted({min(width, master.width) for width in WIDTHS}):
        height = max(1, round(master.height * width / master.width))
        small = master.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        for kind, options in (
            ("webp", {"quality": 77, "method": 4}),
            ("avif", {"quality": 54, "speed": 8, "max_threads": 2}),
        ):
            kept = io.BytesIO()
            small.save(kept, kind.upper(), **options)
            files.append(Encoded(kind, width, height, kept.getvalue()))
    return [*files, card(master)]


def card(master: Image.Image) -> Encoded:
    """A JPEG that stays below CARD_BYTES: quality gives way first, then size."""
    image = master
    while True:
        for quality in (76, 66, 56):
            kept = io.BytesIO()
            image.save(kept, "JPEG", quality=quality, optimize=True, progressive=True)
            if kept.tell() < CARD_BYTES:
                return Encoded("jpg", image.width, image.height, kept.getvalue())
        image = image.resize((image.width * 3 // 4, image.height * 3 // 4))


def answer(photo: bytes, max_pixels: int) -> tuple[dict[str, object], list[Encoded]]:
    """What goes back: facts of the picture and its files, or why not."""
    try:
        master = developed(opened(photo, max_pixels))
        red, green, blue = master.resize((1, 1), Image.Resampling.BOX).tobytes()
        files = encoded(master)
    except TurnedAway as refusal:
        return {"refused": str(refusal)}, []
    except Exception:  # decoders raise almost anything on a bad file; all of it means: broken
        return {"refused": "photo_broken"}, []
    digest = hashlib.sha256(b"".join(file.content for file in files)).hexdigest()[:32]
    facts = [[file.kind, file.width, file.height, len(file.content)] for file in files]
    return {"hash": digest, "colour": f"#{red:02x}{green:02x}{blue:02x}", "files": facts}, files


def main(read: Callable[[], bytes], write: Callable[[bytes], object], max_pixels: int) -> None:
    """Answer for one photo."""
    head, files = answer(read(), max_pixels)
    write(json.dumps(head).encode() + b"\n" + b"".join(file.content for file in files))


if __name__ == "__main__":
    main(sys.stdin.buffer.read, sys.stdout.buffer.write, int(sys.argv[1]))
