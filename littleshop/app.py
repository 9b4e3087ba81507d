"""The ASGI application: what every request passes, and where it goes."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from littleshop import config, db, demo, http, i18n, logs
from littleshop.web import routes
from littleshop.web.page_cache import PageCache

_log = logging.getLogger("littleshop.requests")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CALLBACKS = "/callbacks/"  # rails and couriers post here, from their own sites, signed


class Gate:
    """Refuses unsafe posts from other sites, marks the moment, bounds the body, writes the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if "\x00" in scope["path"]:
            await PlainTextResponse("not found", status_code=404)(scope, receive, send)
            return
        if b"%00" in scope["query_string"]:  # no text of ours holds one, and no database takes it
            scope["query_string"] = scope["query_string"].replace(b"%00", b"")
        opened = scope["app"].state.house
        if (
            scope["method"] not in SAFE
            and not scope["path"].startswith(CALLBACKS)
            and http.cross_site(scope, frozenset({opened.settings.public_url}))
        ):
            answer = PlainTextResponse("cross-site request refused", status_code=403)
            await answer(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["now"] = opened.clock.now()
        state["body"] = body = http.Body(receive, scope)
        started, status = time.perf_counter(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, body, watch)
        finally:
            took = round((time.perf_counter() - started) * 1000, 1)
            if status >= 500 or took > 1000:
                _log.warning(
                    "slow or failed",
                    extra={"path": scope["path"], "status": status, "milliseconds": took},
                )


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
        },
        lifespan=lifespan,  # type: ignore[arg-type]
    )


logs.start()
app = PageCache(build())
