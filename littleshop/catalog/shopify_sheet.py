"""What Shopify writes when a shop's products are exported, with the heads of before and after 2025.

https://help.shopify.com/manual/products/import-export/using-csv
"""

from __future__ import annotations

from collections.abc import Sequence

from littleshop import sheets
from littleshop.catalog import drafts, html_text, incoming
from littleshop.catalog.incoming import Format, Line, Piece, Thing

_HEADS = {
    "handle": ("Handle", "URL handle"),
    "title": ("Title",),
    "body": ("Body (HTML)", "Body HTML", "Description"),
    "type": ("Type", "Product Type"),
    "tags": ("Tags",),
    "published": ("Published", "Published on online store"),
    "status": ("Status",),
    "option1_name": ("Option1 Name",),
    "option1_value": ("Option1 Value",),
    "option2_name": ("Option2 Name",),
    "option2_value": ("Option2 Value",),
    "option3_name": ("Option3 Name",),
    "option3_value": ("Option3 Value",),
    "sku": ("Variant SKU", "SKU"),
    "grams": ("Variant Grams", "Weight value (grams)"),
    "stock": ("Variant Inventory Qty", "Inventory quantity"),
    "price": ("Variant Price", "Price"),
    "compare_at": ("Variant Compare At Price", "Compare-at price"),
    "barcode": ("Variant Barcode", "Barcode"),
    "cost": ("Cost per item",),
    "photo": ("Image Src", "Product image URL"),
    "place": ("Image Position",),
}


def _key(line: Line) -> str:
    return sheets.bare(line.text("handle"))[: incoming.HANDLE_LENGTH]


def _thing(key: str, lines: Sequence[Line], currency: str) -> Thing:
    first = lines[0]
    kinds = [line for line in lines if line.text("price").strip()]
    names = [sheets.bare(first.text(f"option{place}_name")) for place in (1, 2, 3)]
    names = [name for name in names if name]
    choices = [
        tuple(drafts.tidy(sheets.bare(line.text(f"option{at + 1}_value")))[:30]
              for at in range(len(names)))
        for line in kinds
    ]  # fmt: skip
    if names == ["Title"] and choices == [("Default Title",)]:
        names, choices = [], [()]
    pairs = zip(kinds or [first], choices or [()], strict=True)
    tags, body = first.said("tags"), first.said("body")
    return Thing(
        first.line,
        key,
        sheets.bare(first.text("title")),
        tuple(_piece(line, choice, currency) for line, choice in pairs),
        incoming.axes([name[:20] for name in names], choices),
        description=None if body is None else html_text.plain(body, drafts.DESCRIPTION_LENGTH),
        category=sheets.bare(first.text("type"))[:40] or None,
        status=_status(first),
        tags=None if tags is None else incoming.words(sheets.bare(tags), ","),
        photos=incoming.pictures(_photos(lines)),
    )


def _photos(lines: Sequence[Line]) -> list[str]:
    """The pictures in their order; a row without a place comes where it stands."""
    found = [(line, sheets.bare(line.text("photo"))) for line in lines]
    placed = [
        (int(place) if (place := line.text("place").strip()).isdigit() else at + 1, at, url)
        for at, (line, url) in enumerate(found)
        if url
    ]
    return [url for _, _, url in sorted(placed)]


def _status(first: Line) -> str | None:
    """active, draft, archived; one that is not published is hidden."""
    text = first.text("status").strip().lower()
    if text in ("draft", "archived", "unlisted"):
        return "draft" if text == "draft" else "hidden"
    published = first.text("published").strip().lower()
    if published in ("false", "no", "0"):
        return "hidden"
    return "on_sale" if text == "active" or published else None


def _piece(line: Line, choice: tuple[str, ...], currency: str) -> Piece:
    price_minor = incoming.price(line, "price", currency)
    compare_at = incoming.amount(line, "compare_at", currency) or 0
    return Piece(
        choice,
        price_minor,
        incoming.count(line, "stock"),
        compare_at if compare_at > price_minor else 0,  # Shopify lets it stand and shows nothing
        incoming.amount(line, "cost", currency),
        incoming.code(line, "sku"),
        incoming.code(line, "barcode"),
        incoming.count(line, "grams"),
    )


FORMAT = Format(
    "shopify",
    {name: frozenset(map(sheets.name, heads)) for name, heads in _HEADS.items()},
    ("handle", "title", "price", "option1_name", "photo"),
    _key,
    _thing,
)
