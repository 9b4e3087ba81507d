"""Returned goods: what came back by a request, taken in by who unpacked it, and what is awaited."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db


class TakenIn(msgspec.Struct, frozen=True):
    """A row of returned_goods: so many pieces can be sold again, so many cannot."""

    good: int
    spoilt: int
    taken_by: UUID
    taken_at: datetime


class Awaited(msgspec.Struct, frozen=True):
    """A parcel on its way back, and the order that its goods are of."""

    case_id: UUID
    order_id: UUID
    number: int
    carrier: str
    tracking_number: str
    sent_back_at: datetime


async def of_case(conn: db.Connection, shop_id: int, case_id: UUID) -> TakenIn | None:
    """What was taken in of a request; None while nobody did."""
    return await db.one(
        conn,
        TakenIn,
        "select good, spoilt, taken_by, taken_at from returned_goods"
        " where shop_id = $1 and case_id = $2",
        shop_id,
        case_id,
    )


async def write(conn: db.Connection, shop_id: int, case_id: UUID, taken: TakenIn) -> None:
    """Write down what came of a locked request, once."""
    await db.run(
        conn,
        "insert into returned_goods (shop_id, case_id, good, spoilt, taken_by, taken_at)"
        " values ($1, $2, $3, $4, $5, $6)",
        shop_id,
        case_id,
        taken.good,
        taken.spoilt,
        taken.taken_by,
        taken.taken_at,
    )


async def awaited(conn: db.Connection, shop_id: int) -> list[Awaited]:
    """What buyers gave to a courier and nobody took in, the longest on its way first."""
    return await db.all(
        conn,
        Awaited,
        "select c.case_id, c.order_id, o.number, c.carrier, c.tracking_number, c.sent_back_at"
        "  from cases c"
        "  join orders o on o.shop_id = c.shop_id and o.order_id = c.order_id"
        " where c.shop_id = $1 and c.status = 'sent_back'"
        "   and not exists (select from returned_goods g"
        "                    where g.shop_id = c.shop_id and g.case_id = c.case_id)"
        " order by c.sent_back_at, c.case_id",
        shop_id,
    )
