"""Refunds that did not arrive: the buyer gets his money another way, once."""

from __future__ import annotations

from typing import Any, cast

import pytest

from littleshop import db
from littleshop.errors import Refused
from littleshop.pay import refunds
from littleshop.pay.gateways import Gateway
from littleshop.pay.refunds import Refund
from littleshop.sale import resending
from tests.cast import CNY, Town
from tests.sale.after_sale import AfterSale, after


class Plain:
    """A rail that sends nothing elsewhere."""


class Sending(Plain):
    """A rail that sends an abnormal refund to another card, or back to us."""

    async def redirect_refund(self, *_told: object) -> None:
        return None


PLAIN, SENDING = cast(Gateway, Plain()), cast(Gateway, Sending())


async def refunded(town: Town, *, received: bool = False) -> AfterSale:
    """All of an order went back, said the rail."""
    sale = await after(town)
    await town.ships(sale.placed)
    if received:
        await town.receives(sale.placed)
    await sale.asks("refund", "100.00")
    await sale.seller_agrees()
    assert await sale.rail_sends_all_back() == 1
    return sale


async def of(town: Town, sale: AfterSale) -> Refund:
    async with town.database.connection() as conn:
        (found,) = await refunds.of_order(conn, town.shop_id, sale.placed.order_id)
    return found


async def does(town: Town, step: Any, *told: object, **more: object) -> Any:
    """A step of the flow in a transaction of its own."""
    return await town.database.transaction(lambda conn: step(conn, *told, **more))


@pytest.mark.parametrize("received", [False, True])
async def test_a_refund_that_fails_days_later_is_held_again_and_paid_by_hand(
    town: Town, owner: db.Connection, received: bool
) -> None:
    sale = await refunded(town, received=received)
    done = await of(town, sale)
    town.later(days=4)
    assert await does(town, resending.hear_failed, town.shop_id, done.reference, town.at)
    assert not await does(town, resending.hear_failed, town.shop_id, done.reference, town.at)
    order, stuck = await town.order(sale.placed), await of(town, sale)
    assert (order.held_minor, order.refunded_minor) == (100_00, 0)
    assert (stuck.status, stuck.replaces, stuck.amount) == ("stuck", done.refund_id, CNY("100.00"))
    assert await owner.fetchval("select count(*) from messages where about = 'refund_stuck'") == 1
    await town.books_balance()
    paid = (PLAIN, town.shop_id, stuck.refund_id, town.at)
    await does(town, resending.pay_by_hand, *paid)
    with pytest.raises(Refused, match="refund_moved"):
        await does(town, resending.pay_by_hand, *paid)
    order = await town.order(sale.placed)
    assert (order.held_minor, order.refunded_minor) == (0, 100_00)
    assert (await of(town, sale)).done_by == "hand"
    assert await town.balance("escrow") == CNY("0.00")
    await town.books_balance()


async def test_sent_again_it_has_a_number_of_its_own_and_may_get_stuck_once_more(
    town: Town,
) -> None:
    sale = await refunded(town)
    done = await of(town, sale)
    await does(town, resending.hear_failed, town.shop_id, done.reference, town.at)
    first = await of(town, sale)
    again = (PLAIN, town.shop_id, first.refund_id, town.at)
    await does(town, resending.send_again, *again)
    with pytest.raises(Refused, match="refund_moved"):
        await does(town, resending.send_again, *again)
    second = await of(town, sale)
    assert second.status == "asked" and second.reference != first.reference
    await town.books_balance()
    assert await does(town, resending.hear_stuck, town.shop_id, second.refund_id, town.at)
    await town.books_balance()
    await does(town, resending.send_again, PLAIN, town.shop_id, second.refund_id, town.at)
    assert await sale.rail_sends_all_back() == 1
    assert (await town.order(sale.placed)).refunded_minor == 100_00
    await town.books_balance()


async def test_what_the_rail_was_told_to_send_to_the_card_is_not_also_paid_by_hand(
    town: Town,
) -> None:
    sale = await after(town)
    await sale.asks("refund", "100.00")
    await sale.seller_agrees()
    it = (town.shop_id, (await of(town, sale)).refund_id)
    assert await does(town, resending.hear_stuck, *it, town.at)
    with pytest.raises(Refused, match="refund_take_first"):
        await does(town, resending.pay_by_hand, SENDING, *it, town.at)
    await does(town, resending.ask_redirect, *it, "card")
    with pytest.raises(Refused, match="refund_moved"):  # perhaps the rail took it for the card
        await does(town, resending.ask_redirect, *it, "us")
    await does(town, resending.hear_redirect, *it, "card", taken=False, at=town.at)
    await does(town, resending.ask_redirect, *it, "us")
    await does(town, resending.hear_redirect, *it, "us", taken=True, at=town.at)
    with pytest.raises(Refused, match="refund_moved"):
        await does(town, resending.send_again, SENDING, *it, town.at)
    await town.books_balance()
    await does(town, resending.pay_by_hand, SENDING, *it, town.at)
    done = await of(town, sale)
    assert (done.status, done.done_by) == ("done", "rail")  # what WeChat sent to us is in its bill
    await town.books_balance()


async def test_a_stuck_refund_that_goes_out_at_the_rails_own_desk_is_asked_for_again(
    town: Town,
) -> None:
    sale = await after(town)
    await sale.asks("refund", "100.00")
    await sale.seller_agrees()
    refund = await of(town, sale)
    before = town.at
    town.later(hours=1)
    await does(town, resending.hear_stuck, town.shop_id, refund.refund_id, town.at)
    news = (town.shop_id, refund.reference)
    assert not await does(town, resending.look_again, *news, told_at=before, at=town.at)
    told_at = town.later(hours=1)
    assert await does(town, resending.look_again, *news, told_at=told_at, at=town.at)
    assert await sale.rail_sends_all_back() == 1
    await town.books_balance()
