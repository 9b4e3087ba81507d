"""Releases: what an institution is to release of a payment that it holds (psp_escrow).

asked -> begun -> shared -> done; or done by itself, when the institution has held it for too long.
While asked, nothing was said to the institution and refunds still
come out of what is frozen; from `begun` on the sums stand: our commission, then the rest.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.money import Money
from littleshop.pay.payments import Payment

NEAR_LIMIT = timedelta(days=14)  # so long before an institution's limit somebody is told
MOST_BPS = 3_000  # no institution gives us a larger part of a payment


class Release(msgspec.Struct, frozen=True):
    """Both references follow from the payment's, so that a database restored from a backup asks
    under the same ones. `not_before` is when the institution is asked (again)."""

    shop_id: int
    payment_id: UUID
    order_id: UUID
    gateway: str
    merchant_id: str
    status: str
    share_reference: str
    release_reference: str
    currency: str
    share_minor: int | None
    rest_minor: int | None
    released_minor: int | None
    said: str
    asked_at: datetime
    not_before: datetime
    begun_at: datetime | None
    shared_at: datetime | None
    done_at: datetime | None
    by_itself: bool = False

    @property
    def share(self) -> Money:
        """Our commission. Only of one that has begun."""
        assert self.share_minor is not None, self.payment_id
        return Money(self.share_minor, self.currency)

    @property
    def rest(self) -> Money:
        """What is the seller's. Only of one that has begun."""
        assert self.rest_minor is not None, self.payment_id
        return Money(self.rest_minor, self.currency)


def most(paid: Money) -> Money:
    """The largest part of a payment that an institution gives us."""
    return Money(paid.minor * MOST_BPS // 10_000, paid.currency)


COLUMNS = ", ".join(Release.__struct_fields__)


async def ask(
    conn: db.Connection, payment: Payment, not_before: datetime, at: datetime
) -> Release | None:
    """Write that a held payment is to be released; None when that was written before."""
    seed = payment.reference.encode()
    return await db.one(
        conn,
        Release,
        "insert into releases (shop_id, payment_id, order_id, gateway, merchant_id,"
        " share_reference, release_reference, currency, asked_at, not_before)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        f" on conflict on constraint releases_pkey do nothing returning {COLUMNS}",
        payment.shop_id,
        payment.payment_id,
        payment.order_id,
        payment.gateway,
        payment.held_for,
        ids.reference(b"share of " + seed),
        ids.reference(b"release of " + seed),
        payment.currency,
        at,
        not_before,
    )


async def find(conn: db.Connection, shop_id: int, payment_id: UUID) -> Release | None:
    """The release of a payment, or None while the seller is owed nothing of it."""
    return await db.one(
        conn,
        Release,
        f"select {COLUMNS} from releases where shop_id = $1 and payment_id = $2",
        shop_id,
        payment_id,
    )


async def begin(
    conn: db.Connection, release: Release, share: Money, rest: Money, at: datetime
) -> Release | None:
    """asked -> begun with its sums; None when it had begun."""
    return await db.one(
        conn,
        Release,
        "update releases set status = 'begun', share_minor = $3, rest_minor = $4, begun_at = $5"
        f" where shop_id = $1 and payment_id = $2 and status = 'asked' returning {COLUMNS}",
        release.shop_id,
        release.payment_id,
        share.minor,
        rest.minor,
        at,
    )


async def mark_shared(conn: db.Connection, release: Release, at: datetime) -> bool:
    """begun -> shared; False when it was."""
    return await db.changed(
        conn,
        "update releases set status = 'shared', shared_at = $3, said = ''"
        " where shop_id = $1 and payment_id = $2 and status = 'begun'",
        release.shop_id,
        release.payment_id,
        at,
    )


async def finish(conn: db.Connection, release: Release, released: Money, at: datetime) -> bool:
    """shared -> done with what the institution released; False when it was."""
    return await db.changed(
        conn,
        "update releases set status = 'done', released_minor = $3, done_at = $4, said = ''"
        " where shop_id = $1 and payment_id = $2 and status = 'shared'",
        release.shop_id,
        release.payment_id,
        released.minor,
        at,
    )


async def frozen(conn: db.Connection, payment: Payment) -> Money:
    """What of a held payment has not gone back, been charged back, or been split off."""
    minor = await db.value(
        conn,
        "select (p.paid_minor"
        " - coalesce((select sum(f.amount_minor) from refunds f where f.shop_id = p.shop_id"
        "     and f.payment_id = p.payment_id and f.status = 'done'), 0)"
        " - coalesce((select sum(c.amount_minor - c.unbooked_minor) from chargebacks c"
        "     where c.shop_id = p.shop_id and c.payment_id = p.payment_id"
        "       and c.status = 'lost'), 0)"
        " - coalesce((select r.share_minor from releases r where r.shop_id = p.shop_id"
        "     and r.payment_id = p.payment_id and r.shared_at is not null), 0))::bigint"
        " from payments p where p.shop_id = $1 and p.payment_id = $2",
        payment.shop_id,
        payment.payment_id,
    )
    return Money(int(minor), payment.currency)


async def lapse(
    conn: db.Connection, release: Release, rest: Money, released: Money, at: datetime
) -> Release | None:
    """The institution let go of all that was frozen by itself; None when it was done. What it had
    not split off for us by then it gave the seller too."""
    return await db.one(
        conn,
        Release,
        "update releases set status = 'done', by_itself = true, said = '', rest_minor = $3,"
        " released_minor = $4, done_at = $5, begun_at = coalesce(begun_at, $5),"
        " share_minor = case status when 'shared' then share_minor else 0 end,"
        " shared_at = coalesce(shared_at, $5)"
        f" where shop_id = $1 and payment_id = $2 and status <> 'done' returning {COLUMNS}",
        release.shop_id,
        release.payment_id,
        rest.minor,
        released.minor,
        at,
    )


async def share_anew(conn: db.Connection, release: Release, said: str) -> bool:
    """The institution closed the commission and moved nothing: the next asking has a new number."""
    return await db.changed(
        conn,
        "update releases set share_reference = $4, said = $5"
        " where shop_id = $1 and payment_id = $2 and share_reference = $3 and status = 'begun'",
        release.shop_id,
        release.payment_id,
        release.share_reference,
        ids.reference(release.share_reference.encode()),
        said[:200],
    )


async def wait(conn: db.Connection, release: Release, until: datetime, said: str = "") -> None:
    """Nothing is asked before `until`."""
    await db.run(
        conn,
        "update releases set not_before = $3, said = $4"
        " where shop_id = $1 and payment_id = $2 and status <> 'done'",
        release.shop_id,
        release.payment_id,
        until,
        said[:200],
    )


async def claim_due(conn: db.Connection, release: Release, until: datetime, at: datetime) -> bool:
    """Take it on oneself to have one asked that is due; False when somebody did."""
    return await db.changed(
        conn,
        "update releases set not_before = $3 where shop_id = $1 and payment_id = $2"
        " and status <> 'done' and not_before <= $4",
        release.shop_id,
        release.payment_id,
        until,
        at,
    )


async def due(conn: db.Connection, at: datetime, most: int = 200) -> list[Release]:
    """Releases of all shops whose institution should be asked (again)."""
    return await db.all(
        conn,
        Release,
        f"select {COLUMNS} from releases /* all shops: the worker's sweep */"
        " where status <> 'done' and not_before <= $1 order by not_before limit $2",
        at,
        most,
    )


class Stuck(msgspec.Struct, frozen=True):
    """A release that the institution refuses (`said`), and what is to go back once it has ended.
    `shop` and `number` are what a person calls its order."""

    shop_id: int
    shop: str
    number: int
    gateway: str
    minor: int
    currency: str
    said: str
    begun_at: datetime
    refunding_minor: int


async def stuck(conn: db.Connection, most: int = 200) -> list[Stuck]:
    """Releases of all shops that their institution refused and has not done since."""
    return await db.all(
        conn,
        Stuck,
        "select /* all shops: the operator's desk */ r.shop_id, s.name as shop, o.number,"
        " r.gateway, r.share_minor + r.rest_minor as minor, r.currency, r.said, r.begun_at,"
        " coalesce((select sum(f.amount_minor) from refunds f where f.shop_id = r.shop_id"
        "   and f.payment_id = r.payment_id and f.status = 'asked'), 0)::bigint as refunding_minor"
        " from releases r join shops s on s.shop_id = r.shop_id"
        " join orders o on o.shop_id = r.shop_id and o.order_id = r.order_id"
        " where r.status in ('begun', 'shared') and r.said <> ''"
        " order by r.begun_at limit $1",
        most,
    )


class Held(msgspec.Struct, frozen=True):
    """A payment that an institution has been holding for long; it lets go of it by itself."""

    shop_id: int
    shop: str
    order_id: UUID
    payment_id: UUID
    number: int
    reference: str
    gateway: str
    paid_at: datetime
    minor: int
    currency: str


async def held_since(
    conn: db.Connection, gateway: str, paid_before: datetime, most: int = 200
) -> list[Held]:
    """What an institution has held since before this moment, of all shops, the oldest first."""
    return await db.all(
        conn,
        Held,
        "select /* all shops: an institution's limit */ p.shop_id, s.name as shop, p.order_id,"
        " p.payment_id, o.number, p.reference, p.gateway, p.paid_at,"
        " p.paid_minor - p.refunded_minor as minor, p.paid_currency as currency"
        " from payments p join shops s on s.shop_id = p.shop_id"
        " join orders o on o.shop_id = p.shop_id and o.order_id = p.order_id"
        " left join releases r on r.shop_id = p.shop_id and r.payment_id = p.payment_id"
        "   and r.status = 'done'"
        " where p.gateway = $1 and p.held_for is not null and p.status = 'paid'"
        " and p.paid_at <= $2 and p.refunded_minor < p.paid_minor and r.payment_id is null"
        " order by p.paid_at limit $3",
        gateway,
        paid_before,
        most,
    )
