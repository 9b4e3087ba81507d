"""Waiting: orders to a shop that no rail has admitted yet. They hold nothing; when the first rail
opens each becomes an invitation to pay, and holds its pieces once its buyer goes to pay."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from littleshop import db, jobs
from littleshop.catalog import stock
from littleshop.errors import Refused
from littleshop.sale import asking_a_payer, taking_up, telling
from littleshop.sale.placing import HOLD
from littleshop.trade import claims, held_again, invitations, letters, order_events, orders, timers
from littleshop.trade.invitations import Invitation
from littleshop.trade.orders import Order

INVITE = "waiting.invite"  # deferred by entry/admitting.py when a rail admits a shop
PAY_WITHIN = timedelta(hours=72)  # then the order is closed
_LETTERS = {  # why no order by it can be paid any more -> what a payer's page shows
    "invitation_expired": "expired",
    "invitation_cancelled": "letter_back",
    "invitation_changed": "letter_moved",
}


async def rail_opened(database: db.Database, shop_id: int, at: datetime) -> int:
    """A rail has admitted the shop: invite its waiting orders, a transaction each, the oldest
    first; how many. Again, for another rail, it finds none.

    Who wrote the admission held the shop's counter meanwhile, as placing does: an order that was
    just being placed is found here, or its placing has found the rail.
    """
    async with database.connection() as conn:
        found = await orders.waiting(conn, shop_id)
    invited = [await database.transaction(partial(invite, shop_id, each, at)) for each in found]
    return sum(invited)


async def invite(shop_id: int, order_id: UUID, at: datetime, conn: db.Connection) -> bool:
    """It can be paid now, for 72 hours, and the buyer is told; False when it waits no more."""
    order = await orders.invite(conn, shop_id, order_id)
    if order is None:
        return False
    await timers.start(conn, shop_id, order_id, "pay_by", at + PAY_WITHIN)
    await order_events.tell(conn, shop_id, order_id, "invited", by="platform", at=at)
    await telling.buyer(conn, order, "order_payable", at, when=at + PAY_WITHIN)
    return True


async def hold(conn: db.Connection, order: Order, at: datetime) -> Order:
    """The buyer of an invited order goes to pay: its pieces are held for him for half an hour.

    So are the coupon and the credit that it was placed with: nobody waits for who does not pay.

    The order is locked. Raises Refused: claim_gone, gone_meanwhile when somebody else has them;
    held_too_often(most=), held_enough(title=) when it, or its phone, device or address, kept them
    from others unpaid for as long as that may be in a day.
    """
    if await held_again.too_often(conn, order.shop_id, order.order_id, at):
        raise Refused("held_too_often", most=held_again.MOST)
    if await claims.take_again(conn, order.shop_id, order.order_id) is None:
        raise await _why_none_left(conn, order, at)
    letter = await taking_up.of_invited(conn, order)
    if letter is not None:
        await _take_up(conn, order, letter, at)
    if not await stock.hold_again(conn, order.shop_id, order.order_id):
        raise Refused("gone_meanwhile")
    title = await held_again.beyond_share(conn, order.shop_id, order.order_id, at)
    if title is not None:
        raise Refused("held_enough", title=title)
    held = await orders.hold(conn, order.shop_id, order.order_id)
    assert held is not None, order.order_id
    await held_again.begin(conn, order.shop_id, order.order_id, at)
    await timers.start(conn, order.shop_id, order.order_id, "hold_by", at + HOLD)
    return held


async def _why_none_left(conn: db.Connection, order: Order, at: datetime) -> Refused:
    letter = await taking_up.of_invited(conn, order)
    no = None if letter is None else taking_up.why_not(letter, at)
    return no or Refused("claim_gone")


async def _take_up(conn: db.Connection, order: Order, letter: Invitation, at: datetime) -> None:
    """A use of the letter is his now: it must still say what he was asked to pay. What it keeps
    goes over to his order. Raises Refused as taking_up.overtaken."""
    state = letter.state(at)
    if state == "expired":
        raise Refused("invitation_expired")
    if order.order_id in await invitations.moved(conn, order.shop_id, letter.invitation_id):
        raise Refused("invitation_changed")
    await taking_up.let_go(conn, letter)


async def why_gone(conn: db.Connection, order: Order, at: datetime) -> str:
    """Why an invited order cannot be paid at the moment: gone, or of the letter that it took up
    expired, letter_back, letter_moved; "" when it can."""
    letter = await taking_up.of_invited(conn, order)
    if letter is None:
        return "gone" if await is_gone(conn, order) else ""
    no = await taking_up.overtaken(conn, order, letter, at)
    if no is not None:
        return _LETTERS.get(no.code, "gone")
    return "gone" if not letter.holding and await is_gone(conn, order) else ""


async def is_gone(conn: db.Connection, order: Order) -> bool:
    """Whether an invited order's pieces are not there any more, at the moment."""
    wanted: dict[UUID, int] = {}
    for item in await orders.items(conn, order.shop_id, order.order_id):
        wanted[item.variant_id] = wanted.get(item.variant_id, 0) + item.quantity
    there = await stock.spare(conn, order.shop_id, list(wanted))
    return any(there.get(variant_id, 0) < pieces for variant_id, pieces in wanted.items())


async def let_go(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> bool:
    """He did not pay meanwhile: pieces, coupon and credit go back, the invitation stays; False when
    he did."""
    order = await orders.invite_again(conn, shop_id, order_id)
    if order is None:
        return False
    await claims.give_back(conn, shop_id, order_id)
    await stock.release(conn, shop_id, order_id)
    await held_again.end(conn, shop_id, order_id, at)
    return True


async def ended(conn: db.Connection, order: Order, was: str, at: datetime) -> None:
    """The time to pay an order that `was` waiting, collecting or another is over: who waited for
    others hears it. Who was to pay himself, on the spot, knows that he did not."""
    if was == "waiting":
        await telling.buyer(conn, order, "order_cancelled", at)
    elif was == "collecting":
        await telling.buyer(conn, order, "pot_not_full", at)
    elif await _others_were_asked(conn, order):
        await telling.buyer(conn, order, "nobody_paid", at)


async def _others_were_asked(conn: db.Connection, order: Order) -> bool:
    asked = asking_a_payer.asked_as(order.kind)
    return bool(asked) and await letters.of_order(conn, order.shop_id, order.order_id) is not None


def tasks() -> dict[str, jobs.Task]:
    """The job of this flow."""

    async def invite_waiting(context: jobs.Context, *, shop_id: int) -> None:
        await rail_opened(context.database, shop_id, context.at)

    return {INVITE: jobs.Task(invite_waiting, attempts=40, longest_wait=timedelta(minutes=30))}
