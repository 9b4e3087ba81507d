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
from littleshop.supply.resale_offers import Partner
from littleshop.trade.orders import Order
from littleshop.web.storefront import views
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


def face(sold_by: Shop | None, supplier: Shop, locale: str | None = None) -> ShopView:
    """The shop that a page about an order wears: the one its buyer knows. Who sees to what is wrong
    with it is named as its `seller`: that is who ships."""
    seen = views.shop(supplier, locale)
    if sold_by is None:
        return seen
    return msgspec.structs.replace(views.shop(sold_by, locale), seller=seen.seller)


def shipper(locale: str, supplier: Shop | Partner) -> str:
    """A shop that ships what another sells, with the name of who keeps it."""
    if not supplier.seller or supplier.seller == supplier.name:
        return supplier.name
    return i18n.t(locale, "bought.shipper", shop=supplier.name, seller=supplier.seller)


def note(locale: str, seller: Shop, supplier: Shop) -> str:
    """Where it was bought and who ships it."""
    by = shipper(locale, supplier)
    return i18n.t(locale, "resale.order.ships", seller=seller.name, shop=by)
