"""What the tests of the gateways share."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from littleshop.clock import Clock
from littleshop.money import Money
from littleshop.pay import gateways
from littleshop.pay.gateways.alipay import Alipay, open_rail
from littleshop.pay.gateways.contract import How, PayRequest, RefundRequest
from tests import sandbox_process
from tests.pay.gateways.small_alipay import SmallAlipay
from tests.pay.gateways.stage import Stage
from tests.pay.gateways.stages import STAGES


class StillClock(Clock):
    """18:00 Beijing time, for ever."""

    def now(self) -> datetime:
        return datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sandbox_process.Sandbox]:
    """One sandbox for all tests of the gateways."""
    with sandbox_process.running(tmp_path_factory.mktemp("sandbox")) as found:
        near = sandbox_process.Near(found.url)
        yield near
        near.hang_up()


@pytest_asyncio.fixture(params=STAGES)
async def stage(
    request: pytest.FixtureRequest, sandbox: sandbox_process.Sandbox
) -> AsyncIterator[Stage]:
    """Each rail in turn, with a merchant of its own."""
    async with STAGES[request.param](sandbox) as found:
        yield found


@pytest.fixture
def small() -> SmallAlipay:
    """The other side of the wire."""
    return SmallAlipay()


@pytest_asyncio.fixture
async def alipay(small: SmallAlipay) -> AsyncIterator[Alipay]:
    """Our client, wired to the small Alipay."""
    rail = open_rail(small.rail, StillClock(), small.transport())
    yield rail
    await rail.disconnect()


def asked(how: gateways.How = How.WAP, subject: str = "Oolong") -> PayRequest:
    """A request for 88.88."""
    return PayRequest(
        reference="R0000000000000000001",
        amount=Money(8888, "CNY"),
        subject=subject,
        return_url="https://shop.test/orders/1?a=b&c=茶",
        notify_url="https://shop.test/notices/alipay",
        expires_at=datetime(2026, 11, 22, 10, 30, tzinfo=UTC),
        how=how,
    )


def giving_back(minor: int = 1000) -> RefundRequest:
    """A refund of the payment above."""
    return RefundRequest(
        reference="R0000000000000000001",
        refund_reference="F0000000000000000001",
        amount=Money(minor, "CNY"),
        paid=Money(8888, "CNY"),
        reason="late",
    )
