"""Who else has a part of an order: the shop that sold it, or those whose shares brought its
buyer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from littleshop import db
from littleshop.money import Money
from littleshop.sale import reselling, sharing_out
from littleshop.sale.sharing_out import Shares
from littleshop.shop import shops
from littleshop.social.referrals import Referral
from littleshop.supply import resales
from littleshop.supply.resales import Resale
from littleshop.trade import fees
from littleshop.trade.fees import Rate
from littleshop.trade.orders import Order


class SoldBy(msgspec.Struct, frozen=True):
    """The shop that sold an order of ours (`name`), or the shops of its sharers; `names` of these
    by their numbers."""

    name: str = ""
    resale: Resale | None = None
    referred: Sequence[Referral] = ()
    names: Mapping[int, str] = {}


async def of(conn: db.Connection, order: Order) -> SoldBy | None:
    """Who has a part of an order; None when it is all the shop's own."""
    if order.kind != reselling.KIND:
        found = await sharing_out.referrals_of(conn, order)
        names = await shops.names(conn, [each.earner_shop_id for each in found]) if found else {}
        return SoldBy(referred=found, names=names) if found else None
    resale = await resales.of_order(conn, order.shop_id, order.order_id)
    if resale is None:
        return None
    seller = await shops.find(conn, resale.sold_by_shop_id)
    return SoldBy(seller.name if seller else "", resale)


def _shares(sold: SoldBy, order: Order, rate: Rate, kept: Money) -> Shares:
    nothing = Money(0, order.currency)
    return sharing_out.between(order, rate, sold.resale, nothing, kept, sold.referred)


def others(sold: SoldBy | None, order: Order, rate: Rate, kept: Money) -> Money:
    """What of the kept part of an order is other shops'."""
    if sold is None:
        return Money(0, order.currency)
    parts = _shares(sold, order, rate, kept)
    return parts.margin + parts.referred


async def name(conn: db.Connection, order: Order) -> str:
    """The shop that sold an order, as its buyer knew it then; "" for one of ours."""
    return (await resales.sold_by(conn, order.shop_id, [order.order_id])).get(order.order_id, "")


async def share(conn: db.Connection, order: Order, kept: Money) -> Money:
    """What of the kept part of an order is its seller's: less our fee and what is other shops'."""
    rate = await fees.of_order(conn, order)
    return kept - rate.of(kept) - others(await of(conn, order), order, rate, kept)


def told(sold: SoldBy | None, order: Order, rate: Rate, kept: Money) -> dict[str, Any]:
    """The same for the order's page."""
    if sold is None:
        return {"sold_by": "", "margin": None, "sharers": []}
    parts = _shares(sold, order, rate, kept)
    return {
        "sold_by": sold.name,
        "margin": -parts.margin if parts.margin else None,
        "sharers": [
            {
                "name": sold.names.get(each.referral.earner_shop_id, ""),
                "earner": each.referral.earner_shop_id,
                "level": each.referral.level,
                "amount": -each.amount,
                "state": {"received": "frozen", "closed": "theirs"}.get(order.status, "coming"),
            }
            for each in parts.given
            if each.amount
        ],
    }
