"""Takers: the orders that took of a claim, whatever became of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.money import Money


class Taker(msgspec.Struct, frozen=True):
    """An order that took a use: where it stands, and whether `device` placed it."""

    order_id: UUID
    number: int
    status: str
    total_minor: int
    currency: str
    placed_at: datetime
    paid_at: datetime | None
    cancelled_at: datetime | None
    refunded_at: datetime | None
    waited: bool  # somebody else was asked to pay it
    own: bool

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)


async def of(
    conn: db.Connection, shop_id: int, claim_id: UUID, device: bytes | None = None
) -> list[Taker]:
    """The orders by which an invitation was taken up or a team joined, the first one first."""
    return await db.all(
        conn,
        Taker,
        "select o.order_id, o.number, o.status, o.total_minor, o.currency, o.placed_at, o.paid_at,"
        "       o.cancelled_at, o.refunded_at, o.waited,"
        "       exists (select from order_devices d where d.shop_id = $1"
        "         and d.order_id = o.order_id and d.device = $3) as own"
        "  from order_claims k join orders o on o.shop_id = $1 and o.order_id = k.order_id"
        " where k.shop_id = $1 and k.claim_id = $2 order by o.number",
        shop_id,
        claim_id,
        device,
    )
