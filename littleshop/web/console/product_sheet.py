"""The form of a product: as the product is now, as it was typed, and the draft it makes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product as combinations
from math import prod
from typing import Any

import msgspec
from starlette.requests import Request

from littleshop.catalog import colours, drafts, exceptions
from littleshop.catalog.drafts import Option, ProductDraft, VariantDraft
from littleshop.catalog.products import Product, Variant
from littleshop.errors import Refused
from littleshop.web import forms, pages
from littleshop.web.console import product_sending
from littleshop.web.forms import Form

AXES = 3
MOST_DOTS = 40  # values of an axis that can be given a colour; a form has room for 500 fields
FIELDS = {  # the first part of a refusal's code -> the field it is said under
    "product_title": "title",
    "product_description": "description",
    "product_no_return": "no_return",
    "price": "price",
    "compare": "price",
    "stock": "stock",
    "photos": "photos",
    "options": "axes",
    "variants": "axes",
    "rate": "rate",
    "weight": "weight",
}


def field_of(code: str) -> str:
    """The field of a product's form that a refusal belongs to."""
    return next((field for start, field in FIELDS.items() if code.startswith(start)), "title")


class VariantRow(msgspec.Struct):
    """One row of the table of variants: what was typed, what was there when the page was made."""

    choice: tuple[str, ...]
    price: str = ""
    stock: str = ""
    seen: str = ""
    price_error: str = ""
    stock_error: str = ""

    @property
    def key(self) -> str:
        return msgspec.json.encode(self.choice).decode()


class Dot(msgspec.Struct):
    """The colour of an option's value: as it stands in its field, and what that is."""

    value: str
    text: str = ""
    colour: str = ""
    error: str = ""


class Sheet(msgspec.Struct):
    """A product's form as it is shown: texts as typed, and the sentences of what is wrong."""

    form: dict[str, Any]
    axes: list[Option]
    kinds: list[VariantRow]
    dots: list[list[Dot]] = []  # of each axis
    lists: bool = False  # only its table of kinds is asked for
    errors: dict[str, Any] = {}


def of_product(locale: str, product: Product, variants: Sequence[Variant]) -> Sheet:
    """The form as the product is now."""
    rows = [_kind(each) for each in variants]
    form: dict[str, Any] = {"title": product.title, "description": product.description}
    form |= {"no_return": product.no_return_why, "category": product.category}
    form["tags"] = ", ".join(product.tags)
    if rows:
        form |= {"price": rows[0].price, "stock": rows[0].stock, "seen": rows[0].seen}
    dots = [[_dot(locale, axis, value) for value in axis.values] for axis in product.options]
    return Sheet(form, list(product.options), rows if product.options else [], dots)


def _kind(variant: Variant) -> VariantRow:
    on_hand = str(variant.on_hand)
    price = forms.shown(variant.price_minor, variant.currency)
    return VariantRow(variant.choice, price, on_hand, on_hand)


def _dot(locale: str, axis: Option, value: str) -> Dot:
    colour = axis.colours.get(value, "")
    return Dot(value, colours.shown(locale, colour), colour)


def typed(
    request: Request, form: Form, product: Product, variants: Sequence[Variant]
) -> tuple[Sheet, bool]:
    """The form as typed, and whether its table has a row for each kind there would be."""
    axes = _axes(form)
    many = prod(len(axis.values) for axis in axes)
    fits = bool(axes) and many <= drafts.MOST_VARIANTS
    wanted = list(combinations(*(axis.values for axis in axes))) if fits else []
    posted = _posted(form)
    fields = form.typed("title", "description", "price", "stock", "seen")
    fields["no_return"] = (
        form.text("no_return", 20) if "no_return" in form else product.no_return_why
    )
    for name, now in (("category", product.category), ("tags", ", ".join(product.tags))):
        fields[name] = form.text(name, 800) if name in form else now
    fields |= product_sending.typed(form)
    first = next(iter(posted.values()), None)
    if not axes and first is not None:
        fields |= {"price": first.price, "stock": first.stock, "seen": ""}
    price = fields["price"] or (first.price if first else "")
    sold = {each.choice: _kind(each) for each in variants}
    kinds = []
    for choice in wanted:
        known = posted.get(VariantRow(choice).key) or sold.get(choice) or VariantRow(choice, price)
        kinds.append(VariantRow(choice, known.price, known.stock, known.seen))
    sheet = Sheet(fields, axes, kinds, errors={})
    sheet.dots = [_dots(request, form, product, place, axis) for place, axis in enumerate(axes)]
    if many > drafts.MOST_VARIANTS:
        refused = Refused("variants_too_many", most=drafts.MOST_VARIANTS)
        sheet.errors["axes"] = forms.said(request, refused)
    return sheet, {each.key for each in kinds} == set(posted)


def _posted(form: Form) -> dict[str, VariantRow]:
    """The rows of the table as they were sent."""
    found: dict[str, VariantRow] = {}
    for place in range(drafts.MOST_VARIANTS + 1):
        key = form.text(f"variant-{place}-key", 2000)
        if not key:
            break
        parts = (form.text(f"variant-{place}-{part}", 64) for part in ("price", "stock", "seen"))
        found[key] = VariantRow((), *parts)
    return found


def _axes(form: Form) -> list[Option]:
    """The axes that were filled in; choices are parted by commas of either script."""
    found = []
    for place in range(AXES):
        name = drafts.tidy(form.text(f"axis-{place}-name", 100))[:20]
        text = form.text(f"axis-{place}-values", 2000)
        for sign in "，、;；\n":
            text = text.replace(sign, ",")
        tidied = (drafts.tidy(each)[:30] for each in text.split(","))
        values = tuple(dict.fromkeys(each for each in tidied if each))
        if name or values:
            found.append(Option(name, values))
    return found


def _dots(request: Request, form: Form, product: Product, place: int, axis: Option) -> list[Dot]:
    """The colours of an axis: as typed, else as they are, else as the value is called."""
    locale = pages.locale_of(request)
    try:
        asked = msgspec.json.decode(form.text(f"dots-{place}", 4000) or "[]", type=list[str])
    except msgspec.DecodeError:
        asked = []
    given = {value: form.text(f"dot-{place}-{at}", 64) for at, value in enumerate(asked)}
    kept = product.options[place].colours if place < len(product.options) else {}
    dots = []
    for value in axis.values:
        before = kept.get(value) or colours.guess(axis.name, value)
        dot = Dot(value, given.get(value, colours.shown(locale, before) if before else ""))
        try:
            dot.colour = colours.read(dot.text)
        except Refused as refused:
            dot.error = forms.said(request, refused)
        dots.append(dot)
    return dots


def draft(
    request: Request, currency: str, product: Product, variants: Sequence[Variant], sheet: Sheet
) -> ProductDraft | None:
    """The draft of the sheet, or None when something is wrong: the sheet's errors say what."""
    known = {each.choice: each for each in variants}
    rows = sheet.kinds or [VariantRow((), sheet.form["price"], sheet.form["stock"])]
    made = [_variant(request, currency, known.get(row.choice), row) for row in rows]
    wrong = any(row.price_error or row.stock_error for row in rows)
    if not sheet.kinds and wrong:
        sheet.errors |= {"price": rows[0].price_error, "stock": rows[0].stock_error}
    elif wrong:
        sheet.errors["kinds"] = "wrong"
    if any(dot.error for dots in sheet.dots for dot in dots):
        sheet.errors["dots"] = "wrong"
    try:
        checked = drafts.check(_product_draft(product, sheet, tuple(made)))
    except Refused as refused:
        sheet.errors[field_of(refused.code)] = forms.said(request, refused)
    return None if sheet.errors else checked


def _product_draft(
    product: Product, sheet: Sheet, variants: tuple[VariantDraft, ...]
) -> ProductDraft:
    painted = [{dot.value: dot.colour for dot in dots if dot.colour} for dots in sheet.dots]
    return ProductDraft(
        sheet.form["title"],
        variants,
        description=sheet.form["description"],
        options=tuple(
            Option(axis.name, axis.values, colours)
            for axis, colours in zip(sheet.axes, painted, strict=True)
        ),
        category=sheet.form["category"],
        status=product.status,
        no_return=sheet.form["no_return"],
        tags=(sheet.form["tags"],),
    )


def _variant(
    request: Request, currency: str, known: Variant | None, row: VariantRow
) -> VariantDraft:
    """A kind as typed; what its row has beside price and stock stays, as long as it is true."""
    price_minor = pieces = 1
    try:
        price_minor = forms.price(row.price, currency)
    except Refused as refused:
        row.price_error = forms.said(request, refused)
    try:
        pieces = forms.count(row.stock)
    except Refused as refused:
        row.stock_error = forms.said(request, refused)
    if known is None:
        return VariantDraft(row.choice, price_minor, pieces)
    before = known.compare_at_minor
    higher = before if before is not None and before > price_minor else None
    return VariantDraft(row.choice, price_minor, pieces, compare_at_minor=higher, sku=known.sku)


def mend(sheet: Sheet) -> dict[str, Any]:
    """How many fields are wrong, and the id of the first of them on the page."""
    names = ("title", "description", "price", "stock", "category", "tags", "rate", "weight")
    wrong = [f"f-{name}" for name in names if sheet.errors.get(name)]
    for place, row in enumerate(sheet.kinds):
        told = (("price", row.price_error), ("stock", row.stock_error))
        wrong += [f"f-variant-{place}-{name}" for name, error in told if error]
    wrong += ["f-no_return"] if sheet.errors.get("no_return") else []
    wrong += ["f-axes"] if sheet.errors.get("axes") else []
    for place, dots in enumerate(sheet.dots):
        wrong += [f"f-dot-{place}-{at}" for at, dot in enumerate(dots) if dot.error]
    return {"count": len(wrong), "first": wrong[0] if wrong else ""}


def context(locale: str, sheet: Sheet) -> dict[str, Any]:
    """The sheet as its template wants it."""
    blank = [Option("", ())] * (AXES - len(sheet.axes))
    return {
        "form": sheet.form,
        "errors": sheet.errors,
        "mend": mend(sheet),
        "lists": sheet.lists,
        "exceptions": exceptions.KINDS,
        "confirmed": exceptions.WHEN_CONFIRMED,
        "axes": [
            {
                "name": axis.name,
                "choices": ", ".join(axis.values),
                "values": msgspec.json.encode(axis.values).decode(),
                "dots": dots if len(dots) <= MOST_DOTS else [],
            }
            for axis, dots in zip(sheet.axes + blank, sheet.dots + [[] for _ in blank], strict=True)
        ],
        "variants": [
            {
                "key": each.key,
                "label": " / ".join(each.choice),
                "price": each.price,
                "stock": each.stock,
                "seen": each.seen,
                "price_error": each.price_error,
                "stock_error": each.stock_error,
            }
            for each in sheet.kinds
        ],
        "palette": [
            {"name": colours.name(locale, key), "colour": colour}
            for key, colour in colours.PALETTE.items()
        ],
    }
