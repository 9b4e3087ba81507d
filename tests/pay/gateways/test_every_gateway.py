"""What every gateway must do, whoever is on the other side of the wire."""

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from littleshop.errors import Conflict
from littleshop.money import Money
from littleshop.pay.gateways.contract import (
    How,
    NoticeRefused,
    PaymentState,
    PayRequest,
    Reason,
    RefundRequest,
)
from tests import sandbox_process
from tests.pay.gateways.sides import Side, alipay_by_hand, alipay_in_sandbox

numbers = itertools.count(1)
PRICE = Money(8888, "CNY")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sandbox_process.Sandbox]:
    """One sandbox for all tests of this file."""
    with sandbox_process.running(tmp_path_factory.mktemp("sandbox")) as found:
        yield found


@pytest_asyncio.fixture(
    params=[
        "alipay by hand",
        "alipay, plain key, in the sandbox",
        "alipay, certificates, in the sandbox",
    ]
)
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    """Each other side in turn."""
    opened: AbstractAsyncContextManager[Side]
    if request.param == "alipay by hand":
        opened = alipay_by_hand()
    else:
        mode = "cert" if "certificates" in request.param else "key"
        opened = alipay_in_sandbox(request.getfixturevalue("sandbox"), mode)
    async with opened as found:
        yield found


def asked(side: Side, how: How = How.WAP) -> PayRequest:
    """A fresh request for 88.88, open for half an hour."""
    return PayRequest(
        reference=f"R{next(numbers):019d}",
        amount=PRICE,
        subject="小满的茶 / 一壶",
        return_url="https://shop.test/orders/1?from=cashier&x=茶",
        notify_url=side.notify_url,
        expires_at=datetime.now(UTC) + timedelta(minutes=30),
        how=how,
    )


async def opened(side: Side, how: How = How.WAP) -> str:
    """A payment whose cashier the buyer looks at."""
    request = asked(side, how)
    await side.buyer_opens(request.reference, await side.gateway.pay(request))
    return request.reference


async def paid(side: Side) -> str:
    """A payment that was made."""
    reference = await opened(side)
    await side.buyer_pays(reference)
    return reference


def back(reference: str, minor: int) -> RefundRequest:
    """A refund of that much, numbered after the payment."""
    return RefundRequest(
        reference=reference,
        refund_reference="F" + reference[1:],
        amount=Money(minor, "CNY"),
        paid=PRICE,
        reason="来晚了 late",
    )


@pytest.mark.parametrize("how", list(How))
async def test_the_buyer_is_sent_somewhere(side: Side, how: How) -> None:
    answer = await side.gateway.pay(asked(side, how))
    ways = [answer.redirect_url, answer.form, answer.code_url]
    assert sum(way is not None for way in ways) == 1
    assert (answer.code_url is not None) == (how is How.QR)


async def test_a_payment_nobody_opened_is_not_paid(side: Side) -> None:
    request = asked(side)
    await side.gateway.pay(request)
    found = await side.gateway.query(request.reference)
    assert found.state in (PaymentState.CREATED, PaymentState.PENDING)


@pytest.mark.parametrize("how", [How.WAP, How.PAGE])
async def test_an_opened_payment_is_pending(side: Side, how: How) -> None:
    reference = await opened(side, how)
    found = await side.gateway.query(reference)
    assert (found.state, found.amount, found.paid_at) == (PaymentState.PENDING, PRICE, None)


async def test_a_payment_is_told_by_query_and_by_notice(side: Side) -> None:
    reference = await paid(side)
    found = await side.gateway.query(reference)
    assert (found.state, found.amount) == (PaymentState.PAID, PRICE)
    assert found.paid_at is not None
    notice = side.gateway.parse_notice({}, await side.notice())
    assert (notice.kind, notice.reference, notice.amount) == ("paid", reference, PRICE)
    assert notice.gateway_trade_no == found.gateway_trade_no
    assert notice.gateway == side.gateway.name


async def test_a_changed_notice_is_refused(side: Side) -> None:
    await paid(side)
    body = await side.notice()
    with pytest.raises(NoticeRefused):
        side.gateway.parse_notice({}, body.replace(b"88.88", b"88.87"))
    with pytest.raises(NoticeRefused):
        side.gateway.parse_notice({}, body[:-20])


async def test_an_unpaid_payment_can_be_closed(side: Side) -> None:
    reference = await opened(side)
    assert await side.gateway.close(reference) is PaymentState.CLOSED
    assert (await side.gateway.query(reference)).state is PaymentState.CLOSED
    assert await side.gateway.close(reference) is PaymentState.CLOSED


async def test_closing_what_nobody_opened_says_so(side: Side) -> None:
    assert await side.gateway.close("R9999999999999999999") is PaymentState.CREATED


async def test_closing_after_the_buyer_paid_says_paid(side: Side) -> None:
    reference = await paid(side)
    assert await side.gateway.close(reference) is PaymentState.PAID


async def test_a_refund_moves_money_once(side: Side) -> None:
    reference = await paid(side)
    request = back(reference, 3000)
    for answer in (
        await side.gateway.refund(request),
        await side.gateway.refund(request),
        await side.gateway.refund_query(request),
    ):
        assert (answer.status, answer.amount) == ("done", Money(3000, "CNY"))
    with pytest.raises(Conflict):
        await side.gateway.refund(back(reference, 3001))


async def test_more_than_was_paid_is_not_given_back(side: Side) -> None:
    reference = await paid(side)
    answer = await side.gateway.refund(back(reference, 8889))
    assert (answer.status, answer.reason) == ("failed", Reason.AMOUNT)


async def test_a_refund_nobody_asked_for_is_pending(side: Side) -> None:
    reference = await paid(side)
    assert (await side.gateway.refund_query(back(reference, 100))).status == "pending"


async def test_a_refund_whose_answer_was_lost_is_found_again(side: Side) -> None:
    reference = await paid(side)
    await side.lose_next_answer()
    first = await side.gateway.refund(back(reference, 8888))
    assert first.status in ("done", "pending")
    again = await side.gateway.refund(back(reference, 8888))
    assert (again.status, again.amount) == ("done", PRICE)


async def test_a_refund_of_what_nobody_paid_fails(side: Side) -> None:
    answer = await side.gateway.refund(back("R9999999999999999999", 100))
    assert (answer.status, answer.reason) == ("failed", Reason.NOT_CREATED)
