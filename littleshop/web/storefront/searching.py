"""Search in a shop. A plain form and its answer: nothing of it is kept in the page cache, where
every word that somebody thinks of would be another page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.catalog import categories, products, search
from littleshop.shop.shops import Shop
from littleshop.web import pages
from littleshop.web.storefront import views
from littleshop.web.storefront.views import Tile
from littleshop.web.storefront.visitors import shop_here

MOST_PRODUCTS = 5000
SUGGESTED = 6


async def page(request: Request) -> Response:
    """GET /@SLUG/search?q="""
    shop, q = await shop_here(request), search.typed(request.query_params.get("q", ""))
    if q:
        http.check_limits(request, "search", http.address(request))
    async with http.house(request).database.connection() as conn:
        found = await _found(conn, shop, q)
        tags = await categories.on_sale(conn, shop.shop_id)
    return pages.page(
        request,
        "storefront/search.html",
        shop=views.shop(shop, pages.locale_of(request)),
        q=q,
        products=found,
        most=len(found) >= search.MOST_FOUND,
        tags=[name for name, _ in tags[:SUGGESTED]],
    )


async def _found(conn: db.Connection, shop: Shop, q: str) -> list[Tile]:
    """What has all these words, as tiles."""
    found = await search.find(conn, shop.shop_id, q)
    if not found:
        return []
    rows = await products.listing(
        conn, shop.shop_id, most=MOST_PRODUCTS, only=[each.product_id for each in found]
    )
    known = {row.product_id: row for row in rows}
    return [views.tile(known[each.product_id]) for each in found if each.product_id in known]


ROUTES = [Route("/@{slug}/search", page, methods=["GET"])]
