"""Who stands where: the shop of an address, the browser and the device that ask."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.errors import NotFound
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.web import containers


async def shop_here(request: Request) -> Shop:
    """The open or paused shop of the address, as its row is now. Raises NotFound."""
    async with http.house(request).database.connection() as conn:
        shop = await shops.by_slug(conn, request.path_params["slug"])
    if shop is None or shop.status == "opening":
        raise NotFound("shop")
    return shop


def agent(request: Request) -> str:
    """What the browser calls itself, or ""."""
    return request.headers.get("user-agent", "")


def container(request: Request) -> str:
    """Where the page is open (containers.CONTAINERS)."""
    return containers.of(agent(request))


def remember(request: Request, answer: Response, token: str | None) -> Response:
    """The answer to an act; with it a device that acts for the first time gets its `token`."""
    if token:
        http.set_cookie(request, answer, http.DEVICE, token)
    return answer
