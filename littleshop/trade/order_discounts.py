"""What was taken off an order: each part with its reason, as it was when it was placed."""

from __future__ import annotations

import msgspec

from littleshop import db
from littleshop.trade.orders import Order


class OrderDiscount(msgspec.Struct, frozen=True):
    """A row of order_discounts; `floored`: the cost of the goods kept it from being more."""

    kind: str
    reason: str
    label: str
    amount_minor: int
    floored: bool


async def of_order(conn: db.Connection, order: Order) -> list[OrderDiscount]:
    """Everything that was off an order, in the order in which it was worked out."""
    if not order.discount_minor and order.shipping_minor:
        return []  # as of most: nothing is asked
    return await db.all(
        conn,
        OrderDiscount,
        "select kind, reason, label, amount_minor, floored from order_discounts"
        " where shop_id = $1 and order_id = $2 order by position",
        order.shop_id,
        order.order_id,
    )
