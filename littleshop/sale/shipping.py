"""Shipping: the seller hands over, by courier with a number or by hand against a code."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.pay import chargebacks
from littleshop.sale import (
    delivering,
    handing_out,
    parcelling,
    pausing,
    receiving,
    sharing_out,
    telling,
    tracking,
)
from littleshop.shop import terms
from littleshop.trade import (
    carriers,
    cases,
    deliveries,
    invitations,
    order_events,
    orders,
    timers,
)
from littleshop.trade.orders import Order

SHIP_BY = timedelta(hours=48)  # then the buyer may cancel alone
SHIP_AT_LAST = timedelta(days=7)  # then all goes back by itself
UNDO = timedelta(seconds=30)  # so long nobody is told that it left
LATE = SHIP_AT_LAST - SHIP_BY  # how long it may be late, whatever was promised
SAID_SHIPPED, SAID_PART_SHIPPED = "order_shipped", "order_part_shipped"
_NUMBER = re.compile(r"[0-9A-Za-z-]{5,40}")


def tracking_number(text: str) -> str:
    """A courier's number as typed or scanned, without spaces. Raises Refused("tracking_number")."""
    number = re.sub(r"\s+", "", text).upper()
    if not _NUMBER.fullmatch(number):
        raise Refused("tracking_number")
    return number


async def expect(conn: db.Connection, order: Order, at: datetime) -> bool:
    """An order has just become one to ship: the seller's clocks start, he is told, and has the
    money already where he is settled directly. True when it was handed out at once: then he has
    nothing to do, and its buyer was told."""
    if await terms.is_direct(conn, order.shop_id, order.placed_at):
        await receiving.release(conn, order, at)
    by = await ship_within(conn, order)
    await timers.start(conn, order.shop_id, order.order_id, "ship_by", at + by)
    await timers.start(conn, order.shop_id, order.order_id, "ship_at_last", at + by + LATE)
    if await chargebacks.open_of(conn, order.shop_id, order.order_id) is not None:
        await pausing.for_a_bank(conn, order, at)  # of a part of it, or of a seat
    await sharing_out.have_mirrored(conn, order, at, about="paid")
    given = await handing_out.now(conn, order, at)
    if given:
        await telling.seller(conn, order, "order_given", at)
    elif not await handing_out.is_virtual(conn, order):  # else he was told what is missing
        await telling.seller(conn, order, "order_paid", at)
    return given


async def ship_within(conn: db.Connection, order: Order) -> timedelta:
    """How long the seller has: as usual, or as he promised in his invitation."""
    if order.kind != "invitation":
        return SHIP_BY
    invitation = await invitations.of_order(conn, order.shop_id, order.order_id)
    days = invitation.ship_days if invitation is not None else None
    return SHIP_BY if days is None else timedelta(days=days)


async def ship(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    *,
    carrier: str,
    number: str,
    at: datetime,
    pieces: Mapping[int, int] | None = None,
    together: bool = False,
) -> Order:
    """Hand an order to a courier, or some `pieces` of its lines (position -> how many); with the
    last of them it is shipped and its clocks start. Several orders of one buyer may lie in one
    parcel, when its seller says so (`together`).

    Raises Refused: tracking_number, carrier_unknown, not_to_ship, case_open, chargeback_open,
    pieces_gone, number_known, number_together(number=), number_of_another(number=),
    barcode_of_own(title=).
    """
    number = tracking_number(number)
    if carrier not in carriers.CARRIERS:
        raise Refused("carrier_unknown")
    order = await orders.lock(conn, shop_id, order_id)
    await parcelling.check_number(conn, order, number, together=together)
    left = await parcelling.left(conn, order)
    wanted = left if pieces is None else {at_: n for at_, n in pieces.items() if n}
    if order.status == "to_ship" and not parcelling.fits(wanted, left):
        raise Refused("pieces_gone")
    whole = await parcelling.is_whole(conn, order, wanted)
    last = wanted == left
    order = await _leave(conn, shop_id, order_id, at, last=last)
    parcel_id = await deliveries.hand_over(
        conn, shop_id, order_id, way="courier", carrier=carrier, tracking_number=number, at=at
    )
    if not whole:
        await deliveries.pack(conn, shop_id, parcel_id, wanted)
    kind = "shipped" if last else "part_shipped"
    await order_events.tell(
        conn, shop_id, order_id, kind, by="seller", at=at, carrier=carrier, number=number
    )
    await tracking.follow(conn, shop_id, order_id, parcel_id, at, after=UNDO)
    await telling.buyer(
        conn, order, SAID_SHIPPED if last else SAID_PART_SHIPPED, at, carrier=carrier,
        tracking=number, occasion=str(parcel_id), after=UNDO,
    )  # fmt: skip
    return order


async def hand_over(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    *,
    code: str,
    keyring: Keyring,
    at: datetime,
) -> Order:
    """Give the goods from hand to hand. With the buyer's code that is the receipt as well;
    without one (empty) the buyer confirms later. Raises Refused: pickup_code, not_to_ship."""
    if code and not hmac.compare_digest(code.strip(), pickup_code(keyring, shop_id, order_id)):
        raise Refused("pickup_code")
    before = await orders.lock(conn, shop_id, order_id)
    rest = await parcelling.left(conn, before)
    whole = await parcelling.is_whole(conn, before, rest)
    order = await _leave(conn, shop_id, order_id, at)
    parcel_id = await deliveries.hand_over(conn, shop_id, order_id, way="pickup", at=at)
    if not whole:
        await deliveries.pack(conn, shop_id, parcel_id, rest)
    await order_events.tell(conn, shop_id, order_id, "handed_over", by="seller", at=at)
    if code:
        return await receiving.receive(conn, shop_id, order_id, by="buyer", at=at)
    await telling.buyer(conn, order, "order_handed_over", at)
    await delivering.look(conn, order, at)  # parcels that left before may be there
    return order


async def done(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> Order:
    """What needs no handing over is done, says the seller; the buyer has three days to say so or
    not. Raises Refused: not_to_ship (also where something is to be handed over), case_open."""
    order = await orders.lock(conn, shop_id, order_id)
    if order.way != "none":
        raise Refused("not_to_ship")
    if order.status == "to_ship" and await handing_out.is_virtual(conn, order):
        if not await handing_out.now(conn, order, at):
            raise Refused("codes_short")
        return await orders.lock(conn, shop_id, order_id)
    order = await _leave(conn, shop_id, order_id, at)
    await deliveries.hand_over(conn, shop_id, order_id, way="none", at=at)
    await order_events.tell(conn, shop_id, order_id, "done", by="seller", at=at)
    await telling.buyer(conn, order, "order_done", at)
    return order


def pickup_code(keyring: Keyring, shop_id: int, order_id: UUID) -> str:
    """Six digits that only the buyer's page shows; derived, so nothing secret is stored."""
    digest = hmac.new(
        keyring.link_key, f"pickup:{shop_id}:{order_id}".encode(), hashlib.sha256
    ).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06d}"


async def _leave(
    conn: db.Connection, shop_id: int, order_id: UUID, at: datetime, *, last: bool = True
) -> Order:
    """The order leaves, or pieces of it that are not the `last` ones: then it is still to ship."""
    order = await orders.lock(conn, shop_id, order_id)
    if await cases.undecided(conn, shop_id, order_id):
        raise Refused("case_open")  # the buyer wants the money back: the seller answers that first
    if await chargebacks.open_of(conn, shop_id, order_id) is not None:
        raise Refused("chargeback_open")
    if order.status != "to_ship":
        raise Refused("not_to_ship")
    return await parcelling.leave(conn, order, at) if last else order


async def correct(
    conn: db.Connection,
    shop_id: int,
    order: Order,
    parcel_id: UUID,
    *,
    carrier: str,
    number: str,
    at: datetime,
) -> None:
    """Put another carrier or number on a parcel that is still under way, the rest of its order or
    not.

    Raises Refused: tracking_number, carrier_unknown, not_shipped.
    """
    number = tracking_number(number)
    if carrier not in carriers.CARRIERS:
        raise Refused("carrier_unknown")
    if order.status not in deliveries.UNDER_WAY or not await deliveries.correct(
        conn, shop_id, order.order_id, parcel_id, carrier, number
    ):
        raise Refused("not_shipped")
    await tracking.follow(conn, shop_id, order.order_id, parcel_id, at)
    await delivering.start_over(conn, order, parcel_id, at)
    await order_events.tell(
        conn,
        shop_id,
        order.order_id,
        "corrected",
        by="seller",
        at=at,
        carrier=carrier,
        number=number,
    )


async def remind(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    """The buyer asks the seller to ship. Raises Refused("reminded_already")."""
    order = await orders.remind(conn, shop_id, order_id, at)
    if order is None:
        raise Refused("reminded_already")
    await order_events.tell(conn, shop_id, order_id, "reminded", by="buyer", at=at)
    await telling.seller(conn, order, "remind_ship", at, occasion=at.date().isoformat())
