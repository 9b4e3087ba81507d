"""Money out of our Alipay account: to a card or an account, once, and sometimes back again."""

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
import pytest_asyncio

from littleshop.clock import Clock
from littleshop.config import Misconfigured
from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways.alipay_transfers import open_transfers
from littleshop.pay.gateways.contract import Declined, Reason
from littleshop.pay.gateways.transfers import Payee, TransferRequest, Transfers
from tests.pay.gateways.small_alipay import SmallAlipay
from tests.pay.gateways.stage_alipay import AlipayStage, alipay
from tests.sandbox_process import Sandbox

FUNDS = Money(500_000_000, "CNY")
CARD = Payee(
    kind="bank_card",
    account="6222020200112230099",
    name="王小满",
    bank_code="ICBC",
    bank_name="工商银行",
)
ACCOUNT = Payee(kind="account", account="13800138000", name="王小满")


@pytest_asyncio.fixture
async def stage(sandbox: Sandbox) -> AsyncIterator[AlipayStage]:
    """An application with certificates: transfers are made by no other."""
    async with alipay(sandbox, "cert") as found:
        assert isinstance(found, AlipayStage)
        yield found


@pytest_asyncio.fixture
async def payer(stage: AlipayStage) -> AsyncIterator[Transfers]:
    """The paying-out side of the same application."""
    found = open_transfers(stage.rail, stage.clock)
    yield found
    await found.disconnect()


def wanted(payee: Payee = CARD, minor: int = 8888, mark: str = "T") -> TransferRequest:
    """A payout to the seller."""
    return TransferRequest(
        reference=f"{mark}0000000000000000001",
        amount=Money(minor, "CNY"),
        payee=payee,
        title="小满的茶 / 11 月 22 日货款",
    )


def card(tail: str) -> Payee:
    """A card with that end."""
    return msgspec.structs.replace(CARD, account=f"622202020011223{tail}")


async def trouble(stage: AlipayStage, part: str, **faults: object) -> None:
    """Let these faults of a part strike."""
    await stage.sandbox.control("/control/faults", {"alipay": {part: faults}})


async def test_a_card_is_paid_after_a_while_and_once(stage: AlipayStage, payer: Transfers) -> None:
    request = wanted()
    assert (await payer.transfer_query(request)).status == "unknown"
    for _ in range(2):
        answer = await payer.transfer(request)
        assert (answer.status, answer.amount) == ("pending", request.amount)
    await stage.passes(timedelta(minutes=1))
    done = await payer.transfer_query(request)
    assert (done.status, done.amount, done.reason) == ("done", request.amount, None)
    assert done.gateway_no and done.at
    known = await payer.transfer_find(request.reference, "bank_card")
    assert (known.status, known.amount) == ("done", request.amount)
    for kind in ("account", "openid"):
        assert (await payer.transfer_find(request.reference, kind)).status == "unknown"
    assert (await payer.transfer(request)).status == "done"
    assert await payer.funds() == FUNDS - request.amount


@pytest.mark.parametrize("account", ["13800138000", "xiaoman@example.cn", "2088123412341234"])
async def test_an_account_is_paid_at_once(
    stage: AlipayStage, payer: Transfers, account: str
) -> None:
    request = wanted(msgspec.structs.replace(ACCOUNT, account=account))
    for _ in range(2):
        assert (await payer.transfer(request)).status == "done"
    assert await payer.funds() == FUNDS - request.amount


async def test_what_the_bank_sends_back_days_later_is_returned(
    stage: AlipayStage, payer: Transfers
) -> None:
    for request in (wanted(card("0010"), mark="R"), wanted(mark="S")):
        await payer.transfer(request)
        await stage.passes(timedelta(minutes=1))
        assert (await payer.transfer_query(request)).status == "done"
    path = f"/control/alipay/transfers/{request.reference}/return"
    assert (await stage.sandbox.control(path))["status"] == "REFUND"
    await stage.passes(timedelta(days=2))
    for mark in "RS":
        answer = await payer.transfer_query(wanted(card("0010"), mark=mark))
        assert (answer.status, answer.reason) == ("returned", Reason.BUYER_ACCOUNT)
        assert answer.said
    assert await payer.funds() == FUNDS


async def test_a_transfer_fails_and_the_money_stays(stage: AlipayStage, payer: Transfers) -> None:
    await trouble(stage, "transfer", fail=1)
    for mark, payee in (("F", CARD), ("G", card("0003"))):
        await payer.transfer(wanted(payee, mark=mark))
        await stage.passes(timedelta(minutes=1))
        answer = await payer.transfer_query(wanted(payee, mark=mark))
        assert (answer.status, answer.reason) == ("failed", Reason.BUYER_ACCOUNT)
    assert await payer.funds() == FUNDS


async def test_what_alipay_refuses_at_once(stage: AlipayStage, payer: Transfers) -> None:
    stranger = msgspec.structs.replace(ACCOUNT, name="不符合")
    nobody = msgspec.structs.replace(ACCOUNT, account="13800130002")
    for payee, minor, reason in (
        (stranger, 8888, Reason.BUYER_ACCOUNT),
        (nobody, 8888, Reason.BUYER_ACCOUNT),
        (ACCOUNT, 1, Reason.AMOUNT),
        (CARD, FUNDS.minor + 1, Reason.SELLER_FUNDS),
    ):
        answer = await payer.transfer(wanted(payee, minor))
        assert (answer.status, answer.reason) == ("failed", reason)
        assert (await payer.transfer_query(wanted(payee, minor))).status == "unknown"
    openid = Payee(kind="openid", account="oNobody", name="")
    with pytest.raises(Declined):
        await payer.transfer(wanted(openid))


async def test_one_number_means_one_transfer(stage: AlipayStage, payer: Transfers) -> None:
    await payer.transfer(wanted())
    with pytest.raises(Conflict):
        await payer.transfer(wanted(minor=8889))
    await stage.passes(timedelta(minutes=1))
    with pytest.raises(Conflict):
        await payer.transfer_query(wanted(minor=8889))


@pytest.mark.parametrize("fault", ["system_error", "timeout", "malformed", "busy", "fail"])
async def test_a_transfer_whose_answer_was_lost_is_made_once(
    stage: AlipayStage, payer: Transfers, fault: str
) -> None:
    await trouble(stage, "gateway", **{fault: 1, "timeout_seconds": 0})
    try:
        await payer.transfer(wanted())
    except GatewayError as failure:
        assert failure.retryable
    assert (await payer.transfer(wanted())).status == "pending"
    assert await payer.funds() == FUNDS - Money(8888, "CNY")


def test_without_certificates_nothing_is_transferred() -> None:
    with pytest.raises(Misconfigured, match="certificates"):
        open_transfers(SmallAlipay().rail, Clock())
