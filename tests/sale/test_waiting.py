"""Orders to a shop that no rail has admitted yet: they wait, are invited, and oversell nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from littleshop import db
from littleshop.catalog import stock
from littleshop.errors import Refused
from littleshop.insights import takings
from littleshop.notify import messages
from littleshop.pay import payments
from littleshop.pricing.quotes import Item
from littleshop.sale import waiting
from littleshop.sale.placing import HOLD, Placed
from littleshop.shop import admissions, cards
from littleshop.trade import timers
from tests.cast import CNY, PRIYA, Town
from tests.sale import acts
from tests.settlement.paper_bank import verify

BOWL = CNY("168.00")


async def waits(town: Town, bowl: Item, **more: object) -> Placed:
    return await town.place([bowl], BOWL, waits=True, **more)  # type: ignore[arg-type]


async def rail_opens(town: Town) -> int:
    """The first rail admits the shop, and the worker does what that asks for."""
    return await waiting.rail_opened(town.database, town.shop_id, town.at)


async def spare(town: Town, bowl: Item) -> int:
    async with town.database.connection() as conn:
        return (await stock.spare(conn, town.shop_id, [bowl.variant_id]))[bowl.variant_id]


async def due(town: Town, placed: Placed, kind: str) -> timedelta | None:
    async with town.database.connection() as conn:
        clocks = await timers.of(conn, town.shop_id, placed.order_id)
    return next((clock.due_at - town.at for clock in clocks if clock.kind == kind), None)


async def test_a_waiting_order_holds_nothing_and_cannot_be_paid(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    placed = await waits(town, bowl)
    assert (await town.order(placed)).status == "waiting"
    assert await spare(town, bowl) == 1
    with pytest.raises(Refused, match="not_payable"):
        await town.opens_cashier(placed)
    await town.books_balance()


async def test_when_a_rail_opens_every_waiting_order_can_be_paid_for_72_hours(town: Town) -> None:
    bowl = await town.stock(pieces=3)
    placed = [await waits(town, bowl), await waits(town, bowl, who=PRIYA)]
    town.later(days=9)
    assert await rail_opens(town) == 2
    assert await rail_opens(town) == 0  # a second rail invites nobody again
    for each in placed:
        assert (await town.order(each)).status == "invited"
        assert await due(town, each, "pay_by") == timedelta(hours=72)
        async with town.database.connection() as conn:
            told = await messages.of(conn, town.shop_id, each.order_id)
        assert [(one.about, one.channel) for one in told] == [("order_payable", "sms")]
    assert await spare(town, bowl) == 3
    reference = await town.opens_cashier(placed[0])
    assert await spare(town, bowl) == 2
    assert await town.money_arrives(reference, BOWL) == "accepted"
    async with town.database.connection() as conn:  # the day it is paid counts, however long ago
        took = await takings.minutes(conn, town.shop_id, town.at, town.later(minutes=1))
    assert [(each.orders, each.minor) for each in took] == [(1, BOWL.minor)]
    await town.books_balance()


async def test_of_two_invited_to_the_last_piece_one_pays_and_the_other_is_told(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    both = [await waits(town, bowl), await waits(town, bowl, who=PRIYA)]
    await rail_opens(town)
    ends = await asyncio.gather(
        *(town.opens_cashier(each) for each in both), return_exceptions=True
    )
    late = [end for end in ends if isinstance(end, Refused)]
    assert [no.code for no in late] == ["gone_meanwhile"]
    reference = next(end for end in ends if isinstance(end, str))
    assert await town.money_arrives(reference, BOWL) == "accepted"
    assert sorted([(await town.order(each)).status for each in both]) == ["invited", "to_ship"]
    await acts.ends_well(town, *both)


async def test_who_goes_to_pay_and_does_not_keeps_the_invitation_not_the_piece(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    slow, quick = await waits(town, bowl), await waits(town, bowl, who=PRIYA)
    await rail_opens(town)
    stale = await town.opens_cashier(slow)
    town.later(minutes=31)
    await town.clocks_strike()
    assert (await town.order(slow)).status == "invited"
    paid = await town.opens_cashier(quick)
    assert await town.money_arrives(stale, BOWL) == "returned"  # too late: it goes back in full
    assert await town.money_arrives(paid, BOWL) == "accepted"
    async with town.database.connection() as conn:
        told = await messages.of(conn, town.shop_id, slow.order_id)
    assert "payment_returned" in {one.about for one in told}
    await town.books_balance()


async def test_an_attempt_to_pay_ends_with_the_half_hour_of_its_pieces(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    placed = await waits(town, bowl)
    await rail_opens(town)
    opened_at = town.later(minutes=1)
    reference = await town.opens_cashier(placed)
    async with town.database.connection() as conn:
        payment = await payments.get(conn, town.shop_id, reference)
    assert payment is not None and payment.expires_at == opened_at + HOLD
    assert await due(town, placed, "pay_by") == timedelta(hours=72, minutes=-1)
    await town.books_balance()


async def test_money_of_a_lapsed_half_hour_is_taken_while_the_piece_is_there(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    placed = await waits(town, bowl)
    await rail_opens(town)
    reference = await town.opens_cashier(placed)
    town.later(minutes=31)
    await town.clocks_strike()
    assert await town.money_arrives(reference, BOWL) == "accepted"
    assert await due(town, placed, "pay_by") is None
    await town.books_balance()


async def test_an_invitation_nobody_takes_closes_after_72_hours(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    placed, held = await waits(town, bowl), await waits(town, bowl, who=PRIYA)
    await rail_opens(town)
    town.later(hours=71, minutes=50)
    reference = await town.opens_cashier(held)  # ten minutes are left of the 72 hours
    town.later(minutes=11)
    await town.clocks_strike()
    for each in (placed, held):
        order = await town.order(each)
        assert (order.status, order.cancel_reason) == ("cancelled", "unpaid")
    assert await spare(town, bowl) == 1
    assert await town.money_arrives(reference, BOWL) == "accepted"  # late, and there is one
    await town.books_balance()


async def test_the_buyer_may_withdraw_it_while_it_waits_and_when_invited(town: Town) -> None:
    bowl = await town.stock(pieces=2)
    first, second = await waits(town, bowl), await waits(town, bowl, who=PRIYA)
    assert await acts.withdraws(town, first) == "cancelled"
    assert await rail_opens(town) == 1
    await town.opens_cashier(second)
    assert await acts.withdraws(town, second) == "cancelled"
    assert await spare(town, bowl) == 2
    await town.books_balance()


async def test_a_shop_that_is_never_admitted_lets_its_orders_go_after_30_days(town: Town) -> None:
    placed = await waits(town, await town.stock(pieces=1))
    town.later(days=30)
    await town.clocks_strike()
    order = await town.order(placed)
    assert (order.status, order.cancel_reason) == ("cancelled", "never_admitted")
    async with town.database.connection() as conn:
        told = await messages.of(conn, town.shop_id, placed.order_id)
    assert [one.about for one in told] == ["order_cancelled"]
    await town.books_balance()


async def test_a_new_attempt_takes_the_place_of_the_buyers_waiting_order(town: Town) -> None:
    bowl, cart = await town.stock(pieces=5), await town.stock("月白杯")
    first = await waits(town, bowl, cart_id=cart.variant_id)
    again = await waits(town, bowl, cart_id=cart.variant_id)
    payable = await town.place([bowl], BOWL, cart_id=cart.variant_id)
    ends = [(await town.order(each)).status for each in (first, again, payable)]
    assert ends == ["cancelled", "cancelled", "placed"]
    assert await spare(town, bowl) == 4
    await town.books_balance()


async def test_what_is_gone_cannot_be_waited_for(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    await town.place([bowl], BOWL)
    with pytest.raises(Refused, match="stock_short"):
        await waits(town, bowl, who=PRIYA)
    await town.books_balance()


async def test_who_asks_to_wait_when_a_rail_has_just_opened_is_shown_it_instead(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    await verify(town)
    first = await waits(town, bowl)

    async def admit(conn: db.Connection) -> None:
        card = await cards.active(conn, town.shop_id)
        assert card is not None
        asked = await admissions.ask(
            conn, town.shop_id, "wechat_pay", card_id=card.card_id, shop_name="小满茶器", at=town.at
        )
        assert asked is not None
        assert await admissions.admit(conn, asked, "1900000109", town.at)

    await town.database.transaction(admit)
    with pytest.raises(Refused, match="terms_changed"):
        await waits(town, bowl, who=PRIYA)
    assert await waiting.rail_opened(town.database, town.shop_id, town.at) == 1
    assert (await town.order(first)).status == "invited"
    await town.books_balance()
