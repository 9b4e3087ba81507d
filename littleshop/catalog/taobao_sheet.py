"""What a Taobao assistant (淘宝助理) exports: UTF-16, parted by tabs, a head of field names and one
in Chinese, a row for each product.

`skuProps` is `price:pieces:code:pid:vid;pid:vid;` for each kind in turn; what a value is called
stands in `inputCustomCpv` and `propAlias` (`pid:vid:name;`), and for common colours and sizes only
in Taobao's own dictionary, of which we know the usual ones. `picture` is
`name:kind:place:|address;`, kind 1 for pictures of the product and 2 for those of a colour; the
files lie beside the sheet as `name.tbi`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from littleshop import sheets
from littleshop.catalog import drafts, html_text, incoming
from littleshop.catalog.incoming import Format, Line, Misread, Piece, Thing
from littleshop.errors import Refused

_HEADS = {
    "title": ("title", "宝贝名称"),
    "price": ("price", "宝贝价格"),
    "num": ("num", "宝贝数量"),
    "description": ("description", "宝贝描述"),
    "category": ("seller_cids_name", "店铺类目"),
    "status": ("approve_status", "放入仓库"),
    "picture": ("picture", "newpic", "新图片"),
    "sku_props": ("skuProps", "销售属性组合"),
    "custom": ("inputCustomCpv", "自定义属性值"),
    "alias": ("propAlias", "销售属性别名"),
    "outer_id": ("outer_id", "商家编码"),
    "num_id": ("num_id", "数字ID", "宝贝编号"),
    "barcode": ("barcode", "商品条形码"),
    "sku_barcode": ("sku_barcode", "sku条形码"),
    "weight": ("item_weight", "物流重量"),
}
AXES = {"1627207": "颜色", "20509": "尺码", "20518": "尺码", "20549": "鞋码", "-1000": "规格"}
VALUES = {
    "28320": "白色", "28341": "黑色", "28326": "红色", "28338": "蓝色", "28335": "绿色",
    "28324": "黄色", "28327": "酒红色", "28329": "紫色", "28332": "浅灰色", "28340": "深蓝色",
    "28334": "灰色", "3232480": "粉红色", "3232483": "军绿色", "60092": "浅棕色", "132069": "褐色",
    "28313": "XS", "28314": "S", "28315": "M", "28316": "L", "28317": "XL", "28318": "XXL",
    "28319": "XXXL", "28383": "均码",
}  # fmt: skip
_KIND = re.compile(r"([\d.]+):(\d+):([^:;]*):((?:-?\d+:-?\d+(?:;|$))+)")
_NAMED = re.compile(r"(-?\d+:-?\d+):([^;]*)")
_PICTURE = re.compile(r"([^;|:]+):(\d+):(\d*):?[^;|]*(?:\|([^;]*))?")


class _Sold(NamedTuple):
    """A kind of skuProps: its values are pairs of a property's number and a value's."""

    price: str
    pieces: str
    code: str
    values: tuple[tuple[str, str], ...]


def _key(line: Line) -> str:
    number = sheets.bare(line.text("num_id"))
    code = sheets.bare(line.text("outer_id"))
    named = number if number.strip("0") else code or sheets.bare(line.text("title"))
    return named[: incoming.HANDLE_LENGTH] or f"row {line.line}"


def _thing(key: str, lines: Sequence[Line], currency: str) -> Thing:
    if len(lines) > 1:
        raise Misread(lines[1].line, Refused("import_handle_again", handle=key[:60]))
    line = lines[0]
    if sheets.digits_lost(sheets.bare(line.text("num_id"))):
        raise Misread(line.line, Refused("import_digits_lost", cell=key[:40]))
    sold = _sold(line)
    names, choices = _choices(line, sold)
    body = line.said("description")
    return Thing(
        line.line,
        key,
        html_text.plain(sheets.bare(line.text("title")), 1000),
        _pieces(line, sold, choices, currency),
        incoming.axes(names, choices),
        description=None if body is None else html_text.plain(body, drafts.DESCRIPTION_LENGTH),
        category=_category(line),
        status="hidden" if line.text("status").strip() in ("2", "3") else "on_sale",
        photos=incoming.pictures(_photos(line)),
    )


def _category(line: Line) -> str | None:
    """The shop's own category when the sheet has its name; numbers of Taobao's say nothing here."""
    text = sheets.bare(line.text("category")).split(",")[0]
    return None if not text or text.isdigit() else text[:40]


def _sold(line: Line) -> list[_Sold]:
    text = sheets.bare(line.text("sku_props"))
    found = [
        _Sold(price, pieces, code, tuple(_pair(pair) for pair in values.split(";") if pair))
        for price, pieces, code, values in _KIND.findall(text)
    ]
    if text and (not found or len({tuple(pid for pid, _ in each.values) for each in found}) > 1):
        raise Misread(line.line, Refused("import_kinds"))
    return found


def _pair(text: str) -> tuple[str, str]:
    pid, _, vid = text.partition(":")
    return pid, vid


def _choices(line: Line, sold: Sequence[_Sold]) -> tuple[list[str], list[tuple[str, ...]]]:
    """What the axes and values are called."""
    if not sold:
        return [], [()]
    told = dict(_NAMED.findall(sheets.bare(line.text("alias"))))
    told |= dict(_NAMED.findall(sheets.bare(line.text("custom"))))
    pids = [pid for pid, _ in sold[0].values]
    names: list[str] = []
    for at, pid in enumerate(pids):
        name = AXES.get(pid, f"规格{at + 1}")
        names.append(name if name not in names else f"规格{at + 1}")
    choices = [
        tuple(
            drafts.tidy(told.get(f"{pid}:{vid}") or VALUES.get(vid) or f"{names[at]} {vid}")[:30]
            for at, (pid, vid) in enumerate(each.values)
        )
        for each in sold
    ]
    return names, choices


def _pieces(
    line: Line, sold: Sequence[_Sold], choices: Sequence[tuple[str, ...]], currency: str
) -> tuple[Piece, ...]:
    barcode, outer = incoming.code(line, "barcode"), incoming.code(line, "outer_id")
    weight = _grams(line)
    if not sold:
        price_minor = incoming.price(line, "price", currency)
        stock = incoming.count(line, "num")
        return (Piece((), price_minor, stock, None, None, outer, barcode, weight),)
    barcodes = [each.strip() for each in sheets.bare(line.text("sku_barcode")).split(";")]
    pieces = []
    for at, (each, choice) in enumerate(zip(sold, choices, strict=True)):
        own = Line(line.line, {"price": each.price, "num": each.pieces, "sku": each.code,
                               "barcode": barcodes[at] if at < len(barcodes) else ""})  # fmt: skip
        price_minor, stock = incoming.price(own, "price", currency), incoming.count(own, "num")
        codes = incoming.code(own, "sku"), incoming.code(own, "barcode")
        pieces.append(Piece(choice, price_minor, stock, None, None, *codes, weight))
    return tuple(pieces)


def _grams(line: Line) -> int | None:
    """A weight in kilograms."""
    text = sheets.bare(line.text("weight"))
    if not re.fullmatch(r"\d{1,4}(\.\d{1,6})?", text):
        return None
    whole, _, part = text.partition(".")
    return int(whole) * 1000 + int(part[:3].ljust(3, "0"))


def _photos(line: Line) -> list[str]:
    """Addresses of the product's own pictures, else the names of their files."""
    text = sheets.bare(line.text("picture"))
    found = [
        (int(place or 0), url.strip() or f"{name.strip()}.tbi")
        for name, kind, place, url in _PICTURE.findall(text)
        if kind == "1"
    ]
    if not found and text:
        found = list(enumerate(each for each in incoming.words(text, ";| ") if "." in each))
    return [each for _, each in sorted(found)]


FORMAT = Format(
    "taobao",
    {name: frozenset(map(sheets.name, heads)) for name, heads in _HEADS.items()},
    ("title", "price", "num", "sku_props"),
    _key,
    _thing,
)
