"""The team of an order, for its member's page: who is missing, and the link to send them."""

from __future__ import annotations

from types import SimpleNamespace

from starlette.requests import Request

from littleshop import db, http
from littleshop.sale import teaming
from littleshop.trade import teams
from littleshop.trade.orders import Order
from littleshop.web import addresses, names


async def of_order(request: Request, conn: db.Connection, order: Order) -> SimpleNamespace | None:
    """What an order's page says of its team, while that forms; None otherwise."""
    if order.status != "forming":
        return None
    found = await teams.of_order(conn, order.shop_id, order.order_id)
    assert found is not None, order.order_id
    link = names.public_url(request) + addresses.team(
        teaming.link(http.house(request).keyring, found)
    )
    left = found.seats - len(await teams.paid(conn, found))
    return SimpleNamespace(link=link, left=left, seats=found.seats, till=found.closes_at)
