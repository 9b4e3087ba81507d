"""WeChat's JS-SDK on a page of ours: it sets the card of the link that the person sends by "···".

The page is signed here and only as it was asked for: an address of one of our own names, without #
(PROTOCOLS 10). That a card is set says nothing about whether it was sent.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request

from littleshop import http
from littleshop.config import plain_host
from littleshop.social import wechat_official
from littleshop.web import names, wechat_bridge

APIS = ["updateAppMessageShareData", "updateTimelineShareData"]


class NotOurs(ValueError):
    """An address that is none of our public names'."""


def own_address(url: str, origins: frozenset[str]) -> str:
    """An address of ours as WeChat wants it signed: without #. Raises NotOurs."""
    parts = urlsplit(url)
    if f"{parts.scheme}://{parts.netloc}" not in origins or not parts.path.startswith("/"):
        raise NotOurs(url)
    return url.partition("#")[0]


def here(request: Request) -> str:
    """The address of this page as the browser has it; the name it came by when that is ours."""
    path = request.scope.get("raw_path") or request.url.path.encode()
    query = request.scope["query_string"]
    tail = path.partition(b"?")[0] + (b"?" + query if query else b"")
    return names.origin(request) + tail.decode("latin-1")


async def card(request: Request, friend: Mapping[str, str], moments: str) -> dict[str, Any] | None:
    """What js/card.js is told inside WeChat: the signed configuration and the two cards.

    `friend` holds title, desc, link and imgUrl; `moments` is the link for Moments. None outside of
    WeChat, without an official account, at a name that it does not know, and while there is no
    ticket.
    """
    tickets = http.house(request).tickets
    if tickets is None or not wechat_bridge.is_inside(request):
        return None
    url = own_address(here(request), frozenset({names.origin(request)}))
    known = tickets.official.hosts
    if known and plain_host(urlsplit(url).netloc) not in known:
        return None
    ticket = await tickets.ticket(http.now(request))
    if ticket is None:
        return None
    nonce, stamp = secrets.token_hex(8), int(http.now(request).timestamp())
    config = {
        "appId": tickets.official.app_id,
        "timestamp": stamp,
        "nonceStr": nonce,
        "signature": wechat_official.signature(ticket, nonce, stamp, url),
        "jsApiList": APIS,
    }
    timeline = {key: value for key, value in friend.items() if key != "desc"} | {"link": moments}
    return {
        "script": tickets.official.script_url,
        "told": {"config": config, "friend": dict(friend), "moments": timeline},
    }


def script_origins(told: Mapping[str, Any] | None) -> list[str]:
    """Where a page with a card takes scripts from beside us."""
    if told is None:
        return []
    parts = urlsplit(str(told["script"]))
    return [f"{parts.scheme}://{parts.netloc}"]
