"""Paying: whatever arrives, however often and however late, ends accepted or refunded in full."""

from __future__ import annotations

from uuid import UUID, uuid4

from littleshop import db
from littleshop.pay import payments, refunds
from littleshop.sale import paying, refunding
from tests.cast import CNY, Town


async def goes_back(town: Town, order_id: UUID) -> None:
    """The rail sends every refund of an order back."""
    async with town.database.connection() as conn:
        asked = await refunds.of_order(conn, town.shop_id, order_id)

    async def hear(conn: db.Connection) -> None:
        for refund in asked:
            await refunding.hear(conn, town.shop_id, refund.refund_id, town.at)

    await town.database.transaction(hear)


async def test_paid_money_is_held_until_receipt(town: Town) -> None:
    placed = await town.buys([await town.stock()], CNY("168.00"))
    order = await town.order(placed)
    assert (order.status, order.held_minor) == ("to_ship", 16800)
    assert await town.balance("escrow") == CNY("168.00")
    assert await town.balance("gateway_clearing:alipay") == CNY("168.00")
    await town.books_balance()


async def test_the_same_notice_twice_is_one_payment(town: Town) -> None:
    placed = await town.place([await town.stock()], CNY("168.00"))
    reference = await town.opens_cashier(placed)
    assert await town.money_arrives(reference, CNY("168.00")) == "accepted"
    assert await town.money_arrives(reference, CNY("168.00")) == "known"
    assert await town.balance("escrow") == CNY("168.00")
    await town.books_balance()


async def test_a_wrong_amount_goes_back_and_the_order_still_waits(town: Town) -> None:
    placed = await town.place([await town.stock()], CNY("168.00"))
    reference = await town.opens_cashier(placed)
    assert await town.money_arrives(reference, CNY("0.01")) == "returned"
    assert (await town.order(placed)).status == "placed"
    await town.books_balance()
    await goes_back(town, placed.order_id)
    assert await town.balance("suspense") == CNY("0.00")
    await town.books_balance()


async def test_two_attempts_both_paid_keep_one_and_return_the_other(town: Town) -> None:
    placed = await town.place([await town.stock()], CNY("168.00"))
    phone, desk = await town.opens_cashier(placed), await town.opens_cashier(placed, "qr")
    assert phone != desk
    assert await town.money_arrives(phone, CNY("168.00")) == "accepted"
    assert await town.money_arrives(desk, CNY("168.00")) == "returned"
    await goes_back(town, placed.order_id)
    assert await town.balance("escrow") == CNY("168.00")
    await town.books_balance()


async def test_the_same_button_pressed_again_is_the_same_attempt(town: Town) -> None:
    placed = await town.place([await town.stock()], CNY("168.00"))
    assert await town.opens_cashier(placed) == await town.opens_cashier(placed)


async def test_unpaid_orders_close_after_half_an_hour_and_give_stock_back(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    placed = await town.place([bowl], CNY("168.00"))
    await town.opens_cashier(placed)
    town.later(minutes=29)
    await town.clocks_strike()
    assert (await town.order(placed)).status == "placed"
    town.later(minutes=1)
    await town.clocks_strike()
    assert (await town.order(placed)).cancel_reason == "unpaid"
    await town.place([bowl], CNY("168.00"))
    await town.books_balance()


async def test_late_money_finds_its_stock_again(town: Town) -> None:
    placed = await town.place([await town.stock(pieces=1)], CNY("168.00"))
    reference = await town.opens_cashier(placed)
    town.later(minutes=31)
    await town.clocks_strike()
    assert await town.money_arrives(reference, CNY("168.00")) == "accepted"
    assert (await town.order(placed)).status == "to_ship"
    await town.books_balance()


async def test_late_money_goes_back_when_somebody_else_has_the_last_piece(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    placed = await town.place([bowl], CNY("168.00"))
    reference = await town.opens_cashier(placed)
    town.later(minutes=31)
    await town.clocks_strike()
    await town.buys([bowl], CNY("168.00"))
    assert await town.money_arrives(reference, CNY("168.00")) == "returned"
    assert (await town.order(placed)).status == "cancelled"
    await goes_back(town, placed.order_id)
    await town.books_balance()


async def test_money_for_a_replaced_order_goes_back(town: Town) -> None:
    bowl = await town.stock(pieces=2)
    cart = uuid4()
    first = await town.place([bowl], CNY("168.00"), cart_id=cart)
    reference = await town.opens_cashier(first)
    await town.place([bowl], CNY("168.00"), cart_id=cart)
    assert await town.money_arrives(reference, CNY("168.00")) == "returned"
    await town.books_balance()


async def test_a_closed_attempt_that_was_paid_after_all_is_heard(town: Town) -> None:
    placed = await town.place([await town.stock()], CNY("168.00"))
    reference = await town.opens_cashier(placed)

    async def close(conn: db.Connection) -> bool:
        return await payments.close(conn, town.shop_id, reference)

    assert await town.database.transaction(close)
    assert await town.money_arrives(reference, CNY("168.00")) == "accepted"
    await town.books_balance()


async def test_an_order_that_is_not_shipped_for_a_week_is_refunded_by_itself(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    placed = await town.buys([bowl], CNY("168.00"))
    town.later(days=7, minutes=1)
    await town.clocks_strike()
    assert (await town.order(placed)).status == "refunded"
    await town.books_balance()
    await goes_back(town, placed.order_id)
    order = await town.order(placed)
    assert (order.held_minor, await town.balance("escrow")) == (0, CNY("0.00"))
    await town.place([bowl], CNY("168.00"))
    await town.books_balance()


async def test_withdrawing_before_paying_gives_the_stock_back(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    placed = await town.place([bowl], CNY("168.00"))
    await town.database.transaction(
        lambda conn: paying.withdraw(conn, town.shop_id, placed.order_id, town.at)
    )
    await town.place([bowl], CNY("168.00"))
    await town.books_balance()
