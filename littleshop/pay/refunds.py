"""Refunds: money on its way back to exactly the payment it came from."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.money import Money
from littleshop.pay.payments import Payment


class Refund(msgspec.Struct, frozen=True):
    """asked -> done; asked -> stuck when the rail cannot deliver it, which waits for an operator:
    stuck -> asked again, or done by hand; done or stuck -> failed: another one takes its place.

    `paid_from` is the account the money leaves: escrow or suspense. `redirect` says to whom the
    rail was asked to send one that it could not deliver: to the buyer's card, or back to us.
    `return_*` is our commission going back to the seller's account before a refund of what was
    released there; `advanced_at`: the platform pays it for the seller, who has too little there,
    or has paid it: in the end the rail says who did.
    """

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
    replaces: UUID | None = None
    redirect: str = ""
    done_by: str = "rail"
    stuck_at: datetime | None = None
    return_reference: str | None = None
    return_minor: int | None = None
    returned_at: datetime | None = None
    advanced_at: datetime | None = None

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def returning(self) -> Money:
        """Our commission that goes back before it."""
        return Money(self.return_minor or 0, self.currency)


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
    """Every refund of an order's payments that is not replaced by another one."""
    return await db.all(
        conn,
        Refund,
        f"select {COLUMNS} from refunds where shop_id = $1 and order_id = $2"
        " and status <> 'failed' order by asked_at",
        shop_id,
        order_id,
    )


async def more_of_case(conn: db.Connection, refund: Refund) -> bool:
    """Whether other refunds for the same case are still under way."""
    return bool(
        await db.value(
            conn,
            "select exists (select from refunds where shop_id = $1 and case_id = $2"
            " and refund_id <> $3 and status in ('asked', 'stuck'))",
            refund.shop_id,
            refund.case_id,
            refund.refund_id,
        )
    )


async def going_back(conn: db.Connection, shop_id: int, order_id: UUID) -> int:
    """What of an order's escrow was asked to go back and is not done, minor units."""
    minor = await db.value(
        conn,
        "select coalesce(sum(amount_minor), 0)::bigint from refunds where shop_id = $1"
        " and order_id = $2 and status in ('asked', 'stuck') and paid_from = 'escrow'",
        shop_id,
        order_id,
    )
    return int(minor)


# What the rail says of who paid ($4) is true, whatever was decided; null: it does not say.
_PAID_BY = (
    "advanced_at = case when $4::boolean then coalesce(advanced_at, $3::timestamptz)"
    " when not $4 then null else advanced_at end"
)


async def finish(
    conn: db.Connection,
    shop_id: int,
    refund_id: UUID,
    at: datetime,
    *,
    advanced: bool | None = None,
) -> Refund | None:
    """asked -> done, paid by us for the seller or not as the rail says (`advanced`); None when it
    was done already."""
    return await db.one(
        conn,
        Refund,
        f"update refunds set status = 'done', done_at = $3, {_PAID_BY}"
        f" where shop_id = $1 and refund_id = $2 and status = 'asked' returning {COLUMNS}",
        shop_id,
        refund_id,
        at,
        advanced,
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


async def stick(
    conn: db.Connection,
    shop_id: int,
    refund_id: UUID,
    at: datetime,
    *,
    advanced: bool | None = None,
) -> Refund | None:
    """asked -> stuck: the rail cannot deliver it (`advanced` as in `finish`: it has the money);
    None when it was in another state."""
    return await db.one(
        conn,
        Refund,
        f"update refunds set status = 'stuck', stuck_at = $3, redirect = '', {_PAID_BY}"
        f" where shop_id = $1 and refund_id = $2 and status = 'asked' returning {COLUMNS}",
        shop_id,
        refund_id,
        at,
        advanced,
    )


async def unstick(
    conn: db.Connection, shop_id: int, refund_id: UUID, *, done_by: str = "rail"
) -> Refund | None:
    """stuck -> asked: it goes on its way again, or (done_by hand) a person carries it out."""
    return await db.one(
        conn,
        Refund,
        "update refunds set status = 'asked', done_by = $3"
        f" where shop_id = $1 and refund_id = $2 and status = 'stuck' returning {COLUMNS}",
        shop_id,
        refund_id,
        done_by,
    )


async def point(
    conn: db.Connection, shop_id: int, refund_id: UUID, to: str, *, left: tuple[str, ...]
) -> Refund | None:
    """Note where a stuck refund is to be sent; None unless it was in one of these places (`left`
    are values of `redirect`): two acts never send one refund to two places."""
    return await db.one(
        conn,
        Refund,
        "update refunds set redirect = $3 where shop_id = $1 and refund_id = $2"
        f" and status = 'stuck' and redirect = any ($4) returning {COLUMNS}",
        shop_id,
        refund_id,
        to,
        list(left),
    )


async def fail(
    conn: db.Connection, shop_id: int, refund_id: UUID, *, left: str, at: datetime
) -> Refund | None:
    """done or stuck (`left`) -> failed, for good; None when it was in another state."""
    return await db.one(
        conn,
        Refund,
        "update refunds set status = 'failed', failed_at = $3"
        f" where shop_id = $1 and refund_id = $2 and status = $4 returning {COLUMNS}",
        shop_id,
        refund_id,
        at,
        left,
    )


async def drop(
    conn: db.Connection, payment: Payment, refused: Collection[UUID], at: datetime
) -> list[Refund]:
    """asked -> failed, for good: refunds of a payment out of escrow that its rail refused, the
    first asked first, but for those that share a case with others, or of which money moved."""
    dropped = await db.all(
        conn,
        Refund,
        "update refunds r set status = 'failed', failed_at = $3"
        " where shop_id = $1 and payment_id = $2 and refund_id = any ($4) and status = 'asked'"
        "   and paid_from = 'escrow' and return_reference is null and advanced_at is null"
        "   and not exists (select from refunds o where o.shop_id = r.shop_id"
        "                      and o.case_id = r.case_id and o.refund_id <> r.refund_id"
        f"                      and o.status <> 'failed') returning {COLUMNS}",
        payment.shop_id,
        payment.payment_id,
        at,
        list(refused),
    )
    return sorted(dropped, key=lambda each: (each.asked_at, each.refund_id))


async def given_up(conn: db.Connection, payment: Payment) -> Money:
    """What of a payment's refunds was never made and is asked for no more."""
    minor = await db.value(
        conn,
        "select coalesce(sum(f.amount_minor - coalesce(n.amount_minor, 0)), 0)::bigint"
        " from refunds f left join refunds n on n.shop_id = f.shop_id and n.replaces = f.refund_id"
        " where f.shop_id = $1 and f.payment_id = $2 and f.status = 'failed' and f.done_at is null",
        payment.shop_id,
        payment.payment_id,
    )
    return Money(int(minor), payment.currency)


async def replace(
    conn: db.Connection, failed: Refund, at: datetime, *, amount: Money | None = None
) -> Refund:
    """Another refund takes the place of a failed one, of all of it or of what is still to go
    (`amount`), under a reference of its own; asked."""
    refund = await db.one(
        conn,
        Refund,
        "insert into refunds (shop_id, refund_id, payment_id, order_id, reference, amount_minor,"
        " currency, reason, paid_from, case_id, replaces, asked_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        f" returning {COLUMNS}",
        failed.shop_id,
        ids.derived(failed.refund_id, "again"),
        failed.payment_id,
        failed.order_id,
        ids.reference(),
        (amount or failed.amount).minor,
        failed.currency,
        failed.reason,
        failed.paid_from,
        failed.case_id,
        failed.refund_id,
        at,
    )
    assert refund is not None
    return refund


async def plan_return(conn: db.Connection, refund: Refund, share: Money) -> Refund:
    """Write that so much of our commission goes back first, with its reference; the first plan
    stands."""
    planned = await db.one(
        conn,
        Refund,
        "update refunds set return_reference = $3, return_minor = $4"
        " where shop_id = $1 and refund_id = $2 and return_reference is null"
        f" returning {COLUMNS}",
        refund.shop_id,
        refund.refund_id,
        ids.reference(b"return for " + refund.reference.encode()),
        share.minor,
    )
    return planned or refund


async def return_anew(conn: db.Connection, refund: Refund) -> bool:
    """The institution ended the return and moved nothing: the next asking has a new number. False
    when it has one, or when our commission has gone back."""
    assert refund.return_reference is not None
    return await db.changed(
        conn,
        "update refunds set return_reference = $4"
        " where shop_id = $1 and refund_id = $2 and return_reference = $3 and returned_at is null",
        refund.shop_id,
        refund.refund_id,
        refund.return_reference,
        ids.reference(refund.return_reference.encode()),
    )


async def mark_returned(conn: db.Connection, refund: Refund, at: datetime) -> bool:
    """Our commission has gone back; False when that was known."""
    return await db.changed(
        conn,
        "update refunds set returned_at = $3 where shop_id = $1 and refund_id = $2"
        " and return_reference is not null and returned_at is null",
        refund.shop_id,
        refund.refund_id,
        at,
    )


async def advance(conn: db.Connection, refund: Refund, at: datetime) -> None:
    """The platform lets itself be made to pay it for the seller, at every repeat."""
    await db.run(
        conn,
        "update refunds set advanced_at = coalesce(advanced_at, $3::timestamptz)"
        " where shop_id = $1 and refund_id = $2 and status = 'asked'",
        refund.shop_id,
        refund.refund_id,
        at,
    )
