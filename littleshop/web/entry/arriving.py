"""Where an opening ends: the shop is open, and its link is handed on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import segno
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.catalog import photos, products
from littleshop.catalog.products import Product
from littleshop.entry import opening
from littleshop.entry.opening import Progress
from littleshop.http import AtWork
from littleshop.shop.shops import Shop
from littleshop.social import shares
from littleshop.social.shares import Share
from littleshop.web import addresses, names, registration
from littleshop.web.entry import standing
from littleshop.web.entry.signing_in import show, to


def console_url(shop_id: int) -> str:
    """A shop's back room."""
    return f"/console/{shop_id}"


def arrived(known: Progress) -> Response:
    """To the page on which a shop that has just opened is handed on; whom a shop had brought has
    seen what a shop is, and goes straight to the first thing to sell."""
    root = console_url(known.shop.shop_id)
    viral = known.opening.path == "viral"
    answer = to(f"{root}/goods/new", first=1) if viral else to(f"{root}/opened")
    answer.delete_cookie(standing.BROUGHT, path="/")  # the next shop he opens is his own idea
    return answer


def face_url(shop: Shop) -> str:
    """The shop's picture, or an empty text."""
    return addresses.photo(shop.picture, 360) if shop.picture else ""


async def _shares(
    conn: db.Connection, request: Request, work: AtWork, product_id: UUID | None
) -> tuple[Share, Share]:
    """The first link and the first QR code of a shop or a thing: what they bring is counted
    apart."""
    label = i18n.t(work.shop.locale, "entry.first_share")
    at, person_id = http.now(request), work.person.person_id
    link, code = [
        await shares.make(
            conn,
            work.shop.shop_id,
            product_id=product_id,
            channel=channel,
            label=label,
            person_id=person_id,
            at=at,
        )
        for channel in ("link", "qr")
    ]
    return link, code


async def opened(request: Request) -> Response:
    """GET /console/{shop_id}/opened?product=ID: the shop is open, or the thing on sale: hand it
    on."""
    work = await http.at_work(request)
    shop, root = work.shop, console_url(work.shop.shop_id)
    if shop.status == "opening" or shop.slug is None:
        return to(addresses.OPENING, shop=shop.shop_id)
    handed = await _handed_on(request, work, await _thing(request, work))
    return show(
        request,
        "entry/opened.html",
        here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        **handed,
        **await _still_waits(request, work),
        goods_new_url=f"{root}/goods/new?first=1",
        console_url=root,
        first_time=True,
    )


async def _thing(request: Request, work: AtWork) -> Product | None:
    """The product of the address. Raises NotFound."""
    asked = request.query_params.get("product")
    if asked is None:
        return None
    async with http.house(request).database.connection() as conn:
        return await products.on_sale(conn, work.shop.shop_id, http.uuid(asked))


async def _handed_on(request: Request, work: AtWork, product: Product | None) -> dict[str, Any]:
    """The face of the shop or the thing with a link and a QR code, which a share each stands
    behind."""
    house, shop = http.house(request), work.shop
    product_id = product.product_id if product else None
    link, code = await house.database.transaction(
        lambda conn: _shares(conn, request, work, product_id)
    )
    drawn = segno.make(names.share(request, code.code), error="m")
    short = names.public_url(request, link.code) + addresses.shop(shop.slug or "")
    return {
        "shop": {
            "name": shop.name,
            "line": shop.line,
            "picture_url": face_url(shop),
            "awning": shop.awning,
            "public_url": names.share(request, link.code),
            "short_url": short.partition("://")[2],
        },
        "product": await _shown(request, product, shop) if product else None,
        "qr_svg": drawn.svg_inline(border=0, omitsize=True),
        "share_title": product.title if product else shop.name,
        "share_text": shop.name if product else shop.line,
    }


async def _shown(request: Request, product: Product, shop: Shop) -> dict[str, Any]:
    """A thing as it is handed on: its name, first picture, price, and the sheet with more ways."""
    of = (shop.shop_id, product.product_id)
    async with http.house(request).database.connection() as conn:
        pictures = await photos.of_product(conn, *of)
        prices = [each.price for each in await products.variants(conn, *of)]
    return {
        "title": product.title,
        "picture_url": addresses.photo(pictures[0].file, min(360, pictures[0].width))
        if pictures
        else "",
        "price": min(prices, key=lambda price: price.minor),
        "ways_url": addresses.shares(shop.slug or "", product.product_id),
    }


async def _still_waits(request: Request, work: AtWork) -> dict[str, Any]:
    """What a payout waits for, and where it is filled in; what being paid waits for."""
    house = http.house(request)
    async with house.database.connection() as conn:
        standing = await registration.to_say(conn, house, work.shop)
        waits = await opening.waits(conn, work.person.person_id, work.shop.shop_id)
    return {
        "waits": list(waits),
        "waits_url": f"{addresses.OPENING}?shop={work.shop.shop_id}",
        "registration": standing,
        "registration_url": f"{console_url(work.shop.shop_id)}/admission",
    }


ROUTES = [
    Route("/console/{shop_id}/opened", opened),
]
