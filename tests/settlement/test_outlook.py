"""What a seller is told ahead of the runs."""

from __future__ import annotations

from littleshop.settlement import outlook
from tests.cast import CNY, Town
from tests.settlement.paper_bank import PaperBank, beijing, sells, settle, verify
from tests.settlement.test_settling import THU, TUE, WED, bank, of_shop

__all__ = ["bank"]


async def test_what_came_after_the_cut_off_is_not_told_for_the_run_before_it(
    town: Town, bank: PaperBank
) -> None:
    await verify(town)
    beijing(town, TUE, 17)
    await sells(town, CNY("168.00"))
    beijing(town, TUE, 19)
    await sells(town, CNY("12.00"))
    for next_on, available, goes in (
        (WED, CNY("180.00"), CNY("168.00")),
        (THU, CNY("12.00"), CNY("12.00")),
    ):
        async with town.database.connection() as conn:
            seen = await outlook.expected(conn, town.shop_id, town.calendar, town.at)
        assert (seen.next_on, seen.available, seen.next_sum) == (next_on, available, goes)
        beijing(town, next_on, 8)
        await settle(town, bank)
    assert [payout.amount for payout in await of_shop(town)] == [CNY("12.00"), CNY("168.00")]
    await town.books_balance()
