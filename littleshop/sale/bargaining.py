"""Bargaining: before anything is paid the seller changes the price, or does not sell after all.

The order's row is locked by whoever comes first: a change after the money is refused, money under
the old price after a change goes back in full (paying.hear). What was begun is closed at its rail.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pricing import quotes
from littleshop.sale import paying, telling, texting
from littleshop.shop import shop_acts
from littleshop.trade import order_events, orders, price_changes
from littleshop.trade.orders import Order

CHANGEABLE = ("waiting", "invited", "placed")
# Friends have given parts of it; a seat costs the same for all; another shop made its price.
FIXED = ("chip_in", "team", "resale")
LEAST = 1  # a fen
MOST_TOLD = 3  # changes of one order; its page shows them all


class Price(msgspec.Struct, frozen=True):
    """What the seller wants from now on, and the total that his page showed."""

    goods: Money
    postage: Money
    seen: Money
    reason: str


def may_change(order: Order) -> bool:
    """Whether a seller may change what this order costs."""
    return order.status in CHANGEABLE and order.kind not in FIXED and not order.held_minor


async def reprice(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    price: Price,
    *,
    person_id: UUID,
    at: datetime,
) -> Order:
    """The order costs this much from now on, and its buyer is told why.

    The same price again changes nothing. Raises Refused: reason_missing, price_out_of_range,
    price_not_changeable, price_changed(now=, seen=) when another page was quicker.
    """
    order = await orders.lock(conn, shop_id, order_id)
    total = price.goods + price.postage
    if not price.reason:
        raise Refused("reason_missing")
    most = quotes.MOST_MINOR.get(total.currency, total.minor)  # as of any order
    if min(price.goods.minor, price.postage.minor) < 0 or not LEAST <= total.minor <= most:
        raise Refused("price_out_of_range")
    if not may_change(order):
        raise Refused("price_not_changeable", number=order.number)
    if (order.goods_now, order.shipping) == (price.goods, price.postage):
        return order
    if order.total != price.seen:
        raise Refused("price_changed", now=order.total, seen=price.seen)
    changed = await orders.reprice(conn, shop_id, order_id, price.goods, price.postage)
    assert changed is not None, order_id
    change = price_changes.Change(price.goods, price.postage, order.total, price.reason, at)
    await price_changes.keep(conn, changed, change, person_id)
    await shop_acts.note(
        conn, shop_id, person_id, "price_changed", at=at, subject=str(order_id), number=order.number
    )
    facts = {"before": order.total_minor, "now": total.minor, "why": price.reason}
    await order_events.tell(conn, shop_id, order_id, "price_changed", by="seller", at=at, **facts)
    await paying.close_attempts(conn, shop_id, order_id, at)
    if await _may_tell(conn, changed, at):
        await telling.buyer(
            conn, changed, "order_repriced", at, occasion=at.isoformat(), before=order.total,
            why=price.reason,
        )  # fmt: skip
    return changed


async def _may_tell(conn: db.Connection, order: Order, at: datetime) -> bool:
    """Whether the phone of this order, which may be a stranger's, rings for this change too."""
    if len(await price_changes.of_order(conn, order)) > MOST_TOLD:
        return False
    return await texting.take_of_order(conn, order, at)


async def call_off(
    conn: db.Connection, shop_id: int, order_id: UUID, reason: str, at: datetime
) -> Order:
    """The seller does not sell it after all; nothing was paid, or the parts of friends go back.
    Raises Refused: reason_missing, not_cancellable."""
    if not reason:
        raise Refused("reason_missing")
    order = await paying.withdraw(conn, shop_id, order_id, at, seller_says=reason)
    await telling.buyer(conn, order, "order_called_off", at, why=reason)
    return order
