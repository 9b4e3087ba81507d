"""What an institution gives us of a payment it holds, and what becomes of a release it refuses."""

from __future__ import annotations

import pytest
import pytest_asyncio

from littleshop import db
from littleshop.errors import GatewayError
from littleshop.pay import releases
from littleshop.sale import releasing
from littleshop.trade.fees import Rate
from tests.cast import Town
from tests.sale.charges import schedule
from tests.sale.escrow import Holding, holding


@pytest_asyncio.fixture
async def held(town: Town, owner: db.Connection) -> Holding:
    return await holding(town, owner)


async def test_a_fee_is_never_above_what_the_institution_gives_us(held: Holding) -> None:
    await schedule(held.town, {"": Rate(60, 0, 500)})
    placed = await held.sells("10.00")
    await held.receives(placed)
    await held.is_released(placed)
    assert held.institution.ours == 300
    await held.mirrors()
    await held.goes_back(placed, "10.00")
    await held.refunds_are_sent(placed)
    await held.mirrors()
    dear = await held.sells("100.00")
    await held.receives(dear)
    await held.is_released(dear)
    assert held.institution.ours == 500
    await held.mirrors()


async def test_a_plain_commission_is_capped_too(town: Town, owner: db.Connection) -> None:
    held = await holding(town, owner, commission_bps=5_000)
    placed = await held.sells("0.15")
    await held.receives(placed)
    await held.is_released(placed)
    assert held.institution.ours == 4
    await held.mirrors()


async def test_what_the_institution_refuses_comes_to_a_person_with_the_refund_that_waits(
    held: Holding,
) -> None:
    placed = await held.sells()
    await held.receives(placed)
    held.institution.closes = 1
    with pytest.raises(GatewayError):
        await held.is_released(placed)
    await held.goes_back(placed, "40.00")
    async with held.town.database.connection() as conn:
        [stuck] = await releases.stuck(conn)
    assert (stuck.minor, stuck.refunding_minor) == (100_00, 40_00)
    assert stuck.said == "commission: other"
    await held.is_released(placed)
    async with held.town.database.connection() as conn:
        assert await releases.stuck(conn) == []


async def test_a_payment_has_one_job_however_often_it_is_swept(
    held: Holding, owner: db.Connection
) -> None:
    placed = await held.sells()
    await held.receives(placed)
    await owner.execute("update jobs set once_key = null")  # a worker has tried it
    for _ in range(3):
        held.town.later(hours=2)
        await releasing.sweep(held.town.database, held.town.at)
    assert await owner.fetchval("select count(*) from jobs where name = 'releasing.send'") == 1
