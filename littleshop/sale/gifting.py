"""Gifting: somebody pays, and somebody else says where it goes.

Paid, a gift waits a day for its recipient; it holds its pieces meanwhile. Whoever has the
recipient's link can claim it, the first one has it. Unclaimed, or called off by its giver before:
all goes back. The giver never learns where it went, the recipient never what it cost. Locks: the
order, then variants.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from littleshop import db, ids
from littleshop.catalog import stock
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.pay import chargebacks
from littleshop.pricing import facts as pricing_facts
from littleshop.pricing import postage
from littleshop.pricing.postage import Piece
from littleshop.sale import placing, refunding, shipping, telling
from littleshop.sale.placing import HOLD, Placed, Placing
from littleshop.trade import gifts, letters, order_events, order_links, order_words, orders, timers
from littleshop.trade.gifts import Claimed
from littleshop.trade.letters import Letter
from littleshop.trade.orders import Delivery, Order

CLAIM_WITHIN = timedelta(hours=24)


async def place(
    conn: db.Connection, keyring: Keyring, wish: Placing, letter: Letter, at: datetime
) -> Placed:
    """Place a gift with the letter that goes with it; its delivery is the giver's name and phone
    until somebody claims it. A second press finds the first one's.

    Raises what placing.place_within raises.
    """
    assert wish.kind == "gift" and not wish.delivery.street, wish.kind
    placed, new = await placing.place_within(conn, keyring, wish, pay_within=HOLD, at=at)
    if new:
        await letters.send(conn, wish.shop_id, placed.order_id, letter)
        token = link(keyring, wish.shop_id, placed.order_id)
        await order_links.add(conn, wish.shop_id, placed.order_id, gifts.ROLE, ids.hashed(token))
    return placed


def link(keyring: Keyring, shop_id: int, order_id: UUID) -> str:
    """The token of the recipient's link: derived, so that the giver's page can show it."""
    return placing.link(keyring, shop_id, order_id, gifts.ROLE)


async def paid(conn: db.Connection, order: Order, at: datetime) -> None:
    """A gift was paid: its link can be sent, and it waits for its recipient."""
    until = at + CLAIM_WITHIN
    await timers.start(conn, order.shop_id, order.order_id, "claim_by", until)
    await telling.buyer(conn, order, "gift_paid", at, when=until)


async def claim(
    conn: db.Connection,
    keyring: Keyring,
    shop_id: int,
    order_id: UUID,
    *,
    delivery: Delivery,
    swapped: Mapping[int, UUID],
    device: bytes,
    locale: str,
    at: datetime,
) -> Order:
    """Say where a gift goes, with other variants of the same price for the lines in `swapped`
    (variant by position); from here on this device is the recipient's. A second press of the same
    device finds it done.

    Raises Refused: gift_wrapped (not paid), gift_taken, gift_over, gift_stopped (the giver's bank
    has the payment), gift_swap, gift_not_delivered(title=), variant_gone,
    stock_short(left=, title=).
    """
    order = await orders.lock(conn, shop_id, order_id)
    if order.kind != "gift" or order.status != "claiming":
        return await _claimed_before(conn, order, device)
    due = {clock.kind: clock.due_at for clock in await timers.of(conn, shop_id, order_id)}
    if await chargebacks.open_of(conn, shop_id, order_id) is not None:
        raise Refused("gift_stopped")
    if due["claim_by"] <= at:
        raise Refused("gift_over")
    await _swap(conn, shop_id, order_id, swapped)
    await _need_delivered(conn, order, delivery)
    await orders.deliver_to(conn, order, delivery.seal(keyring))
    words = order_words.of_delivery(keyring, order.shop_id, delivery)
    await order_words.write(conn, order.shop_id, [(order.number, word) for word in words])
    await gifts.claim(conn, shop_id, order_id, Claimed(keyring.seal(delivery.phone), locale, at))
    await order_links.trust_device(conn, shop_id, order_id, gifts.ROLE, device)
    claimed = await orders.gathered(conn, shop_id, order_id)
    assert claimed is not None, order_id
    await timers.cancel(conn, shop_id, order_id, "claim_by")
    await order_events.tell(conn, shop_id, order_id, "gift_claimed", by="buyer", at=at)
    given = await shipping.expect(conn, claimed, at)
    tell = telling.payer if given else telling.buyer  # who got it at once heard that it is there
    await tell(conn, claimed, "gift_claimed", at)
    return claimed


async def _need_delivered(conn: db.Connection, order: Order, delivery: Delivery) -> None:
    """Its giver paid before anybody knew where it goes: dearer is the shop's to bear, but where it
    sends nothing it cannot go. Raises Refused gift_not_delivered(title=)."""
    if order.way != "courier":
        return
    lines = [each for each in await gifts.kinds(conn, order.shop_id, order.order_id) if each.chosen]
    facts = await pricing_facts.load(conn, order.shop_id, [each.variant_id for each in lines])
    pieces = [Piece(facts[each.variant_id], each.quantity, 0) for each in lines]
    try:
        postage.need_delivered(pieces, placing.where(delivery))
    except Refused as no:
        raise Refused("gift_not_delivered", **no.details) from no


async def _swap(
    conn: db.Connection, shop_id: int, order_id: UUID, swapped: Mapping[int, UUID]
) -> None:
    """What is held becomes what was chosen, before anybody else can have it."""
    known = await gifts.kinds(conn, shop_id, order_id)
    change = gifts.moved(known, swapped)
    if change:
        await stock.move_hold(conn, shop_id, change)
        await gifts.choose(conn, shop_id, order_id, known, swapped)


async def _claimed_before(conn: db.Connection, order: Order, device: bytes) -> Order:
    """A gift that cannot be claimed now; the press that claimed it may come twice."""
    if order.kind != "gift" or order.status in orders.UNPAID:
        raise Refused("gift_wrapped")
    if await gifts.of_order(conn, order.shop_id, order.order_id) is None:
        raise Refused("gift_over")
    if not await order_links.is_trusted(conn, order, gifts.ROLE, device):
        raise Refused("gift_taken")
    return order


async def lapse(conn: db.Connection, order: Order, at: datetime) -> None:
    """The day of a locked gift is over and nobody claimed it: all of it goes back."""
    assert order.status == "claiming", order.order_id
    await _give_up(conn, order, "gift_unclaimed", "clock", at)


async def call_off(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> Order:
    """The giver takes it back while nobody has claimed it. Raises Refused: not_cancellable,
    chargeback_open."""
    order = await orders.lock(conn, shop_id, order_id)
    if order.status != "claiming":
        raise Refused("not_cancellable")
    await _give_up(conn, order, "gift_called_off", "buyer", at)
    return order


async def _give_up(conn: db.Connection, order: Order, reason: str, by: str, at: datetime) -> None:
    refund_id, left = ids.derived(order.order_id, reason), await refunding.left_of(conn, order)
    await refunding.end(conn, order, reason=reason, refund_id=refund_id, at=at)
    await order_events.tell(
        conn, order.shop_id, order.order_id, "called_off", by=by, at=at, why=reason
    )
    await telling.buyer(conn, order, reason, at, amount=left)
