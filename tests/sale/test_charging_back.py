"""The buyer's bank takes a payment back: the order stands still until it has decided."""

from __future__ import annotations

import msgspec
import pytest

from littleshop import db
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pay import chargebacks, payments
from littleshop.pay.gateways import Notice
from littleshop.sale import charging_back, ticking
from littleshop.sale.placing import Placed
from tests.cast import CNY, Town
from tests.sale.after_sale import AfterSale, after
from tests.sale.test_privileges import gives, hers, left_of


async def reference(owner: db.Connection) -> str:
    return str(await owner.fetchval("select reference from payments where outcome = 'accepted'"))


async def opened(town: Town, owner: db.Connection, amount: Money) -> bool:
    number = await reference(owner)
    return await town.database.transaction(
        lambda conn: charging_back.hear_opened(conn, town.shop_id, number, amount, town.at)
    )


async def ended(town: Town, owner: db.Connection, amount: Money, *, won: bool) -> bool:
    number = await reference(owner)
    return await town.database.transaction(
        lambda conn: charging_back.hear_ended(
            conn, town.shop_id, number, amount, won=won, at=town.at
        )
    )


async def shipped(town: Town) -> AfterSale:
    sale = await after(town)
    await town.ships(sale.placed)
    return sale


async def status(town: Town, placed: Placed) -> str:
    return (await town.order(placed)).status


async def test_while_the_bank_decides_nothing_is_released_shipped_or_sent_back(
    town: Town, owner: db.Connection
) -> None:
    sale = await shipped(town)
    assert await opened(town, owner, CNY("100.00"))
    assert not await opened(town, owner, CNY("100.00"))
    with pytest.raises(Refused, match="chargeback_open"):
        await town.receives(sale.placed)
    await sale.asks("refund", "10.00")
    with pytest.raises(Refused, match="chargeback_open"):
        await sale.seller_agrees()
    town.later(days=40)
    await town.clocks_strike()
    assert await status(town, sale.placed) == "shipped"
    await town.books_balance()


async def test_a_chargeback_that_was_won_lets_the_clocks_go_on(
    town: Town, owner: db.Connection
) -> None:
    sale = await shipped(town)
    await opened(town, owner, CNY("100.00"))
    town.later(days=40)
    assert await ended(town, owner, CNY("100.00"), won=True)
    assert not await ended(town, owner, CNY("100.00"), won=True)
    await town.clocks_strike()
    assert await status(town, sale.placed) == "shipped"
    town.later(days=10)
    await town.clocks_strike()
    assert await status(town, sale.placed) == "received"
    await town.books_balance()


async def test_a_chargeback_that_was_lost_is_a_refund_the_rail_made(
    town: Town, owner: db.Connection
) -> None:
    sale = await shipped(town)
    await opened(town, owner, CNY("100.00"))
    await ended(town, owner, CNY("100.00"), won=False)
    order = await town.order(sale.placed)
    assert (order.status, order.refunded_minor, order.held_minor) == ("refunded", 100_00, 0)
    assert await town.balance("escrow") == CNY("0.00")
    assert await town.balance("gateway_clearing:alipay") == CNY("0.00")
    await town.books_balance()


async def test_a_bank_that_takes_all_back_gives_the_credit_back_and_a_part_does_not(
    town: Town, owner: db.Connection
) -> None:
    bowl = await town.stock()
    await gives(town, "credit", sum_minor=2000)
    await town.buys([bowl], CNY("148.00"), asker=hers(town))
    number = await reference(owner)
    for dispute, part, left in (("dp_1", "48.00", 0), ("dp_2", "100.00", 2000)):
        await town.database.transaction(
            lambda conn, dispute=dispute, part=part: charging_back.hear_ended(  # type: ignore[misc]
                conn, town.shop_id, number, CNY(part), won=False, at=town.at, dispute=dispute
            )
        )
        assert await left_of(town, "credit") == left, dispute
    await town.books_balance()


async def test_the_end_may_be_heard_before_the_beginning(town: Town, owner: db.Connection) -> None:
    sale = await shipped(town)
    assert await ended(town, owner, CNY("100.00"), won=False)
    assert not await opened(town, owner, CNY("100.00"))
    assert await status(town, sale.placed) == "refunded"
    await town.books_balance()


async def test_what_the_seller_has_is_clawed_back_when_the_bank_takes_it(
    town: Town, owner: db.Connection
) -> None:
    sale = await shipped(town)
    await town.receives(sale.placed)
    await ended(town, owner, CNY("40.00"), won=False)
    assert await town.balance("payable") == CNY("60.00")
    assert await status(town, sale.placed) == "received"
    await town.books_balance()


async def test_what_had_gone_back_already_is_our_own_loss_and_is_written_down(
    town: Town, owner: db.Connection
) -> None:
    sale = await shipped(town)
    await sale.asks("refund", "70.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    await ended(town, owner, CNY("100.00"), won=False)
    assert await owner.fetchval("select unbooked_minor from chargebacks") == 70_00
    assert await status(town, sale.placed) == "refunded"
    assert await town.balance("chargeback_loss") == CNY("70.00")
    assert await town.balance("gateway_clearing:alipay") == CNY("0.00")
    assert await town.balance("due_to_shop") == CNY("70.00"), "of this shop the rail has nothing"
    (shown,) = await chargebacks.shown(owner)
    assert (shown.borne, shown.gateway) == (CNY("70.00"), "alipay")
    await town.books_balance()


async def test_a_request_that_ends_does_not_wake_clocks_a_bank_has_stopped(
    town: Town, owner: db.Connection
) -> None:
    sale = await shipped(town)
    await sale.asks("refund", "10.00")
    await opened(town, owner, CNY("100.00"))
    await sale.buyer_withdraws()
    town.later(days=40)
    await town.clocks_strike()
    assert await status(town, sale.placed) == "shipped"
    await town.books_balance()


async def test_a_dispute_that_names_only_the_rails_number_finds_its_payment(
    town: Town, owner: db.Connection
) -> None:
    await shipped(town)
    number = await reference(owner)
    notice = Notice(
        gateway="alipay",
        notice_id="evt_1",
        reference="",
        kind="disputed",
        amount=CNY("100.00"),
        gateway_trade_no=f"2026{number}",
        at=town.at,
        raw="",
    )
    found = await payments.told_of(owner, notice)
    assert found is not None and found.reference == number
    strange = msgspec.structs.replace(notice, gateway_trade_no="pi_of_somebody_else")
    assert await payments.told_of(owner, strange) is None
    await town.books_balance()


async def test_clocks_of_a_request_made_meanwhile_stand_still_and_go_on_afterwards(
    town: Town, owner: db.Connection
) -> None:
    sale = await shipped(town)
    await opened(town, owner, CNY("100.00"))
    await sale.asks("return", "10.00")
    await sale.seller_agrees()
    town.later(days=40)
    await town.clocks_strike()
    assert not await owner.fetchval("select count(*) from jobs where name = $1", ticking.RETRY)
    assert (await sale.case()).status == "returning"
    await ended(town, owner, CNY("100.00"), won=True)
    town.later(days=40)
    await town.clocks_strike()
    assert (await sale.case()).ended_at is not None
    await town.books_balance()


async def disputed(
    town: Town, number: str, how: str, *, dispute: str = "", amount: str = "100.00"
) -> bool:
    """What the rail says of one dispute of one payment: opened, won or lost."""

    async def work(conn: db.Connection) -> bool:
        about = (conn, town.shop_id, number, CNY(amount))
        if how == "opened":
            return await charging_back.hear_opened(*about, town.at, dispute=dispute)
        return await charging_back.hear_ended(*about, won=how == "won", at=town.at, dispute=dispute)

    return await town.database.transaction(work)


async def paid_twice(town: Town) -> tuple[Placed, str, str]:
    """An order, the payment that pays it and the one that came after it and was returned."""
    goods = await town.stock(price=CNY("100.00"), pieces=3)
    placed = await town.place([goods], CNY("100.00"))
    first = await town.opens_cashier(placed)
    second = await town.opens_cashier(placed, "page")
    assert await town.money_arrives(first, CNY("100.00")) == "accepted"
    assert await town.money_arrives(second, CNY("100.00")) == "returned"
    await AfterSale(town, placed).rail_sends_all_back()
    return placed, first, second


@pytest.mark.parametrize("how", ["won", "lost"])
async def test_two_payments_of_one_order_are_disputed_apart(town: Town, how: str) -> None:
    placed, first, second = await paid_twice(town)
    assert await disputed(town, first, "opened", dispute="dp_1")
    assert await disputed(town, second, "opened", dispute="dp_2")
    assert await disputed(town, second, how, dispute="dp_2")
    with pytest.raises(Refused, match="chargeback_open"):
        await town.ships(placed)
    await town.books_balance()
    assert await disputed(town, first, "won", dispute="dp_1")
    await town.ships(placed)
    await town.receives(placed)
    assert await town.balance("payable") == CNY("100.00")
    lost = CNY("100.00" if how == "lost" else "0.00")
    assert await town.balance("chargeback_loss") == lost
    assert await town.balance("due_to_shop") == lost, "what is the seller's is not touched"
    await town.books_balance()


async def test_a_dispute_of_a_returned_payment_does_not_stop_the_good_order(town: Town) -> None:
    placed, _, second = await paid_twice(town)
    assert await disputed(town, second, "opened")
    await town.ships(placed)
    town.later(days=40)
    await town.clocks_strike()
    assert await status(town, placed) == "received"
    await town.books_balance()


async def test_one_payment_may_be_disputed_twice_and_each_ends_for_itself(town: Town) -> None:
    placed, first, _ = await paid_twice(town)
    assert await disputed(town, first, "opened", dispute="dp_1", amount="30.00")
    assert await disputed(town, first, "won", dispute="dp_1", amount="30.00")
    assert await disputed(town, first, "opened", dispute="dp_2", amount="40.00")
    assert not await disputed(town, first, "opened", dispute="dp_2", amount="40.00")
    with pytest.raises(Refused, match="chargeback_open"):
        await town.ships(placed)
    assert await disputed(town, first, "opened", dispute="dp_3", amount="10.00")
    assert await disputed(town, first, "lost", dispute="dp_2", amount="40.00")
    assert await disputed(town, first, "lost", dispute="dp_3", amount="10.00")
    assert not await disputed(town, first, "lost", dispute="dp_2", amount="40.00")
    await town.ships(placed)
    order = await town.order(placed)
    assert (order.refunded_minor, order.held_minor) == (50_00, 50_00)
    await town.books_balance()
