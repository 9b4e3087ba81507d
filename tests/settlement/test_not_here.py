"""What another seller owes is paid out when it has come over, and everybody can see it wait."""

from __future__ import annotations

from littleshop.ledger import chart, cover, debts
from littleshop.sale import passing_on
from littleshop.settlement import outlook
from littleshop.settlement.outlook import Expected
from tests.cast import CNY, Town
from tests.sale.resold import Pair, pair
from tests.settlement.paper_bank import PaperBank, beijing, sells, settle, verify
from tests.settlement.test_settling import MON, TUE, WED, of_shop

SUPPLIER, FRIEND = 8, 9


async def received_and_not_passed_on(town: Town) -> Pair:
    """His buyer has the bowl, both books say that 20 are hers, and the money lies with him."""
    beijing(town, MON, 10)
    two = await pair(town)
    for shop in (two.reseller, two.supplier):
        town.shop_id = shop
        await verify(town)
    await two.offers()
    placed = await two.buys(await two.lists(), "80.00")
    await town.ships(placed)
    await town.receives(placed)
    await two.jobs_are_done(passing_on.PASS_ON)
    assert await two.owes() == (CNY("60.00"), CNY("20.00"))
    return two


async def sees(town: Town, shop_id: int) -> Expected:
    async with town.database.connection() as conn:
        return await outlook.expected(conn, shop_id, town.calendar, town.at)


async def test_a_run_pays_what_came_over_and_the_rest_waits_for_the_shop_that_owes_it(
    town: Town,
) -> None:
    """She sold a cup of 25 herself: that is paid, and her margin of 20 with the next run."""
    two, bank = await received_and_not_passed_on(town), PaperBank()
    with two.at_hers():
        await sells(town, CNY("25.00"))
    seen = await sees(town, two.reseller)
    assert (seen.available, seen.not_here) == (CNY("45.00"), CNY("20.00"))
    assert seen.owed_by == {two.supplier: CNY("20.00")}
    assert (seen.next_on, seen.next_sum) == (TUE, CNY("25.00"))
    async with town.database.connection() as conn:
        (debt,) = await debts.listed(conn)
    assert (debt.shop_id, debt.to_shop_id, debt.amount) == (
        two.supplier, two.reseller, CNY("20.00"),
    )  # fmt: skip
    assert debt.since.astimezone(town.at.tzinfo).date() == MON
    bank.lump(TUE, CNY("105.00"))
    beijing(town, TUE, 8)
    await settle(town, bank)
    with two.at_hers():
        (paid,) = await of_shop(town)
    assert paid.amount == CNY("25.00")
    bank.pays(TUE, paid)
    await two.jobs_are_done()
    assert (await sees(town, two.reseller)).not_here == CNY("0.00")
    async with town.database.connection() as conn:
        assert await debts.listed(conn) == []
    beijing(town, WED, 8)
    await settle(town, bank)
    with two.at_hers():
        assert [one.amount for one in await of_shop(town)] == [CNY("20.00"), CNY("25.00")]
    await town.books_balance()


async def test_nothing_is_asked_for_that_would_leave_from_a_buyers_money(town: Town) -> None:
    """Her only money at the rails is what a buyer's open order holds."""
    two, bank = await received_and_not_passed_on(town), PaperBank()
    with two.at_hers():
        await town.buys([await town.stock("茶杯", CNY("25.00"))], CNY("25.00"))
    bank.lump(TUE, CNY("105.00"))
    beijing(town, TUE, 8)
    await settle(town, bank)
    with two.at_hers():
        assert await of_shop(town) == []
        assert await town.balance("escrow") == CNY("25.00")
    await two.jobs_are_done()
    beijing(town, WED, 8)
    await settle(town, bank)
    with two.at_hers():
        assert [one.amount for one in await of_shop(town)] == [CNY("20.00")]
    await town.books_balance()


def test_what_of_a_balance_waits() -> None:
    """By what lies with the rails; what the platform lent stands for what another owes."""
    owed, owing = chart.due_from(SUPPLIER), chart.due_to(SUPPLIER)
    rail = chart.gateway_clearing("alipay")
    assert cover.not_here({rail: 100, "payable": 100}) == 0
    assert cover.not_here({rail: 100, "payable": 120, owed: 20}) == 20
    assert cover.not_here({rail: 103, "payable": 120, "commission": 3, owed: 20}) == 20
    assert cover.not_here({rail: 100, "escrow": 100, "payable": 20, owed: 20}) == 20
    assert cover.not_here({rail: 100, "payable": 70, owed: 10, "due_to_shop": 40}) == 0
    assert cover.not_here({"payable": -30, owed: 10, "due_to_shop": 40, "escrow": 0}) == 0
    assert cover.not_here({rail: 5, "payable": 5, owed: 20, owing: 20}) == 0
    friend = chart.due_to(FRIEND)
    assert cover.not_here({rail: 12, "payable": 20, owed: 20, friend: 12}) == 20
    assert cover.owed_by({owed: 20, owing: 5, friend: 12}) == {SUPPLIER: 15}
