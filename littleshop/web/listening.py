"""Browsers that want to be told: what their `subscribe()` gives, and our name for it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import Request

from littleshop import db, http
from littleshop.notify import subscriptions
from littleshop.notify.push import Push


class BrowserKeys(msgspec.Struct):
    """The keys of a PushSubscription (W3C Push API), base64url."""

    p256dh: str
    auth: str


class BrowserSubscription(msgspec.Struct):
    """PushSubscription.toJSON() of a browser (W3C Push API)."""

    endpoint: str
    keys: BrowserKeys


def push_of(request: Request) -> Push | None:
    """This installation's identity towards push services; None while the rail is off."""
    state, settings = request.app.state, http.house(request).settings
    rail = settings.rails.get("push")
    if rail is None:
        return None
    if not hasattr(state, "push"):
        state.push = Push(rail, demo=settings.mode == "demo")
    found: Push = state.push
    return found


async def add(
    conn: db.Connection,
    shop_id: int,
    whom: UUID,
    push: Push,
    told: BrowserSubscription,
    *,
    locale: str,
    at: datetime,
) -> None:
    """Have `whom` told of this shop on this browser. Raises Refused(push_endpoint | push_keys)."""
    await subscriptions.add(
        conn,
        shop_id,
        whom,
        push,
        endpoint=told.endpoint,
        p256dh=told.keys.p256dh,
        auth=told.keys.auth,
        locale=locale,
        at=at,
    )
