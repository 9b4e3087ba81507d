"""What every page of a console has around it: shop, tabs, and a word about what was just done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from littleshop import db, http, i18n
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.sale import alerting
from littleshop.shop import shop_acts, shops, staff, staff_invitations
from littleshop.shop.shops import Shop
from littleshop.trade import order_lists
from littleshop.web import addresses, flash, pages
from littleshop.web.console import installing, rights

_SAID = "console.said."
_FIRST = {"packer": "/orders", "bookkeeper": "/money"}  # where the work of a role begins


def root(shop: Shop) -> str:
    """The address every page of this shop's console begins with."""
    return f"/console/{shop.shop_id}"


def face(shop: Shop) -> dict[str, Any]:
    """The shop as the console's templates want it."""
    return {
        "name": shop.name,
        "slug": shop.slug or "",
        "face_url": picture(shop.picture or ""),
        "awning": shop.awning,
        "public_url": addresses.shop(shop.slug) if shop.slug else "/",
        "state": shop.status if shop.status in ("paused", "closed") else "open",
    }


async def owner(request: Request) -> AtWork:
    """The owner at work. Raises NotFound for staff: what he sets is not theirs."""
    work = await http.at_work(request)
    if work.role != "owner":
        raise NotFound
    return work


async def having(request: Request, right: str) -> AtWork:
    """Who has this right beyond what the address needs. Raises NotFound for others."""
    work = await http.at_work(request)
    if not staff.may(work.role, right):
        raise NotFound
    return work


def guarded(route: BaseRoute) -> BaseRoute:
    """A route of the console that answers only who may do what its address needs.

    This is the one place that enforces the table of rights: others learn nothing (404), who works
    here no more is told so, and who opens the console is sent to where his work begins.
    """
    if not isinstance(route, Route) or not route.path.startswith(rights.ROOT):
        return route
    inner: Callable[[Request], Awaitable[Response]] = route.endpoint
    right = rights.of(route.path) or "unnamed"

    async def let_in(request: Request) -> Response:
        try:
            work = await http.at_work(request)
        except NotFound:
            return await _farewell(request)
        if staff.may(work.role, right):
            return await inner(request)
        if route.path == rights.ROOT and work.role in _FIRST:
            return RedirectResponse(root(work.shop) + _FIRST[work.role], status_code=303)
        raise NotFound

    return Route(route.path, let_in, methods=list(route.methods or ()), name=route.name)


async def _farewell(request: Request) -> Response:
    """To who worked here once; raises NotFound for a stranger."""
    who = await http.somebody(request)
    shop_id = http.number(request.path_params["shop_id"])
    async with http.house(request).database.connection() as conn:
        if who is None or not await shop_acts.was_removed(conn, shop_id, who.person.person_id):
            raise NotFound("shop")
        shop = await shops.get(conn, shop_id)
    return pages.page(
        request, "entry/no_more.html", status=403, private=True, here=request.url.path,
        shop_name=shop.name,
    )  # fmt: skip


def picture(digest: str) -> str:
    """The smallest width of a picture, or "" for none."""
    return addresses.photo(digest, 360) if digest else ""


def mark_of(request: Request, work: AtWork) -> str:
    """What a phone knows its person by, which is nobody's name."""
    return http.house(request).keyring.sign(f"offline {work.person.person_id}")[:16]


async def page(
    request: Request, work: AtWork, template: str, tab: str, *, status: int = 200, **context: Any
) -> Response:
    """A page of the console; `context` is what its template asks for beside the frame."""
    async with http.house(request).database.connection() as conn:
        waiting = await order_lists.waiting(conn, work.shop.shop_id)
    said, refused = flash.heard(request, _SAID)
    around: dict[str, Any] = {
        "shop": face(work.shop),
        "root": root(work.shop),
        "tab": tab,
        "may": partial(staff.may, work.role),
        "waiting": waiting,
        "said": said,
        "refused": refused,
        "now": http.now(request).astimezone(ZoneInfo(work.shop.zone)),
        "who": mark_of(request, work),
    }
    answer = pages.page(
        request, f"console/{template}", status=status, private=True, **(around | context)
    )
    flash.forget(request, answer)
    return answer


async def looked(request: Request, work: AtWork, subject: UUID | None = None) -> None:
    """Somebody of the shop has this before his eyes (no subject: Today), so no word of it climbs
    any further (sale/alerting.py)."""
    if request.method != "GET":
        return
    await alerting.look(
        http.house(request).database, work.shop.shop_id, http.now(request),
        subject=subject, person_id=work.person.person_id,
    )  # fmt: skip


def go(request: Request, path: str, said: str = "", **facts: object) -> Response:
    """Send the browser on; the next page begins with t("console.said." + said, **facts).

    `facts` are shown as they are: numbers, sums, and texts that are formatted already.
    """
    return flash.go(request, path, f"{_SAID}{said}" if said else "", **facts)


refuse = flash.refuse


def sentence(request: Request, refused: Refused) -> str:
    """What a refusal says to this person."""
    return i18n.t(pages.locale_of(request), f"errors.{refused.code}", **refused.details)


async def index(request: Request) -> Response:
    """GET /console: the person's only shop, a list of several and of those that ask him to work
    there, or the opening of the first."""
    who = await http.somebody(request)
    if who is None:
        return RedirectResponse(f"/sign-in?next={quote('/console')}", status_code=303)
    async with http.house(request).database.connection() as conn:
        known = await staff.shops_of(conn, who.person.person_id)
        found = [await shops.find(conn, each.shop_id) for each in known]
        asked = await _asked(conn, who.person.phone_index, http.now(request))
    mine = [shop for shop in found if shop is not None and shop.name]
    if not mine and not asked:
        return RedirectResponse(addresses.OPENING, status_code=303)
    if len(mine) == 1 and not asked:
        return RedirectResponse(root(mine[0]), status_code=303)
    return _my_shops(request, mine, asked)


async def _asked(conn: db.Connection, phone_index: bytes, at: datetime) -> list[dict[str, Any]]:
    """The shops that ask this phone to work there."""
    return [
        {
            "shop": (await shops.get(conn, each.shop_id)).name,
            "role": each.role,
            "until": each.expires_at,
            "action": f"{addresses.ASKED_TO_WORK}/{each.shop_id}/{each.invitation_id}",
        }
        for each in await staff_invitations.to_phone(conn, phone_index, at)
    ]


def _my_shops(request: Request, mine: list[Shop], asked: list[dict[str, Any]]) -> Response:
    _, refused = flash.heard(request, _SAID)
    rows = [face(shop) | {"url": root(shop), "line": shop.line} for shop in mine]
    answer = pages.page(
        request, "console/my_shops.html", private=True, shops=rows, asked=asked, refused=refused,
        now=http.now(request),
    )  # fmt: skip
    flash.forget(request, answer)
    return answer


async def manifest(request: Request) -> Response:
    """GET root/manifest.webmanifest: what a phone needs to keep the console as an app."""
    work = await http.at_work(request)
    told = installing.manifest(pages.locale_of(request), root(work.shop), work.shop.name)
    return JSONResponse(told, media_type=installing.KIND, headers=pages.PRIVATE)
