"""Where rails send their notices: verify, store once, defer, answer. Nothing is decided here."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from littleshop import db, http, jobs
from littleshop.errors import NotFound
from littleshop.pay import notices
from littleshop.pay.gateways import NoticeRefused
from littleshop.web import forms

MOST_BYTES = 64 * 1024


async def hear(request: Request) -> Response:
    """A notice of a rail. What cannot be believed is refused and changes nothing."""
    house, at = http.house(request), http.now(request)
    gateway = house.rails.get(request.path_params["gateway"])
    if gateway is None:
        raise NotFound
    body = await forms.body(request, MOST_BYTES)
    try:
        notice = gateway.parse_notice(request.headers, body)
    except NoticeRefused:
        return PlainTextResponse(gateway.not_heard, status_code=400)

    async def work(conn: db.Connection) -> None:
        if await notices.record(conn, house.keyring, notice, at):
            await jobs.defer(
                conn,
                "paying.accept",
                at=at,
                gateway=notice.gateway,
                notice_id=notice.notice_id,
            )

    await house.database.transaction(work)
    return PlainTextResponse(gateway.heard)


ROUTES = [Route("/callbacks/{gateway:str}", hear, methods=["POST"])]
