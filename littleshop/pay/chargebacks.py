"""Chargebacks: the buyer's bank takes a payment back, and the rail says how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.money import Money
from littleshop.pay.payments import Payment


class Chargeback(msgspec.Struct, frozen=True):
    """open -> won | lost. `unbooked_minor` had gone back to the buyer already: our own loss.
    `found_minor` was taken for that too, until the rail said that a refund was never made.
    `dispute` is the rail's number of it, empty where it gives none."""

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
    dispute: str = ""
    found_minor: int = 0

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


_COLUMNS = ", ".join(Chargeback.__struct_fields__)


async def open(
    conn: db.Connection, payment: Payment, amount: Money, at: datetime, dispute: str = ""
) -> Chargeback | None:
    """Write a chargeback of a locked payment; None when this dispute is known, open or ended."""
    if await find(conn, payment, dispute) is not None:
        return None
    return await db.the_one(
        conn,
        Chargeback,
        "insert into chargebacks (shop_id, chargeback_id, payment_id, order_id, amount_minor,"
        " currency, opened_at, dispute) values ($1, $2, $3, $4, $5, $6, $7, $8)"
        f" returning {_COLUMNS}",
        payment.shop_id,
        ids.derived(payment.payment_id, f"chargeback/{dispute}" if dispute else "chargeback"),
        payment.payment_id,
        payment.order_id,
        amount.minor,
        amount.currency,
        at,
        dispute,
    )


async def find(conn: db.Connection, payment: Payment, dispute: str = "") -> Chargeback | None:
    """A chargeback of this payment by the rail's number of it. An open one without a number is
    taken for it: it was written before numbers were kept."""
    return await db.one(
        conn,
        Chargeback,
        f"select {_COLUMNS} from chargebacks where shop_id = $1 and payment_id = $2"
        " and (dispute = $3 or (dispute = '' and status = 'open'))"
        " order by dispute desc limit 1",
        payment.shop_id,
        payment.payment_id,
        dispute,
    )


async def open_for_refund(conn: db.Connection, shop_id: int, refund_id: UUID) -> bool:
    """Whether a bank is taking back the payment that a refund is of, and that pays its order. Of
    one that was returned no end of a dispute decides about refunds."""
    return bool(
        await db.value(
            conn,
            "select exists (select from refunds r join chargebacks c on c.shop_id = r.shop_id"
            "  and c.payment_id = r.payment_id join payments p on p.shop_id = r.shop_id"
            "  and p.payment_id = r.payment_id and p.outcome = 'accepted'"
            " where r.shop_id = $1 and r.refund_id = $2 and c.status = 'open')",
            shop_id,
            refund_id,
        )
    )


async def lost_after(conn: db.Connection, payment: Payment, at: datetime) -> list[Chargeback]:
    """The chargebacks of a payment that were lost after a moment, the oldest first."""
    return await db.all(
        conn,
        Chargeback,
        f"select {_COLUMNS} from chargebacks where shop_id = $1 and payment_id = $2"
        " and status = 'lost' and ended_at > $3 order by opened_at, chargeback_id",
        payment.shop_id,
        payment.payment_id,
        at,
    )


async def find_loss(conn: db.Connection, lost: Sequence[Chargeback], most: Money) -> Money:
    """Up to so much of what the platform bears of these, of a locked payment, had not gone back:
    it is borne no more. How much that was."""
    left = most
    for chargeback in lost:
        part = Money(min(chargeback.unbooked_minor, left.minor), left.currency)
        if part:
            await _find_loss(conn, chargeback, part)
            left -= part
    return most - left


async def _find_loss(conn: db.Connection, chargeback: Chargeback, part: Money) -> None:
    await db.run(
        conn,
        "update chargebacks set unbooked_minor = unbooked_minor - $3,"
        " found_minor = found_minor + $3 where shop_id = $1 and chargeback_id = $2",
        chargeback.shop_id,
        chargeback.chargeback_id,
        part.minor,
    )


async def open_of(conn: db.Connection, shop_id: int, order_id: UUID) -> Chargeback | None:
    """The oldest open chargeback of the payment that pays an order, if any. One of a payment that
    was returned concerns the order no more."""
    return await db.one(
        conn,
        Chargeback,
        f"select {', '.join('c.' + name for name in Chargeback.__struct_fields__)}"
        " from chargebacks c"
        " join payments p on p.shop_id = c.shop_id and p.payment_id = c.payment_id"
        " where c.shop_id = $1 and c.order_id = $2 and c.status = 'open'"
        " and p.outcome = 'accepted' order by c.opened_at limit 1",
        shop_id,
        order_id,
    )


class Shown(msgspec.Struct, frozen=True):
    """A chargeback as the operator's desk shows it."""

    chargeback: Chargeback
    gateway: str
    outcome: str
    shop: str
    number: int

    @property
    def borne(self) -> Money:
        """What the platform bears of it."""
        return Money(self.chargeback.unbooked_minor, self.chargeback.currency)


async def shown(conn: db.Connection, most: int = 50) -> list[Shown]:
    """What waits at a bank, and what the platform bears, of all shops: the newest first."""
    rows = await conn.fetch(
        f"select /* all shops: the operator's desk */"
        f" {', '.join('c.' + name for name in Chargeback.__struct_fields__)},"
        " p.gateway, p.outcome, s.name as shop, o.number from chargebacks c"
        " join payments p on p.shop_id = c.shop_id and p.payment_id = c.payment_id"
        " join shops s on s.shop_id = c.shop_id"
        " join orders o on o.shop_id = c.shop_id and o.order_id = c.order_id"
        " where c.status = 'open' or c.unbooked_minor > 0"
        " order by c.opened_at desc limit $1",
        most,
    )
    own = Chargeback.__struct_fields__
    return [
        Shown(
            Chargeback(**{name: row[name] for name in own}),
            **{name: row[name] for name in ("gateway", "outcome", "shop", "number")},
        )
        for row in rows
    ]


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
