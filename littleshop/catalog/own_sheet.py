"""Our own sheet of goods: a row for each kind, the facts of the product in its first one; what goes
out comes back the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from littleshop import sheets
from littleshop.catalog import colours, drafts, exceptions, incoming, typed
from littleshop.catalog.drafts import Option
from littleshop.catalog.incoming import Format, Line, Misread, Piece, Thing
from littleshop.catalog.wares import Ware, WareVariant
from littleshop.errors import Refused

COLUMNS = (
    "handle", "title", "description", "category", "tags", "status", "no_return",
    "option1_name", "option1_value", "option2_name", "option2_value",
    "option3_name", "option3_value", "sku", "barcode", "price", "compare_at", "cost", "stock",
    "weight", "photos", "colours",
)  # fmt: skip
_CHINESE = (
    "商品标识", "标题", "描述", "分类", "标签", "状态", "不支持七天无理由",
    "规格1名称", "规格1值", "规格2名称", "规格2值",
    "规格3名称", "规格3值", "货号", "条码", "价格", "划线价", "成本", "库存",
    "重量克", "图片", "颜色",
)  # fmt: skip
_ALSO = {  # what people write over the same columns in sheets of their own
    "title": ("商品", "商品名", "商品名称", "名称", "品名", "产品", "产品名称", "name", "product",
              "product name", "item"),
    "price": ("售价", "单价", "零售价", "selling price", "unit price"),
    "stock": ("数量", "库存数量", "件数", "quantity", "qty"),
    "description": ("说明", "详情", "介绍", "details"),
    "category": ("类目", "商品分类"),
    "sku": ("编码", "商品编码"),
    "barcode": ("条形码", "商品条码"),
    "cost": ("进价", "成本价"),
}  # fmt: skip
_STATUS = {
    "on_sale": "on_sale", "在售": "on_sale", "上架": "on_sale", "active": "on_sale",
    "hidden": "hidden", "隐藏": "hidden", "下架": "hidden", "archived": "hidden",
    "draft": "draft", "草稿": "draft",
}  # fmt: skip


def head(locale: str) -> list[str]:
    """The head of the sheet in a language; either is read."""
    return list(_CHINESE if locale.startswith("zh") else COLUMNS)


def _key(line: Line) -> str:
    """The handle, else the title; a row that has neither belongs to the one above."""
    named = sheets.bare(line.text("handle")) or sheets.bare(line.text("title"))
    return named[: incoming.HANDLE_LENGTH]


def _thing(key: str, lines: Sequence[Line], currency: str) -> Thing:
    first = lines[0]
    names = _axis_names(first)
    choices = [_choice(line, len(names)) for line in lines]
    painted = _painted(first)
    options = tuple(
        Option(each.name, each.values, painted[at] if at < len(painted) else {})
        for at, each in enumerate(incoming.axes(names, choices))
    )
    description, category = first.said("description"), first.said("category")
    tags, photos = first.said("tags"), first.text("photos")
    return Thing(
        first.line,
        key,
        sheets.bare(first.text("title")),
        tuple(_piece(line, c, currency) for line, c in zip(lines, choices, strict=True)),
        options,
        has_options=first.said("option1_name") is not None,
        description=None if description is None else sheets.bare(description),
        category=None if category is None else sheets.bare(category),
        status=_status(first),
        no_return=_no_return(first),
        tags=None if tags is None else incoming.words(sheets.bare(tags), "\n,，;；、"),
        photos=incoming.pictures(incoming.words(sheets.bare(photos), "\n ;\t\r")),
    )


def _axis_names(first: Line) -> list[str]:
    names = [sheets.bare(first.text(f"option{place}_name")) for place in (1, 2, 3)]
    while names and not names[-1]:
        names.pop()
    return names


def _choice(line: Line, axes: int) -> tuple[str, ...]:
    found = tuple(sheets.bare(line.text(f"option{place + 1}_value")) for place in range(axes))
    if not all(found):
        raise Misread(line.line, Refused("import_option_empty"))
    return tuple(drafts.tidy(each)[:30] for each in found)


def _painted(first: Line) -> list[dict[str, str]]:
    """The colours of the values of each axis; what is not ours is left out."""
    try:
        told = msgspec.json.decode(sheets.bare(first.text("colours")) or "[]",
                                   type=list[dict[str, str]])  # fmt: skip
    except msgspec.DecodeError as fault:
        raise Misread(first.line, Refused("import_colours")) from fault
    return [{v: c for v, c in each.items() if colours.HEX.fullmatch(c)} for each in told]


def _piece(line: Line, choice: tuple[str, ...], currency: str) -> Piece:
    compare_at = incoming.amount(line, "compare_at", currency)
    if compare_at is None and line.said("compare_at") is not None:
        compare_at = 0
    return Piece(
        choice,
        incoming.price(line, "price", currency),
        incoming.count(line, "stock"),
        compare_at,
        incoming.amount(line, "cost", currency),
        incoming.code(line, "sku"),
        incoming.code(line, "barcode"),
        incoming.count(line, "weight"),
    )


def _status(first: Line) -> str | None:
    text = sheets.bare(first.text("status")).lower()
    if text and text not in _STATUS:
        raise Misread(first.line, Refused("import_status", cell=text[:40]))
    return _STATUS.get(text)


def _no_return(first: Line) -> str | None:
    text = first.said("no_return")
    if text is None:
        return None
    if sheets.bare(text) not in ("", *exceptions.KINDS):
        raise Misread(first.line, Refused("product_no_return"))
    return sheets.bare(text)


FORMAT = Format(
    "own",
    {
        name: frozenset({sheets.name(name), sheets.name(name.replace("_", " ")), sheets.name(zh)})
        for name, zh in zip(COLUMNS, _CHINESE, strict=True)
    },
    ("title", "price"),
    _key,
    _thing,
    {name: frozenset(map(sheets.name, also)) for name, also in _ALSO.items()},
)


def rows(ware: Ware, photos: Sequence[str], currency: str) -> Iterable[list[str]]:
    """A product as its rows; `photos` are addresses."""
    painted = [each.colours for each in ware.options]
    facts = {
        "handle": ware.handle or str(ware.product_id),
        "title": ware.title,
        "description": ware.description,
        "category": ware.category,
        "tags": "\n".join(ware.tags),
        "status": ware.status,
        "no_return": ware.no_return,
        "photos": "\n".join(photos),
        "colours": msgspec.json.encode(painted).decode() if any(painted) else "",
    } | {f"option{at + 1}_name": each.name for at, each in enumerate(ware.options)}
    for place, kind in enumerate(ware.kinds):
        told = (facts if place == 0 else {"handle": facts["handle"]}) | _of_kind(kind, currency)
        yield [sheets.guarded(told.get(name, "")) for name in COLUMNS]


def _of_kind(kind: WareVariant, currency: str) -> dict[str, str]:
    compare_at, cost = kind.compare_at_minor, kind.cost_minor
    return {
        "sku": kind.sku,
        "barcode": kind.barcode,
        "price": typed.shown(kind.price_minor, currency),
        "compare_at": typed.shown(compare_at, currency) if compare_at else "",
        "cost": "" if cost is None else typed.shown(cost, currency),
        "stock": str(kind.on_hand),
        "weight": str(kind.grams),
    } | {f"option{at + 1}_value": value for at, value in enumerate(kind.choice)}
