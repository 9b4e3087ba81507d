"""The front page of littleshop."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.catalog import products
from littleshop.shop import shops
from littleshop.web import pages
from littleshop.web.storefront import views
from littleshop.web.storefront.views import Picture, ShopView

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


ROUTES = [Route("/", landing, methods=["GET"])]
