"""Reviews: everything that is said of a product, and the page on which a buyer says it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import http
from littleshop.catalog import products
from littleshop.errors import NotFound, Refused
from littleshop.sale import reviewing
from littleshop.shop.shops import Shop
from littleshop.trade import orders as order_rows
from littleshop.trade import reviews
from littleshop.trade.orders import OrderItem
from littleshop.trade.reviews import Photo, Review, Said
from littleshop.web import addresses, flash, forms, pages
from littleshop.web.forms import Form, Kept
from littleshop.web.storefront import bought_at, opinions, orders, views
from littleshop.web.storefront.orders import OrderLink
from littleshop.web.storefront.visitors import shop_here, works_here

PAGE = 20
_PUBLIC_NAME = 32  # digits; a private file's name is longer
FIELDS = {"review_stars": "stars", "review_words": "words", "review_photos": "photos"}


class Sheet(msgspec.Struct):
    """The form as typed: its photos kept already, and the sentences of what is wrong."""

    stars: int = 0
    words: str = ""
    photos: tuple[Kept, ...] = ()
    wrong: dict[str, str] = {}


async def listed(request: Request) -> Response:
    """GET /@SLUG/p/ID/reviews?page="""
    shop, product_id = await shop_here(request), http.uuid(request.path_params["product_id"])
    told = await _said_of(request, shop, product_id)
    today = http.now(request).astimezone(ZoneInfo(shop.zone)).date()
    view = views.shop(shop, pages.locale_of(request))
    return pages.page(request, "storefront/reviews.html", shop=view, today=today, **told)


async def _said_of(request: Request, shop: Shop, product_id: UUID) -> dict[str, Any]:
    """A page of what is said of a product. Raises NotFound."""
    number = http.number(request.query_params.get("page", "1")) or 1
    async with http.house(request).database.connection() as conn:
        product = await products.on_sale(conn, shop.shop_id, product_id)
        known = await reviews.of(conn, shop.shop_id, product_id)
        skip = (min(number, 1000) - 1) * PAGE
        rows = await reviews.of_product(conn, shop.shop_id, product_id, most=PAGE + 1, skip=skip)
    older = addresses.reviews(shop.slug or "", product_id, number + 1) if rows[PAGE:] else ""
    return {
        "product": SimpleNamespace(id=product_id, title=product.title),
        "rating": opinions.rating(known),
        "opinions": [opinions.opinion(row, shop.zone) for row in rows[:PAGE]],
        "older": older,
    }


class _Line(msgspec.Struct, frozen=True):
    """A line of an order, whether this device tells of it, and what it told."""

    link: OrderLink
    item: OrderItem
    may: bool
    known: Review | None
    photos: tuple[Photo, ...] = ()


async def _line(request: Request) -> _Line:
    """Raises NotFound."""
    link, position = await orders.behind(request), http.number(request.path_params["position"])
    async with http.house(request).database.connection() as conn:
        things = await order_rows.items(conn, link.order.shop_id, link.order_id)
        item = next((each for each in things if each.position == position), None)
        if item is None:
            raise NotFound("order")
        review_id = reviews.identity(link.order.shop_id, link.order_id, position)
        shown = await reviews.find(conn, link.order.shop_id, review_id)
    may = reviewing.may_write(link.seen)
    if shown is None:
        return _Line(link, item, may, None)
    return _Line(link, item, may, shown.review, tuple(shown.photos))


async def form(request: Request) -> Response:
    """GET /o/TOKEN/reviews/N: how is it? On another device only the way back."""
    line = await _line(request)
    if not line.may:
        return RedirectResponse(addresses.order(line.link.token), status_code=303)
    known = line.known
    sheet = Sheet(known.stars, known.words, tuple(map(_kept, line.photos))) if known else Sheet()
    return _form(request, line, sheet)


def _kept(photo: Photo) -> Kept:
    return Kept(photo.file, photo.width, photo.height, photo.colour)


def _form(request: Request, line: _Line, sheet: Sheet, status: int = 200) -> Response:
    known, keyring = line.known, http.house(request).keyring
    said, _ = flash.heard(request, "life.said.")
    answer = pages.page(
        request,
        "storefront/review.html",
        status=status,
        private=True,
        shop=bought_at.face(line.link.sold_by, line.link.shop, pages.locale_of(request)),
        order=line.link.short,
        position=line.item.position,
        item=SimpleNamespace(
            title=line.item.called,
            choice=line.item.choice,
            picture=views.Picture(line.item.photo, line.item.called) if line.item.photo else None,
        ),
        sheet=sheet,
        said=said,
        carried=[(each.file, forms.seal(keyring, each)) for each in sheet.photos],
        fixed=known is not None and not known.may_amend(http.now(request)),
        down=known.taken_down_why if known else "",
        answer=known.answer.splitlines() if known else [],
    )
    flash.forget(request, answer)
    return answer


async def write(request: Request) -> Response:
    """POST stars, words, photos, photo_kept: say it, or say it otherwise."""
    line, device = await _line(request), http.device(request)
    if not line.may or device is None:
        raise Refused("only_look")
    http.check_limits(request, "review", device)
    sheet = await _typed(request, line, device)
    if not sheet.wrong:
        sheet = await _written(request, line, sheet, device)
    if sheet.wrong:
        return _form(request, line, sheet, status=422)
    here = addresses.review(line.link.token, line.item.position)
    return flash.go(request, here, "life.said.reviewed")


async def _typed(request: Request, line: _Line, device: bytes) -> Sheet:
    """What the form brought, its photos developed; a bad one does not spoil the others."""
    sent = await forms.read(request, photos=reviews.MOST_PHOTOS)
    stars = sent.text("stars", 2)
    carried, chosen = _carried(request, sent), sent.files("photos")
    room = max(0, reviews.MOST_PHOTOS - len(carried))
    found = await forms.photos(request, chosen[:room], device)
    wrong = await _surplus(request, chosen[room:], found.wrong)
    sheet = Sheet(
        stars=int(stars) if stars.isascii() and stars.isdigit() else 0,
        words=sent.text("words", 4 * reviews.WORDS_LENGTH),
        photos=tuple(dict.fromkeys((*carried, *found.kept))),
        wrong={},
    )
    if wrong:
        sheet.wrong["photos"] = " ".join(wrong)
    return sheet


def _carried(request: Request, sent: Form) -> list[Kept]:
    keyring = http.house(request).keyring
    found = [forms.unseal(keyring, each, Kept) for each in sent.texts("photo_kept")]
    public = [each for each in found if each is not None and len(each.file) == _PUBLIC_NAME]
    return public[: reviews.MOST_PHOTOS]


async def _surplus(
    request: Request, surplus: list[UploadFile], wrong: tuple[str, ...]
) -> tuple[str, ...]:
    for each in surplus:
        await each.close()
    if not surplus:
        return wrong
    return (*wrong, forms.said(request, Refused("review_photos", most=reviews.MOST_PHOTOS)))


async def _written(request: Request, line: _Line, sheet: Sheet, device: bytes) -> Sheet:
    """The sheet without a fault when it was kept."""
    house, at = http.house(request), http.now(request)
    photos = tuple(Photo(each.file, each.width, each.height, each.colour) for each in sheet.photos)
    said = Said(sheet.stars, sheet.words, photos)
    try:
        if await works_here(request, line.link.shop.shop_id):
            raise Refused("review_own")
        await house.database.transaction(
            lambda conn: reviewing.write(
                conn, house.keyring, line.link.seen, line.item.position, said,
                device=device, at=at,
            )
        )  # fmt: skip
    except NotFound:
        raise
    except Refused as no:
        sheet.wrong[FIELDS.get(no.code, "form")] = forms.said(request, no)
    return sheet


ROUTES = [
    Route("/@{slug}/p/{product_id}/reviews", listed, methods=["GET"]),
    Route("/o/{token}/reviews/{position}", form, methods=["GET"]),
    Route("/o/{token}/reviews/{position}", write, methods=["POST"]),
]
