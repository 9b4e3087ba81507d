"""The share sheet of a shop or a product: a link and a code, each with a share code of its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import NamedTuple
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.catalog import products
from littleshop.catalog.products import Product
from littleshop.shop.shops import Shop
from littleshop.social import shares
from littleshop.web import addresses, containers, names, pages
from littleshop.web.storefront import views
from littleshop.web.storefront.visitors import agent, remember, shop_here


class _Subject(NamedTuple):
    """What is shared: a product of a shop, or all of the shop."""

    shop: Shop
    product: Product | None

    @property
    def product_id(self) -> UUID | None:
        return self.product.product_id if self.product else None

    @property
    def name(self) -> str:
        return self.product.title if self.product else self.shop.name

    @property
    def address(self) -> str:
        """Its page, without any share."""
        slug = self.shop.slug or ""
        return addresses.product(slug, self.product_id) if self.product else addresses.shop(slug)


async def _subject(request: Request) -> _Subject:
    """The shop and the product of the address. Raises NotFound."""
    shop, wanted = await shop_here(request), request.path_params.get("product_id")
    if wanted is None:
        return _Subject(shop, None)
    async with http.house(request).database.connection() as conn:
        return _Subject(shop, await products.on_sale(conn, shop.shop_id, http.uuid(wanted)))


async def sheet(request: Request) -> Response:
    """The sheet. Asking twice on one device finds the same share; a robot is given none."""
    subject = await _subject(request)
    if containers.is_robot(agent(request)):
        return _page(request, subject, subject.address, subject.address)
    token, device = http.make_device(request)
    http.check_limits(request, "share", device, http.address(request))
    link, scanned = await _links(request, subject, device)
    return remember(request, _page(request, subject, link, scanned), token)


async def _links(request: Request, subject: _Subject, device: bytes) -> tuple[str, str]:
    """This device's share by link and by code."""
    at, (shop, _), product_id = http.now(request), subject, subject.product_id

    async def work(conn: db.Connection) -> tuple[str, str]:
        made = [
            await shares.make(
                conn, shop.shop_id, product_id=product_id, channel=channel, device=device, at=at
            )
            for channel in ("link", "qr")
        ]
        return addresses.share(made[0].code), addresses.share(made[1].code)

    return await http.house(request).database.transaction(work)


def _page(request: Request, subject: _Subject, link: str, scanned: str) -> Response:
    """The sheet with a link to send on and, in the code, a link to scan."""
    (shop, product), locale = subject, pages.locale_of(request)
    return pages.page(
        request,
        "storefront/share.html",
        fragment="sheet" if request.headers.get("hx-request") else None,
        private=True,
        shop=views.shop(shop, locale),
        product=SimpleNamespace(id=product.product_id, title=product.title) if product else None,
        link=_whole(request, link),
        text=i18n.t(locale, "shelves.share_text", name=subject.name, shop=shop.name),
        qr=views.qr(_whole(request, scanned)),
    )


def _whole(request: Request, link: str) -> str:
    """A share's page, and what has none, over the name that falls to it."""
    return names.public_url(request, link.rpartition("/")[2]) + link


async def make(request: Request) -> Response:
    """POST on a sheet shows the sheet, which holds the share."""
    subject = await _subject(request)
    to = addresses.shares(subject.shop.slug or "", subject.product_id)
    return RedirectResponse(to, status_code=303)


ROUTES = [
    Route("/@{slug}/shares", sheet, methods=["GET"]),
    Route("/@{slug}/shares", make, methods=["POST"]),
    Route("/@{slug}/p/{product_id}/shares", sheet, methods=["GET"]),
    Route("/@{slug}/p/{product_id}/shares", make, methods=["POST"]),
]
