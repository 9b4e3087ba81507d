"""A product and everything about it: words, photos, options, the price and stock of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import product as combinations
from math import prod
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http
from littleshop.catalog import drafts, photos, products, stock
from littleshop.catalog.drafts import Option, ProductDraft, VariantDraft
from littleshop.catalog.photos import Photo
from littleshop.catalog.products import Product, Variant
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.i18n import SIGNS
from littleshop.web import addresses, forms
from littleshop.web.console import frame
from littleshop.web.forms import Form

AXES = 3
MONTH = timedelta(days=30)
FIELDS = {  # the first part of a refusal's code -> the field it is said under
    "product_title": "title",
    "product_description": "description",
    "price": "price",
    "compare": "price",
    "stock": "stock",
    "photos": "photos",
    "options": "axes",
    "variants": "axes",
}


def field_of(code: str) -> str:
    """The field of a product's form that a refusal belongs to."""
    return next((field for start, field in FIELDS.items() if code.startswith(start)), "title")


class Kind(msgspec.Struct):
    """One row of the table of kinds: what was typed, what was there when the page was made."""

    choice: tuple[str, ...]
    price: str = ""
    stock: str = ""
    seen: str = ""
    price_error: str = ""
    stock_error: str = ""

    @property
    def key(self) -> str:
        return msgspec.json.encode(self.choice).decode()


class Sheet(msgspec.Struct):
    """A product's form as it is shown: texts as typed, and the sentences of what is wrong."""

    form: dict[str, Any]
    axes: list[Option]
    kinds: list[Kind]
    errors: dict[str, Any] = {}


async def show(request: Request) -> Response:
    """GET root/goods/ID"""
    work = await http.at_work(request)
    product, variants, _ = await read(request, work)
    return await _page(request, work, product, _sheet(product, variants))


async def read(request: Request, work: AtWork) -> tuple[Product, list[Variant], list[Photo]]:
    """The product of the address with its variants and photos. Raises NotFound."""
    product_id = http.uuid(request.path_params["product_id"])
    async with http.house(request).database.connection() as conn:
        return (
            await products.get(conn, work.shop.shop_id, product_id),
            await products.variants(conn, work.shop.shop_id, product_id),
            await photos.of_product(conn, work.shop.shop_id, product_id),
        )


def _sheet(product: Product, variants: Sequence[Variant]) -> Sheet:
    """The form as the product is now."""
    rows = [
        Kind(
            each.choice,
            forms.shown(each.price_minor, each.currency),
            str(each.on_hand),
            str(each.on_hand),
        )
        for each in variants
    ]
    form: dict[str, Any] = {"title": product.title, "description": product.description}
    if rows:
        form |= {"price": rows[0].price, "stock": rows[0].stock, "seen": rows[0].seen}
    return Sheet(form, list(product.options), rows if product.options else [])


async def _page(
    request: Request, work: AtWork, product: Product, sheet: Sheet, *, status: int = 200
) -> Response:
    shop_id = work.shop.shop_id
    async with http.house(request).database.connection() as conn:
        found = await photos.of_product(conn, shop_id, product.product_id)
        sold = await stock.shipped_since(conn, shop_id, http.now(request) - MONTH)
    axes = [{"name": each.name, "choices": ", ".join(each.values)} for each in sheet.axes]
    axes += [{"name": "", "choices": ""}] * (AXES - len(axes))
    slug = work.shop.slug or ""
    return await frame.page(
        request,
        work,
        "product.html",
        "goods",
        status=status,
        product={
            "id": product.product_id,
            "title": product.title,
            "status": product.status,
            "public_url": addresses.product(slug, product.product_id),
            "photos": [
                {"id": each.photo_id, "url": addresses.photo(each.file, min(360, each.width))}
                for each in found
            ],
            "sold": sold.get(product.product_id, 0),
        },
        form=sheet.form,
        axes=axes,
        variants=[
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
        errors=sheet.errors,
        mend=_mend(sheet),
        sign=SIGNS.get(work.shop.currency, work.shop.currency),
        photos_left=photos.MOST - len(found),
    )


def _mend(sheet: Sheet) -> dict[str, Any]:
    """How many fields are wrong, and the id of the first of them on the page."""
    names = ("title", "description", "price", "stock")
    wrong = [f"f-{name}" for name in names if sheet.errors.get(name)]
    for place, row in enumerate(sheet.kinds):
        told = (("price", row.price_error), ("stock", row.stock_error))
        wrong += [f"f-variant-{place}-{name}" for name, error in told if error]
    wrong += ["f-axes"] if sheet.errors.get("axes") else []
    return {"count": len(wrong), "first": wrong[0] if wrong else ""}


async def save(request: Request) -> Response:
    """POST root/goods/ID: title, description, price, stock, seen, axis-N-name, axis-N-values,
    variant-N-key, -price, -stock, -seen, then=save|variants; photos chosen and not sent yet"""
    work = await http.at_work(request)
    product, _, _ = await read(request, work)
    wrong = await take_photos(request, work, product.product_id)
    again = await keep(request, work, wrong)
    return again or frame.go(request, here(work, product.product_id), "product_saved")


async def keep(request: Request, work: AtWork, wrong_photos: Sequence[str] = ()) -> Response | None:
    """Save what was typed; the form again when something is wrong or a table is asked for.

    A press that brings no such fields (a row of the shelf) has nothing to save.
    """
    form = await forms.read(request, photos=photos.MOST)
    product, variants, _ = await read(request, work)
    if "title" not in form:
        if not wrong_photos:
            return None
        sheet = _sheet(product, variants)
        sheet.errors = {"photos": list(wrong_photos)}
        return await _page(request, work, product, sheet, status=422)
    sheet, complete = _typed(request, form, variants)
    if wrong_photos:
        sheet.errors["photos"] = list(wrong_photos)
    if sheet.errors:
        return await _page(request, work, product, sheet, status=422)
    if form.text("then") == "variants" or not complete:
        if form.text("then") != "variants":
            sheet.errors["axes"] = forms.said(request, Refused("kinds_changed"))
        return await _page(request, work, product, sheet)
    draft = _draft(request, work, product, variants, sheet)
    if draft is not None:
        try:
            await _write(request, work, product.product_id, draft, sheet)
        except NotFound:
            raise
        except Refused as refused:
            sheet.errors[field_of(refused.code)] = forms.said(request, refused)
    if sheet.errors:
        return await _page(request, work, product, sheet, status=422)
    return None


def _typed(request: Request, form: Form, variants: Sequence[Variant]) -> tuple[Sheet, bool]:
    """The form as typed, and whether its table has a row for each kind there would be."""
    axes = _axes(form)
    many = prod(len(axis.values) for axis in axes)
    fits = bool(axes) and many <= drafts.MOST_VARIANTS
    wanted = list(combinations(*(axis.values for axis in axes))) if fits else []
    posted: dict[str, Kind] = {}
    for place in range(drafts.MOST_VARIANTS + 1):
        key = form.text(f"variant-{place}-key", 2000)
        if not key:
            break
        posted[key] = Kind(
            (),
            form.text(f"variant-{place}-price", 64),
            form.text(f"variant-{place}-stock", 64),
            form.text(f"variant-{place}-seen", 64),
        )
    fields = form.typed("title", "description", "price", "stock", "seen")
    first = next(iter(posted.values()), None)
    if not axes and first is not None:
        fields |= {"price": first.price, "stock": first.stock, "seen": ""}
    price = fields["price"] or (first.price if first else "")
    kinds = []
    for choice in wanted:
        known = posted.get(Kind(choice).key) or _known(choice, variants)
        kinds.append(
            Kind(choice, known.price, known.stock, known.seen) if known else Kind(choice, price)
        )
    sheet = Sheet(fields, axes, kinds, {})
    if many > drafts.MOST_VARIANTS:
        refused = Refused("variants_too_many", most=drafts.MOST_VARIANTS)
        sheet.errors["axes"] = forms.said(request, refused)
    return sheet, {each.key for each in kinds} == set(posted)


def _known(choice: tuple[str, ...], variants: Sequence[Variant]) -> Kind | None:
    """A kind that is sold already and was not in the table."""
    for each in variants:
        if each.choice == choice:
            on_hand = str(each.on_hand)
            return Kind(choice, forms.shown(each.price_minor, each.currency), on_hand, on_hand)
    return None


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


def _draft(
    request: Request, work: AtWork, product: Product, variants: Sequence[Variant], sheet: Sheet
) -> ProductDraft | None:
    """The draft of the sheet, or None when something is wrong: the sheet's errors say what."""
    known = {each.choice: each for each in variants}
    rows = sheet.kinds or [Kind((), sheet.form["price"], sheet.form["stock"])]
    made = []
    for row in rows:
        price_minor = pieces = 1
        try:
            price_minor = forms.price(row.price, work.shop.currency)
        except Refused as refused:
            row.price_error = forms.said(request, refused)
        try:
            pieces = forms.count(row.stock)
        except Refused as refused:
            row.stock_error = forms.said(request, refused)
        made.append(_variant(known.get(row.choice), row.choice, price_minor, pieces))
    wrong = any(row.price_error or row.stock_error for row in rows)
    if not sheet.kinds and wrong:
        sheet.errors |= {"price": rows[0].price_error, "stock": rows[0].stock_error}
    elif wrong:
        sheet.errors["kinds"] = "wrong"
    try:
        draft = drafts.check(
            ProductDraft(
                sheet.form["title"],
                tuple(made),
                description=sheet.form["description"],
                options=tuple(sheet.axes),
                category=product.category,
                status=product.status,
            )
        )
    except Refused as refused:
        sheet.errors[field_of(refused.code)] = forms.said(request, refused)
        return None
    return None if wrong else draft


def _variant(
    known: Variant | None, choice: tuple[str, ...], price_minor: int, pieces: int
) -> VariantDraft:
    """A kind as typed; what its row has beside price and stock stays, as long as it is true."""
    if known is None:
        return VariantDraft(choice, price_minor, pieces)
    before = known.compare_at_minor
    higher = before if before is not None and before > price_minor else None
    return VariantDraft(choice, price_minor, pieces, compare_at_minor=higher, sku=known.sku)


async def _write(
    request: Request, work: AtWork, product_id: UUID, draft: ProductDraft, sheet: Sheet
) -> None:
    """Write the draft. A stock that was not touched stays what it is by now: something may have
    been sold while the page was open. Raises Refused stock_promised, NotFound."""
    rows = sheet.kinds or [Kind((), stock=sheet.form["stock"], seen=sheet.form["seen"])]
    untouched = {row.choice for row in rows if row.seen and row.stock.strip() == row.seen}
    at, shop_id = http.now(request), work.shop.shop_id

    async def write(conn: db.Connection) -> None:
        by_now = {
            each.choice: each.on_hand for each in await products.variants(conn, shop_id, product_id)
        }
        variants = tuple(
            msgspec.structs.replace(each, stock=by_now[each.choice])
            if each.choice in untouched and each.choice in by_now
            else each
            for each in draft.variants
        )
        await products.edit(
            conn,
            shop_id,
            product_id,
            msgspec.structs.replace(draft, variants=variants),
            at=at,
            person_id=work.person.person_id,
        )

    await http.house(request).database.transaction(write)


def here(work: AtWork, product_id: UUID) -> str:
    """The product's own page in the console."""
    return f"{frame.root(work.shop)}/goods/{product_id}"


async def take_photos(request: Request, work: AtWork, product_id: UUID) -> list[str]:
    """Keep the photos of the form; what is wrong with the others."""
    form = await forms.read(request, photos=photos.MOST)
    found = await forms.photos(request, form.files("photos"), work.person.person_id.bytes)
    wrong = list(found.wrong)
    at, shop_id = http.now(request), work.shop.shop_id
    for each in found.kept:
        try:
            await http.house(request).database.transaction(
                lambda conn, each=each: photos.add(  # type: ignore[misc]
                    conn,
                    shop_id,
                    product_id,
                    file=each.file,
                    width=each.width,
                    height=each.height,
                    colour=each.colour,
                    at=at,
                )
            )
        except Refused as refused:
            wrong.append(forms.said(request, refused))
            break
    return wrong
