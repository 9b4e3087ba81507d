"""What moves on an open page: hints become pieces of HTML that the page puts in their place.

A hint only says that something happened; what is sent is rendered from the rows. So a lost hint
costs nothing but time: who may have missed some gets every piece anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from littleshop import http
from littleshop.http import AtWork, House
from littleshop.identity import sessions
from littleshop.notify.live import HEARTBEAT, Event, Hub
from littleshop.shop import staff
from littleshop.web import pages
from littleshop.web.console import today

MOST_PAGES = 400  # open at once in one process; more read on without live figures
PAUSE_SECONDS = 0.3  # between two pieces; what piles up meanwhile becomes one "everything anew"
RETRY_MILLISECONDS = 3000
HINTS = {  # what a hint is about, and the line of the order's history that tells it
    "order_paid": ["paid"],
    "order_given": ["paid"],
    "codes_short": ["paid"],
    "order_received": ["received"],
    "remind_ship": ["reminded"],
}
QUIET = (HEARTBEAT.kind, "visits")  # these change no duty
HEADERS = {
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # a proxy must not keep pieces back
    "x-robots-tag": "noindex",
}


def piece(event: str, text: str) -> str:
    """One event of the stream (HTML Standard 9.2.6): every line of `text` is a data line."""
    lines = "".join(f"data: {line}\n" for line in text.splitlines() if line.strip())
    return f"event: {event}\n{lines or 'data:' + chr(10)}\n"


async def stream(request: Request) -> Response:
    """GET root/live: pieces as they change; 503 when too many pages are open here."""
    work = await http.at_work(request)
    hub: Hub = request.app.state.hub
    if hub.open_pages >= MOST_PAGES:
        return PlainTextResponse("too many open pages", status_code=503, headers=HEADERS)
    token = request.cookies.get(http.SESSION, "")
    told = _told(http.house(request), hub, work, token, pages.locale_of(request))
    return StreamingResponse(told, media_type="text/event-stream", headers=HEADERS)


async def _told(
    house: House, hub: Hub, work: AtWork, token: str, locale: str
) -> AsyncIterator[str]:
    """Pieces until the session ends or the page goes away; each heartbeat looks at the figures."""
    shown: dict[str, str] = {}
    with hub.subscribe(work.shop.shop_id) as events:
        yield f"retry: {RETRY_MILLISECONDS}\n\n"
        async for event in events:
            if not await may_see(house, work, token):
                return
            for name, text in await _pieces(house, work, locale, event):
                if name == "happened" or shown.get(name) != text:
                    shown[name] = text
                    yield piece(name, text)
            if event == HEARTBEAT:
                yield ": still here\n\n"
            await asyncio.sleep(PAUSE_SECONDS)


async def may_see(house: House, work: AtWork, token: str) -> bool:
    """Whether the session still lives and its person still works here."""
    async with house.database.connection() as conn:
        session = await sessions.find(conn, token, house.clock.now())
        if session is None or session.person_id != work.person.person_id:
            return False
        role = await staff.role_of(conn, work.shop.shop_id, session.person_id)
    return role is not None and staff.may(role, "today")


async def _pieces(house: House, work: AtWork, locale: str, event: Event) -> list[tuple[str, str]]:
    """What changed, rendered: the count on the tab, the duties, the figures, and a row of news."""
    kinds = HINTS.get(event.kind)
    numbers = {int(event.subject): kinds} if kinds and event.subject.isdigit() else {}
    async with house.database.connection() as conn:
        made = await today.pieces(conn, house, work.shop, locale, numbers)
        if event.kind not in QUIET:
            made["duties"] = [await today.duties(conn, house, work.shop, locale)]
    return [(name, text) for name, texts in made.items() for text in texts]
