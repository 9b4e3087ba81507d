"""What every rail must survive: no answer, half an answer, too many calls. Nothing moves twice."""

import itertools
from collections.abc import Awaitable, Callable

import pytest

from littleshop.errors import GatewayError
from littleshop.pay.gateways.contract import PaymentState
from tests.pay.gateways.plays import asked, back, given, opened, paid, state
from tests.pay.gateways.stage import Stage, Trouble


async def fails(call: Awaitable[object]) -> GatewayError:
    """The retryable failure of a call."""
    with pytest.raises(GatewayError) as told:
        await call
    assert told.value.retryable
    return told.value


async def test_a_query_that_failed_is_asked_again(stage: Stage) -> None:
    reference = await paid(stage)
    for trouble in Trouble:
        await stage.strikes(trouble)
        await fails(stage.gateway.query(reference))
        assert await state(stage, reference) is PaymentState.PAID, trouble


async def test_a_payment_that_failed_to_start_is_started_again(stage: Stage) -> None:
    for trouble, how in itertools.product(Trouble, sorted(stage.gateway.hows)):
        request = asked(stage, how)
        await stage.strikes(trouble)
        try:
            answer = await stage.gateway.pay(request)
        except GatewayError as failure:
            assert failure.retryable, trouble
            answer = await stage.gateway.pay(request)
        await stage.calm()  # where nobody was called, nothing struck
        assert await stage.opens(answer), trouble
        assert await stage.pays(request.reference), trouble
        assert (await stage.gateway.query(request.reference)).amount == stage.price, trouble


async def test_a_closing_that_failed_is_closed_again(stage: Stage) -> None:
    for trouble in Trouble:
        reference = await opened(stage)
        await stage.strikes(trouble)
        await fails(stage.gateway.close(reference))
        assert await stage.gateway.close(reference) is PaymentState.CLOSED, trouble


async def test_a_refund_that_failed_is_made_once(stage: Stage) -> None:
    for trouble in Trouble:
        reference = await paid(stage)
        request = back(stage, reference, 5000)
        await stage.strikes(trouble)
        await fails(stage.gateway.refund(request))
        assert await stage.given_back(reference) in (0, 5000), trouble
        answer = await given(stage, request)
        assert (answer.status, answer.amount) == ("done", request.amount), trouble
        assert await stage.given_back(reference) == 5000, trouble


async def test_a_refund_query_that_failed_is_asked_again(stage: Stage) -> None:
    reference = await paid(stage)
    request = back(stage, reference, 5000)
    await given(stage, request)
    for trouble in Trouble:
        await stage.strikes(trouble)
        await fails(stage.gateway.refund_query(request))
        assert (await stage.gateway.refund_query(request)).status == "done", trouble


async def test_no_secret_is_ever_shown(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    reference = await paid(stage)
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: stage.gateway.query(reference),
        lambda: stage.gateway.close(reference),
        lambda: stage.gateway.refund(back(stage, reference, 100)),
    ]
    shown = [repr(stage.gateway), str(stage.gateway)]
    for trouble in Trouble:
        for call in calls:
            await stage.strikes(trouble)
            failure: BaseException | None = await fails(call())
            while failure is not None:
                shown += [str(failure), repr(failure), repr(failure.args)]
                failure = failure.__cause__ or failure.__context__
    text = "\n".join([*shown, caplog.text])
    assert stage.secrets
    assert [secret for secret in stage.secrets if secret in text] == []
