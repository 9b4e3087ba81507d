"""What the platform takes of a sale, as the seller reads it, now and from a day that is set."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from littleshop import db
from littleshop.clock import SHANGHAI
from littleshop.shop.shops import Shop
from littleshop.trade import fees
from littleshop.trade.fees import Rate
from littleshop.web import rates


async def told(conn: db.Connection, shop: Shop, locale: str, at: datetime) -> dict[str, Any]:
    """The rates of today by rail, and what begins next; `free` when nothing is taken."""
    now = await _at(conn, shop, locale, at)
    later = await fees.next_moment(conn, shop.shop_id, shop.currency, at)
    then = None
    if later is not None:
        then = await _at(conn, shop, locale, later)
        then = then | {"on": later.astimezone(SHANGHAI).date()} if then != now else None
    return now | {"then": then}


async def _at(conn: db.Connection, shop: Shop, locale: str, at: datetime) -> dict[str, Any]:
    schedule = await fees.in_force(conn, shop.shop_id, shop.currency, at)
    agreed: dict[str, Rate] = {fees.EVERY_RAIL: Rate(shop.commission_bps)}
    if schedule is not None:
        agreed = (await fees.rates(conn, [schedule.schedule_id]))[schedule.schedule_id]
    return {
        "name": schedule.name if schedule else "",
        "own": schedule is not None and schedule.of_shop_id == shop.shop_id,
        "free": all(each == Rate() for each in agreed.values()),
        "rows": rates.rows(locale, agreed, shop.currency),
    }
