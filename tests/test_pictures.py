"""Photos from phones and from people who wish us ill."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Awaitable
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from littleshop import pictures
from littleshop.errors import Refused
from littleshop.i18n import LOCALES, t

RED, BLUE = (200, 30, 30), (30, 30, 200)


def saved(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    kept = io.BytesIO()
    image.save(kept, kind, **options)
    return kept.getvalue()


def two_halves(width: int = 480, height: int = 360) -> Image.Image:
    """Red above, blue below; small, where its size makes no difference."""
    image = Image.new("RGB", (width, height), BLUE)
    image.paste(RED, (0, 0, width, height // 2))
    return image


def shown(variant: pictures.Variant) -> Image.Image:
    return Image.open(io.BytesIO(variant.content))


def near(seen: object, wanted: tuple[int, int, int]) -> bool:
    assert isinstance(seen, tuple)
    return all(abs(a - b) < 24 for a, b in zip(seen, wanted, strict=True))


def children() -> list[int]:
    """Process ids of darkrooms at work for us."""
    mine = [pid for task in Path("/proc/self/task").glob("*/children") for pid in words(task)]
    return [int(pid) for pid in mine if "darkroom" in " ".join(words(Path(f"/proc/{pid}/cmdline")))]


def words(file: Path) -> list[str]:
    try:
        return file.read_text().replace("\0", " ").split()
    except OSError:  # the process ended while we looked
        return []


def memory() -> int:
    """Bytes this process has in memory now."""
    return int(words(Path("/proc/self/statm"))[1]) * os.sysconf("SC_PAGE_SIZE")


def developed(photo: bytes) -> pictures.Picture:
    return asyncio.run(pictures.process(photo))


def refusal(photo: bytes) -> str:
    with pytest.raises(Refused) as caught:
        developed(photo)
    for locale in LOCALES:  # whoever is refused is told why, in words
        assert t(locale, f"errors.{caught.value.code}", **caught.value.details)
    return caught.value.code


def png_header_only(width: int, height: int) -> bytes:
    """A few bytes that promise a picture of that size."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checked = name + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


def test_a_photo_comes_back_in_three_widths_as_webp_and_avif_and_once_as_a_card() -> None:
    picture = developed(saved(two_halves(1600, 1200)))
    assert picture.widths == (360, 720, 1080)
    assert (picture.width, picture.height) == (1080, 810)
    assert {variant.name for variant in picture.variants} == {
        "360.webp", "720.webp", "1080.webp", "360.avif", "720.avif", "1080.avif", "1200.jpg",
    }  # fmt: skip
    for variant in picture.variants:
        image = shown(variant)
        assert image.size == (variant.width, variant.height)
        assert image.format == {"webp": "WEBP", "avif": "AVIF", "jpg": "JPEG"}[variant.kind]
    assert picture.colour.startswith("#") and len(picture.colour) == 7


def test_the_same_photo_has_the_same_hash_and_another_photo_another() -> None:
    first, second = developed(saved(two_halves())), developed(saved(two_halves()))
    other = developed(saved(two_halves(480, 300)))
    assert first.hash == second.hash != other.hash


def test_a_small_photo_is_never_enlarged() -> None:
    assert developed(saved(two_halves(500, 400))).widths == (360, 500)
    assert developed(saved(two_halves(90, 60))).widths == (90,)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_phone_held_any_way_gives_an_upright_picture(orientation: int) -> None:
    # Turn the upright picture the way a camera would have stored it.
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    upright = two_halves(400, 300)
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = developed(saved(stored, exif=exif))
    assert (picture.width, picture.height) == (400, 300)
    for variant in picture.variants:
        image = shown(variant).convert("RGB")
        assert near(image.getpixel((image.width // 2, image.height // 8)), RED)
        assert near(image.getpixel((image.width // 2, image.height * 7 // 8)), BLUE)


def test_the_place_and_the_camera_are_gone() -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretPhone"
    exif.get_ifd(0x8825).update({1: "N", 2: (29.0, 17.0, 24.0), 3: "E", 4: (117.0, 10.0, 12.0)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = saved(two_halves(), exif=exif, icc_profile=profile, comment=b"SecretPhone")
    assert b"SecretPhone" in photo
    for variant in developed(photo).variants:
        assert b"SecretPhone" not in variant.content and b"Exif" not in variant.content
        assert not shown(variant).getexif() and "icc_profile" not in shown(variant).info


@pytest.mark.parametrize(
    "photo",
    [
        saved(two_halves(), "PNG"),
        saved(two_halves(), "WEBP"),
        saved(two_halves(), "GIF", save_all=True, append_images=[Image.new("RGB", (480, 360))]),
        saved(two_halves(), "AVIF", speed=10),
        saved(two_halves().convert("CMYK"), "JPEG"),
    ],
    ids=["png", "webp", "gif, first frame", "avif", "cmyk jpeg"],
)
def test_other_picture_formats_are_taken(photo: bytes) -> None:
    image = shown(developed(photo).card).convert("RGB")
    red, _, blue = image.getpixel((240, 40))  # type: ignore[misc]
    assert red > blue


def test_what_is_transparent_becomes_white() -> None:
    clear = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    assert developed(saved(clear, "PNG")).colour == "#ffffff"


def test_a_grey_16_bit_picture_keeps_its_grey() -> None:
    grey = Image.new("I;16", (400, 400), 32896)
    assert developed(saved(grey, "PNG")).colour in ("#7f7f7f", "#808080", "#818181")


def test_a_very_noisy_photo_still_gives_a_card_that_chats_will_fetch() -> None:
    noise = Image.merge("RGB", [Image.effect_noise((1300, 700), 120) for _ in range(3)])
    assert len(developed(saved(noise, quality=95)).card.content) < 300_000


def test_a_tall_screenshot_is_shrunk_and_not_refused() -> None:
    picture = developed(saved(two_halves(240, 8_000), "PNG"))
    assert picture.height <= 3_600 and picture.width >= 100


def test_a_text_named_jpg_is_not_a_photo() -> None:
    assert refusal(b"Dear shop, here is my photo.jpg") == "photo_not_a_picture"
    assert refusal(b"") == "photo_not_a_picture"
    assert refusal(b"<!doctype html><script>alert(1)</script>") == "photo_not_a_picture"
    assert refusal(b"%PDF-1.7 ...") == "photo_not_a_picture"


def test_a_drawing_with_a_script_is_refused_however_it_is_dressed() -> None:
    drawing = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    assert refusal(drawing.encode()) == "photo_svg"
    assert (
        refusal(b"\xef\xbb\xbf<?xml version='1.0'?><!-- x -->\n" + drawing.encode()) == "photo_svg"
    )
    assert refusal(drawing.encode("utf-16")) == "photo_svg"


def test_a_heic_photo_is_refused_with_advice() -> None:
    assert refusal(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\0" * 99) == "photo_heic"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_photo_cut_short_is_broken(kind: str) -> None:
    photo = saved(Image.effect_noise((300, 300), 80).convert("RGB"), kind)
    assert refusal(photo[: len(photo) // 2]) == "photo_broken"


def test_a_file_over_20_megabytes_is_refused_unread() -> None:
    assert refusal(b"\xff\xd8\xff" + bytes(pictures.MAX_BYTES)) == "photo_too_big"


def test_60_megapixels_are_refused_by_their_header_and_cost_no_memory() -> None:
    photo = saved(Image.new("RGB", (10_000, 6_000), RED), quality=60)
    mine = memory()
    assert refusal(photo) == "photo_too_many_pixels"
    assert memory() - mine < 20_000_000
    measured = (
        f"import sys; sys.path.insert(0, {str(pictures.DARKROOM.parent)!r}); import darkroom;"
        f"print(darkroom.answer(sys.stdin.buffer.read(), {pictures.MAX_PIXELS})[0]['refused']);"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    said = subprocess.run(
        [sys.executable, "-I", "-c", measured], input=photo, capture_output=True, check=True
    ).stdout.split()
    assert said[0] == b"photo_too_many_pixels"
    assert int(said[2]) < 80_000  # kilobytes at the highest; decoding would take 180,000 more


def test_a_few_bytes_that_promise_four_gigapixels_are_refused() -> None:
    assert refusal(png_header_only(65_000, 65_000)) == "photo_too_many_pixels"
    assert refusal(png_header_only(7_000, 7_000)) == "photo_broken"


def test_a_small_file_that_swells_to_49_megapixels_stays_inside_the_child() -> None:
    bomb = saved(Image.new("RGB", (7_000, 7_000), (9, 9, 9)), "PNG", compress_level=1)
    assert len(bomb) < 700_000  # 147 million in memory
    mine = memory()
    assert developed(bomb).widths == (360, 720, 1080)
    assert memory() - mine < 60_000_000


async def _while_developing(photo: bytes, act: Awaitable[None]) -> pictures.Picture:
    work = asyncio.ensure_future(pictures.process(photo))
    await act
    return await work


async def _kill_the_child() -> None:
    for _ in range(20_000):
        for child in children():
            os.kill(child, signal.SIGKILL)
            return
        await asyncio.sleep(0)
    raise AssertionError("no child was seen")


def test_a_killed_child_is_a_no_and_the_next_photo_works() -> None:
    slow = saved(Image.effect_noise((2_400, 2_400), 40).convert("RGB"), quality=60)

    async def story() -> None:
        with pytest.raises(Refused, match="photo_broken"):
            await _while_developing(slow, _kill_the_child())
        assert (await pictures.process(saved(two_halves()))).widths == (360, 480)

    asyncio.run(story())


def test_a_child_that_takes_too_long_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "LIMITS", pictures.LIMITS._replace(wall_seconds=0.01))
    began = time.monotonic()
    assert refusal(saved(two_halves())) == "photo_broken"
    assert time.monotonic() - began < 2
    assert not children()


def test_people_who_leave_at_any_moment_do_not_cost_the_next_one_a_turn() -> None:
    photo = saved(two_halves())

    async def story() -> None:
        for moment in range(3 * pictures.AT_ONCE):
            work = asyncio.ensure_future(pictures.process(photo))
            for _ in range(moment * 40):
                await asyncio.sleep(0)
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work
        async with asyncio.timeout(20):
            assert (await pictures.process(photo)).widths == (360, 480)

    asyncio.run(story())


def test_the_loop_goes_on_while_a_photo_is_developed() -> None:
    async def story() -> int:
        work, turns = asyncio.ensure_future(pictures.process(saved(two_halves(1600, 1200)))), 0
        while not work.done():
            await asyncio.sleep(0.005)
            turns += 1
        return turns

    assert asyncio.run(story()) > 5


def test_the_child_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITTLESHOP_KEYS", "not for a decoder")
    seen: list[str] = []

    async def look() -> None:
        for _ in range(20_000):
            for child in children():
                seen.extend(words(Path(f"/proc/{child}/environ")))
                return
            await asyncio.sleep(0)

    asyncio.run(_while_developing(saved(two_halves()), look()))
    assert seen and not any("LITTLESHOP" in word for word in seen)
