"""Another piece is for who has paid for one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from littleshop import db
from littleshop.errors import Refused
from littleshop.sale import returning
from tests.cast import CNY, Town
from tests.sale.after_sale import after


async def test_who_had_all_his_money_back_is_owed_no_other_piece(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    await town.receives(sale.placed)
    await sale.asks("refund", "100.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    with pytest.raises(Refused, match="case_not_now"):
        await sale.asks("exchange")
    await town.books_balance()


async def test_an_exchange_that_never_came_ends_where_no_money_is_left_to_give_back(
    town: Town, owner: db.Connection
) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    await town.receives(sale.placed)
    case = await sale.asks("exchange")
    await sale.buyer_withdraws()
    await sale.asks("refund", "100.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    await owner.execute(  # as one stands that was asked for before this was refused
        "update cases set ended_at = null, status = 'replacing' where case_id = $1", case.case_id
    )
    await owner.execute(
        "insert into timers (shop_id, subject, kind, due_at) values ($1, $2, 'case_replace', $3)",
        town.shop_id, sale.placed.order_id, town.at + returning.REPLACE,
    )  # fmt: skip
    await town.books_balance()
    town.at += returning.REPLACE + timedelta(seconds=1)
    await town.clocks_strike()
    assert not (await sale.case()).is_open
    assert (await town.order(sale.placed)).refunded_minor == CNY("100.00").minor
    await town.books_balance()
