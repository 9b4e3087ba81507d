"""A product that somebody else changed while its form was open: the two are put together."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request

from littleshop.errors import Refused
from littleshop.web import forms, meanwhile
from littleshop.web.console.product_sheet import Sheet, VariantRow
from littleshop.web.forms import Form

WORDS = ("title", "description", "category", "tags", "no_return", "rate")
QUOTED = ("title", "description", "category", "tags")  # texts; the others are choices


def mark(now: Sheet) -> str:
    """What the form's fields show of the product as it is `now`."""
    return meanwhile.mark(_fields(now))


def merge(request: Request, form: Form, sheet: Sheet, now: Sheet) -> None:
    """Make of what was typed what is to be kept: of what its sender left alone, the product as it
    is `now`. What both changed stays as typed, and is said on the sheet."""
    kept, moved = meanwhile.merge(form, _fields(sheet), _fields(now))
    if kept["axes"] != _axes(sheet) or "axes" in moved:
        _take_axes(sheet, now)
    for name in WORDS:
        if name in kept:
            sheet.form[name] = kept[name]
    for name in moved:
        if name in WORDS:
            sheet.errors[name] = _told(request, name, now.form)
    if "axes" in moved:
        sheet.errors["axes"] = forms.said(request, Refused("form_moved"))
    _keep_prices(request, sheet, now, kept, moved)
    _keep_dots(sheet, kept)


def _keep_prices(
    request: Request, sheet: Sheet, now: Sheet, kept: dict[str, str], moved: list[str]
) -> None:
    stands = {_price(row): row.price for row in now.kinds}
    for row in sheet.kinds:
        row.price = kept.get(_price(row), row.price)
        if _price(row) in moved:
            row.price_error = meanwhile.told(request, stands[_price(row)])
            sheet.errors["kinds"] = "wrong"
    if not sheet.kinds:
        sheet.form["price"] = kept.get("price", sheet.form["price"])
        if "price" in moved:
            sheet.errors["price"] = meanwhile.told(request, now.form["price"])


def _keep_dots(sheet: Sheet, kept: dict[str, str]) -> None:
    """Of a colour that both changed, the typed one is taken: it is a spot on a page."""
    for axis, dots in zip(sheet.axes, sheet.dots, strict=True):
        for dot in dots:
            text = kept.get(f"dot {axis.name} {dot.value}", dot.text)
            if text != dot.text:
                dot.text, dot.error = text, ""


def _take_axes(sheet: Sheet, now: Sheet) -> None:
    """The options as they are by now, with the rows that were typed where there are such."""
    typed = {row.choice: row for row in sheet.kinds}
    sheet.axes, sheet.dots = list(now.axes), [list(dots) for dots in now.dots]
    sheet.kinds = [typed.get(row.choice, row) for row in now.kinds]
    sheet.errors.pop("axes", None)
    if not sheet.kinds:
        sheet.form |= {name: now.form[name] for name in ("price", "stock", "seen")}


def _told(request: Request, name: str, now: dict[str, Any]) -> str:
    if name in QUOTED:
        return meanwhile.told(request, str(now[name]))
    return forms.said(request, Refused("form_moved"))


def _fields(sheet: Sheet) -> dict[str, str]:
    """Each field of the form by a name that stays while rows come and go. The stock has its own
    (`seen`): it moves by itself."""
    fields = {name: str(sheet.form[name]) for name in WORDS if name in sheet.form}
    fields["axes"] = _axes(sheet)
    if not sheet.kinds:
        fields["price"] = str(sheet.form["price"])
    fields |= {_price(row): row.price for row in sheet.kinds}
    for axis, dots in zip(sheet.axes, sheet.dots, strict=True):
        fields |= {f"dot {axis.name} {dot.value}": dot.text for dot in dots}
    return fields


def _axes(sheet: Sheet) -> str:
    return msgspec.json.encode([(axis.name, axis.values) for axis in sheet.axes]).decode()


def _price(row: VariantRow) -> str:
    return f"price {row.key}"
