"""Who has first what a shop owes to several others."""

from __future__ import annotations

import pytest

from littleshop import db
from littleshop.ledger import chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.sale import passing_on
from tests.cast import CNY, Town
from tests.sale.referred import Chain, chain


async def owes_much(told: Chain, to_shop_id: int, amount: Money) -> None:
    """The seller owes another shop more than she has: made up, so the audit is not asked."""

    async def write(conn: db.Connection) -> None:
        await journals.post(
            conn, told.seller, kind="margin_back", reference=f"{to_shop_id}/made-up",
            value_on=told.town.at.date(), booked_at=told.town.at,
            transfers=[Transfer(chart.PAYABLE, chart.due_to(to_shop_id), amount)],
        )  # fmt: skip

    await told.town.database.transaction(write)


async def passes_on(told: Chain, to_shop_id: int) -> Money:
    return await told.town.database.transaction(
        lambda conn: passing_on.pass_on(conn, told.seller, to_shop_id, "CNY", told.town.at)
    )


@pytest.mark.parametrize("first", ["upper", "lower"])
async def test_a_large_debt_does_not_eat_what_was_frozen_for_another(
    town: Town, first: str
) -> None:
    told = await chain(town)
    await told.agrees(1000, 200)
    await told.is_received(await told.buys())
    await owes_much(told, told.upper, CNY("500.00"))
    assert await passes_on(told, told.upper) == CNY("88.00")  # all but what is frozen
    await told.window_closes()
    shops = [told.upper, told.lower] if first == "upper" else [told.lower, told.upper]
    passed = {shop: await passes_on(told, shop) for shop in shops}
    assert passed == {told.lower: CNY("10.00"), told.upper: CNY("2.00")}


async def test_of_two_who_are_owed_the_same_one_is_first_and_nobody_waits_for_the_other(
    town: Town,
) -> None:
    told = await chain(town)
    await told.is_received(await told.buys())
    for shop in (told.upper, told.lower):
        await owes_much(told, shop, CNY("80.00"))
    passed = [await passes_on(told, shop) for shop in (told.upper, told.lower) * 2]
    assert sorted(each for each in passed if each) == [CNY("20.00"), CNY("80.00")]
