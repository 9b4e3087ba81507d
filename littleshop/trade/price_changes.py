"""Price changes: how a seller changed what an unpaid order costs, and why; they only grow."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.money import Money
from littleshop.trade.orders import Order


class Change(msgspec.Struct, frozen=True):
    """What the buyer pays for goods and postage since, and the total until then."""

    goods: Money
    postage: Money
    before: Money
    reason: str
    at: datetime

    @property
    def total(self) -> Money:
        return self.goods + self.postage


async def keep(conn: db.Connection, order: Order, change: Change, person_id: UUID) -> None:
    """Write down that the price of an order was changed, and by whom."""
    await db.run(
        conn,
        "insert into price_changes (shop_id, order_id, change_id, goods_minor, postage_minor,"
        " before_minor, total_minor, reason, person_id, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        order.shop_id,
        order.order_id,
        ids.uuid7(change.at),
        change.goods.minor,
        change.postage.minor,
        change.before.minor,
        change.total.minor,
        change.reason,
        person_id,
        change.at,
    )


class _Row(msgspec.Struct, frozen=True):
    goods_minor: int
    postage_minor: int
    before_minor: int
    reason: str
    at: datetime


async def of_order(conn: db.Connection, order: Order) -> list[Change]:
    """How the price of an order was changed, the first one first."""
    rows = await db.all(
        conn,
        _Row,
        "select goods_minor, postage_minor, before_minor, reason, at from price_changes"
        " where shop_id = $1 and order_id = $2 order by at, change_id",
        order.shop_id,
        order.order_id,
    )
    return [
        Change(
            Money(row.goods_minor, order.currency),
            Money(row.postage_minor, order.currency),
            Money(row.before_minor, order.currency),
            row.reason,
            row.at,
        )
        for row in rows
    ]
