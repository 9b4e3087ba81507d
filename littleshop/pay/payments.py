"""Payments: one attempt to pay one order over one rail, under a reference of ours."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.money import Money
from littleshop.pay.gateways import Notice


class Payment(msgspec.Struct, frozen=True):
    """asked -> paid | closed; closed -> paid when the buyer was quicker than the closing.

    A paid one has an outcome: accepted (it pays the order) or returned (it goes back in full).
    `refunded_minor` is what was asked to go back, done or not. `held_for` is the sub-merchant at
    whose account an institution holds it; None: it came to the platform's own.
    """

    shop_id: int
    payment_id: UUID
    order_id: UUID
    gateway: str
    method: str
    reference: str
    amount_minor: int
    currency: str
    status: str
    outcome: str | None
    paid_minor: int | None
    paid_currency: str | None
    refunded_minor: int
    gateway_trade_no: str | None
    code_url: str | None
    asked_at: datetime
    expires_at: datetime
    queried_at: datetime | None
    paid_at: datetime | None
    held_for: str | None
    part_id: UUID | None  # of an order that several chip in for: whose part

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def paid(self) -> Money:
        """What came, which need not be what was asked. Only of a paid one."""
        assert self.paid_minor is not None and self.paid_currency is not None, self.reference
        return Money(self.paid_minor, self.paid_currency)


COLUMNS = ", ".join(Payment.__struct_fields__)


async def ask(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    amount: Money,
    *,
    gateway: str,
    method: str,
    expires_at: datetime,
    held_for: str | None = None,
    part_id: UUID | None = None,
    at: datetime,
) -> Payment:
    """The open attempt by this gateway and method, or a new one with its reference written first.

    The reference's owner is kept in its own-key table, so that a notice finds the shop.
    """
    wanted = (shop_id, order_id, gateway, method, amount.minor, held_for, part_id)
    open_one = await db.one(
        conn,
        Payment,
        f"select {COLUMNS} from payments where shop_id = $1 and order_id = $2 and gateway = $3"
        " and method = $4 and amount_minor = $5 and held_for is not distinct from $6"
        " and part_id is not distinct from $7 and status = 'asked' and expires_at > $8 limit 1",
        *wanted,
        at,
    )
    if open_one is not None:
        return open_one
    reference, payment_id = ids.reference(), ids.uuid7(at)
    await db.run(
        conn,
        "insert into payment_references (reference, shop_id, payment_id) values ($1, $2, $3)",
        reference, shop_id, payment_id,
    )  # fmt: skip
    return await db.the_one(
        conn,
        Payment,
        "insert into payments (shop_id, order_id, gateway, method, amount_minor, held_for,"
        " part_id, currency, payment_id, reference, asked_at, expires_at)"
        f" values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning {COLUMNS}",
        *wanted,
        amount.currency,
        payment_id,
        reference,
        at,
        expires_at,
    )


async def shop_of(conn: db.Connection, reference: str) -> int | None:
    """Whose payment a reference is; None for one that is not ours."""
    shop_id = await db.value(
        conn, "select shop_id from payment_references where reference = $1", reference
    )
    return None if shop_id is None else int(shop_id)


async def told_of(conn: db.Connection, notice: Notice) -> Payment | None:
    """The payment a notice speaks of: by our reference, or by the rail's number where it has none
    of ours (a dispute). None for one that is not ours."""
    if notice.reference:
        shop_id = await shop_of(conn, notice.reference)
        return None if shop_id is None else await get(conn, shop_id, notice.reference)
    return await db.one(
        conn,
        Payment,
        f"select /* all shops: the rail names no shop */ {COLUMNS} from payments"
        " where gateway = $1 and gateway_trade_no = $2 and status = 'paid'",
        notice.gateway,
        notice.gateway_trade_no,
    )


async def get(conn: db.Connection, shop_id: int, reference: str) -> Payment | None:
    """A payment of this shop by its reference."""
    return await db.one(
        conn,
        Payment,
        f"select {COLUMNS} from payments where shop_id = $1 and reference = $2",
        shop_id,
        reference,
    )


async def lock(conn: db.Connection, shop_id: int, reference: str) -> Payment:
    """The payment, locked until the transaction ends. It must exist."""
    return await db.the_one(
        conn,
        Payment,
        f"select {COLUMNS} from payments where shop_id = $1 and reference = $2 for no key update",
        shop_id,
        reference,
    )


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> list[Payment]:
    """Every attempt to pay an order, the first one first."""
    return await db.all(
        conn,
        Payment,
        f"select {COLUMNS} from payments where shop_id = $1 and order_id = $2 order by asked_at",
        shop_id,
        order_id,
    )


async def keep_code(conn: db.Connection, shop_id: int, reference: str, code_url: str) -> None:
    """Remember what the rail wants drawn as a QR code."""
    await db.run(
        conn,
        "update payments set code_url = $3 where shop_id = $1 and reference = $2",
        shop_id,
        reference,
        code_url,
    )


async def succeed(
    conn: db.Connection,
    shop_id: int,
    reference: str,
    *,
    outcome: str,
    paid: Money,
    gateway_trade_no: str,
    at: datetime,
) -> Payment | None:
    """asked or closed -> paid; None when it was paid already."""
    return await db.one(
        conn,
        Payment,
        "update payments set status = 'paid', outcome = $3, paid_minor = $4,"
        " paid_currency = $7, gateway_trade_no = $5, paid_at = $6"
        " where shop_id = $1 and reference = $2"
        f" and status in ('asked', 'closed') returning {COLUMNS}",
        shop_id,
        reference,
        outcome,
        paid.minor,
        gateway_trade_no,
        at,
        paid.currency,
    )


async def give_back(conn: db.Connection, shop_id: int, payment_id: UUID, amount: Money) -> bool:
    """So much of a paid one is to go back; False when that is more than is left of it."""
    return await db.changed(
        conn,
        "update payments set refunded_minor = refunded_minor + $3"
        " where shop_id = $1 and payment_id = $2 and refunded_minor + $3 <= paid_minor",
        shop_id,
        payment_id,
        amount.minor,
    )


async def keep(conn: db.Connection, shop_id: int, payment_id: UUID, amount: Money) -> None:
    """So much of one does not go back after all."""
    await db.run(
        conn,
        "update payments set refunded_minor = refunded_minor - $3"
        " where shop_id = $1 and payment_id = $2",
        shop_id,
        payment_id,
        amount.minor,
    )


async def accepted(conn: db.Connection, shop_id: int, order_id: UUID) -> Payment:
    """The payment that pays an order. It must exist."""
    return await db.the_one(
        conn,
        Payment,
        f"select {COLUMNS} from payments where shop_id = $1 and order_id = $2"
        " and outcome = 'accepted'",
        shop_id,
        order_id,
    )


async def taken_for(conn: db.Connection, shop_id: int, order_id: UUID) -> list[Payment]:
    """The payments that pay an order, the last one first: one, or those of its parts."""
    return await db.all(
        conn,
        Payment,
        f"select {COLUMNS} from payments where shop_id = $1 and order_id = $2"
        " and outcome = 'accepted' order by paid_at desc, payment_id desc",
        shop_id,
        order_id,
    )


async def part_is_paid(conn: db.Connection, shop_id: int, part_id: UUID) -> bool:
    """Whether this part of an order has its payment: a second one is a duplicate."""
    return bool(
        await db.value(
            conn,
            "select exists (select from payments where shop_id = $1 and part_id = $2"
            " and outcome = 'accepted')",
            shop_id,
            part_id,
        )
    )


async def close(conn: db.Connection, shop_id: int, reference: str) -> bool:
    """asked -> closed; False when it was not open."""
    return await db.changed(
        conn,
        "update payments set status = 'closed'"
        " where shop_id = $1 and reference = $2 and status = 'asked'",
        shop_id,
        reference,
    )


async def open_since(conn: db.Connection, gateway: str, since: datetime) -> list[Payment]:
    """Attempts of all shops over one rail that were begun since then and are not paid."""
    return await db.all(
        conn,
        Payment,
        f"select {COLUMNS} from payments /* all shops: after a restore the rail is asked */"
        " where gateway = $1 and status in ('asked', 'closed') and asked_at >= $2"
        " order by asked_at",
        gateway,
        since,
    )


async def overdue(conn: db.Connection, at: datetime, most: int = 200) -> list[Payment]:
    """Open attempts of all shops whose time is up and whose rail should be asked (again).

    The wait doubles: a rail that does not know is asked after ten minutes, twenty, forty.
    """
    return await db.all(
        conn,
        Payment,
        f"select {COLUMNS} from payments /* all shops: the worker's sweep */"
        " where status = 'asked' and expires_at <= $1"
        " and (queried_at is null or $1 - queried_at"
        "      > greatest(interval '10 minutes', queried_at - expires_at))"
        " order by queried_at nulls first, expires_at limit $2",
        at,
        most,
    )


async def claim_question(
    conn: db.Connection, payment: Payment, asked_before: datetime, at: datetime
) -> bool:
    """Take it on oneself to have the rail asked; False when that was done since `asked_before`."""
    return await db.changed(
        conn,
        "update payments set queried_at = $4 where shop_id = $1 and reference = $2"
        " and status = 'asked' and (queried_at is null or queried_at < $3)",
        payment.shop_id,
        payment.reference,
        asked_before,
        at,
    )
