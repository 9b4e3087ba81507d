"""A product and everything about it: words, photos, options, the price and stock of each kind.

What its form holds is product_sheet.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from littleshop import db, http
from littleshop.catalog import categories, photos, products, resold, stock, takedowns, virtual
from littleshop.catalog.drafts import ProductDraft
from littleshop.catalog.photos import Photo
from littleshop.catalog.products import Product, Variant
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.i18n import SIGNS
from littleshop.shop import shop_acts
from littleshop.web import addresses, forms, pages
from littleshop.web.console import (
    frame,
    news,
    product_meanwhile,
    product_sending,
    product_sheet,
)
from littleshop.web.console.product_sheet import Sheet, VariantRow
from littleshop.web.forms import Form, Kept

MONTH = timedelta(days=30)


async def show(request: Request) -> Response:
    """GET root/goods/ID"""
    work = await http.at_work(request)
    product, variants, _ = await read(request, work)
    async with http.house(request).database.connection() as conn:
        if await resold.get(conn, work.shop.shop_id, product.product_id) is not None:
            to = f"{here(work, product.product_id)}/resold"  # another shop's words and stock
            return RedirectResponse(to, status_code=303)
    sheet = await _stands(request, work, product, variants)
    return await _page(request, work, product, sheet, sheet)


async def _stands(
    request: Request, work: AtWork, product: Product, variants: Sequence[Variant]
) -> Sheet:
    """The form as the product is by now."""
    sheet = product_sheet.of_product(pages.locale_of(request), product, variants)
    async with http.house(request).database.connection() as conn:
        sheet.form |= await product_sending.stands(conn, work.shop, product.product_id)
    return sheet


async def read(request: Request, work: AtWork) -> tuple[Product, list[Variant], list[Photo]]:
    """The product of the address with its variants and photos. Raises NotFound."""
    product_id = http.uuid(request.path_params["product_id"])
    async with http.house(request).database.connection() as conn:
        return (
            await products.get(conn, work.shop.shop_id, product_id),
            await products.variants(conn, work.shop.shop_id, product_id),
            await photos.of_product(conn, work.shop.shop_id, product_id),
        )


async def _page(
    request: Request, work: AtWork, product: Product, sheet: Sheet, now: Sheet, *, status: int = 200
) -> Response:
    """The editor of a product that stands as `now`; 422 when something on the sheet is wrong."""
    shop_id = work.shop.shop_id
    async with http.house(request).database.connection() as conn:
        found = await photos.of_product(conn, shop_id, product.product_id)
        sold = await stock.shipped_since(conn, shop_id, http.now(request) - MONTH)
        down = await takedowns.of_product(conn, shop_id, product.product_id)
        told = await news.beside(conn, request, work, product.product_id)
        sending = await product_sending.shown(conn, work.shop, product.product_id, sheet.form)
        known = [each.name for each in await categories.listing(conn, shop_id)]
    return await frame.page(
        request,
        work,
        "product.html",
        "goods",
        status=status,
        product=_shown(work, product, found, sold.get(product.product_id, 0)),
        sign=SIGNS.get(work.shop.currency, work.shop.currency),
        photos_left=photos.MOST - len(found),
        may_resell=http.house(request).settings.escrow != "psp_escrow",
        down=down,
        news=told,
        sending=sending,
        categories=known,
        showed=product_meanwhile.mark(now),
        **product_sheet.context(pages.locale_of(request), sheet),
    )


def _shown(work: AtWork, product: Product, found: Sequence[Photo], sold: int) -> dict[str, Any]:
    return {
        "id": product.product_id,
        "title": product.title,
        "status": product.status,
        "public_url": addresses.product(work.shop.slug or "", product.product_id),
        "photos": [
            {"id": each.photo_id, "url": addresses.photo(each.file, min(360, each.width))}
            for each in found
        ],
        "sold": sold,
    }


async def save(request: Request) -> Response:
    """POST root/goods/ID: title, description, category, tags, price, stock, seen, axis-N-name,
    axis-N-values, dots-N, dot-N-M, variant-N-key, -price, -stock, -seen, showed (meanwhile.py),
    then=save|variants; photos chosen and not sent yet"""
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
    if "title" not in form and not wrong_photos:
        return None
    now = await _stands(request, work, product, variants)
    sheet = _typed(request, form, product, variants, now)
    if wrong_photos:
        sheet.errors["photos"] = list(wrong_photos)
    if not sheet.errors and not sheet.lists:
        await _try(request, work, product, variants, sheet)
    if sheet.errors or sheet.lists:
        status = 422 if sheet.errors else 200
        return await _page(request, work, product, sheet, now, status=status)
    return None


def _typed(
    request: Request, form: Form, product: Product, variants: Sequence[Variant], now: Sheet
) -> Sheet:
    if "title" not in form:
        return product_sheet.of_product(pages.locale_of(request), product, variants)
    sheet, complete = product_sheet.typed(request, form, product, variants)
    sheet.lists = form.text("then") == "variants"
    if not complete and not sheet.lists and not sheet.errors:
        sheet.errors["axes"] = forms.said(request, Refused("kinds_changed"))
    product_meanwhile.merge(request, form, sheet, now)
    return sheet


async def _try(
    request: Request, work: AtWork, product: Product, variants: Sequence[Variant], sheet: Sheet
) -> None:
    """Write what the sheet says; what is wrong is said on it."""
    draft = product_sheet.draft(request, work.shop.currency, product, variants, sheet)
    if draft is None:
        return
    try:
        await _write(request, work, product, variants, draft, sheet)
    except NotFound:
        raise
    except Refused as refused:
        sheet.errors[product_sheet.field_of(refused.code)] = forms.said(request, refused)


async def _write(
    request: Request,
    work: AtWork,
    product: Product,
    variants: Sequence[Variant],
    draft: ProductDraft,
    sheet: Sheet,
) -> None:
    """Write the draft. A stock that was not touched stays what it is by now: something may have
    been sold while the page was open. Raises Refused stock_promised, form_moved when the product
    is not any more as it was read, NotFound."""
    product_id = product.product_id
    rows = sheet.kinds or [VariantRow((), stock=sheet.form["stock"], seen=sheet.form["seen"])]
    untouched = {row.choice for row in rows if row.seen and row.stock.strip() == row.seen}
    async with http.house(request).database.connection() as conn:
        if (await virtual.of(conn, work.shop.shop_id, product_id)).kind == "codes":
            untouched = {row.choice for row in rows}  # as many pieces as codes
    at, shop_id, read_as = http.now(request), work.shop.shop_id, _words(product, variants)

    async def write(conn: db.Connection) -> None:
        await products.lock(conn, shop_id, product_id)
        before = await products.variants(conn, shop_id, product_id)
        if _words(await products.get(conn, shop_id, product_id), before) != read_as:
            raise Refused("form_moved")
        by_now = {each.choice: each.on_hand for each in before}
        rows_by_now = tuple(
            msgspec.structs.replace(each, stock=by_now[each.choice])
            if each.choice in untouched and each.choice in by_now
            else each
            for each in draft.variants
        )
        await products.edit(
            conn,
            shop_id,
            product_id,
            msgspec.structs.replace(draft, variants=rows_by_now),
            at=at,
            person_id=work.person.person_id,
        )
        await product_sending.write(conn, shop_id, product_id, sheet.form)
        await _note(conn, work, draft.title, before, at)

    await http.house(request).database.transaction(write)


def _words(product: Product, variants: Sequence[Variant]) -> tuple[object, ...]:
    """What a person writes of a product, as it stands."""
    told = (product.title, product.description, product.options, product.category, product.tags)
    prices = [(each.choice, each.price_minor, each.compare_at_minor) for each in variants]
    return (*told, product.no_return_why, prices)


async def _note(
    conn: db.Connection, work: AtWork, title: str, before: Sequence[Variant], at: datetime
) -> None:
    """Write down who changed prices or corrected the stock of a thing that stood as `before`."""
    if not before:
        return
    shop_id, product_id = work.shop.shop_id, before[0].product_id
    now = await products.variants(conn, shop_id, product_id)
    told = {
        "product_priced": {(each.choice, each.price_minor) for each in now}
        != {(each.choice, each.price_minor) for each in before},
        "stock_corrected": {(each.choice, each.on_hand) for each in now}
        != {(each.choice, each.on_hand) for each in before},
    }
    for kind, changed in told.items():
        if changed:
            await shop_acts.note(
                conn, shop_id, work.person.person_id, kind, at=at,
                subject=str(product_id), title=title,
            )  # fmt: skip


def here(work: AtWork, product_id: UUID) -> str:
    """The product's own page in the console."""
    return f"{frame.root(work.shop)}/goods/{product_id}"


async def take_photos(request: Request, work: AtWork, product_id: UUID) -> list[str]:
    """Keep the photos of the form; what is wrong with the others."""
    form = await forms.read(request, photos=photos.MOST)
    found = await forms.photos(request, form.files("photos"), work.person.person_id.bytes)
    wrong, at, shop_id = list(found.wrong), http.now(request), work.shop.shop_id
    for each in found.kept:
        try:
            await http.house(request).database.transaction(
                lambda conn, each=each: hang(  # type: ignore[misc]
                    conn, shop_id, product_id, [each], at
                )
            )
        except Refused as refused:
            wrong.append(forms.said(request, refused))
            break
    return wrong


async def hang(
    conn: db.Connection, shop_id: int, product_id: UUID, kept: Iterable[Kept], at: datetime
) -> None:
    """Put photos whose files are kept at the end. Raises Refused photos_too_many."""
    for each in kept:
        await photos.add(
            conn,
            shop_id,
            product_id,
            file=each.file,
            width=each.width,
            height=each.height,
            colour=each.colour,
            at=at,
        )
