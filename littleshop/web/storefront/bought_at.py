"""In which shop an order was bought, where another ships it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from littleshop import db, i18n
from littleshop.sale import reselling
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.supply import resales
from littleshop.trade.orders import Order
from littleshop.web.storefront.views import ShopView


async def shop_of(conn: db.Connection, order: Order) -> Shop | None:
    """The shop that sold an order; None where that is the one that ships it."""
    if order.kind != reselling.KIND:
        return None
    resale = await resales.of_order(conn, order.shop_id, order.order_id)
    return await shops.find(conn, resale.sold_by_shop_id) if resale else None


async def names(conn: db.Connection, found: Sequence[Order]) -> dict[UUID, str]:
    """The names of the shops in which these orders were bought, where others ship them."""
    places = [(each.shop_id, each.order_id) for each in found if each.kind == reselling.KIND]
    if not places:
        return {}
    told = await resales.sellers_of(conn, places)
    known = await shops.names(conn, list(set(told.values())))
    return {order_id: known.get(seller, "") for (_, order_id), seller in told.items()}


def face(seller: ShopView, shipper: str) -> ShopView:
    """The shop he knows; of parcel and money the page speaks with the name of who ships."""
    return msgspec.structs.replace(seller, seller=shipper)


def note(locale: str, seller: Shop, supplier: Shop) -> str:
    """Where it was bought and who ships it."""
    return i18n.t(locale, "resale.order.ships", seller=seller.name, shop=supplier.name)
