"""Of an order that another shop sold: who, and what of it is hers."""

from __future__ import annotations

from typing import Any

import msgspec

from littleshop import db
from littleshop.money import Money
from littleshop.sale import reselling, sharing_out
from littleshop.shop import shops
from littleshop.supply import resales
from littleshop.supply.resales import Resale
from littleshop.trade.fees import Rate
from littleshop.trade.orders import Order


class SoldBy(msgspec.Struct, frozen=True):
    """The shop that sold an order of ours."""

    name: str
    resale: Resale


async def of(conn: db.Connection, order: Order) -> SoldBy | None:
    """Who sold an order; None for one of the shop's own."""
    if order.kind != reselling.KIND:
        return None
    resale = await resales.of_order(conn, order.shop_id, order.order_id)
    if resale is None:
        return None
    seller = await shops.find(conn, resale.sold_by_shop_id)
    return SoldBy(seller.name if seller else "", resale)


def margin(sold: SoldBy | None, order: Order, rate: Rate, kept: Money) -> Money:
    """What of the kept part of an order is hers."""
    nothing = Money(0, order.currency)
    return sharing_out.between(order, rate, sold.resale if sold else None, nothing, kept).margin


def told(sold: SoldBy | None, order: Order, rate: Rate, kept: Money) -> dict[str, Any]:
    """The same for the order's page."""
    hers = margin(sold, order, rate, kept)
    return {"sold_by": sold.name if sold else "", "margin": -hers if hers else None}
