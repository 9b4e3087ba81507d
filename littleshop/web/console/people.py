"""Everyone who bought here: what they spent and when they came last, the phone masked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from littleshop import crypto, db, http
from littleshop.crypto import Keyring
from littleshop.customers import customers
from littleshop.customers.customers import CustomerSum
from littleshop.errors import NotFound, Refused
from littleshop.identity import phones
from littleshop.social import follows
from littleshop.trade import conversation_lists, reviews
from littleshop.trade.orders import Delivery
from littleshop.web.console import frame
from littleshop.web.console import orders as lists


def _row(each: CustomerSum, root: str, keyring: Keyring) -> dict[str, Any]:
    phone = keyring.open(each.phone_sealed)
    delivery = Delivery("", phone)
    if each.delivery_sealed is not None:
        delivery = msgspec.json.decode(keyring.open(each.delivery_sealed), type=Delivery)
    return {
        "name": delivery.name or crypto.mask_phone(phone),
        "phone_masked": crypto.mask_phone(phone),
        "orders": each.orders,
        "spent": each.spent,
        "last_at": each.last_order_at,
        "place": lists.place(delivery),
        "url": f"{root}/people/{each.phone_index.hex()}",
    }


def moment(text: str | None) -> datetime | None:
    """Where the page before ended. Raises NotFound."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise NotFound from None
    if at.tzinfo is None:
        raise NotFound
    return at


async def listed(request: Request) -> Response:
    """GET root/people?q=: everyone who bought, or the one with this whole phone."""
    work, house = await http.at_work(request), http.house(request)
    q = request.query_params.get("q", "").strip()[:40]
    beyond, shop_id = _moment(request.query_params.get("beyond")), work.shop.shop_id
    async with house.database.connection() as conn:
        if q:
            rows = await _found(conn, shop_id, q, house.keyring)
        else:
            rows = await customers.listing(conn, shop_id, before=beyond)
        life = await _life(conn, shop_id)
    context = _context(rows, q, frame.root(work.shop), house.keyring)
    return await frame.page(request, work, "people.html", "people", **(context | life))


async def _life(conn: db.Connection, shop_id: int) -> dict[str, Any]:
    """How many bought, follow and say something."""
    counted = await customers.counts(conn, shop_id)
    return {
        "total": counted.total,
        "again": counted.again,
        "followers": await follows.count(conn, shop_id),
        "unanswered": await reviews.unanswered(conn, shop_id),
        "judged": await reviews.of(conn, shop_id),
        "unread": await conversation_lists.unread(conn, shop_id),
    }


def _context(rows: list[CustomerSum], q: str, root: str, keyring: Keyring) -> dict[str, Any]:
    more = len(rows) == customers.PAGE and not q
    last = rows[-1].last_order_at.isoformat().replace("+00:00", "Z") if more else ""
    return {
        "people": [_row(each, root, keyring) for each in rows],
        "q": q,
        "older_url": f"{root}/people?beyond={last}" if more else "",
    }


async def _found(conn: db.Connection, shop_id: int, q: str, keyring: Keyring) -> list[CustomerSum]:
    try:
        phone = phones.parse(q)
    except Refused:
        return []
    return await customers.by_phone(conn, shop_id, keyring.index(phone.e164))


async def one(request: Request) -> Response:
    """GET root/people/INDEX: the orders of one of them, as a list of orders."""
    work = await http.at_work(request)
    text = request.path_params["index"]
    if len(text) != 64 or not all(sign in "0123456789abcdef" for sign in text):
        raise NotFound("person")
    return await lists.of_phone(request, work, bytes.fromhex(text))
