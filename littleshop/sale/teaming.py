"""Teaming: each pays his seat first, and nothing is shipped before the team is full.

Seats are a claim: taken when a seat is ordered, given back when it stays unpaid. Every seat is a
person's own: nobody sits twice, and nobody of the shop sits at all. Not full in a day: all goes
back. Locks: an order, then its team's claim; whoever completes a team then locks all its orders.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from littleshop import db, ids
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.identity import people, phones
from littleshop.pricing.quotes import Agreed
from littleshop.sale import placing, refunding, shipping, telling
from littleshop.sale.placing import HOLD, HOLD_LAST, Placed, Placing
from littleshop.shop import staff
from littleshop.trade import claims, order_events, orders, teams, timers
from littleshop.trade.orders import Order
from littleshop.trade.teams import Offer, Team
from littleshop.trade.timers import Timer

FILLS_WITHIN = timedelta(hours=24)
LAPSE = "team_by"  # the timer of a team; a paid seat has one of its own, form_by


def link(keyring: Keyring, team: Team) -> str:
    """The token of a team's link: derived, so that each member's page can show it."""
    return ids.link_token(keyring.link_key, team.shop_id, f"team:{team.team_id}")


def agreed(offer: Offer) -> Agreed:
    """What each of a team pays."""
    return Agreed("team", offer.prices)


async def begin(
    conn: db.Connection, keyring: Keyring, wish: Placing, product_id: UUID, at: datetime
) -> Placed:
    """Order the first seat of a new team; others find its link once that is paid.

    Raises Refused: team_gone, team_own_shop, team_one_piece, and what placing.place_within raises.
    """
    offer = await _offer(conn, wish, product_id)
    team_id = ids.derived(product_id, f"team {wish.key}")  # the same for a second press
    team = Team(wish.shop_id, team_id, product_id, offer.seats, "forming", at, at + FILLS_WITHIN,
                None)  # fmt: skip
    token_hash = ids.hashed(link(keyring, team))
    if await teams.by_token(conn, wish.shop_id, token_hash) is None:
        await teams.open_(conn, team, token_hash)
        await timers.start(conn, wish.shop_id, team_id, LAPSE, team.closes_at)
    return await _sit(conn, keyring, wish, team, offer, at)


async def join(
    conn: db.Connection, keyring: Keyring, wish: Placing, team: Team, at: datetime
) -> Placed:
    """Order another seat of a team.

    Raises Refused: team_over, team_full, team_already_in, team_own_shop, team_gone, team_one_piece,
    last_let_lapse, and what placing.place_within raises.
    """
    return await _sit(conn, keyring, wish, team, await _offer(conn, wish, team.product_id), at)


async def _offer(conn: db.Connection, wish: Placing, product_id: UUID) -> Offer:
    offer = await teams.offered(conn, wish.shop_id, product_id)
    if offer is None or any(item.variant_id not in offer.prices for item in wish.items):
        raise Refused("team_gone")
    if len(wish.items) != 1 or wish.items[0].quantity != 1:
        raise Refused("team_one_piece")
    return offer


async def _sit(
    conn: db.Connection, keyring: Keyring, wish: Placing, team: Team, offer: Offer, at: datetime
) -> Placed:
    claim = await claims.lock(conn, team.shop_id, team.team_id)
    placed, new = await placing.place_within(
        conn, keyring, wish, pay_within=HOLD_LAST if claim.left == 1 else HOLD,
        agreed=agreed(offer), at=at,
    )  # fmt: skip
    if not new:
        return placed
    if claim.shut or team.closes_at <= at:
        raise Refused("team_over")
    if claim.left < 1:
        raise Refused("team_full")
    await _need_own_seat(conn, keyring, wish, team)
    await claims.need_patience(conn, claim, placed.order_id, at)
    assert await claims.take(conn, team.shop_id, placed.order_id, team.team_id)
    return placed


async def _need_own_seat(conn: db.Connection, keyring: Keyring, wish: Placing, team: Team) -> None:
    """A team is people, not one person many times, and not the shop itself."""
    phone_index = keyring.index(wish.delivery.phone)
    if await teams.is_in(conn, team, phone_index, wish.device):
        raise Refused("team_already_in")
    buyer = await people.by_phone(conn, keyring, phones.parse(wish.delivery.phone))
    workers = {member.person_id for member in await staff.of_shop(conn, team.shop_id)}
    if buyer is not None and buyer.person_id in workers:
        raise Refused("team_own_shop")


async def paid(conn: db.Connection, order: Order, at: datetime) -> None:
    """A seat was paid: it waits for the others, or with the last one all are to ship."""
    team = await teams.of_order(conn, order.shop_id, order.order_id)
    assert team is not None, order.order_id
    await claims.lock(conn, team.shop_id, team.team_id)
    await timers.start(conn, order.shop_id, order.order_id, "form_by", team.closes_at)
    members = await teams.paid(conn, team)
    where = (conn, team.shop_id, team.team_id)
    if len(members) == team.seats and await teams.end(*where, "full", at):
        await timers.cancel(*where, LAPSE)
        for member in members:
            await _complete(conn, team.shop_id, member, at)


async def _complete(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    await orders.lock(conn, shop_id, order_id)
    full = await orders.gathered(conn, shop_id, order_id)
    assert full is not None, order_id
    await timers.cancel(conn, shop_id, order_id, "form_by")
    await order_events.tell(conn, shop_id, order_id, "team_full", by="platform", at=at)
    if not await shipping.expect(conn, full, at):
        await telling.buyer(conn, full, "team_full", at)


async def close(conn: db.Connection, timer: Timer, at: datetime) -> bool:
    """The day of a team is over, paid by anybody or not; False when that was done."""
    await claims.lock(conn, timer.shop_id, timer.subject)
    if not await timers.claim(conn, timer, at):
        return False
    await teams.end(conn, timer.shop_id, timer.subject, "failed", at)
    return True


async def lapse(conn: db.Connection, order: Order, at: datetime) -> None:
    """The day of a locked order's team is over and it is not full: all of it goes back."""
    team = await teams.of_order(conn, order.shop_id, order.order_id)
    assert team is not None and order.status == "forming", order.order_id
    await claims.lock(conn, team.shop_id, team.team_id)
    await teams.end(conn, team.shop_id, team.team_id, "failed", at)
    await _give_up(conn, order, "team_not_full", "clock", at)


async def leave(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> Order:
    """A member goes before the team is full; his seat is free again and his money goes back.
    Raises Refused("not_cancellable")."""
    order = await orders.lock(conn, shop_id, order_id)
    if order.status != "forming":
        raise Refused("not_cancellable")
    await _give_up(conn, order, "left_team", "buyer", at)
    return order


async def _give_up(conn: db.Connection, order: Order, reason: str, by: str, at: datetime) -> None:
    refund_id, left = ids.derived(order.order_id, reason), await refunding.left_of(conn, order)
    await refunding.end(conn, order, reason=reason, refund_id=refund_id, at=at)
    await order_events.tell(
        conn, order.shop_id, order.order_id, "called_off", by=by, at=at, why=reason
    )
    await telling.buyer(conn, order, reason, at, amount=left)
