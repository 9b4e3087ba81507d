"""The whole way of held money against the sandbox's WeChat: its books and ours, to the fen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

import pytest
import pytest_asyncio

from littleshop import db
from littleshop.entry import admitting
from littleshop.errors import GatewayError
from littleshop.pay import gateways
from littleshop.sale import releasing
from littleshop.sale.placing import Placed
from littleshop.settlement import reconciling_bills
from littleshop.shop import admissions
from tests.cast import CNY, Town
from tests.pay.gateways.mirrors import Mirror, WechatPayMirror
from tests.pay.gateways.stage_wechat_pay import WechatPayStage, wechat_pay
from tests.sale.institution import HoldingRail, Institution
from tests.sandbox_process import Sandbox
from tests.settlement.paper_bank import verify


@pytest_asyncio.fixture
async def mirror(
    town: Town, owner: db.Connection, sandbox: Sandbox
) -> AsyncIterator[WechatPayMirror]:
    """The town's shop, verified and admitted by the sandbox's WeChat."""
    await owner.execute("update shops set commission_bps = 300")
    town.at = datetime.now(UTC)
    await verify(town)
    async with wechat_pay(sandbox, "key", ecommerce=True) as stage:
        settings: dict[str, Any] = {"wechat_pay": cast(WechatPayStage, stage).rail}
        found = WechatPayMirror(town, Institution(), HoldingRail(Institution(), ""))
        found.stage = cast(WechatPayStage, stage)
        found.escrow = gateways.escrows(settings, stage.clock)["wechat_pay"]
        try:
            await town.database.transaction(
                partial(admitting.begin, shop_id=town.shop_id, gateways=["wechat_pay"], at=town.at)
            )
            assert [await found.is_admitted() for _ in range(2)] == ["signing", "admitted"]
            yield found
        finally:
            await found.escrow.disconnect()


async def test_the_books_of_wechat_and_ours_agree_through_sale_refunds_and_release(
    mirror: Mirror,
) -> None:
    placed = await mirror.sells("99.99")
    await mirror.mirrors()
    await mirror.goes_back(placed, "33.33", "first")
    await mirror.refunds_are_sent(placed)
    await mirror.mirrors()
    await mirror.town.ships(placed)
    await mirror.town.receives(placed)
    with pytest.raises(GatewayError):
        await mirror.is_released(placed)  # not in the first half minute
    await mirror.passes(minutes=1)
    await mirror.is_released(placed)
    await mirror.mirrors()
    await mirror.passes(minutes=1)
    await mirror.goes_back(placed, "10.01", "second")
    await mirror.refunds_are_sent(placed)
    await mirror.mirrors()
    available = await mirror.escrow.balance(mirror.merchant_id)
    assert available == await mirror.town.balance("withdrawable:wechat_pay")


async def released(mirror: Mirror) -> Placed:
    placed = await mirror.sells()
    await mirror.town.ships(placed)
    await mirror.town.receives(placed)
    await mirror.passes(minutes=1)
    await mirror.is_released(placed)
    return placed


async def test_what_the_seller_has_withdrawn_is_advanced_by_the_platform(mirror: Mirror) -> None:
    placed = await released(mirror)
    await mirror.escrow.withdraw(mirror.merchant_id, "W" + "0" * 19, CNY("97.00"))
    await mirror.goes_back(placed, "100.00")
    with pytest.raises(GatewayError, match="advanced"):
        await mirror.refunds_are_sent(placed)
    await mirror.refunds_are_sent(placed)
    await mirror.lent_is_booked()
    assert await mirror.frozen_and_available() == (0, 300)
    await mirror.town.books_balance()


async def test_wechat_says_who_paid_a_refund_of_which_two_requests_crossed(mirror: Mirror) -> None:
    """The first was refused, so the second offers that the platform pays; a third, which read the
    refund before that, comes between them."""
    placed = await released(mirror)
    await mirror.goes_back(placed, "40.00")
    read_before, payment = await mirror.refund(placed), await mirror.payment(placed)
    await mirror.stage.sandbox.control(
        "/control/faults", {"wechat_pay": {"refund": {"no_balance": 1}}}
    )
    with pytest.raises(GatewayError, match="advanced"):
        await mirror.refunds_are_sent(placed)
    await mirror.is_sent(payment, read_before)
    await mirror.mirrors()
    assert (await mirror.refund(placed)).advanced_at is None


async def test_wechat_takes_what_the_seller_has_though_we_would_advance_it(mirror: Mirror) -> None:
    placed = await released(mirror)
    await mirror.goes_back(placed, "40.00")
    await mirror.stage.sandbox.control(
        "/control/faults", {"wechat_pay": {"refund": {"no_balance": 1}}}
    )
    with pytest.raises(GatewayError, match="advanced"):
        await mirror.refunds_are_sent(placed)
    await mirror.refunds_are_sent(placed)
    await mirror.mirrors()
    assert await mirror.frozen_and_available() == (0, 58_20)  # 97.00 + 1.20 - 40.00


async def test_a_fee_is_booked_once_whoever_tells_of_it(mirror: Mirror) -> None:
    await mirror.stage.sandbox.control("/control/faults", {"wechat_pay": {"fee_bps": 60}})
    await mirror.stage.until_noon()
    mirror.town.at = mirror.stage.clock.now()
    placed = await mirror.sells()
    await mirror.town.ships(placed)
    await mirror.town.receives(placed)
    await mirror.passes(minutes=1)
    await mirror.is_released(placed)
    await mirror.mirrors()
    assert await mirror.town.balance("gateway_fee") == CNY("0.60")
    await mirror.passes(days=1)
    await reconciling_bills.read(mirror.town.database, mirror.stage.gateway, mirror.town.at)
    assert await mirror.town.balance("gateway_fee") == CNY("0.60")
    await mirror.mirrors()


async def test_a_changed_card_is_another_asking_and_the_same_sub_merchant(
    mirror: Mirror, owner: db.Connection
) -> None:
    town, before = mirror.town, mirror.merchant_id
    await owner.execute("update cards set active = false")
    again = partial(admitting.begin, shop_id=town.shop_id, gateways=["wechat_pay"])
    assert await town.database.transaction(lambda conn: again(conn, at=town.at)) == []
    await owner.execute("delete from merchants")
    await verify(town, number="6222020200112230001")
    await mirror.passes(minutes=1)
    assert len(await town.database.transaction(lambda conn: again(conn, at=town.at))) == 1
    assert [await mirror.is_admitted() for _ in range(2)] == ["signing", "admitted"]
    assert mirror.merchant_id == before
    async with town.database.connection() as conn:
        every = await admissions.of_shop(conn, town.shop_id)
    assert [each.status for each in every] == ["admitted", "replaced"]


async def test_a_release_is_what_the_gateway_says_not_what_we_hope(mirror: Mirror) -> None:
    """The commission's answer is pending first; nothing is booked before it is final."""
    placed = await mirror.sells()
    await mirror.town.ships(placed)
    await mirror.town.receives(placed)
    await mirror.passes(minutes=1)
    await mirror.stage.sandbox.control(
        "/control/faults", {"wechat_pay": {"split": {"after_seconds": 60}}}
    )
    with pytest.raises(GatewayError, match="pending"):
        await mirror.is_released(placed)
    assert await mirror.town.balance("held_at:wechat_pay") == CNY("100.00")
    await mirror.passes(minutes=2)
    with pytest.raises(GatewayError, match="pending"):
        await mirror.is_released(placed)
    await mirror.passes(minutes=2)
    await mirror.is_released(placed)
    await mirror.mirrors()
    payment = await mirror.payment(placed)
    assert releasing.held(payment).merchant_id == mirror.merchant_id
