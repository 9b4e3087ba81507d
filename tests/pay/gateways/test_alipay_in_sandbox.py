"""Bad days at Alipay, played by the sandbox: nothing is lost, nothing is believed too soon."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs

import pytest
import pytest_asyncio

from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay.gateways.contract import NoticeRefused, PaymentState
from tests import sandbox_process
from tests.pay.gateways.sides import AlipayInSandbox, Side, alipay_in_sandbox
from tests.pay.gateways.test_every_gateway import back, opened, paid


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sandbox_process.Sandbox]:
    """A sandbox whose faults nobody else feels."""
    with sandbox_process.running(tmp_path_factory.mktemp("sandbox")) as found:
        yield found


@pytest_asyncio.fixture
async def side(sandbox: sandbox_process.Sandbox) -> AsyncIterator[Side]:
    """An application in certificate mode; every fault is undone afterwards."""
    async with alipay_in_sandbox(sandbox, "cert") as found:
        yield found
    await sandbox.control("/control/faults/clear")


async def trouble(side: Side, **faults: object) -> None:
    """Let these faults of the gateway strike."""
    assert isinstance(side, AlipayInSandbox)
    await side.sandbox.control("/control/faults", {"alipay": {"gateway": faults}})


async def bad_notices(side: Side, **faults: object) -> None:
    """Let these faults strike the notices."""
    assert isinstance(side, AlipayInSandbox)
    await side.sandbox.control("/control/faults", {"alipay": {"notify": faults}})


@pytest.mark.parametrize(
    "fault", [{"fail": 1}, {"malformed": 1}, {"timeout": 1, "timeout_seconds": 0}]
)
async def test_a_query_that_failed_is_asked_again(side: Side, fault: dict[str, object]) -> None:
    reference = await paid(side)
    await trouble(side, **fault)
    with pytest.raises(GatewayError) as told:
        await side.gateway.query(reference)
    assert told.value.retryable
    assert (await side.gateway.query(reference)).state is PaymentState.PAID


@pytest.mark.parametrize("fault", [{"malformed": 1}, {"timeout": 1, "timeout_seconds": 0}])
async def test_a_refund_that_moved_money_unheard_is_not_made_twice(
    side: Side, fault: dict[str, object]
) -> None:
    reference = await paid(side)
    await trouble(side, **fault)
    with pytest.raises(GatewayError):
        await side.gateway.refund(back(reference, 8888))
    answer = await side.gateway.refund(back(reference, 8888))
    assert (answer.status, answer.amount) == ("done", Money(8888, "CNY"))


async def test_awkward_values_are_read(side: Side) -> None:
    reference = await paid(side)
    await trouble(side, awkward=True)
    assert (await side.gateway.query(reference)).state is PaymentState.PAID


@pytest.mark.parametrize(
    ("fault", "why"),
    [({"forge": True}, "signature"), ({"app_id": "2021000000000009"}, "app"), ({"old": 1}, "old")],
)
async def test_a_notice_that_is_not_right_is_refused(
    side: Side, fault: dict[str, object], why: str
) -> None:
    await bad_notices(side, **fault)
    await paid(side)
    with pytest.raises(NoticeRefused) as told:
        side.gateway.parse_notice({}, await side.notice())
    assert told.value.why == why


async def test_a_wrong_amount_is_told_as_it_came(side: Side) -> None:
    await bad_notices(side, amount="0.01")
    reference = await paid(side)
    notice = side.gateway.parse_notice({}, await side.notice())
    assert (notice.reference, notice.amount) == (reference, Money(1, "CNY"))


async def test_copies_bear_the_same_number(side: Side) -> None:
    await bad_notices(side, copies=3)
    await paid(side)
    heard = {side.gateway.parse_notice({}, await side.notice()).notice_id for _ in range(3)}
    assert len(heard) == 1


async def test_refund_before_payment_is_no_second_payment(side: Side) -> None:
    await bad_notices(side, reorder=True)
    reference = await paid(side)
    await side.gateway.refund(back(reference, 8888))
    first = side.gateway.parse_notice({}, await side.notice())
    second = side.gateway.parse_notice({}, await side.notice())
    assert [first.kind, second.kind] == ["refunded", "paid"]
    assert first.refund_reference == "F" + reference[1:]
    assert first.notice_id != second.notice_id
    assert (await side.gateway.query(reference)).state is PaymentState.CLOSED


async def test_a_key_that_alipay_changed_is_not_believed(
    sandbox: sandbox_process.Sandbox,
) -> None:
    async with alipay_in_sandbox(sandbox, "cert") as side:
        reference = await opened(side)
        await sandbox.control("/control/alipay/keys/rotate")
        with pytest.raises(GatewayError, match="certificate") as told:
            await side.gateway.query(reference)
        assert told.value.retryable


async def test_a_notice_is_a_plain_form(side: Side) -> None:
    await paid(side)
    form = parse_qs((await side.notice()).decode())
    assert form["sign_type"] == ["RSA2"]
    assert all(len(values) == 1 for values in form.values())
