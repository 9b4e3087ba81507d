"""Goods: their place and state on the shelf, and a new one from a photo."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http, ids
from littleshop.catalog import drafts, photos, products
from littleshop.catalog.drafts import ProductDraft, VariantDraft
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.i18n import SIGNS
from littleshop.shop import shop_acts
from littleshop.web import addresses, forms
from littleshop.web.console import (
    categories,
    changing,
    frame,
    importing,
    product,
    product_photos,
    product_sheet,
    resold,
    shelf,
)
from littleshop.web.forms import Form, Kept


async def position(request: Request) -> Response:
    """POST root/goods/ID/position: direction=up|down"""
    work = await http.at_work(request)
    product_id = http.uuid(request.path_params["product_id"])
    form = await forms.read(request)
    steps = {"up": -1, "down": 1}.get(form.text("direction"), 0)
    await http.house(request).database.transaction(
        lambda conn: products.move(conn, work.shop.shop_id, product_id, steps)
    )
    return RedirectResponse(_back(request, work, product_id), status_code=303)


async def status(request: Request) -> Response:
    """POST root/goods/ID/status: status=on_sale|hidden; from the editor with what was typed"""
    work = await http.at_work(request)
    product_id = http.uuid(request.path_params["product_id"])
    form = await forms.read(request, photos=photos.MOST)
    if (again := await product.keep(request, work)) is not None:
        return again
    back = _back(request, work, product_id)
    try:
        await _set_status(request, work, product_id, form.text("status"))
    except NotFound:
        raise
    except Refused as refused:
        return frame.refuse(request, back, refused)
    return frame.go(request, back, f"product_{form.text('status')}")


async def _set_status(request: Request, work: AtWork, product_id: UUID, wanted: str) -> None:
    """Raises Refused product_status, NotFound."""
    at, shop_id = http.now(request), work.shop.shop_id

    async def write(conn: db.Connection) -> None:
        before = await products.get(conn, shop_id, product_id)
        await products.set_status(conn, shop_id, product_id, wanted, at)
        if before.status != wanted:
            await shop_acts.note(
                conn, shop_id, work.person.person_id, f"product_{wanted}", at=at,
                subject=str(product_id), title=before.title,
            )  # fmt: skip

    await http.house(request).database.transaction(write)


def _back(request: Request, work: AtWork, product_id: UUID) -> str:
    """To the page the press came from: the product's own, else its row in the list."""
    goods = f"{frame.root(work.shop)}/goods"
    came = urlsplit(request.headers.get("referer", ""))
    if came.path.startswith(f"{goods}/{product_id}"):
        return f"{goods}/{product_id}"
    kept = shelf.kept(came.query) if came.path == goods else ""
    return f"{goods}{kept}#p-{product_id}"


class NewThing(msgspec.Struct):
    """The form of a new thing: as typed, its photos, and the draft when nothing is wrong."""

    form_key: UUID
    form: dict[str, str]
    first: bool = False  # the first of a shop that has just opened: it is shared next
    kept: tuple[Kept, ...] = ()
    errors: dict[str, Any] = {}
    draft: ProductDraft | None = None

    @property
    def product_id(self) -> UUID:
        """The same form is the same product, whichever of its buttons was pressed; another thing
        typed into an old form is another."""
        assert self.draft is not None
        variant = self.draft.variants[0]
        files = " ".join(each.file for each in self.kept)
        facts = (self.draft.title, variant.price_minor, variant.stock, files)
        return ids.derived(self.form_key, repr(facts))


async def new_page(request: Request) -> Response:
    """GET root/goods/new?first=1"""
    work = await http.at_work(request)
    first = request.query_params.get("first") == "1"
    return await _new(request, work, NewThing(uuid4(), {"stock": "1"}, first))


async def _new(request: Request, work: AtWork, thing: NewThing, status: int = 200) -> Response:
    keyring = http.house(request).keyring
    return await frame.page(
        request,
        work,
        "product_new.html",
        "goods",
        status=status,
        form=thing.form,
        errors=thing.errors,
        first=thing.first,
        brought=await resold.brought(request, work) if thing.first else None,
        sign=SIGNS.get(work.shop.currency, work.shop.currency),
        form_key=str(thing.form_key),
        kept=[
            {
                "token": forms.seal(keyring, each),
                "url": addresses.photo(each.file, each.url_width(720)),
            }
            for each in thing.kept
        ],
    )


async def create(request: Request) -> Response:
    """POST root/goods/new (multipart): photos, photo_kept, title, price, stock, then, form_key,
    first=1"""
    work = await http.at_work(request)
    thing = await _typed(request, work, await forms.read(request, photos=photos.MOST))
    if thing.draft is None:
        return await _new(request, work, thing, status=422)
    await _write(request, work, thing, thing.draft)
    goods = f"{frame.root(work.shop)}/goods"
    if thing.draft.status == "draft":
        return frame.go(request, f"{goods}/{thing.product_id}", "product_draft")
    if thing.first:
        to = f"{frame.root(work.shop)}/opened?product={thing.product_id}"
        return RedirectResponse(to, status_code=303)
    return frame.go(request, goods, "product_new", title=thing.draft.title)


async def _typed(request: Request, work: AtWork, form: Form) -> NewThing:
    """What was typed; photos kept from a refused try count with the new ones, at most nine."""
    keyring = http.house(request).keyring
    typed = form.typed("title", "price", "stock")
    thing = NewThing(
        forms.key(form.text("form_key"), uuid4()), typed, form.text("first") == "1", errors={}
    )
    before = [forms.unseal(keyring, each, Kept) for each in form.texts("photo_kept")]
    found = await forms.photos(request, form.files("photos"), work.person.person_id.bytes)
    kept = list(dict.fromkeys(each for each in (*before, *found.kept) if each is not None))
    wrong = list(found.wrong)
    if len(kept) > photos.MOST:
        wrong.append(forms.said(request, Refused("photos_too_many", most=photos.MOST)))
    thing.kept = tuple(kept[: photos.MOST])
    if wrong:
        thing.errors["photos"] = wrong
    draft = _draft(request, work, form, thing.errors)
    thing.draft = None if thing.errors else draft
    return thing


def _draft(
    request: Request, work: AtWork, form: Form, errors: dict[str, Any]
) -> ProductDraft | None:
    """The draft of the form; what is wrong is added to `errors`, each at its field."""
    price_minor = pieces = 1
    try:
        price_minor = forms.price(form.text("price", 64), work.shop.currency)
    except Refused as refused:
        errors["price"] = forms.said(request, refused)
    try:
        pieces = forms.count(form.text("stock", 64))
    except Refused as refused:
        errors["stock"] = forms.said(request, refused)
    try:
        return drafts.check(
            ProductDraft(
                form.text("title", 2000),
                (VariantDraft((), price_minor, pieces),),
                status="draft" if form.text("then") == "details" else "on_sale",
            )
        )
    except Refused as refused:
        errors[product_sheet.field_of(refused.code)] = forms.said(request, refused)
        return None


async def _write(request: Request, work: AtWork, thing: NewThing, draft: ProductDraft) -> None:
    """The product and its photos; the second half of a double click writes nothing."""
    at, shop_id, person_id = http.now(request), work.shop.shop_id, work.person.person_id

    async def write(conn: db.Connection) -> None:
        if await products.create(
            conn, shop_id, thing.product_id, draft, at=at, person_id=person_id
        ):
            await product.hang(conn, shop_id, thing.product_id, thing.kept, at)

    await http.house(request).database.transaction(write)


ROOT = "/console/{shop_id}/goods"
ONE = f"{ROOT}/{{product_id}}"
ROUTES = [
    Route(ROOT, shelf.page),
    Route(f"{ROOT}/new", new_page),
    Route(f"{ROOT}/new", create, methods=["POST"]),
    *categories.ROUTES,
    *changing.ROUTES,
    *importing.ROUTES,
    Route(ONE, product.show),
    Route(ONE, product.save, methods=["POST"]),
    Route(f"{ONE}/position", position, methods=["POST"]),
    Route(f"{ONE}/status", status, methods=["POST"]),
    Route(f"{ONE}/photos", product_photos.add_photos, methods=["POST"]),
    Route(f"{ONE}/photos/{{photo_id}}/removal", product_photos.remove_photo, methods=["POST"]),
    Route(f"{ONE}/photos/{{photo_id}}/first", product_photos.make_first, methods=["POST"]),
]
