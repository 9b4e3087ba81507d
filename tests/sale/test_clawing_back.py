"""Money that the seller has already: it comes back from what he earns next."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from littleshop import db
from littleshop.errors import Refused
from littleshop.sale import returning
from littleshop.shop import terms
from littleshop.shop.terms import Terms
from littleshop.trade.cases import Case
from tests.cast import CNY, MORNING, Town
from tests.sale.after_sale import AfterSale, after, lends
from tests.sale.resold import pair
from tests.settlement.paper_bank import PaperBank, beijing, settle, verify
from tests.settlement.test_settling import MON, TUE, WED

TOLD = MORNING - terms.A_MOMENT  # what was agreed a moment ago stands on every page


async def test_money_comes_back_from_a_seller_who_was_paid(
    town: Town, owner: db.Connection
) -> None:
    await owner.execute("update shops set commission_bps = 300")
    sale = await after(town)
    await town.ships(sale.placed)
    await town.receives(sale.placed)
    assert await town.balance("payable") == CNY("97.00")
    town.later(days=3)
    await sale.asks("refund", "50.00")
    await sale.seller_agrees()
    assert await town.balance("payable") == CNY("48.50")
    assert await town.balance("commission") == CNY("1.50")
    await town.books_balance()
    await sale.rail_sends_all_back()
    await town.books_balance()
    town.later(days=4)
    await town.clocks_strike()
    assert (await town.order(sale.placed)).status == "closed"
    with pytest.raises(Refused, match="case_not_now"):
        await sale.asks("refund", "10.00")


async def test_the_platform_bridges_what_the_seller_has_on_his_card(
    town: Town, owner: db.Connection
) -> None:
    """The rail takes a refund from all it owes us; this shop's part of that was paid out."""
    sale = await paid_out(town)
    await sale.asks("refund", "100.00")
    await sale.seller_agrees()
    assert await town.balance("payable") == CNY("-100.00")
    await sale.rail_sends_all_back()
    assert await town.balance("due_to_shop") == CNY("100.00")
    assert await lends(town, owner) == CNY("100.00")
    await town.books_balance()


async def test_an_order_settled_directly_pays_the_seller_at_once_and_can_still_go_back(
    town: Town,
) -> None:
    await town.database.transaction(
        lambda conn: terms.agree(
            conn, town.shop_id, Terms(direct_since=TOLD, direct_why="三年老店"), town.at
        )
    )
    sale = await after(town)
    assert await town.balance("payable") == CNY("100.00")
    assert (await town.order(sale.placed)).direct
    await town.books_balance()
    await town.ships(sale.placed)
    await sale.asks("refund", "40.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    await town.receives(sale.placed)
    assert await town.balance("payable") == CNY("60.00")
    await town.books_balance()


async def test_a_privilege_that_ended_before_payment_holds_the_money(town: Town) -> None:
    await town.database.transaction(
        lambda conn: terms.agree(
            conn, town.shop_id, Terms(direct_since=TOLD, direct_why="老店"), town.at
        )
    )
    placed = await town.place([await town.stock(price=CNY("5.00"))], CNY("5.00"))
    await town.database.transaction(lambda conn: terms.agree(conn, town.shop_id, Terms(), town.at))
    await town.money_arrives(await town.opens_cashier(placed), CNY("5.00"))
    assert await town.balance("escrow") == CNY("5.00")
    await town.books_balance()


async def offers(town: Town, sale: AfterSale, amount: str) -> Case:
    """The seller gives this back though nobody asked."""
    return await town.database.transaction(
        lambda conn: returning.offer(
            conn, town.shop_id, sale.placed.order_id, CNY(amount), words="送你",
            case_id=uuid4(), at=town.at,
        )
    )  # fmt: skip


async def test_nothing_is_lent_for_what_a_seller_gives_back_unasked(town: Town) -> None:
    """He might have bought of himself: what he has on his card he does not give by our hand."""
    sale = await paid_out(town)
    town.later(days=8)
    await town.clocks_strike()
    assert (await town.order(sale.placed)).status == "closed"
    for amount in ("100.00", "0.01"):
        with pytest.raises(Refused, match="offer_beyond") as no:
            await offers(town, sale, amount)
        assert no.value.details["most"] == CNY("0.00")
    other = await town.buys([await town.stock(price=CNY("30.00"))], CNY("30.00"))
    await town.ships(other)
    await town.receives(other)
    with pytest.raises(Refused, match="offer_beyond"):
        await offers(town, sale, "30.01")
    await offers(town, sale, "30.00")
    await sale.rail_sends_all_back()
    assert await town.balance("payable") == await town.balance("due_to_shop") == CNY("0.00")
    await town.books_balance()


async def test_what_another_shop_had_of_the_sale_is_not_lent_for_a_gift_either(town: Town) -> None:
    """He ships for 1 what she sells for 80, and she is he: her 79 are on her card."""
    two = await pair(town)
    await two.offers("1.00")
    placed = await two.buys(await two.lists("80.00"), "80.00")
    await town.ships(placed)
    await town.receives(placed)
    await two.jobs_are_done()
    with pytest.raises(Refused, match="offer_beyond") as no:
        await offers(town, AfterSale(town, placed), "80.00")
    assert no.value.details["most"] == CNY("1.00")
    await town.books_balance()


async def test_two_offers_at_once_give_the_same_money_once(town: Town) -> None:
    first, second = await after(town, "100.00"), await after(town, "100.00")
    for sale in (first, second):
        await town.ships(sale.placed)
        await town.receives(sale.placed)
    third = await paid_out(town)  # all three are on his card
    town.later(days=1)
    placed = await town.buys([await town.stock(price=CNY("30.00"))], CNY("30.00"))
    await town.ships(placed)
    await town.receives(placed)
    told = await asyncio.gather(
        offers(town, first, "30.00"), offers(town, third, "30.00"), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in told) == ["Case", "Refused"]
    assert await town.balance("payable") == CNY("0.00")
    await town.books_balance()


async def paid_out(town: Town) -> AfterSale:
    """Somebody bought and received a thing, and the money is on the seller's card."""
    bank = PaperBank()
    await verify(town)
    beijing(town, MON, 10)
    sale = await after(town)
    await town.ships(sale.placed)
    await town.receives(sale.placed)
    bank.lump(TUE, CNY("100.00"))
    beijing(town, TUE, 8)
    (payout,) = (await settle(town, bank)).payouts
    bank.pays(TUE, payout)
    beijing(town, WED, 8)
    await settle(town, bank)
    return sale
