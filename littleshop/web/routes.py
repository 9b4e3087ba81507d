"""Every address of the pages and what answers it; nouns in URLs, a list per audience."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from littleshop import db, i18n, ids
from littleshop.errors import Conflict, NoLongerSold, NotFound, Refused
from littleshop.http import SignInFirst
from littleshop.sale.flushing import Busy
from littleshop.web import (
    addresses,
    callbacks,
    console,
    courier_callbacks,
    entry,
    names,
    operator,
    pages,
    shared,
    storefront,
)
from littleshop.web.operator.frame import ProveFirst, on_prove_first
from littleshop.web.storefront.shelves import Moved

_log = logging.getLogger(__name__)
_TOO_LONG = frozenset({"form_too_big", "form_too_large"})
Handler = Callable[[Request, Any], Awaitable[Response]]


def all_routes() -> list[BaseRoute]:
    """The routes of every audience; buyers first, for the router tries one after the other."""
    return [
        *storefront.ROUTES,
        *shared.ROUTES,
        *courier_callbacks.ROUTES,
        *callbacks.ROUTES,
        *names.ROUTES,
        *entry.ROUTES,
        *console.ROUTES,
        *operator.ROUTES,
    ]


@contextlib.asynccontextmanager
async def open_rooms(app: Starlette) -> AsyncIterator[None]:
    """What the pages hold for as long as the process lives: cache, visits, live hints."""
    async with storefront.open_rooms(app), console.open_rooms(app):
        yield


def wrong(request: Request, status: int, **context: Any) -> Response:
    """A page that is not the one asked for; a piece for htmx is only its sentence."""
    context = {
        "message": None,
        "wait": None,
        "home": "/",
        "home_label": None,
        "reference": None,
        **context,
    }
    return pages.page(request, "storefront/error.html", status=status, private=True, **context)


def sentence(request: Request, refused: Refused) -> str:
    """What a refusal says to this person."""
    return i18n.t(pages.locale_of(request), f"errors.{refused.code}", **refused.details)


async def on_refused(request: Request, refused: Refused) -> Response:
    """A no that no form took: said on a page of its own."""
    if isinstance(refused, NoLongerSold) and "slug" in request.path_params:
        return no_longer_sold(request)
    if isinstance(refused, NotFound):
        return wrong(request, 404)
    if refused.code == "too_many":
        wait = timedelta(minutes=int(str(refused.details["minutes"])))
        return wrong(request, 429, message=sentence(request, refused), wait=wait)
    if refused.code in _TOO_LONG:
        answer = wrong(request, 413, message=sentence(request, refused))
        answer.headers["connection"] = "close"  # the rest of the body is not taken
        return answer
    return wrong(request, 409, message=sentence(request, refused))


def no_longer_sold(request: Request) -> Response:
    """The way from a thing that is gone to the shop that had it; 404, for it may come back."""
    label = i18n.t(pages.locale_of(request), "storefront.see_shop")
    home = addresses.shop(request.path_params["slug"])
    return wrong(request, 404, sold_no_more=True, home=home, home_label=label)


async def on_conflict(request: Request, fault: Conflict) -> Response:
    """The same form was sent before with other content."""
    return wrong(request, 409)


async def on_moved(request: Request, moved: Moved) -> Response:
    """A shop's old address leads to the one it has now."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(moved.location + query, status_code=301)


async def on_busy(request: Request, fault: Exception) -> Response:
    """Too many orders wait, or the database is away: in a moment."""
    answer = wrong(request, 503, wait=timedelta(seconds=5))
    answer.headers["retry-after"] = "5"
    return answer


async def on_sign_in(request: Request, fault: SignInFirst) -> Response:
    """To the sign-in page and back; a stale form leads back to its page, empty."""
    came_from = urlsplit(request.headers.get("referer", "")).path
    back = request.url.path if request.method in ("GET", "HEAD") else came_from
    if not back.startswith(("/console", operator.ROOT)):
        back = "/console"
    return RedirectResponse(f"/sign-in?next={quote(back)}", status_code=303)


async def on_http_exception(request: Request, fault: Exception) -> Response:
    """What the router or a parser refused."""
    status = fault.status_code if isinstance(fault, HTTPException) else 500
    return wrong(request, status if status in (404, 409, 429, 500, 503) else 404)


async def on_fault(request: Request, fault: Exception) -> Response:
    """Our own mistake: a reference for the person, the trace in the log."""
    reference = ids.reference()[:8]
    _log.error("fault", exc_info=fault, extra={"reference": reference})
    return wrong(request, 500, reference=reference)


def on_refusals() -> dict[type[Exception], Any]:
    """Exceptions of the flows and the pages that answer them."""
    return {
        Refused: on_refused,
        Conflict: on_conflict,
        Busy: on_busy,
        db.Unavailable: on_busy,
        SignInFirst: on_sign_in,
        ProveFirst: on_prove_first,
        Moved: on_moved,
    }
