"""Where rails send their notices: verify, store once, defer, answer. Nothing is decided here."""

from __future__ import annotations

import re

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, jobs
from littleshop.errors import NotFound
from littleshop.pay import notices
from littleshop.pay.gateways import Gateway, Notice, NoticeRefused
from littleshop.web import forms

MOST_BYTES = 64 * 1024
_UNKEPT = re.compile("[\\x00\\ud800-\\udfff]")


async def hear(request: Request) -> Response:
    """A notice of a rail. What cannot be believed is refused and changes nothing."""
    gateway = http.house(request).rails.get(request.path_params["gateway"])
    if gateway is None:
        raise NotFound
    try:
        notice = await _verified(request, gateway)
    except NoticeRefused:
        return Response(gateway.not_heard, 400, media_type=gateway.answer_type)
    if notice is not None:
        await _store(request, notice)
    return Response(gateway.heard, media_type=gateway.answer_type)


async def _verified(request: Request, gateway: Gateway) -> Notice | None:
    """What the rail says; its keys are fetched once more when it signs with one we lack."""
    posted = request.method == "POST"
    body = await forms.body(request, MOST_BYTES) if posted else request.url.query.encode()
    try:
        return _storable(gateway.parse_notice(request.headers, body))
    except NoticeRefused as no:
        if no.why != "unknown_key":
            raise
    await gateway.refresh_keys()
    return _storable(gateway.parse_notice(request.headers, body))


def _storable(notice: Notice | None) -> Notice | None:
    """A notice as it is, when every word of it can be kept: PostgreSQL keeps neither U+0000 nor
    half a surrogate pair, and JSON can spell both. Raises NoticeRefused malformed."""
    if notice is not None and any(
        isinstance(word, str) and _UNKEPT.search(word)
        for word in msgspec.structs.asdict(notice).values()
    ):
        raise NoticeRefused("malformed")
    return notice


async def _store(request: Request, notice: Notice) -> None:
    house, at = http.house(request), http.now(request)

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


ROUTES = [Route("/callbacks/{gateway:str}", hear, methods=["GET", "POST"])]
