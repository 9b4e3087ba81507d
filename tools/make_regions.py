"""Convert the areas of npm `@vant/area-data` 2.1.0 (MIT, Youzan) to littleshop/static/regions.json.

Run once, by hand:
    npm pack @vant/area-data@2.1.0 && tar xzf vant-area-data-2.1.0.tgz
    python tools/make_regions.py package/dist/index.cjs littleshop/static/regions.json

Shape, small for the picker of a phone page:
    [["11", "北京市", [["01", "北京市", "01东城区 02西城区 ..."]]], ...]
A six-digit code is the three two-digit parts put together.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

LISTS = re.compile(r"(province|city|county)_list: \{(.*?)\}", re.DOTALL)
ENTRY = re.compile(r'(\d{6}): ("[^"]+")')


def read(source: str) -> dict[str, dict[str, str]]:
    """The three lists of the source: code -> name."""
    return {
        found[1]: {code: json.loads(name) for code, name in ENTRY.findall(found[2])}
        for found in LISTS.finditer(source)
    }


def convert(source: str) -> list[list[object]]:
    """The tree described above; raises AssertionError when a county has no city."""
    lists = read(source)
    orphans = [code for code in lists["county"] if f"{code[:4]}00" not in lists["city"]]
    assert not orphans, orphans
    tree: list[list[object]] = []
    for province, province_name in sorted(lists["province"].items()):
        cities = [
            [city[2:4], city_name, _districts(lists["county"], city[:4])]
            for city, city_name in sorted(lists["city"].items())
            if city[:2] == province[:2]
        ]
        tree.append([province[:2], province_name, cities])
    return tree


def _districts(counties: dict[str, str], city: str) -> str:
    found = sorted((code, name) for code, name in counties.items() if code[:4] == city)
    assert not any(" " in name for _, name in found), city
    return " ".join(code[4:] + name for code, name in found)


if __name__ == "__main__":
    regions = convert(Path(sys.argv[1]).read_text(encoding="utf-8"))
    rows = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in regions)
    Path(sys.argv[2]).write_text(f"[{rows}]\n", encoding="utf-8")
