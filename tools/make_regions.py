"""Convert the areas of npm `@vant/area-data` 2.1.0 (MIT, Youzan) to littleshop/static/regions.json,
and their names for readers of English, by pypinyin 0.55.0 (MIT), to regions_en.json beside it.

Run once, by hand:
    npm pack @vant/area-data@2.1.0 && tar xzf vant-area-data-2.1.0.tgz
    pip install pypinyin==0.55.0
    python tools/make_regions.py package/dist/index.cjs littleshop/static

Shape, small for the picker of a phone page:
    [["11", "北京市", [["01", "北京市", "01东城区 02西城区 ..."]]], ...]
A six-digit code is the three two-digit parts put together. The English names stand in the same
order: [["Beijing", [["Beijing", "Dongcheng,Xicheng,..."]]], ...]
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from pypinyin import Style, pinyin
from region_names import ENDINGS, NAMES, PEOPLES, PLAIN, READINGS, THERE

LISTS = re.compile(r"(province|city|county)_list: \{(.*?)\}", re.DOTALL)
ENTRY = re.compile(r'(\d{6}): ("[^"]+")')


def read(source: str) -> dict[str, dict[str, str]]:
    """The three lists of the source: code -> name."""
    return {
        found[1]: {code: json.loads(name) for code, name in ENTRY.findall(found[2])}
        for found in LISTS.finditer(source)
    }


def convert(source: str) -> list[Any]:
    """The tree described above; raises AssertionError when a county has no city."""
    lists = read(source)
    orphans = [code for code in lists["county"] if f"{code[:4]}00" not in lists["city"]]
    assert not orphans, orphans
    tree: list[Any] = []
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


KINDS = re.compile(
    r"(特别行政区|自治区|自治州|自治县|自治旗|地区|街道|省|市|盟|州|县|区|旗|镇|乡)$"
)
OF_PEOPLES = re.compile(rf"({'|'.join(PEOPLES)})+$")


def romanize(province: str, city: str, name: str) -> str:
    """A region's name for a reader of English: 浙江省 -> Zhejiang, 滨海新区 -> Binhai New Area."""
    if name in PLAIN:
        return PLAIN[name]
    for ending in sorted(ENDINGS, key=len, reverse=True):
        if name == ending:
            return ENDINGS[ending]
        stem = name.removesuffix(ending)
        if stem != name and len(stem) > 1 and KINDS.sub("", name) not in NAMES:
            return f"{_zone(province, city, stem)} {ENDINGS[ending]}"
    stem = KINDS.sub("", name)
    if stem in NAMES:
        return _stem(province, stem)
    if name.endswith(("自治区", "自治州", "自治县", "自治旗")) or stem.endswith("族"):
        stem = OF_PEOPLES.sub("", stem) or stem
    elif name.endswith("州") and len(stem) < 4:
        stem = name  # 杭州 is a name, 自治州 is not
    return _stem(province, stem if len(stem) > 1 or (province, stem) in THERE else name)


def _zone(province: str, city: str, stem: str) -> str:
    """河北唐山海港 of a zone's name: the province goes, the city is a word of its own."""
    stem = stem.removeprefix(KINDS.sub("", province)) or stem
    plain = KINDS.sub("", city)
    for before in (city, plain):
        if stem == before:
            return _stem(province, plain)
        if stem.startswith(before):
            return f"{_stem(province, plain)} {_stem(province, stem.removeprefix(before))}"
    return _stem(province, stem)


def _stem(province: str, stem: str) -> str:
    known = THERE.get((province, stem)) or NAMES.get(stem)
    if known:
        return known
    said = [part[0] for part in pinyin(stem, style=Style.NORMAL, v_to_u=True)]
    if len(said) == len(stem):
        said = [READINGS.get(sign, part) for sign, part in zip(stem, said, strict=True)]
    joined = said[0] + "".join("’" * (part[0] in "aoe") + part for part in said[1:])
    return joined.capitalize()


def english(tree: list[Any]) -> list[Any]:
    """The names of a tree in its order."""
    return [
        [
            romanize(province, province, province),
            [
                [
                    romanize(province, city, city),
                    ",".join(romanize(province, city, entry[2:]) for entry in districts.split()),
                ]
                for _, city, districts in cities
            ],
        ]
        for _, province, cities in tree
    ]


def write(rows: list[Any], path: Path) -> None:
    """A province a line."""
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    path.write_text(f"[{lines}]\n", encoding="utf-8")


if __name__ == "__main__":
    regions = convert(Path(sys.argv[1]).read_text(encoding="utf-8"))
    write(regions, Path(sys.argv[2]) / "regions.json")
    write(english(regions), Path(sys.argv[2]) / "regions_en.json")
