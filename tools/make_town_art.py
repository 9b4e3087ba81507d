"""Make the demo town's pictures: draw, light, photograph, and encode with the real pipeline.

    python tools/make_town_art.py textures WORK       drawings the still lifes wear, as PNG
    (python tools/town_scenes.py WORK/textures WORK/scenes      with bpy installed)
    python tools/make_town_art.py photographs WORK    scenes, drawn stills, faces, free photos
    python tools/make_town_art.py encode WORK         littleshop/demo/art/

Needs playwright, numpy and a Chromium; the town itself needs none of this, its pictures are kept
encoded. Free photographs are taken from WORK/free (docs/data-pictures.md names their origin).
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import sync_playwright
from town_textures import DRAWINGS

from littleshop.demo import ART
from littleshop.pictures import process

STILLS = Path(__file__).with_name("town_art")
CHROMIUM = "/usr/bin/chromium"
SIDE = 1200
# name of the picture: (drawing, part of its 400 x 400 field: x, y, side; light)
SHOTS: dict[str, tuple[str, tuple[int, int, int], str]] = {
    "tea-gaiwan-1": ("gaiwan-celadon", (0, 0, 400), "window"),
    "tea-gaiwan-2": ("gaiwanTop-celadon", (0, 0, 400), "leaves"),
    "tea-gaiwan-3": ("gaiwan-celadon", (60, 120, 200), "window"),
    "tea-gaiwan-moon": ("gaiwan-moon", (0, 0, 400), "leaves"),
    "tea-gaiwan-dust": ("gaiwan-dust", (0, 0, 400), "window"),
    "tea-set-1": ("gaiwanSet-moon", (0, 0, 400), "window"),
    "tea-set-2": ("gaiwanSet-moon", (180, 200, 200), "window"),
    "tea-set-3": ("gaiwanTop-moon", (0, 0, 400), "leaves"),
    "tea-set-celadon": ("gaiwanSet-celadon", (0, 0, 400), "leaves"),
    "tea-cups-1": ("cups-moon", (0, 0, 400), "window"),
    "tea-cups-2": ("cups-moon", (30, 170, 210), "window"),
    "tea-cups-celadon": ("cups-celadon", (0, 0, 400), "leaves"),
    "tea-dust-1": ("gaiwanSet-dust", (0, 0, 400), "evening"),
    "tea-dust-2": ("gaiwanTop-dust", (0, 0, 400), "evening"),
    "tea-pot-1": ("teapot", (0, 0, 400), "leaves"),
    "tea-pot-2": ("teapot", (90, 110, 210), "leaves"),
    "tea-pot-3": ("teapot", (0, 40, 360), "evening"),
    "tea-caddy-1": ("caddy", (0, 0, 400), "window"),
    "tea-caddy-2": ("caddy", (190, 230, 170), "window"),
    "tea-cake-1": ("teacake", (0, 0, 400), "window"),
    "tea-cake-2": ("teacake", (110, 90, 200), "evening"),
    "tea-bowls-1": ("bowls", (0, 0, 400), "evening"),
    "tea-vase-1": ("vase", (0, 0, 400), "evening"),
    "ada-jumper-1": ("jumper-oat", (0, 0, 400), "window"),
    "ada-jumper-2": ("jumper-oat", (110, 60, 180), "window"),
    "ada-jumper-moss": ("jumper-moss", (0, 0, 400), "leaves"),
    "ada-jumper-rust": ("jumper-rust", (0, 0, 400), "window"),
    "ada-jumper-sea": ("jumper-sea", (0, 0, 400), "leaves"),
    "ada-jumper-sea-2": ("jumper-sea", (40, 200, 190), "leaves"),
    "ada-mug-1": ("mug-oat", (0, 0, 400), "window"),
    "ada-mug-2": ("mug-oat", (80, 120, 190), "evening"),
    "ada-soaps-1": ("soapStack", (0, 0, 400), "leaves"),
    "ada-soaps-2": ("soapStack", (100, 130, 210), "leaves"),
    "ada-soaps-3": ("soapStack", (0, 30, 370), "evening"),
    "ada-soap-lavender": ("soapStack", (190, 180, 190), "window"),
    "ada-dish-1": ("soapDish", (0, 0, 400), "window"),
    "ada-dish-2": ("soapDish", (150, 170, 200), "window"),
    "ada-vase-1": ("vase", (0, 0, 400), "window"),
    "ada-vase-2": ("vase", (80, 150, 200), "window"),
    "ada-vase-3": ("vase", (90, 10, 240), "leaves"),
    "ada-beanie-1": ("beanie", (0, 0, 400), "window"),
    "ada-beanie-2": ("beanie", (190, 190, 170), "window"),
    "ada-bowls-1": ("bowls", (0, 0, 400), "window"),
    "ada-bowls-2": ("bowls", (60, 150, 240), "leaves"),
    "ada-mittens-1": ("mittens", (0, 0, 400), "window"),
    "ada-mittens-2": ("mittens", (20, 90, 200), "leaves"),
    "ada-balm-1": ("balm", (0, 0, 400), "window"),
    "ada-balm-2": ("balm", (30, 110, 250), "leaves"),
    "ada-knits-1": ("knitStack", (0, 0, 400), "leaves"),
    "ada-knits-2": ("knitStack", (90, 110, 210), "window"),
    "shop-tea": ("gaiwanSet-celadon", (0, 60, 340), "window"),
    "shop-ada": ("knitStack", (20, 60, 340), "window"),
}
FREE = {
    "photo-coffee": (40, 0, 540, 400), "photo-china": (0, 0, 640, 427),
    "photo-flower": (0, 0, 640, 427), "photo-chelsea": (0, 0, 451, 300),
}  # fmt: skip


def drawn(page: object, svg: str, side: int) -> Image.Image:
    """An SVG as the browser draws it, `side` pixels square."""
    sized = re.sub(r"<svg ", f'<svg width="{side}" height="{side}" ', svg, count=1)
    page.set_viewport_size({"width": side, "height": side})  # type: ignore[attr-defined]
    page.set_content(f'<body style="margin:0">{sized}</body>')  # type: ignore[attr-defined]
    shot = page.screenshot()  # type: ignore[attr-defined]
    return Image.open(io.BytesIO(shot)).convert("RGB")


def shade(light: str, seed: int) -> np.ndarray:
    """What stands between the window and the table: 1 is full light."""
    chance = np.random.default_rng(seed)
    mask = Image.new("L", (400, 400), 255)
    pen = ImageDraw.Draw(mask)
    if light == "leaves":
        for _ in range(46):
            x, y = chance.uniform(180, 460), chance.uniform(-60, 260)
            long, wide = chance.uniform(40, 90), chance.uniform(9, 20)
            spray = Image.new("L", (400, 400), 0)
            ImageDraw.Draw(spray).ellipse(
                (x - long / 2, y - wide, x + long / 2, y + wide), fill=120
            )
            mask.paste(90, mask=spray.rotate(chance.uniform(20, 70), center=(x, y)))
    else:
        for i in range(-3, 6):
            x = i * 118 + (40 if light == "evening" else 0)
            pen.polygon(((x, 0), (x + 30, 0), (x + 270, 400), (x + 240, 400)), fill=110)
    soft = mask.filter(ImageFilter.GaussianBlur(15)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    depth = {"window": 0.12, "leaves": 0.20, "evening": 0.20}[light]
    return 1 - depth * (1 - np.asarray(soft, dtype=np.float32) / 255)


def photographed(image: Image.Image, light: str, seed: int) -> Image.Image:
    """Light, lens and film: shadow, warmth, glow, falling-off corners, contrast and grain."""
    picture = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS), np.float32) / 255
    if light != "plain":
        picture = picture**1.06 * shade(light, seed)[..., None]
    if light == "evening":
        picture = picture * np.array([1.03, 0.95, 0.82], np.float32)
    glow = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    bloom = np.asarray(glow.filter(ImageFilter.GaussianBlur(28)), np.float32) / 255
    picture = 1 - (1 - picture) * (1 - 0.10 * bloom**2)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j].astype(np.float32)
    picture *= (1 - 0.07 * np.clip((x + 0.25) ** 2 + (y + 0.2) ** 2, 0, 2.4) ** 1.3)[..., None]
    picture = np.clip(picture * 1.03, 0, 1)
    picture = picture + 0.10 * (picture * picture * (3 - 2 * picture) - picture)
    chance = np.random.default_rng(seed)
    grain = chance.normal(0, 1, (SIDE // 2, SIDE // 2)).astype(np.float32)
    wide = Image.fromarray(grain).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    picture += np.asarray(wide)[..., None] * 0.004
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))


def part_of(svg: str, field: tuple[int, int, int]) -> str:
    """The same drawing seen from nearer."""
    x, y, side = field
    return re.sub(r'viewBox="[^"]*"', f'viewBox="{x} {y} {side} {side}"', svg, count=1)


def textures(page: object, work: Path) -> None:
    """Draw what the scenes wear, and lay the free photographs beside it."""
    out = work / "textures"
    out.mkdir(parents=True, exist_ok=True)
    for name, svg in DRAWINGS.items():
        width, height = (int(v) for v in re.findall(r'(?:width|height)="(\d+)"', svg)[:2])
        page.set_viewport_size({"width": width, "height": height})  # type: ignore[attr-defined]
        page.set_content(f'<body style="margin:0">{svg}</body>')  # type: ignore[attr-defined]
        page.screenshot(path=str(out / f"{name}.png"))  # type: ignore[attr-defined]
    for photo in (work / "free").iterdir():
        Image.open(photo).convert("RGB").save(out / f"photo-{photo.stem}.png")


def photographs(page: object, work: Path) -> None:
    """Every picture of the town as one PNG."""
    out = work / "photographs"
    out.mkdir(parents=True, exist_ok=True)
    for seed, (name, (still, field, light)) in enumerate(SHOTS.items()):
        if (out / f"{name}.png").exists():
            continue
        svg = part_of((STILLS / f"{still}.svg").read_text(), field)
        photographed(drawn(page, svg, SIDE), light, seed).save(out / f"{name}.png")
    for face in sorted(STILLS.glob("face-*.svg")):
        square = face.read_text().replace(
            '<circle cx="48" cy="48" r="48"/>', '<rect width="96" height="96"/>'
        )
        photographed(drawn(page, square, SIDE), "plain", 7).save(out / f"{face.stem}.png")
    for seed, scene in enumerate(sorted((work / "scenes").glob("*.png"))):
        photographed(Image.open(scene).convert("RGB"), "plain", seed).save(out / scene.name)
    for name, box in FREE.items():
        Image.open(work / "textures" / f"{name}.png").crop(box).save(out / f"{name}.png")


async def encode(work: Path) -> None:
    """Send every photograph through the pipeline and keep what comes out."""
    index: dict[str, object] = {}
    for old in ART.glob("*/*"):
        old.unlink()
    for photo in sorted((work / "photographs").glob("*.png")):
        image, kept = Image.open(photo).convert("RGB"), io.BytesIO()
        drawn_finely = photo.stem.startswith(("tea-", "ada-", "shop-tea", "shop-ada"))
        image.thumbnail((1080, 1080) if drawn_finely else (720, 720), Image.Resampling.LANCZOS)
        image.save(kept, "PNG")
        picture = await process(kept.getvalue())
        folder = ART / picture.hash
        folder.mkdir(parents=True, exist_ok=True)
        for variant in picture.variants:
            (folder / variant.name).write_bytes(variant.content)
        index[photo.stem] = {
            "hash": picture.hash, "width": picture.width, "height": picture.height,
            "colour": picture.colour,
            "files": [[v.kind, v.width, v.height] for v in picture.variants],
        }  # fmt: skip
    for folder in ART.iterdir():
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    lines = (f"{json.dumps(name)}: {json.dumps(facts)}" for name, facts in index.items())
    (ART / "index.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main() -> None:
    """One step of the making, as the head of this file says."""
    step, work = sys.argv[1], Path(sys.argv[2])
    if step == "encode":
        asyncio.run(encode(work))
        return
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        {"textures": textures, "photographs": photographs}[step](browser.new_page(), work)
        browser.close()


if __name__ == "__main__":
    main()
