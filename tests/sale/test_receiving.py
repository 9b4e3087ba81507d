"""Shipping and receiving: the money is the seller's only when the buyer has the goods."""

from __future__ import annotations

from datetime import timedelta

import pytest

from littleshop import db
from littleshop.errors import Refused
from littleshop.sale import receiving, shipping
from littleshop.trade import deliveries
from tests.cast import CNY, Town


async def test_receipt_releases_the_money_and_ships_the_stock_once(town: Town) -> None:
    placed = await town.buys([await town.stock(pieces=4)], CNY("168.00"))
    await town.ships(placed)
    await town.books_balance()
    assert await town.balance("payable") == CNY("0.00")
    await town.receives(placed)
    assert await town.balance("payable") == CNY("168.00")
    assert await town.balance("escrow") == CNY("0.00")
    await town.books_balance()


async def test_commission_is_taken_at_receipt(town: Town, owner: db.Connection) -> None:
    await owner.execute("update shops set commission_bps = 300")
    placed = await town.buys([await town.stock(price=CNY("18.00"))], CNY("18.00"))
    await town.ships(placed)
    await town.receives(placed)
    assert await town.balance("payable") == CNY("17.46")
    assert await town.balance("commission") == CNY("0.54")
    await town.books_balance()


async def test_a_second_confirmation_is_refused_and_pays_nothing(town: Town) -> None:
    placed = await town.buys([await town.stock()], CNY("168.00"))
    await town.ships(placed)
    await town.receives(placed)
    with pytest.raises(Refused):
        await town.receives(placed)
    assert await town.balance("payable") == CNY("168.00")


async def test_what_is_not_shipped_cannot_be_received(town: Town) -> None:
    placed = await town.buys([await town.stock()], CNY("168.00"))
    with pytest.raises(Refused):
        await town.receives(placed)
    await town.books_balance()


async def test_silence_for_ten_days_counts_as_receipt(town: Town) -> None:
    placed = await town.buys([await town.stock()], CNY("168.00"))
    await town.ships(placed)
    town.later(days=9, hours=23)
    await town.clocks_strike()
    assert (await town.order(placed)).status == "shipped"
    town.later(hours=1)
    await town.clocks_strike()
    assert (await town.order(placed)).status == "received"
    town.later(days=7)
    await town.clocks_strike()
    assert (await town.order(placed)).status == "closed"
    await town.books_balance()


async def test_the_buyer_has_one_extension_of_three_days(town: Town) -> None:
    placed = await town.buys([await town.stock()], CNY("168.00"))
    await town.ships(placed)
    work = lambda conn: receiving.extend(conn, town.shop_id, placed.order_id, town.at)  # noqa: E731
    await town.database.transaction(work)
    with pytest.raises(Refused):
        await town.database.transaction(work)
    town.later(days=12)
    await town.clocks_strike()
    assert (await town.order(placed)).status == "shipped"
    town.at += timedelta(days=1)
    await town.clocks_strike()
    assert (await town.order(placed)).status == "received"


async def test_the_code_shown_at_pick_up_is_the_receipt(town: Town) -> None:
    placed = await town.buys([await town.stock()], CNY("168.00"))
    code = shipping.pickup_code(town.keyring, town.shop_id, placed.order_id)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"

    async def hand_over(typed: str) -> None:
        await town.database.transaction(
            lambda conn: shipping.hand_over(
                conn,
                town.shop_id,
                placed.order_id,
                code=typed,
                keyring=town.keyring,
                at=town.at,
            )
        )

    with pytest.raises(Refused):
        await hand_over(wrong)
    assert (await town.order(placed)).status == "to_ship"
    await hand_over(code)
    assert (await town.order(placed)).status == "received"
    await town.books_balance()


async def test_a_wrong_tracking_number_can_be_corrected(town: Town) -> None:
    placed = await town.buys([await town.stock()], CNY("168.00"))
    order = await town.ships(placed)

    async def work(conn: db.Connection) -> str:
        parcel = (await deliveries.of_order(conn, town.shop_id, placed.order_id))[0]
        await shipping.correct(
            conn,
            town.shop_id,
            order,
            parcel.parcel_id,
            carrier="zto",
            number="7530 1186 4402",
            at=town.at,
        )
        return (await deliveries.of_order(conn, town.shop_id, placed.order_id))[0].tracking_number

    assert await town.database.transaction(work) == "753011864402"
    with pytest.raises(Refused):
        await town.ships(placed, number="<script>")
