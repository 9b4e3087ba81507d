"""What an institution gives back of its fee when released money is refunded, in both books."""

from __future__ import annotations

from functools import partial

import pytest

from littleshop import db
from littleshop.ledger import bridging
from littleshop.money import Money
from tests.cast import CNY, Town
from tests.sale.escrow import holding
from tests.settlement.paper_bank import beijing
from tests.settlement.test_reconciling_bills import TUE, Biller, reads


@pytest.mark.parametrize("back", ["100.00", "50.00"])
async def test_what_the_fee_brings_back_nobody_has_lent(
    town: Town, owner: db.Connection, back: str
) -> None:
    """All that lay there goes back, and the fee that comes with it makes up what was lacking."""
    held, rail = await holding(town, owner), Biller(name="wechat_pay")
    held.institution.fee, held.rail.fee_back = 60, 60 * CNY(back).minor // 10_000
    placed = await held.sells("100.00")
    await held.receives(placed)
    await held.is_released(placed)
    await held.mirrors()
    await held.goes_back(placed, back)
    await held.refunds_are_sent(placed)
    assert held.rail.advanced == 0
    reference = (await held.payment(placed)).reference
    number = str(await owner.fetchval("select reference from refunds"))
    rail.took(reference, "100.00", fee="0.60")
    rail.took(reference, back, back=number, fee=f"-0.{held.rail.fee_back}")
    beijing(town, TUE, 10)
    await reads(town, rail)
    assert await town.balance("due_to_shop") == CNY("0.00")
    town.later(seconds=1)
    await lends(town, owner)
    await held.mirrors()


async def lends(town: Town, owner: db.Connection) -> None:
    """The platform's books say what the shop's say of loans."""
    jobs = (
        "delete from jobs where name = $1 returning arguments ->> 'reference' as reference,"
        " (arguments ->> 'minor')::bigint as minor"
    )
    for name, book in ((bridging.LEND, bridging.lend), (bridging.TAKE_BACK, bridging.take_back)):
        for row in await owner.fetch(jobs, name):
            told = partial(
                book, reference=row["reference"], amount=Money(row["minor"], "CNY"), at=town.at
            )
            await town.database.transaction(told)
