"""What a shop's terms leave in its balance, and what it owes the platform, explained to the fen."""

from __future__ import annotations

from datetime import date, timedelta

from littleshop import db
from littleshop.ledger import bridging
from littleshop.money import Money
from littleshop.settlement import outlook
from littleshop.settlement.outlook import Expected
from littleshop.shop import shops, terms
from littleshop.shop.terms import Terms
from littleshop.web.console import money
from tests.cast import CNY, Town
from tests.sale.after_sale import AfterSale, lends
from tests.settlement.paper_bank import PaperBank, beijing, sells, settle, verify
from tests.settlement.test_settling import of_shop

MON, TUE, WED, THU, FRI = (date(2026, 11, 23) + timedelta(days=n) for n in range(5))


async def agrees(town: Town, agreed: Terms) -> None:
    await town.database.transaction(lambda conn: terms.agree(conn, town.shop_id, agreed, town.at))


async def sees(town: Town) -> Expected:
    async with town.database.connection() as conn:
        return await outlook.expected(conn, town.shop_id, town.calendar, town.at)


async def explained(town: Town) -> list[tuple[str, int]]:
    """What the money page says the balance is made of."""
    async with town.database.connection() as conn:
        shop = await shops.get(conn, town.shop_id)
        return [(one.kind, one.amount.minor) for one in await money.coming(conn, shop, town.at)]


async def lines_of_payouts(town: Town) -> list[list[tuple[str, int]]]:
    async with town.database.connection() as conn:
        found = await of_shop(town)
        told = await money.explained(conn, found, [])
    return [[(one.kind, one.amount.minor) for one in lines] for lines in told]


async def test_a_reserve_stays_and_goes_out_when_its_days_are_over(town: Town) -> None:
    bank = PaperBank()
    await verify(town)
    await agrees(town, Terms(reserve_bps=1000, reserve_days=2))
    beijing(town, MON, 10)
    await sells(town, CNY("100.00"))
    bank.lump(TUE, CNY("100.00"))
    beijing(town, TUE, 8)
    assert (await sees(town)).kept == CNY("10.00")
    await settle(town, bank)
    (payout,) = await of_shop(town)
    assert (payout.amount, payout.kept) == (CNY("90.00"), CNY("10.00"))
    assert await lines_of_payouts(town) == [[("order", 100_00), ("kept", -10_00)]]
    assert await explained(town) == [("kept_before", 10_00)]
    await town.books_balance()
    bank.pays(TUE, payout)
    beijing(town, WED, 8)
    await settle(town, bank)
    assert len(await of_shop(town)) == 1  # the two days are not over
    beijing(town, THU, 8)
    await settle(town, bank)
    assert [one.amount for one in await of_shop(town)] == [CNY("10.00"), CNY("90.00")]
    assert (await lines_of_payouts(town))[0] == [("kept_before", 10_00)]
    await town.books_balance()


async def test_a_retained_sum_is_never_paid_out(town: Town) -> None:
    bank = PaperBank()
    await verify(town)
    await agrees(town, Terms(retained_minor=100_00))
    beijing(town, MON, 10)
    await sells(town, CNY("60.00"))
    bank.lump(TUE, CNY("60.00"))
    beijing(town, TUE, 8)
    await settle(town, bank)
    assert await of_shop(town) == []
    assert (await sees(town)).next_on is None
    await sells(town, CNY("70.00"), "SF1408223100672")
    bank.lump(WED, CNY("70.00"))
    beijing(town, WED, 8)
    await settle(town, bank)
    assert [one.amount for one in await of_shop(town)] == [CNY("30.00")]
    await town.books_balance()


async def lent_for_a_refund(town: Town, owner: db.Connection) -> PaperBank:
    """A hundred were on the seller's card when their buyer got them back."""
    bank = PaperBank()
    await verify(town)
    beijing(town, MON, 10)
    placed = await town.buys([await town.stock(price=CNY("100.00"))], CNY("100.00"))
    await town.ships(placed)
    await town.receives(placed)
    bank.lump(TUE, CNY("100.00"))
    beijing(town, TUE, 8)
    await settle(town, bank)
    bank.pays(TUE, (await of_shop(town))[0])
    beijing(town, WED, 8)
    await settle(town, bank)
    sale = AfterSale(town, placed)
    await sale.asks("refund", "100.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    assert await lends(town, owner) == CNY("100.00")
    assert await town.balance("payable") == CNY("-100.00")
    await town.books_balance()
    return bank


async def test_what_came_astray_is_its_payers_and_repays_no_loan(
    town: Town, owner: db.Connection
) -> None:
    bank = await lent_for_a_refund(town, owner)
    placed = await town.place([await town.stock(price=CNY("60.00"))], CNY("60.00"), key="astray")
    reference = await town.opens_cashier(placed)
    assert await town.money_arrives(reference, CNY("59.00")) == "returned"
    beijing(town, THU, 8)
    await settle(town, bank)
    assert await town.balance("due_to_shop") == CNY("100.00")
    assert await town.balance("suspense") == CNY("59.00")
    await town.books_balance()


async def test_what_the_platform_lent_for_a_refund_is_repaid_by_the_next_sales(
    town: Town, owner: db.Connection
) -> None:
    """The seller was paid, the buyer got his money back, and the next sales make up for both."""
    bank = await lent_for_a_refund(town, owner)
    await sells(town, CNY("130.00"), "SF1408223100672")
    bank.lump(THU, CNY("30.00"))  # the rail took the refund out of what it pays
    beijing(town, THU, 8)
    await settle(town, bank)
    assert await town.balance("due_to_shop") == CNY("0.00")
    assert [one.amount for one in await of_shop(town)] == [CNY("30.00"), CNY("100.00")]
    await take_back(town, owner)
    await town.books_balance()


async def take_back(town: Town, owner: db.Connection) -> None:
    """The worker books the platform's side of what was repaid."""
    for row in await owner.fetch("select arguments from jobs where name = 'bridging.take_back'"):
        told = row["arguments"]
        amount = Money(told["minor"], told["currency"])
        await town.database.transaction(
            lambda conn, told=told, amount=amount: bridging.take_back(  # type: ignore[misc]
                conn, told["reference"], amount, town.at
            )
        )
    await owner.execute("delete from jobs where name = 'bridging.take_back'")
