"""The front page of littleshop, and of a shop inside an app: what works there, and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.catalog import products
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.web import addresses, names, pages
from littleshop.web.storefront import cashier, leaving, views
from littleshop.web.storefront.views import Picture, ShopView
from littleshop.web.storefront.visitors import shop_here

MOST_SHOPS = 8


async def landing(request: Request) -> Response:
    """What this is for a stranger; the demo also shows its shops (live never lists shops)."""
    house = http.house(request)
    shown: list[ShopView] = []
    if house.settings.mode == "demo":
        async with house.database.connection() as conn:
            shown = await _furnished(conn, pages.locale_of(request))
    who = await http.somebody(request)
    return pages.page(
        request,
        "storefront/landing.html",
        shops=shown,
        signed_in=who is not None,
        sign_in_url="/sign-in",
        console_url="/console",
    )


async def _furnished(conn: db.Connection, locale: str) -> list[ShopView]:
    """The shops that opened last and have something on the shelf, each with a picture of it."""
    found: list[ShopView] = []
    for shop in await shops.newest(conn, 4 * MOST_SHOPS):
        first = await products.listing(conn, shop.shop_id, most=1)
        if first and len(found) < MOST_SHOPS:
            digest = first[0].photo or shop.picture
            picture = Picture(digest, first[0].title) if digest else None
            found.append(views.shop(shop, locale, picture))
    return found


async def elsewhere(request: Request) -> Response:
    """GET /@SLUG[/p/ID]/elsewhere: this app's browser, and how to go on in another."""
    shop, wanted = await shop_here(request), request.path_params.get("product_id")
    title, slug = shop.name, shop.slug or ""
    if wanted is not None:
        async with http.house(request).database.connection() as conn:
            title = (await products.on_sale(conn, shop.shop_id, http.uuid(wanted))).title
    page = addresses.product(slug, wanted) if wanted else addresses.shop(slug)
    return pages.page(
        request, "storefront/elsewhere.html", private=True, shop=views.shop(shop), title=title,
        back=page, share_url=addresses.shares(slug, wanted),
        out=leaving.out(request, names.public_url(request, stay=True) + page),
        **await _payable(request, shop),
    )  # fmt: skip


async def _payable(request: Request, shop: Shop) -> dict[str, Any]:
    """The ways to pay this shop in this app, and those that only another browser has."""
    found = await cashier.offered(request, shop)
    works = [way.gateway for way in found if not way.outside]
    outside = [
        way.gateway
        for way in await cashier.offered(request, shop, "phone")
        if way.gateway not in works
    ]
    return {"here": _named(request, works), "there": _named(request, outside)}


def _named(request: Request, gateways: Sequence[str]) -> list[SimpleNamespace]:
    locale = pages.locale_of(request)
    return [
        SimpleNamespace(
            name=i18n.t(locale, f"checkout.method.{name}"),
            mark=i18n.t(locale, f"checkout.method.{name}.mark"),
        )
        for name in gateways
    ]


ROUTES = [
    Route("/", landing, methods=["GET"]),
    Route("/@{slug}/elsewhere", elsewhere, methods=["GET"]),
    Route("/@{slug}/p/{product_id}/elsewhere", elsewhere, methods=["GET"]),
]
