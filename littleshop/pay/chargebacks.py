"""Chargebacks: the buyer's bank takes a payment back, and the rail says how it ended."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.money import Money
from littleshop.pay.payments import Payment


class Chargeback(msgspec.Struct, frozen=True):
    """open -> won | lost. `unbooked_minor` had gone back to the buyer already: our own loss."""

    shop_id: int
    chargeback_id: UUID
    payment_id: UUID
    order_id: UUID
    amount_minor: int
    unbooked_minor: int
    currency: str
    status: str
    opened_at: datetime
    ended_at: datetime | None

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


_COLUMNS = ", ".join(Chargeback.__struct_fields__)


async def open(
    conn: db.Connection, payment: Payment, amount: Money, at: datetime
) -> Chargeback | None:
    """Write a chargeback; None when the payment has an open one, or one that ended."""
    return await db.one(
        conn,
        Chargeback,
        "insert into chargebacks (shop_id, chargeback_id, payment_id, order_id, amount_minor,"
        " currency, opened_at) values ($1, $2, $3, $4, $5, $6, $7)"
        f" on conflict on constraint chargebacks_pkey do nothing returning {_COLUMNS}",
        payment.shop_id,
        ids.derived(payment.payment_id, "chargeback"),
        payment.payment_id,
        payment.order_id,
        amount.minor,
        amount.currency,
        at,
    )


async def open_of(conn: db.Connection, shop_id: int, order_id: UUID) -> Chargeback | None:
    """The open chargeback of an order, if any."""
    return await db.one(
        conn,
        Chargeback,
        f"select {_COLUMNS} from chargebacks"
        " where shop_id = $1 and order_id = $2 and status = 'open'",
        shop_id,
        order_id,
    )


async def end(
    conn: db.Connection, chargeback: Chargeback, status: str, unbooked: int, at: datetime
) -> bool:
    """open -> won or lost; False when it had ended."""
    return (
        await db.run(
            conn,
            "update chargebacks set status = $3, unbooked_minor = $4, ended_at = $5"
            " where shop_id = $1 and chargeback_id = $2 and status = 'open'",
            chargeback.shop_id,
            chargeback.chargeback_id,
            status,
            unbooked,
            at,
        )
        == 1
    )
