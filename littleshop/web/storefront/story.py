"""A shop's story: a page to be read, with the way back to what it sells."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop.web import addresses, pages
from littleshop.web.storefront import views
from littleshop.web.storefront.visitors import shop_here


async def page(request: Request) -> Response:
    """GET /@SLUG/story; a shop that tells none has its page."""
    shop = await shop_here(request)
    if not shop.story:
        return RedirectResponse(addresses.shop(shop.slug or ""), status_code=303)
    view = views.shop(shop, pages.locale_of(request))
    return pages.page(request, "storefront/story.html", shop=view)


ROUTES = [Route("/@{slug}/story", page, methods=["GET"])]
