"""The ASGI application: what every request passes, and where it goes."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from littleshop import config, db, demo, edge, http, i18n, logs
from littleshop.web import pages, routes
from littleshop.web.page_cache import PageCache

_log = logging.getLogger("littleshop.requests")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CALLBACKS = "/callbacks/"  # rails and couriers post here, from their own sites, signed


class Gate:
    """Refuses what no browser of ours sends, marks the moment, bounds the body, writes the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        no = _refusal(scope)
        if no is not None:
            await no(scope, receive, send)
            return
        if b"%00" in scope["query_string"]:  # no text of ours holds one, and no database takes it
            scope["query_string"] = scope["query_string"].replace(b"%00", b"")
        opened: http.House = scope["app"].state.house
        state = scope.setdefault("state", {})
        state["now"] = opened.clock.now()
        state["body"] = body = _body(receive, scope, opened)
        started, status = time.perf_counter(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status, body.answered = message["status"], True
            await send(message)

        try:
            await self._app(scope, body, watch)
        finally:
            body.close()
            took = round((time.perf_counter() - started - body.waited) * 1000, 1)
            if (status >= 500 or took > 1000) and not body.lost:
                _log.warning(
                    "slow or failed",
                    extra={"path": scope["path"], "status": status, "milliseconds": took},
                )


def _body(receive: Receive, scope: Scope, opened: http.House) -> edge.Body:
    """It knows nothing of the scope that will hold it: a circle would keep a lost connection open
    until the garbage collector comes by."""
    client, headers, trusted = scope["client"], scope["headers"], opened.settings.trusted_proxies
    return edge.Body(receive, headers, opened.bodies, lambda: edge.sender(client, headers, trusted))


def _refusal(scope: Scope) -> Response | None:
    """The answer to a request that goes no further."""
    house: http.House = scope["app"].state.house
    if edge.has_long_headers(scope):
        closing = {"connection": "close"}
        return PlainTextResponse("headers too long", status_code=431, headers=closing)
    if "\x00" in scope["path"]:
        return PlainTextResponse("not found", status_code=404)
    if http.misdirected(scope, house.hosts):
        return _elsewhere(scope, house.settings.public_url)
    if (
        scope["method"] not in SAFE
        and not scope["path"].startswith(CALLBACKS)
        and http.cross_site(scope, frozenset({house.settings.public_url}))
    ):
        return PlainTextResponse("cross-site request refused", status_code=403)
    return None


def _elsewhere(scope: Scope, public_url: str) -> Response:
    """This name is not ours. No page: its style would have to come by this name too."""
    said = i18n.t(pages.locale_of(Request(scope)), "storefront.error.421", url=public_url)
    return PlainTextResponse(said + "\n", status_code=421, headers={"vary": "accept-language"})


async def on_slow(request: Request, fault: Exception) -> Response:
    """The form did not arrive in its time; nothing was done with what came of it."""
    return _closing(routes.wrong(request, 408))


async def on_gave_way(request: Request, fault: Exception) -> Response:
    """More forms were on their way than we wait for; this one is sent again in a moment."""
    return _closing(await routes.on_busy(request, fault))


async def on_gone(request: Request, fault: Exception) -> Response:
    """Whoever asked is gone: nobody reads this, and it is nobody's mistake."""
    return _closing(Response(status_code=400))


def _closing(answer: Response) -> Response:
    answer.headers["connection"] = "close"  # the rest of the body is not taken
    return answer


async def healthz(request: Request) -> Response:
    """This process lives."""
    return PlainTextResponse("ok")


async def readyz(request: Request) -> Response:
    """This process can serve: its database answers."""
    try:
        async with http.house(request).database.connection() as conn:
            await db.value(conn, "select 1")
    except (db.Unavailable, OSError, TimeoutError):
        return PlainTextResponse("the database is away", status_code=503)
    return PlainTextResponse("ready")


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    edge.allow_files()
    settings = config.read()
    i18n.catalogue("en")
    async with http.open_house(settings, name="littleshop web") as house:
        app.state.house = house
        app.state.mode = settings.mode
        if settings.mode == "demo":
            app.state.credits = demo.as_written().credits
        async with routes.open_rooms(app):
            yield


def build(lifespan: object = _lifespan) -> Starlette:
    """The application; tests give their own lifespan with a house over a test database."""
    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            *routes.all_routes(),
        ],
        middleware=[Middleware(Gate)],
        exception_handlers={
            HTTPException: routes.on_http_exception,
            Exception: routes.on_fault,
            **routes.on_refusals(),
            edge.TooSlow: on_slow,
            edge.GaveWay: on_gave_way,
            ClientDisconnect: on_gone,
        },
        lifespan=lifespan,  # type: ignore[arg-type]
    )


logs.start()
app = PageCache(build())
