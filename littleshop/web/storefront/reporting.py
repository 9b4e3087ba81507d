"""Saying that something is wrong with a page: /report?about=PATH, for every kind of page.

What a path names is worked out here: a shop, a product, a review, or a letter (whatever has a token
that carries its shop). A token is a secret: of a letter only its hash is kept.
"""

from __future__ import annotations

import re

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import http, ids
from littleshop.catalog import products
from littleshop.errors import NotFound, Refused
from littleshop.risk import reports
from littleshop.risk.reports import Subject
from littleshop.shop import shops
from littleshop.trade import reviews
from littleshop.web import addresses, browsers, forms, pages
from littleshop.web.storefront import views
from littleshop.web.storefront.checkouts import read_form
from littleshop.web.storefront.visitors import remember

_ID = "([0-9a-f-]{36})"
_SHOP = re.compile(r"/@([a-z0-9-]{3,30})(?:/story)?\Z")
_PRODUCT = re.compile(rf"/@([a-z0-9-]{{3,30}})/p/{_ID}\Z")
_REVIEW = re.compile(rf"/@([a-z0-9-]{{3,30}})/p/{_ID}/reviews/{_ID}\Z")
_LETTER = re.compile(r"/([a-z]{1,2})/([0-9a-v]{1,13}-[0-9a-z]{6,64})\Z")
_LONGEST = 300


class Reported(msgspec.Struct, frozen=True):
    """What is reported, as its page names it; `back` leads there."""

    subject: Subject
    shop: shops.Shop
    name: str
    back: str


async def about(request: Request, path: str) -> Reported:
    """What is at a path of ours. Raises NotFound."""
    path = path[:_LONGEST]
    async with http.house(request).database.connection() as conn:
        if (letter := _LETTER.match(path)) is not None:
            shop = await shops.find(conn, http.token_shop(letter[2]))
            if shop is None or shop.shop_id == shops.PLATFORM:
                raise NotFound("page")
            subject = ids.hashed(letter[2]).hex()
            return _of(shop, "letter", subject, f"/{letter[1]}/", shop.name, path)
        found = _SHOP.match(path) or _PRODUCT.match(path) or _REVIEW.match(path)
        shop = await shops.by_slug(conn, found[1]) if found else None
        if found is None or shop is None or shop.status == "opening" or not shop.slug:
            raise NotFound("page")
        if found.re is _SHOP:
            return _of(shop, "shop", "", path, shop.name, path)
        product_id = http.uuid(found[2])
        product = await products.on_sale(conn, shop.shop_id, product_id)
        if found.re is _PRODUCT:
            return _of(shop, "product", str(product_id), path, product.title, path)
        shown = await reviews.find(conn, shop.shop_id, http.uuid(found[3]))
    if shown is None or shown.review.taken_down_at is not None:
        raise NotFound("review")
    back = addresses.reviews(shop.slug, product_id)
    return _of(shop, "review", str(shown.review.review_id), back, shown.review.name, back)


def _of(
    shop: shops.Shop, kind: reports.About, subject: str, path: str, name: str, back: str
) -> Reported:
    return Reported(Subject(shop.shop_id, kind, subject, path), shop, name, back)


async def page(request: Request) -> Response:
    """GET /report?about=PATH"""
    path = request.query_params.get("about", "")
    done = request.query_params.get("done") == "1"
    return _form(request, path, await about(request, path), done=done)


def _form(
    request: Request,
    path: str,
    reported: Reported,
    *,
    kind: str = "",
    words: str = "",
    done: bool = False,
    wrong: Refused | None = None,
) -> Response:
    return pages.page(
        request,
        "storefront/report.html",
        status=422 if wrong else 200,
        private=True,
        shop=views.shop(reported.shop, pages.locale_of(request)),
        about=path[:_LONGEST],
        what=reported.subject.about,
        name=reported.name,
        back=reported.back,
        kinds=reports.KINDS,
        kind=kind,
        words=words,
        done=done,
        problem=forms.said(request, wrong) if wrong else "",
        form_key=browsers.new_key(),
    )


async def file(request: Request) -> Response:
    """POST about, kind, words, form_key"""
    form = await read_form(request)
    path, kind, words = (form.get(name, "") for name in ("about", "kind", "words"))
    reported = await about(request, path)
    token, device = browsers.named(request, form.get("form_key", ""))
    try:
        http.check_limits(request, "report", device, http.address(request))
        await _keep(request, reported, kind, words, device)
    except Refused as no:
        return _form(request, path, reported, kind=kind, words=words[:2000], wrong=no)
    done = f"{addresses.report(path)}&done=1"
    return remember(request, RedirectResponse(done, status_code=303), token)


async def _keep(request: Request, reported: Reported, kind: str, words: str, device: bytes) -> None:
    """Raises Refused: report_kind, report_words, report_empty."""
    at = http.now(request)
    await http.house(request).database.transaction(
        lambda conn: reports.file(
            conn, reported.subject, kind=kind, words=words, device=device, at=at
        )
    )


ROUTES = [
    Route("/report", page, methods=["GET"]),
    Route("/report", file, methods=["POST"]),
]
