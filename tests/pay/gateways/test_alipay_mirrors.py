"""The whole way of held money against the sandbox's Alipay: its books and ours, to the fen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial

import pytest
import pytest_asyncio

from littleshop import db
from littleshop.entry import admitting
from littleshop.errors import GatewayError
from littleshop.pay import gateways
from tests.cast import Town
from tests.pay.gateways.mirrors import AlipayMirror
from tests.pay.gateways.stage_alipay import AlipayStage, alipay
from tests.sale.institution import HoldingRail, Institution
from tests.sandbox_process import Sandbox
from tests.settlement.paper_bank import verify


@pytest_asyncio.fixture
async def mirror(town: Town, owner: db.Connection, sandbox: Sandbox) -> AsyncIterator[AlipayMirror]:
    """The town's shop, verified and admitted by the sandbox's Alipay."""
    await owner.execute("update shops set commission_bps = 300")
    town.at = datetime.now(UTC)
    await verify(town)
    async with alipay(sandbox, "key", held=True) as stage:
        assert isinstance(stage, AlipayStage)
        held = Institution(name="alipay")
        found = AlipayMirror(town, held, HoldingRail(held, ""))
        found.stage = stage
        found.escrow = gateways.escrows({"alipay": stage.rail}, stage.clock)["alipay"]
        await town.database.transaction(
            partial(admitting.begin, shop_id=town.shop_id, gateways=["alipay"], at=town.at)
        )
        assert [await found.is_admitted() for _ in range(2)] == ["signing", "admitted"]
        yield found
        await found.escrow.disconnect()


async def test_the_books_of_alipay_and_ours_agree_through_sale_refunds_and_release(
    mirror: AlipayMirror,
) -> None:
    placed = await mirror.sells("99.99")
    await mirror.mirrors()
    await mirror.goes_back(placed, "33.33", "first")
    await mirror.refunds_are_sent(placed)
    await mirror.mirrors()
    await mirror.town.ships(placed)
    await mirror.town.receives(placed)
    await mirror.passes(minutes=1)
    with pytest.raises(GatewayError, match="later"):
        await mirror.is_released(placed)  # settled, and the share comes half a minute later
    await mirror.passes(minutes=1)
    await mirror.is_released(placed)
    await mirror.mirrors()
    await mirror.goes_back(placed, "10.01", "second")
    await mirror.refunds_are_sent(placed)
    await mirror.mirrors()
