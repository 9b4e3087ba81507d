"""Nothing leaves from another shop's money: what the rails kept or have not paid is waited for."""

from __future__ import annotations

from littleshop.settlement import settling
from tests.cast import CNY, Town
from tests.settlement.paper_bank import PaperBank, beijing, desk, sells, settle, verify
from tests.settlement.test_settling import MON, THU, TUE, WED, of_shop


async def two_shops(town: Town, bank: PaperBank) -> int:
    """Two shops are owed 180 yuan since Monday; our account was empty. The first one's number."""
    first = town.shop_id
    await verify(town)
    await sells(town, CNY("168.00"))
    await town.open_shop("Ada's Attic", "ada", "+447400123456")
    await verify(town, number="6217000000000000000")
    await sells(town, CNY("12.00"), "SF1408223100672")
    beijing(town, TUE, 8)
    day = await settle(town, bank)
    assert [one.status for one in day.payouts] == ["asked", "asked"]
    return first


async def test_a_rail_that_paid_less_than_it_took_is_waited_for(town: Town) -> None:
    bank = PaperBank()
    await two_shops(town, bank)
    bank.lump(TUE, CNY("179.00"))  # it kept one yuan for itself
    beijing(town, WED, 8)
    await settle(town, bank)
    async with town.database.connection() as conn:
        seen = await settling.expected(conn, town.shop_id, town.calendar, town.at)
    assert [one.waits for one in seen.on_the_way] == ["rail_money"]
    assert bank.handed_in == 0
    bank.book(WED, "credit", CNY("1.00"), counterparty="小店科技")  # we bear the fee ourselves
    beijing(town, THU, 8)
    day = await settle(town, bank)
    assert [one.status for one in await of_shop(town)] == ["sent"]
    assert sum(len(batch.instructions) for batch in bank.batches) == 2
    assert day.problems == []
    await town.books_balance()


async def test_a_sale_is_not_paid_from_what_lies_there_for_another_shops_open_order(
    town: Town,
) -> None:
    bank = PaperBank()
    await town.buys([await town.stock(price=CNY("168.00"))], CNY("168.00"))  # held, not received
    bank.lump(TUE, CNY("168.00"))
    await town.open_shop("Ada's Attic", "ada", "+447400123456")
    await verify(town, number="6217000000000000000")
    beijing(town, TUE, 10)
    await sells(town, CNY("100.00"))
    beijing(town, WED, 8)
    await settle(town, bank)
    assert [one.status for one in await of_shop(town)] == ["asked"]
    bank.lump(WED, CNY("100.00"))
    beijing(town, THU, 8)
    await settling.advance(desk(town, bank), town.at)
    assert [one.status for one in await of_shop(town)] == ["asked"]  # Wednesday is not closed yet
    bank.today = THU
    await settling.advance(desk(town, bank), town.at)
    assert [one.status for one in await of_shop(town)] == ["sent"]
    await town.books_balance()


async def test_money_of_our_own_bridges_the_day_until_the_lump(town: Town) -> None:
    bank = PaperBank()
    bank.book(MON, "credit", CNY("200.00"), counterparty="小店科技")
    await verify(town)
    await sells(town, CNY("168.00"))
    beijing(town, TUE, 8)
    assert [one.status for one in (await settle(town, bank)).payouts] == ["sent"]
    await town.books_balance()
