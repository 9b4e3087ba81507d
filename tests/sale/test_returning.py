"""After paying: money back, goods back, another piece, and who decides when nobody acts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from littleshop import db
from littleshop.errors import NotFound, Refused
from littleshop.sale import returning
from littleshop.trade import cases, timers
from tests.cast import CNY, Town
from tests.sale.acts import strikes
from tests.sale.after_sale import AfterSale, after


async def on_hand(owner: db.Connection) -> int:
    return int(await owner.fetchval("select on_hand from variants"))


async def test_before_shipping_the_buyer_gets_all_back_and_the_stock_is_free(
    town: Town, owner: db.Connection
) -> None:
    sale = await after(town)
    await sale.asks("refund", "100.00", "not_wanted")
    with pytest.raises(Refused, match="case_open"):
        await town.ships(sale.placed)
    await sale.seller_agrees()
    order = await town.order(sale.placed)
    assert (order.status, order.held_minor) == ("refunded", 100_00)
    assert await owner.fetchval("select held from variants") == 0
    await town.books_balance()
    assert await sale.rail_sends_all_back() == 1
    order = await town.order(sale.placed)
    assert (order.held_minor, order.refunded_minor) == (0, 100_00)
    assert (await sale.case()).status == "done"
    await town.books_balance()


async def test_a_part_goes_back_and_the_rest_is_released_at_receipt(
    town: Town, owner: db.Connection
) -> None:
    await owner.execute("update shops set commission_bps = 300")
    sale = await after(town)
    await town.ships(sale.placed)
    await sale.asks("refund", "30.00", "damaged")
    await sale.seller_agrees()
    assert (await town.order(sale.placed)).status == "shipped"
    await sale.rail_sends_all_back()
    await town.receives(sale.placed)
    assert await town.balance("payable") == CNY("67.90")
    assert await town.balance("commission") == CNY("2.10")
    assert await town.balance("escrow") == CNY("0.00")
    await town.books_balance()


async def test_what_is_still_on_its_way_back_stays_held_at_receipt(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    await sale.asks("refund", "30.00")
    await sale.seller_agrees()
    town.later(days=10)
    await town.clocks_strike()
    order = await town.order(sale.placed)
    assert (order.status, order.released_minor, order.held_minor) == ("received", 70_00, 30_00)
    await town.books_balance()
    await sale.rail_sends_all_back()
    order = await town.order(sale.placed)
    assert (order.released_minor, order.refunded_minor) == (70_00, 30_00)
    await town.books_balance()


async def test_several_refunds_in_turn_never_exceed_what_was_paid(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    for amount in ("40.00", "35.00"):
        await sale.asks("refund", amount)
        await sale.seller_agrees()
        await sale.rail_sends_all_back()
    with pytest.raises(Refused, match="case_amount"):
        await sale.asks("refund", "25.01")
    await sale.asks("refund", "25.00")
    await sale.seller_agrees()
    assert (await town.order(sale.placed)).status == "refunded"
    await sale.rail_sends_all_back()
    assert await town.balance("escrow") == CNY("0.00")
    await town.books_balance()


async def test_the_database_refuses_to_give_back_more_than_came(
    town: Town, owner: db.Connection
) -> None:
    await after(town)
    with pytest.raises(Exception, match="payments_refunds_within_paid"):
        await owner.execute("update payments set refunded_minor = paid_minor + 1")


async def test_goods_come_back_to_the_shelf_and_the_money_to_the_buyer(
    town: Town, owner: db.Connection
) -> None:
    sale = await after(town, pieces=3)
    await town.ships(sale.placed)
    assert await on_hand(owner) == 2
    await sale.asks("return", "100.00", "not_as_described")
    await sale.seller_agrees()
    await town.books_balance()
    await sale.buyer_sends_back()
    await town.books_balance()
    await sale.seller_takes_back()
    assert await on_hand(owner) == 3
    await sale.rail_sends_all_back()
    assert (await sale.case()).status == "done"
    assert (await town.order(sale.placed)).status == "refunded"
    await town.books_balance()


async def test_another_piece_goes_out_and_the_clock_starts_anew(
    town: Town, owner: db.Connection
) -> None:
    sale = await after(town, pieces=3)
    await town.ships(sale.placed)
    town.later(days=4)
    await sale.asks("exchange", reason="wrong_item")
    await sale.seller_agrees()
    await sale.buyer_sends_back()
    await sale.seller_takes_back(to_shelf=False)
    town.later(days=2)
    await sale.seller_replaces()
    assert await on_hand(owner) == 1
    clocks = {
        clock.kind: clock.due_at
        for clock in await timers.of(owner, town.shop_id, sale.placed.order_id)
    }
    assert clocks["confirm_by"] == town.at + timedelta(days=10)
    await town.receives(sale.placed)
    assert await town.balance("payable") == CNY("100.00")
    await town.books_balance()


async def test_a_request_stops_the_clock_and_a_withdrawal_lets_it_go_on(
    town: Town, owner: db.Connection
) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    town.later(days=9)
    await town.clocks_strike()
    await sale.asks("refund", "10.00")
    town.later(hours=47)
    await town.clocks_strike()
    assert (await town.order(sale.placed)).status == "shipped"
    await sale.buyer_withdraws()
    await town.books_balance()
    town.later(hours=23)
    await town.clocks_strike()
    assert (await town.order(sale.placed)).status == "shipped"
    town.later(hours=1)
    await town.clocks_strike()
    assert (await town.order(sale.placed)).status == "received"
    await town.books_balance()


async def test_the_sellers_silence_for_two_days_is_a_yes(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    await sale.asks("refund", "60.00")
    town.later(hours=47, minutes=59)
    await town.clocks_strike()
    assert (await sale.case()).status == "asked"
    town.later(minutes=1)
    await town.clocks_strike()
    assert (await sale.case()).status == "refunding"
    await town.books_balance()


async def test_goods_that_are_not_sent_in_a_week_are_kept(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    await sale.asks("return", "100.00")
    await sale.seller_agrees()
    town.later(days=7)
    await town.clocks_strike()
    assert (await sale.case()).status == "lapsed"
    await town.receives(sale.placed)
    await town.books_balance()


async def test_a_parcel_nobody_confirms_counts_as_taken_back_after_ten_days(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    await sale.asks("return", "100.00")
    await sale.seller_agrees()
    await sale.buyer_sends_back()
    town.later(days=10)
    await town.clocks_strike()
    assert (await sale.case()).status == "refunding"
    await town.books_balance()


async def test_a_replacement_that_is_never_sent_becomes_money(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    await sale.asks("exchange")
    await sale.seller_agrees()
    await sale.buyer_sends_back()
    await sale.seller_takes_back(to_shelf=False)
    town.later(days=7)
    await town.clocks_strike()
    assert (await sale.case()).agreed == CNY("100.00")
    await sale.rail_sends_all_back()
    assert (await town.order(sale.placed)).status == "refunded"
    await town.books_balance()


async def test_a_no_that_the_buyer_lets_stand_ends_the_case(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    await sale.asks("refund", "60.00")
    await sale.seller_refuses()
    town.later(days=7)
    await town.clocks_strike()
    assert (await sale.case()).status == "lapsed"
    await town.books_balance()


async def test_an_operator_gives_back_a_part_after_seeing_both_sides(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    await sale.asks("refund", "60.00")
    await sale.seller_refuses()
    await sale.buyer_escalates()
    await town.books_balance()
    with pytest.raises(Refused, match="refund_too_large"):
        await sale.operator_decides("100.01")
    case = await sale.operator_decides("25.00")
    assert (case.status, case.agreed) == ("refunding", CNY("25.00"))
    assert case.decided_by is not None
    await sale.rail_sends_all_back()
    await town.receives(sale.placed)
    assert await town.balance("payable") == CNY("75.00")
    await town.books_balance()


async def test_an_operator_says_that_the_seller_was_right(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    await sale.asks("refund", "60.00")
    await sale.seller_refuses()
    await sale.buyer_escalates()
    assert (await sale.operator_decides("0.00")).status == "rejected"
    await town.receives(sale.placed)
    assert await town.balance("payable") == CNY("100.00")
    await town.books_balance()


async def test_two_operators_who_decide_at_once_decide_once(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    await sale.asks("refund", "60.00")
    await sale.seller_refuses()
    await sale.buyer_escalates()
    ends = await asyncio.gather(
        sale.operator_decides("60.00", uuid4()),
        sale.operator_decides("0.00", uuid4()),
        return_exceptions=True,
    )
    said_no = [end for end in ends if isinstance(end, Refused)]
    assert [no.code for no in said_no] == ["case_moved"]
    await town.books_balance()


async def test_within_seven_days_unwanted_goods_cannot_be_refused(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    case = await sale.asks("return", "100.00", "not_wanted")
    assert case.postage_by == "buyer"
    with pytest.raises(Refused, match="case_must_take_back"):
        await sale.seller_refuses()
    await sale.seller_agrees()
    await sale.buyer_sends_back()
    await sale.seller_refuses("退回来的盖子没了")  # what came back is another matter
    assert (await sale.case()).status == "refused"
    await town.books_balance()


async def test_goods_the_law_excepts_may_be_kept_sold(town: Town, owner: db.Connection) -> None:
    sale = await after(town)
    await owner.execute("update products set no_return_since = $1", town.at - timedelta(days=1))
    await town.ships(sale.placed)
    await sale.asks("return", "100.00", "not_wanted")
    await sale.seller_refuses("生鲜不退")
    assert (await sale.case()).status == "refused"


async def test_an_exception_made_after_the_sale_does_not_count(
    town: Town, owner: db.Connection
) -> None:
    sale = await after(town)
    await owner.execute("update products set no_return_since = $1", town.at + timedelta(days=1))
    await town.ships(sale.placed)
    await sale.asks("return", "100.00", "not_wanted")
    with pytest.raises(Refused, match="case_must_take_back"):
        await sale.seller_refuses()


async def test_unwanted_goods_bring_back_their_price_but_not_the_postage_out(
    town: Town, owner: db.Connection
) -> None:
    await owner.execute("update shops set shipping_flat_minor = 1000")
    placed = await town.buys([await town.stock(price=CNY("100.00"))], CNY("110.00"))
    sale = AfterSale(town, placed)
    await town.ships(placed)
    with pytest.raises(Refused, match="case_amount"):
        await sale.asks("return", "110.00", "not_wanted")
    await sale.asks("return", "100.00", "not_wanted")
    await town.books_balance()


async def test_a_seller_who_never_ships_ends_the_request_too(town: Town) -> None:
    sale = await after(town)
    town.later(days=6, hours=23)
    await town.clocks_strike()
    await sale.asks("refund", "20.00", "other")
    town.later(hours=1)
    assert await strikes(town, sale.placed, "ship_at_last")
    assert (await town.order(sale.placed)).status == "refunded"
    assert (await sale.case()).status == "withdrawn"
    await town.books_balance()


async def test_one_request_at_a_time_however_often_it_is_pressed(town: Town) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    ends = await asyncio.gather(
        *[sale.asks("refund", "10.00") for _ in range(6)], return_exceptions=True
    )
    assert sum(not isinstance(end, Exception) for end in ends) == 1
    assert {end.code for end in ends if isinstance(end, Refused)} == {"case_open"}


async def test_photos_are_shown_in_the_order_they_were_given(town: Town) -> None:
    sale = await after(town)
    case = await sale.asks("refund", "10.00", "damaged")
    given = [digit * 64 for digit in "93517ace"]

    async def shows(conn: db.Connection) -> list[str | None]:
        await cases.tell(conn, case, "said", by="buyer", at=town.at, photos=given)
        lines = await cases.history(conn, town.shop_id, case.case_id)
        told = next(line for line in lines if line.kind == "said")
        return [await cases.photo(conn, town.shop_id, case.case_id, each) for each in told.photos]

    assert await town.database.transaction(shows) == given


async def test_another_shops_case_is_not_found(town: Town) -> None:
    sale = await after(town)
    case = await sale.asks("refund", "10.00", "not_wanted")
    with pytest.raises(NotFound):
        await town.database.transaction(
            lambda conn: returning.agree(
                conn, town.shop_id + 1, case.case_id, by="seller", at=town.at
            )
        )


@pytest.mark.parametrize(
    "amount, kind, code",
    [
        ("0.00", "refund", "case_amount"),
        ("100.01", "refund", "case_amount"),
        ("10.00", "gift", "case_not_now"),
        ("10.00", "return", "case_not_now"),
    ],
)
async def test_a_wish_that_makes_no_sense_changes_nothing(
    town: Town, amount: str, kind: str, code: str
) -> None:
    sale = await after(town)
    with pytest.raises(Refused, match=code):
        await sale.asks(kind, amount)
    assert (await town.order(sale.placed)).status == "to_ship"
    await town.books_balance()


async def test_goods_that_are_sent_back_twice_are_on_the_shelf_once(
    town: Town, owner: db.Connection
) -> None:
    sale = await after(town)
    await town.ships(sale.placed)
    for _ in range(3):
        await sale.asks("return", "0.01")
        await sale.seller_agrees()
        await sale.buyer_sends_back()
        await sale.seller_takes_back()
        await sale.rail_sends_all_back()
    assert await owner.fetchval("select sum(on_hand)::integer from variants") == 3
    await town.books_balance()
