"""The share sheet of a shop or a product: a link and a code, each with a share code of its own."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import UUID

import segno
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.catalog import products
from littleshop.catalog.products import Product
from littleshop.errors import NotFound
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.social import shares
from littleshop.web import addresses, containers, pages
from littleshop.web.storefront import views


async def _subject(request: Request) -> tuple[Shop, Product | None]:
    """The shop and the product of the address. Raises NotFound."""
    wanted = request.path_params.get("product_id")
    async with http.house(request).database.connection() as conn:
        shop = await shops.by_slug(conn, request.path_params["slug"])
        if shop is None or shop.status == "opening":
            raise NotFound("shop")
        if wanted is None:
            return shop, None
        product = await products.get(conn, shop.shop_id, http.uuid(wanted))
    if product.status != "on_sale":
        raise NotFound("product")
    return shop, product


async def sheet(request: Request) -> Response:
    """The sheet. Asking twice on one device finds the same share; a robot is given none."""
    shop, product = await _subject(request)
    locale, host = pages.locale_of(request), http.house(request).settings.public_url
    slug, product_id = shop.slug or "", product.product_id if product else None
    plain = addresses.product(slug, product_id) if product_id else addresses.shop(slug)
    token, link, scanned = None, plain, plain
    if not containers.is_robot(request.headers.get("user-agent", "")):
        token, device = http.make_device(request)
        http.check_limits(request, "share", device, http.address(request))
        link, scanned = await _links(request, shop.shop_id, product_id, device)
    name = product.title if product else shop.name
    answer = pages.page(
        request,
        "storefront/share.html",
        fragment="sheet" if request.headers.get("hx-request") else None,
        private=True,
        shop=views.shop(shop, locale),
        product=SimpleNamespace(id=product_id, title=product.title) if product else None,
        link=host + link,
        text=i18n.t(locale, "shelves.share_text", name=name, shop=shop.name),
        qr=segno.make(host + scanned, error="m").svg_inline(scale=4, border=0, omitsize=True),
    )
    if token:
        http.set_cookie(request, answer, http.DEVICE, token)
    return answer


async def _links(
    request: Request, shop_id: int, product_id: UUID | None, device: bytes
) -> tuple[str, str]:
    """This device's share by link and by code."""
    at = http.now(request)

    async def work(conn: db.Connection) -> tuple[str, str]:
        made = [
            await shares.make(
                conn, shop_id, product_id=product_id, channel=channel, device=device, at=at
            )
            for channel in ("link", "qr")
        ]
        return addresses.share(made[0].code), addresses.share(made[1].code)

    return await http.house(request).database.transaction(work)


async def make(request: Request) -> Response:
    """POST on a sheet shows the sheet, which holds the share."""
    shop, product = await _subject(request)
    product_id = product.product_id if product else None
    return RedirectResponse(addresses.shares(shop.slug or "", product_id), status_code=303)


ROUTES = [
    Route("/@{slug}/shares", sheet, methods=["GET"]),
    Route("/@{slug}/shares", make, methods=["POST"]),
    Route("/@{slug}/p/{product_id}/shares", sheet, methods=["GET"]),
    Route("/@{slug}/p/{product_id}/shares", make, methods=["POST"]),
]
