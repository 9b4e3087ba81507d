"""Refunds: money on its way back to exactly the payment it came from."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.money import Money
from littleshop.pay.payments import Payment


class Refund(msgspec.Struct, frozen=True):
    """asked -> done. `paid_from` is the account the money leaves: escrow or suspense."""

    shop_id: int
    refund_id: UUID
    payment_id: UUID
    order_id: UUID
    reference: str
    amount_minor: int
    currency: str
    reason: str
    paid_from: str
    case_id: UUID | None
    status: str
    asked_at: datetime
    done_at: datetime | None

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


COLUMNS = ", ".join(Refund.__struct_fields__)


async def ask(
    conn: db.Connection,
    payment: Payment,
    amount: Money,
    *,
    refund_id: UUID,
    reason: str,
    paid_from: str,
    case_id: UUID | None = None,
    at: datetime,
) -> Refund:
    """Write a refund under its id; the first asking stands."""
    await db.run(
        conn,
        "insert into refunds (shop_id, refund_id, payment_id, order_id, reference, amount_minor,"
        " currency, reason, paid_from, case_id, asked_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        " on conflict on constraint refunds_pkey do nothing",
        payment.shop_id,
        refund_id,
        payment.payment_id,
        payment.order_id,
        ids.reference(),
        amount.minor,
        amount.currency,
        reason,
        paid_from,
        case_id,
        at,
    )
    refund = await get(conn, payment.shop_id, refund_id)
    assert refund is not None
    return refund


async def get(conn: db.Connection, shop_id: int, refund_id: UUID) -> Refund | None:
    """A refund of this shop."""
    return await db.one(
        conn,
        Refund,
        f"select {COLUMNS} from refunds where shop_id = $1 and refund_id = $2",
        shop_id,
        refund_id,
    )


async def by_reference(conn: db.Connection, shop_id: int, reference: str) -> Refund | None:
    """A refund of this shop by its reference."""
    return await db.one(
        conn,
        Refund,
        f"select {COLUMNS} from refunds where shop_id = $1 and reference = $2",
        shop_id,
        reference,
    )


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> list[Refund]:
    """Every refund of an order's payments."""
    return await db.all(
        conn,
        Refund,
        f"select {COLUMNS} from refunds where shop_id = $1 and order_id = $2 order by asked_at",
        shop_id,
        order_id,
    )


async def going_back(conn: db.Connection, shop_id: int, order_id: UUID) -> int:
    """What of an order's escrow was asked to go back and is not done, minor units."""
    minor = await db.value(
        conn,
        "select coalesce(sum(amount_minor), 0)::bigint from refunds where shop_id = $1"
        " and order_id = $2 and status = 'asked' and paid_from = 'escrow'",
        shop_id,
        order_id,
    )
    return int(minor)


async def finish(conn: db.Connection, shop_id: int, refund_id: UUID, at: datetime) -> Refund | None:
    """asked -> done; None when it was done already."""
    return await db.one(
        conn,
        Refund,
        "update refunds set status = 'done', done_at = $3"
        f" where shop_id = $1 and refund_id = $2 and status = 'asked' returning {COLUMNS}",
        shop_id,
        refund_id,
        at,
    )


async def unsent(conn: db.Connection, asked_before: datetime, most: int = 500) -> list[Refund]:
    """Refunds of all shops that were asked for before this moment and are not done."""
    return await db.all(
        conn,
        Refund,
        f"select {COLUMNS} from refunds /* all shops: the worker's sweep */"
        " where status = 'asked' and asked_at < $1 order by asked_at limit $2",
        asked_before,
        most,
    )
