"""Orders: only an order takes money. States are left and entered by guarded updates only."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.money import Money
from littleshop.trade.destinations import Delivery as Delivery

GATHERING = ("claiming", "forming")  # paid; a recipient or a team is still missing
HOLDING = ("placed", "collecting", *GATHERING, "to_ship")  # states in which stock is held
UNPAID = ("waiting", "invited", "placed", "collecting")
PAYABLE = ("placed", "invited", "collecting")
UNDER_WAY = ("shipped", "delivered")
PAID = (*GATHERING, "to_ship", *UNDER_WAY)  # states in which escrow holds the total


class Order(msgspec.Struct, frozen=True):
    """A row of orders; amounts in minor units of `currency`.

    Once paid, held + refunded + released is the total: with escrow, back with the buyer, or with
    the seller (our commission included). `direct`: released when it was paid.
    """

    shop_id: int
    order_id: UUID
    number: int
    kind: str
    status: str
    phone_index: bytes
    delivery_sealed: bytes
    way: str
    currency: str
    goods_minor: int
    shipping_minor: int
    discount_minor: int
    adjusted_minor: int
    total_minor: int
    held_minor: int
    refunded_minor: int
    released_minor: int
    direct: bool
    commission_bps: int
    note: str
    locale: str
    share_code: str | None
    replaced_by: UUID | None
    cancel_reason: str | None
    placed_at: datetime
    paid_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    received_at: datetime | None
    cancelled_at: datetime | None
    refunded_at: datetime | None
    reminded_at: datetime | None
    extended_at: datetime | None

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    @property
    def goods(self) -> Money:
        return Money(self.goods_minor, self.currency)

    @property
    def goods_now(self) -> Money:
        """What the buyer pays for the goods: less what is off, as the seller changed it."""
        return self.total - self.shipping

    @property
    def shipping(self) -> Money:
        return Money(self.shipping_minor, self.currency)

    def delivery(self, keyring: Keyring) -> Delivery:
        return msgspec.json.decode(keyring.open(self.delivery_sealed), type=Delivery)


class OrderItem(msgspec.Struct, frozen=True):
    """A line as it was sold: words, picture and price of that moment."""

    position: int
    product_id: UUID
    variant_id: UUID
    title: str
    choice: str
    photo: str
    unit_minor: int
    quantity: int
    currency: str
    discount_minor: int = 0
    sold_as: str | None = None

    @property
    def called(self) -> str:
        """Its title in the shop where it was bought, which its buyer knows."""
        return self.sold_as or self.title

    @property
    def amount(self) -> Money:
        return Money(self.unit_minor * self.quantity, self.currency)


COLUMNS = ", ".join(Order.__struct_fields__)


async def _one(
    conn: db.Connection, which: str, shop_id: int, key: UUID | int, lock: str = ""
) -> Order | None:
    return await db.one(
        conn,
        Order,
        f"select {COLUMNS} from orders where shop_id = $1 and {which} = $2 {lock}",
        shop_id,
        key,
    )


async def get(conn: db.Connection, shop_id: int, order_id: UUID) -> Order | None:
    """An order of this shop by its id."""
    return await _one(conn, "order_id", shop_id, order_id)


async def by_number(conn: db.Connection, shop_id: int, number: int) -> Order | None:
    """An order of this shop by the number people read out."""
    return await _one(conn, "number", shop_id, number)


async def lock(conn: db.Connection, shop_id: int, order_id: UUID) -> Order:
    """The order, locked until the transaction ends. It must exist."""
    order = await _one(conn, "order_id", shop_id, order_id, "for no key update")
    assert order is not None, order_id
    return order


async def items(conn: db.Connection, shop_id: int, order_id: UUID) -> list[OrderItem]:
    """An order's lines in their order."""
    return await db.all(
        conn,
        OrderItem,
        "select i.position, i.product_id, i.variant_id, i.title, i.choice, i.photo, i.unit_minor,"
        " i.quantity, o.currency, i.discount_minor, i.sold_as from order_items i"
        " join orders o on o.shop_id = i.shop_id and o.order_id = i.order_id"
        " where i.shop_id = $1 and i.order_id = $2 order by i.position",
        shop_id,
        order_id,
    )


async def _move(
    conn: db.Connection, shop_id: int, order_id: UUID, change: str, guard: str, *values: object
) -> Order | None:
    """One guarded change of state; None when the order was not in the state it leaves."""
    return await db.one(
        conn,
        Order,
        f"update orders set {change} where shop_id = $1 and order_id = $2 and {guard}"
        f" returning {COLUMNS}",
        shop_id,
        order_id,
        *values,
    )


async def mark_paid(
    conn: db.Connection, shop_id: int, order_id: UUID, at: datetime
) -> Order | None:
    """placed, or invited or cancelled for want of payment and held again -> to_ship, a gift ->
    claiming, a team's -> forming; escrow holds it all."""
    return await _move(
        conn,
        shop_id,
        order_id,
        "status = case kind when 'gift' then 'claiming' when 'team' then 'forming'"
        " else 'to_ship' end, paid_at = $3, held_minor = total_minor, cancelled_at = null,"
        " cancel_reason = null",
        "status in ('placed', 'invited', 'cancelled') and kind <> 'chip_in'",
        at,
    )


async def collect(
    conn: db.Connection, shop_id: int, order_id: UUID, part: Money, at: datetime
) -> Order | None:
    """A part of what several chip in for came: -> collecting, or to_ship with the last one; None
    when it is more than the rest."""
    return await _move(
        conn,
        shop_id,
        order_id,
        "status = case when held_minor + $3 = total_minor then 'to_ship' else 'collecting' end,"
        " paid_at = case when held_minor + $3 = total_minor then $4::timestamptz end,"
        " held_minor = held_minor + $3",
        "kind = 'chip_in' and status in ('placed', 'invited', 'collecting')"
        " and held_minor + $3 <= total_minor",
        part.minor,
        at,
    )


async def gathered(conn: db.Connection, shop_id: int, order_id: UUID) -> Order | None:
    """claiming or forming -> to_ship: the recipient has said where, the team is full."""
    return await _move(
        conn, shop_id, order_id, "status = 'to_ship'", "status in ('claiming', 'forming')"
    )


async def deliver_to(conn: db.Connection, order: Order, delivery_sealed: bytes) -> None:
    """Where a locked order goes, said after it was placed."""
    of = (conn, order.shop_id, order.order_id)
    await _move(*of, "delivery_sealed = $3", "true", delivery_sealed)


async def leave_cart(conn: db.Connection, shop_id: int, order_id: UUID) -> None:
    """No later attempt of its buyer takes its place."""
    await _move(conn, shop_id, order_id, "cart_id = null", "cart_id is not null")


async def reprice(
    conn: db.Connection, shop_id: int, order_id: UUID, goods: Money, postage: Money
) -> Order | None:
    """Not paid: the goods cost the buyer this much from now on, and the postage that."""
    change = "adjusted_minor = $3 - goods_minor + discount_minor, shipping_minor = $4,"
    change += " total_minor = $3::bigint + $4::bigint"
    guard = "status in ('waiting', 'invited', 'placed') and held_minor = 0"
    return await _move(conn, shop_id, order_id, change, guard, goods.minor, postage.minor)


async def cancel(
    conn: db.Connection, shop_id: int, order_id: UUID, reason: str, at: datetime
) -> Order | None:
    """Not paid, or not in full -> cancelled; the caller gives back what it held."""
    change = "status = 'cancelled', cancelled_at = $3, cancel_reason = $4"
    guard = "status in ('waiting', 'invited', 'placed', 'collecting')"
    return await _move(conn, shop_id, order_id, change, guard, at, reason)


async def invite(conn: db.Connection, shop_id: int, order_id: UUID) -> Order | None:
    """waiting -> invited: a rail has opened, it can be paid."""
    return await _move(conn, shop_id, order_id, "status = 'invited'", "status = 'waiting'")


async def hold(conn: db.Connection, shop_id: int, order_id: UUID) -> Order | None:
    """invited -> placed; the caller has just held its stock."""
    return await _move(conn, shop_id, order_id, "status = 'placed'", "status = 'invited'")


async def invite_again(conn: db.Connection, shop_id: int, order_id: UUID) -> Order | None:
    """placed -> invited, of one that waited; the caller gives the stock back."""
    return await _move(
        conn, shop_id, order_id, "status = 'invited'", "status = 'placed' and waited"
    )


async def waiting(conn: db.Connection, shop_id: int) -> list[UUID]:
    """The orders of a shop that wait for a rail, the oldest first."""
    found = "select order_id from orders where shop_id = $1 and status = 'waiting'"
    return [row[0] for row in await conn.fetch(f"{found} order by placed_at, order_id", shop_id)]


async def mark_shipped(
    conn: db.Connection, shop_id: int, order_id: UUID, at: datetime
) -> Order | None:
    """to_ship -> shipped."""
    return await _move(
        conn, shop_id, order_id, "status = 'shipped', shipped_at = $3", "status = 'to_ship'", at
    )


async def undo_shipped(conn: db.Connection, shop_id: int, order_id: UUID) -> Order | None:
    """shipped -> to_ship: its parcel never left."""
    set_ = "status = 'to_ship', shipped_at = null"
    return await _move(conn, shop_id, order_id, set_, "status = 'shipped'")


async def deliver(
    conn: db.Connection, shop_id: int, order_id: UUID, at: datetime | None
) -> Order | None:
    """shipped -> delivered: all its parcels came, by the couriers' word; None: the way back."""
    left, came = ("shipped", "delivered") if at else ("delivered", "shipped")
    change = f"status = '{came}', delivered_at = $3"
    return await _move(conn, shop_id, order_id, change, f"status = '{left}'", at)


async def mark_received(
    conn: db.Connection, shop_id: int, order_id: UUID, at: datetime, *, going_back: Money
) -> Order | None:
    """shipped or delivered -> received; only what is on its way back is held any longer."""
    return await _move(
        conn,
        shop_id,
        order_id,
        "status = 'received', received_at = $3, held_minor = $4,"
        " released_minor = released_minor + held_minor - $4",
        "status in ('shipped', 'delivered')",
        at,
        going_back.minor,
    )


async def cap_commission(conn: db.Connection, order: Order, bps: int) -> None:
    """The plain commission of a locked order is no more than this."""
    await db.run(
        conn,
        "update orders set commission_bps = least(commission_bps, $3)"
        " where shop_id = $1 and order_id = $2",
        order.shop_id,
        order.order_id,
        bps,
    )


async def release(conn: db.Connection, shop_id: int, order_id: UUID) -> Order | None:
    """All that is held goes to the seller while the order is to ship (direct settlement)."""
    return await _move(
        conn,
        shop_id,
        order_id,
        "direct = true, released_minor = released_minor + held_minor, held_minor = 0",
        "status = 'to_ship' and not direct",
    )


async def hold_released(conn: db.Connection, shop_id: int, order_id: UUID, amount: Money) -> Order:
    """The seller's money is held again, to go back to the buyer (a claw-back)."""
    order = await _move(
        conn,
        shop_id,
        order_id,
        "held_minor = held_minor + $3, released_minor = released_minor - $3",
        "released_minor >= $3",
        amount.minor,
    )
    assert order is not None, order_id
    return order


async def mark_refunded(
    conn: db.Connection, shop_id: int, order_id: UUID, at: datetime
) -> Order | None:
    """Paid and not received -> refunded: all that is left goes back, and stays held until the rail
    has sent it."""
    return await _move(
        conn,
        shop_id,
        order_id,
        "status = 'refunded', refunded_at = $3",
        "status in ('claiming', 'forming', 'to_ship', 'shipped', 'delivered')",
        at,
    )


async def close(conn: db.Connection, shop_id: int, order_id: UUID) -> bool:
    """received -> closed."""
    moved = await _move(conn, shop_id, order_id, "status = 'closed'", "status = 'received'")
    return moved is not None


async def let_go(conn: db.Connection, shop_id: int, order_id: UUID, minor: int) -> None:
    """The rail has sent `minor` back: escrow holds that much less for the order."""
    touched = await db.run(
        conn,
        "update orders set held_minor = held_minor - $3, refunded_minor = refunded_minor + $3"
        " where shop_id = $1 and order_id = $2",
        shop_id,
        order_id,
        minor,
    )
    assert touched == 1, order_id


async def remind(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> Order | None:
    """The buyer asks to ship, once a day at most; None when it was said already."""
    return await _move(
        conn,
        shop_id,
        order_id,
        "reminded_at = $3",
        "status = 'to_ship' and (reminded_at is null or reminded_at < $3::timestamptz"
        " - interval '1 day')",
        at,
    )


async def extend(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> Order | None:
    """The buyer takes his one extension; None when he had it or the time is past."""
    return await _move(
        conn,
        shop_id,
        order_id,
        "extended_at = $3",
        "status in ('shipped', 'delivered') and extended_at is null",
        at,
    )
