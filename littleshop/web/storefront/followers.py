"""Whether this visitor follows a shop: told with the piece that is his alone."""

from __future__ import annotations

from starlette.requests import Request

from littleshop import db, http
from littleshop.social import follows
from littleshop.social.follows import Follow


async def of_visitor(request: Request, conn: db.Connection, shop_id: int) -> Follow | None:
    """The follower who began on this device, or whose phone is signed in here; None when there is
    none, or he left."""
    device, who = http.device(request), await http.somebody(request)
    if device is not None:
        known = await follows.of_device(conn, shop_id, device)
        if known is not None and known.left_at is None:
            return known
    if who is None:
        return None
    known = await follows.of_phone(conn, shop_id, who.person.phone_index)
    return known if known is not None and known.left_at is None else None
