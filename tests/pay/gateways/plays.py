"""What the contract's tests do again and again on a stage."""

import itertools
from datetime import timedelta

from littleshop.money import Money
from littleshop.pay.gateways.contract import (
    How,
    PaymentState,
    PayRequest,
    QueryAnswer,
    RefundAnswer,
    RefundRequest,
)
from tests.pay.gateways.stage import Stage

numbers = itertools.count(1)


def asked(stage: Stage, how: How | None = None) -> PayRequest:
    """A fresh request, by the first way that the rail has unless one is told."""
    return stage.asked(next(numbers), how or min(stage.gateway.hows))


async def opened(stage: Stage, how: How | None = None) -> str:
    """The reference of a payment whose cashier the buyer looks at."""
    request = asked(stage, how)
    assert await stage.opens(await stage.gateway.pay(request))
    return request.reference


async def paid(stage: Stage, how: How | None = None) -> str:
    """The reference of a payment that was made."""
    reference = await opened(stage, how)
    assert await stage.pays(reference)
    return reference


def back(stage: Stage, reference: str, minor: int, mark: str = "F") -> RefundRequest:
    """A refund of that much, numbered after the payment."""
    return RefundRequest(
        reference=reference,
        refund_reference=mark + reference[1:],
        amount=Money(minor, stage.price.currency),
        paid=stage.price,
        reason="来晚了 late",
    )


async def given(stage: Stage, request: RefundRequest) -> RefundAnswer:
    """What becomes of a refund: asked for, and waited for where the rail takes its time."""
    answer = await stage.gateway.refund(request)
    for _ in range(4):
        if answer.status != "pending":
            break
        await stage.passes(timedelta(minutes=10))
        answer = await stage.gateway.refund_query(request)
    return answer


async def state(stage: Stage, reference: str) -> PaymentState:
    """How a payment stands."""
    found: QueryAnswer = await stage.gateway.query(reference)
    return found.state
