"""Money to a person inside WeChat: offered, taken or not taken, never paid twice."""

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
import pytest_asyncio

from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways.contract import Declined, Reason
from littleshop.pay.gateways.transfers import Payee, TransferRequest, Transfers
from littleshop.pay.gateways.wechat_pay_transfers import open_transfers
from tests.pay.gateways.stage_wechat_pay import WechatPayStage, wechat_pay
from tests.sandbox_process import Sandbox

FUNDS = Money(500_000_000, "CNY")


@pytest_asyncio.fixture(params=["key", "cert"])
async def stage(request: pytest.FixtureRequest, sandbox: Sandbox) -> AsyncIterator[WechatPayStage]:
    """A merchant and a person."""
    async with wechat_pay(sandbox, request.param) as found:
        assert isinstance(found, WechatPayStage)
        yield found


@pytest_asyncio.fixture
async def payer(stage: WechatPayStage) -> AsyncIterator[Transfers]:
    """The paying-out side of the same merchant."""
    found = open_transfers(stage.rail, stage.clock)
    yield found
    await found.disconnect()


def wanted(stage: WechatPayStage, minor: int = 8888, name: str = "王小满") -> TransferRequest:
    """A payout to the person."""
    return TransferRequest(
        reference=f"T{stage.rail['mchid']}00000000",
        amount=Money(minor, "CNY"),
        payee=Payee(kind="openid", account=stage.openid or "", name=name),
        title="小满的茶 11 月 22 日货款",
    )


async def takes(stage: WechatPayStage, request: TransferRequest) -> None:
    """The person takes it."""
    await stage.sandbox.control(f"/control/wechat_pay/transfers/{request.reference}/confirm")


@pytest.mark.parametrize("minor", [1, 8888, 250_000])
async def test_a_transfer_waits_for_the_person_and_arrives_once(
    stage: WechatPayStage, payer: Transfers, minor: int
) -> None:
    request = wanted(stage, minor)
    assert (await payer.transfer_query(request)).status == "unknown"
    for _ in range(2):
        answer = await payer.transfer(request)
        assert (answer.status, answer.said) == ("pending", "WAIT_USER_CONFIRM")
        assert answer.confirm_with and answer.confirm_with["package"]
    async with stage.browser() as person:
        told = {**(answer.confirm_with or {}), "back": "http://127.0.0.1:9/money"}
        page = await person.get(f"{stage.sandbox.url}/wechat/transfer", params=told)
        assert f"{minor // 100}.{minor % 100:02d}" in page.text
        taken = await person.post(f"{stage.sandbox.url}/wechat/transfer", data=told)
        assert taken.headers["location"] == "http://127.0.0.1:9/money"
    done = await payer.transfer_query(request)
    assert (done.status, done.amount, done.reason) == ("done", request.amount, None)
    assert done.gateway_no and (await payer.transfer(request)).status == "done"
    assert await payer.funds() == FUNDS - request.amount


async def test_what_nobody_takes_within_a_day_comes_back(
    stage: WechatPayStage, payer: Transfers
) -> None:
    request = wanted(stage)
    await payer.transfer(request)
    assert await payer.funds() == FUNDS - request.amount
    await stage.passes(timedelta(hours=25))
    answer = await payer.transfer_query(request)
    assert (answer.status, answer.said) == ("failed", "OVERDUE_CLOSE")
    assert answer.reason is Reason.NOT_AGREED
    assert await payer.funds() == FUNDS


async def test_somebody_else_gets_nothing(stage: WechatPayStage, payer: Transfers) -> None:
    request = wanted(stage, 250_000, "不符合")
    answer = await payer.transfer(request)
    async with stage.browser() as person:
        person.cookies.clear()
        told = answer.confirm_with or {}
        page = await person.get(f"{stage.sandbox.url}/wechat/transfer", params=told)
        assert page.status_code == 400
    await takes(stage, request)
    failed = await payer.transfer_query(request)
    assert (failed.status, failed.reason) == ("failed", Reason.BUYER_ACCOUNT)


async def test_an_account_that_takes_nothing(stage: WechatPayStage, payer: Transfers) -> None:
    await stage.sandbox.control("/control/faults", {"wechat_pay": {"transfer": {"fail": 1}}})
    request = wanted(stage)
    await payer.transfer(request)
    await takes(stage, request)
    failed = await payer.transfer_query(request)
    assert (failed.status, failed.said) == ("failed", "PAYEE_ACCOUNT_ABNORMAL")


async def test_one_number_means_one_transfer(stage: WechatPayStage, payer: Transfers) -> None:
    request = wanted(stage)
    await payer.transfer(request)
    other = msgspec.structs.replace(request, amount=Money(8889, "CNY"))
    for call in (payer.transfer(other), payer.transfer_query(other)):
        with pytest.raises(Conflict):
            await call


@pytest.mark.parametrize("fault", ["system_error", "timeout", "malformed", "busy", "fail"])
async def test_a_transfer_whose_answer_was_lost_is_made_once(
    stage: WechatPayStage, payer: Transfers, fault: str
) -> None:
    faults = {"wechat_pay": {"gateway": {fault: 1, "timeout_seconds": 0}}}
    await stage.sandbox.control("/control/faults", faults)
    request = wanted(stage)
    try:
        await payer.transfer(request)
    except GatewayError as failure:
        assert failure.retryable
    assert (await payer.transfer(request)).status == "pending"
    assert await payer.funds() == FUNDS - request.amount


async def test_more_than_there_is_is_not_paid(stage: WechatPayStage, payer: Transfers) -> None:
    answer = await payer.transfer(wanted(stage, FUNDS.minor + 1))
    assert (answer.status, answer.reason) == ("failed", Reason.SELLER_FUNDS)
    nobody = Payee(kind="openid", account="oNobody", name="")
    request = msgspec.structs.replace(wanted(stage), payee=nobody)
    answer = await payer.transfer(request)
    assert (answer.status, answer.reason) == ("failed", Reason.BAD_REQUEST)


async def test_cards_are_not_for_wechat(stage: WechatPayStage, payer: Transfers) -> None:
    card = Payee(kind="bank_card", account="6222020200112230099", name="王小满", bank_code="ICBC")
    with pytest.raises(Declined):
        await payer.transfer(msgspec.structs.replace(wanted(stage), payee=card))
