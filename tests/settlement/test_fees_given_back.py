"""What an institution gives back of its fee when released money is refunded, in both books."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pytest

from littleshop import db
from littleshop.ledger import bridging
from littleshop.money import Money
from littleshop.sale.placing import Placed
from littleshop.settlement import reconciling_bills
from tests.cast import CNY, Town
from tests.sale.escrow import Holding, holding
from tests.settlement.paper_bank import beijing
from tests.settlement.test_reconciling_bills import TUE, Biller, left, reads


@dataclass
class Released:
    """An order whose money was released to its seller at the institution and goes back, in part
    or whole; the institution's bill has both, with the fee that it gave back."""

    town: Town
    owner: db.Connection
    held: Holding
    rail: Biller
    placed: Placed

    @classmethod
    async def sold(cls, town: Town, owner: db.Connection, back: str) -> Released:
        held, rail = await holding(town, owner), Biller(name="wechat_pay")
        held.institution.fee, held.rail.fee_back = 60, 60 * CNY(back).minor // 10_000
        placed = await held.sells("100.00")
        await held.receives(placed)
        await held.is_released(placed)
        await held.mirrors()
        await held.goes_back(placed, back)
        number = str(await owner.fetchval("select reference from refunds"))
        reference = (await held.payment(placed)).reference
        rail.took(reference, "100.00", fee="0.60")
        rail.took(reference, back, back=number, fee=f"-0.{held.rail.fee_back}")
        return cls(town, owner, held, rail, placed)

    async def is_lent_nothing(self) -> None:
        assert await self.town.balance("due_to_shop") == CNY("0.00")
        self.town.later(seconds=1)
        await lends(self.town, self.owner)
        await self.held.mirrors()


@pytest.mark.parametrize("back", ["100.00", "50.00"])
async def test_what_the_fee_brings_back_nobody_has_lent(
    town: Town, owner: db.Connection, back: str
) -> None:
    """All that lay there goes back, and the fee that comes with it makes up what was lacking."""
    one = await Released.sold(town, owner, back)
    await one.held.refunds_are_sent(one.placed)
    assert one.held.rail.advanced == 0
    beijing(town, TUE, 10)
    await reads(town, one.rail)
    await one.is_lent_nothing()


async def test_a_refund_that_is_heard_in_the_middle_of_a_comparison_is_booked_with_its_fee(
    town: Town, owner: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the rows were compared, and the refund is known when the comparison is made
    again: its fee comes late, and so does the end of its loan."""
    one = await Released.sold(town, owner, "100.00")
    beijing(town, TUE, 10)

    class Killed(Exception):
        pass

    async def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(reconciling_bills, "_fees", kill)
        with pytest.raises(Killed):
            await reads(town, one.rail)
    await one.held.refunds_are_sent(one.placed)
    await reads(town, one.rail)
    assert await left(town) == []
    await one.is_lent_nothing()


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
