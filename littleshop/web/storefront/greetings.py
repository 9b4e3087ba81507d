"""Who sent this visitor: told with the piece that is his alone, never in a kept page."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request

from littleshop import db, http
from littleshop.social import shares
from littleshop.social.shares import Share
from littleshop.web import touches


async def of_visitor(
    request: Request, conn: db.Connection, shop_id: int, product_id: UUID | None
) -> Share | None:
    """The personal link that brought this browser, when its sharer greets by it, it has not run
    out, and this page (a product's, or the shop's) is what it shows."""
    for touched in touches.remembered(request.headers.get("cookie", ""), shop_id):
        share = await shares.greeting(conn, shop_id, touched.code, http.now(request))
        if share is not None:
            return share if share.product_id == product_id else None
    return None
