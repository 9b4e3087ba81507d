"""Fetches the front-end files we ship from npm packages of a pinned version and hash.

    python tools/vendor.py     check the hashes, write littleshop/static/{vendor,icons} and fonts

Needs `npm` (its `pack` command) and, for the font, the package `fonttools`; run only when a
version below changes. What it writes is committed, so nobody who uses littleshop needs it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import lzma
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

STATIC = Path(__file__).parent.parent / "littleshop" / "static"
FONTS = STATIC.parent / "fonts"


class Package(NamedTuple):
    """An npm package: sha512 of the packed archive, and files in it -> files under static/."""

    name: str
    sha512: str
    files: dict[str, str]


PACKAGES = (
    Package(
        "htmx.org@2.0.11",
        "Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        {"dist/htmx.min.js": "vendor/htmx.min.js", "LICENSE": "vendor/htmx.LICENSE.txt"},
    ),
    Package(
        "lucide-static@1.62.0",
        "WBZA/m2PvkFpMGHDtsBck5P2A9G4ehLlYu4GwwICcmEm1BvYVgj00lCDxKRWLlbMlOibLaiwdQ88G5pHkSWgwA==",
        {"LICENSE": "vendor/lucide.LICENSE.txt"},
    ),
    Package(
        "zxing-wasm@3.1.4",
        "1+v8p7sauddySVNG+ye7GD/0TS95BG2ycdkrC+EnBrFBFkHeIghzUt2yVjtx3NucJeNrQnhT8yGAIz60Vx9o0w==",
        {
            "dist/iife/reader/index.js": "vendor/zxing-reader.js",
            "dist/reader/zxing_reader.wasm": "vendor/zxing-reader.wasm",
            "LICENSE": "vendor/zxing-wasm.LICENSE.txt",
        },
    ),
)
# Paper (statements) needs its own glyphs, whatever the reader's machine has. Of 31,000 we keep the
# 22,000 that GBK can write, names of people and shops included: 3.4 MB instead of 10.6.
FONT = Package(
    "@expo-google-fonts/noto-sans-sc@0.4.3",
    "9rAwdFTFHbO/u6Cs0gj2jZbW74TGIiaFNQnXYH2s5wA1bzVkwbaviL4t8YUV642eGYjg86eH6DkAEQmfNHDncQ==",
    {"LICENSE_FONT": "noto-sans-sc.LICENSE.txt"},
)
FONT_FILE = "400Regular/NotoSansSC_400Regular.ttf"
ALSO = (range(0x20, 0x250), range(0x2000, 0x2070), range(0x20A0, 0x20C0))  # Latin, signs of money
ICON_NAMES = """
    arrow-left arrow-right ban banknote bell box calendar camera chart-no-axes-column check
    chevron-down chevron-left chevron-right chevron-up circle-alert circle-check circle-help
    circle-user clipboard-list clipboard-paste clock copy credit-card ellipsis eye eye-off
    external-link file-text flag flashlight gift globe grip-vertical hand handshake heart house
    image image-plus info layout-grid life-buoy link lock log-out map-pin menu message-circle
    minus package package-check pause pencil phone plus printer qr-code receipt refresh-cw
    rotate-ccw scan-line search send settings share-2 shield-check shopping-basket smartphone
    store sun tag trash-2 triangle-alert truck undo-2 upload user-round users-round wallet
    wifi-off wrench x
"""


def fetch(package: Package, into: Path) -> tarfile.TarFile:
    """The package's archive; raises SystemExit when its hash is another than the pinned one."""
    subprocess.run(["npm", "pack", package.name, "--silent"], cwd=into, check=True)
    stem = package.name.removeprefix("@").replace("/", "-").replace("@", "-")
    archive = next(into.glob(f"{stem}*.tgz"))
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != package.sha512:
        raise SystemExit(f"{package.name} is not what was pinned: {found}")
    return tarfile.open(archive)


def bytes_of(archive: tarfile.TarFile, name: str) -> bytes:
    """One file of an archive."""
    member = archive.extractfile(f"package/{name}")
    assert member is not None, name
    return member.read()


def text_of(archive: tarfile.TarFile, name: str) -> str:
    """One text file of an archive."""
    return bytes_of(archive, name).decode()


def sprite(archive: tarfile.TarFile) -> str:
    """One SVG with a symbol for each icon we use, stroke and colour left to the page."""
    symbols = []
    for name in ICON_NAMES.split():
        source = text_of(archive, f"icons/{name}.svg")
        drawn = re.sub(r"^.*?<svg.*?>|</svg>\s*$", "", source, flags=re.S)
        drawn = re.sub(r"\s*\n\s*", "", drawn).replace(" />", "/>")
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{drawn}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">' + "\n".join(symbols) + "</svg>\n"


def font(archive: tarfile.TarFile) -> bytes:
    """The font with the glyphs of GBK and ALSO, without hints and layout tables, packed (xz)."""
    from fontTools import subset, ttLib  # nothing else here needs it

    member = archive.extractfile(f"package/{FONT_FILE}")
    assert member is not None, FONT_FILE
    whole = ttLib.TTFont(io.BytesIO(member.read()))
    pairs = (bytes((lead, trail)) for lead in range(0x81, 0xFF) for trail in range(0x40, 0xFF))
    wanted = {ord(sign) for pair in pairs if len(sign := pair.decode("gbk", "ignore")) == 1}
    options = subset.Options(hinting=False, layout_features=[], notdef_outline=True)
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "STAT", "vhea", "vmtx", "gasp", "prep"]
    cut = subset.Subsetter(options)
    cut.populate(
        unicodes=(wanted | {each for span in ALSO for each in span}) & {*whole.getBestCmap()}
    )
    cut.subset(whole)
    written = io.BytesIO()
    whole.save(written)
    return lzma.compress(written.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def main() -> None:
    """Write every vendored file anew."""
    with tempfile.TemporaryDirectory() as into, fetch(FONT, Path(into)) as archive:
        for name, target in FONT.files.items():
            (FONTS / target).write_text(text_of(archive, name))
        (FONTS / "noto-sans-sc.ttf.xz").write_bytes(font(archive))
    for package in PACKAGES:
        with tempfile.TemporaryDirectory() as into, fetch(package, Path(into)) as archive:
            for name, target in package.files.items():
                (STATIC / target).write_bytes(bytes_of(archive, name))
            if package.name.startswith("lucide"):
                (STATIC / "icons" / "lucide.svg").write_text(sprite(archive))


if __name__ == "__main__":
    main()
