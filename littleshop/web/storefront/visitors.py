"""Who stands where: the shop of an address, the browser and the device that ask."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.errors import NotFound
from littleshop.shop import shops, staff
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


def only_ahead(request: Request) -> bool:
    """Whether a browser only fetches ahead, or only asks whether there is something."""
    return request.method == "HEAD" or any(
        "prefetch" in request.headers.get(name, "") for name in ("sec-purpose", "purpose", "x-moz")
    )


def is_person(request: Request) -> bool:
    """Whether a person looks at this page: no robot, nothing fetched ahead, nothing sent."""
    return (
        request.method == "GET"
        and not only_ahead(request)
        and not containers.is_robot(agent(request))
    )


async def works_here(request: Request, shop_id: int) -> bool:
    """Whether somebody is signed in who works in this shop, whatever phone he types."""
    who = await http.somebody(request)
    if who is None:
        return False
    async with http.house(request).database.connection() as conn:
        return await staff.role_of(conn, shop_id, who.person.person_id) is not None


def remember(request: Request, answer: Response, token: str | None) -> Response:
    """The answer to an act; with it a device that acts for the first time gets its `token`."""
    if token:
        http.set_cookie(request, answer, http.DEVICE, token)
    return answer
