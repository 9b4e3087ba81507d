"""Alipay's own bad days, beside those of every rail: nothing is believed too soon."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import pytest
import pytest_asyncio

from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay.gateways.contract import NoticeRefused, PaymentState
from tests import sandbox_process
from tests.pay.gateways.plays import back, opened, paid, state
from tests.pay.gateways.stage import Stage
from tests.pay.gateways.stage_alipay import alipay


@pytest_asyncio.fixture
async def stage(sandbox: sandbox_process.Sandbox) -> AsyncIterator[Stage]:
    """An application in certificate mode; every fault is undone afterwards."""
    async with alipay(sandbox, "cert") as found:
        yield found


async def trouble(stage: Stage, **faults: object) -> None:
    """Let these faults of the gateway strike."""
    await stage.sandbox.control("/control/faults", {"alipay": {"gateway": faults}})


async def bad_notices(stage: Stage, **faults: object) -> None:
    """Let these faults strike the notices."""
    await stage.sandbox.control("/control/faults", {"alipay": {"notify": faults}})


async def test_a_refund_of_which_alipay_is_unsure_is_asked_about(stage: Stage) -> None:
    reference = await paid(stage)
    await trouble(stage, system_error=1)
    answer = await stage.gateway.refund(back(stage, reference, 8888))
    assert (answer.status, answer.amount) == ("done", Money(8888, "CNY"))
    assert await stage.given_back(reference) == 8888


async def test_awkward_values_are_read(stage: Stage) -> None:
    reference = await paid(stage)
    await trouble(stage, awkward=True)
    assert await state(stage, reference) is PaymentState.PAID


async def test_a_notice_of_another_app_is_refused(stage: Stage) -> None:
    await bad_notices(stage, app_id="2021000000000009")
    await paid(stage)
    sent = await stage.sent()
    with pytest.raises(NoticeRefused) as told:
        stage.gateway.parse_notice(sent.headers, sent.body)
    assert told.value.why == "app"


async def test_a_wrong_amount_is_told_as_it_came(stage: Stage) -> None:
    await bad_notices(stage, amount="0.01")
    reference = await paid(stage)
    notice = await stage.hears()
    assert (notice.reference, notice.amount) == (reference, Money(1, "CNY"))


async def test_refund_before_payment_is_no_second_payment(stage: Stage) -> None:
    await bad_notices(stage, reorder=True)
    reference = await paid(stage)
    await stage.gateway.refund(back(stage, reference, 8888))
    first, second = await stage.hears(), await stage.hears()
    assert [first.kind, second.kind] == ["refunded", "paid"]
    assert first.refund_reference == "F" + reference[1:]
    assert first.notice_id != second.notice_id
    assert await state(stage, reference) is PaymentState.CLOSED


async def test_a_key_that_alipay_changed_is_not_believed(stage: Stage) -> None:
    reference = await opened(stage)
    await stage.sandbox.control("/control/alipay/keys/rotate")
    with pytest.raises(GatewayError, match="certificate") as told:
        await stage.gateway.query(reference)
    assert told.value.retryable


async def test_a_notice_is_a_plain_form(stage: Stage) -> None:
    await paid(stage)
    form = parse_qs((await stage.sent()).body.decode())
    assert form["sign_type"] == ["RSA2"]
    assert all(len(values) == 1 for values in form.values())
