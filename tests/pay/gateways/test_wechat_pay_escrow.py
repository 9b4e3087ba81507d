"""What is WeChat's own in holding money, beside what every institution does: signing, limits,
withdrawals."""

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
import pytest_asyncio

from littleshop.clock import Clock
from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import wechat_pay_media
from littleshop.pay.gateways.contract import Declined, Reason
from littleshop.pay.gateways.escrow import Escrow, Held
from littleshop.pay.gateways.wechat_pay_calls import open_calls
from littleshop.pay.gateways.wechat_pay_escrow import WechatPayEscrow, open_escrow
from tests.pay.gateways.plays import back, given, paid
from tests.pay.gateways.sellers import seller
from tests.pay.gateways.small_wechat_pay import SmallWechatPay
from tests.pay.gateways.stage_wechat_pay import WechatPayStage, wechat_pay
from tests.sandbox_process import Sandbox

COMMISSION = Money(888, "CNY")
REST = Money(8000, "CNY")


@pytest_asyncio.fixture
async def stage(sandbox: Sandbox) -> AsyncIterator[WechatPayStage]:
    """A platform by certificates (the suite of all has one by key) with one seller."""
    async with wechat_pay(sandbox, "cert", held=True) as found:
        assert isinstance(found, WechatPayStage)
        yield found


@pytest_asyncio.fixture
async def escrow(stage: WechatPayStage) -> AsyncIterator[WechatPayEscrow]:
    """The holding side of the same platform."""
    found = open_escrow(stage.rail, stage.clock)
    yield found
    await found.disconnect()


async def test_a_seller_shows_both_sides_of_the_id_card(
    stage: WechatPayStage, escrow: WechatPayEscrow
) -> None:
    request = msgspec.structs.replace(seller(), id_card=(b"the face", b"the emblem"))
    for _ in range(2):
        assert (await escrow.admit(request)).status == "signing"
    too_big = msgspec.structs.replace(seller(), id_card=(b"\0" * 2_100_000, b""))
    with pytest.raises(Declined, match="2 MB"):
        await escrow.admit(too_big)
    calls = open_calls(stage.rail, stage.clock)
    meta = b'{"filename":"a.jpg","sha256":"0"}'
    found = await calls.upload(
        wechat_pay_media.PATH, meta, b"--x--\r\n", "multipart/form-data; boundary=x"
    )
    assert found.reason is Reason.BAD_REQUEST
    await calls.disconnect()


async def held(stage: WechatPayStage, *, waits: bool = True) -> Held:
    """A payment of 88.88 that is frozen, and old enough to be shared."""
    reference = await paid(stage)
    found = await stage.gateway.query(reference)
    if waits:
        await stage.passes(timedelta(minutes=1))
    assert found.gateway_trade_no and found.amount and stage.held_for
    return Held(
        reference=reference,
        gateway_trade_no=found.gateway_trade_no,
        merchant_id=stage.held_for,
        amount=found.amount,
    )


async def trouble(stage: WechatPayStage, part: str, **faults: object) -> None:
    """Let these faults of a part strike."""
    await stage.sandbox.control("/control/faults", {"wechat_pay": {part: faults}})


def numbered(held: Held, mark: str) -> str:
    """A number of our own, made of the payment's."""
    return mark + held.reference[1:]


async def test_a_seller_is_checked_signs_and_is_admitted(
    stage: WechatPayStage, escrow: Escrow
) -> None:
    await trouble(stage, "admission", after_seconds=60)
    request = seller()
    assert (await escrow.admission(request.reference)).status == "unknown"
    for _ in range(2):
        assert (await escrow.admit(request)).status == "checking"
    await stage.passes(timedelta(minutes=2))
    found = await escrow.admission(request.reference)
    assert found.status == "signing" and (found.sign_url or "").startswith("http")
    async with stage.browser() as person:
        page = await person.get(found.sign_url or "")
        assert request.shop_name in page.text and "0099" in page.text
        assert request.card_number not in page.text
        assert (await person.post(found.sign_url or "")).status_code == 303
    found = await escrow.admission(request.reference)
    assert found.status == "admitted" and found.merchant_id
    assert (await escrow.admit(request)).merchant_id == found.merchant_id


async def test_personal_data_travels_encrypted() -> None:
    small = SmallWechatPay()
    small.answers["POST /v3/ecommerce/applyments/"] = (200, {"applyment_id": 1})
    request = seller()
    path = f"GET /v3/ecommerce/applyments/out-request-no/{request.reference}"
    small.answers[path] = (200, {"applyment_state": "CHECKING"})
    small.now = Clock().now()
    escrow = open_escrow({**small.rail, "ecommerce": True}, Clock(), small.transport())
    await escrow.admit(request)
    sent = small.heard[0]
    assert sent.headers["wechatpay-serial"].startswith("PUB_KEY_ID_")
    for secret in (request.legal_name, request.id_number, request.phone, request.card_number):
        assert secret.encode() not in sent.content
    await escrow.disconnect()


async def test_in_the_first_half_minute_nothing_is_shared(
    stage: WechatPayStage, escrow: Escrow
) -> None:
    payment = await held(stage, waits=False)
    for call in (
        escrow.take_commission(payment, numbered(payment, "S"), COMMISSION),
        escrow.release(payment, numbered(payment, "L"), REST),
    ):
        with pytest.raises(Declined) as told:
            await call
        assert told.value.retryable


@pytest.mark.parametrize(
    ("minor", "reason"), [(8889, Reason.SELLER_FUNDS), (2667, Reason.NOT_ALLOWED)]
)
async def test_a_commission_has_its_limits(
    stage: WechatPayStage, escrow: Escrow, minor: int, reason: Reason
) -> None:
    payment = await held(stage)
    answer = await escrow.take_commission(payment, numbered(payment, "S"), Money(minor, "CNY"))
    assert (answer.status, answer.reason) == ("failed", reason)


async def test_after_the_release_a_refund_comes_out_of_what_the_seller_has(
    stage: WechatPayStage, escrow: Escrow
) -> None:
    payment = await held(stage)
    await escrow.release(payment, numbered(payment, "L"), stage.price)
    assert (await given(stage, back(stage, payment.reference, 3000))).status == "done"
    assert await escrow.balance(payment.merchant_id) == Money(5888, "CNY")
    await escrow.withdraw(payment.merchant_id, numbered(payment, "W"), Money(5888, "CNY"))
    poor = await stage.gateway.refund(back(stage, payment.reference, 5888, "G"))
    assert (poor.status, poor.reason) == ("failed", Reason.SELLER_FUNDS)


async def test_after_half_a_year_wechat_releases_by_itself(
    stage: WechatPayStage, escrow: Escrow
) -> None:
    payment = await held(stage)
    await stage.passes(escrow.holds_for - timedelta(days=1))
    assert await escrow.balance(payment.merchant_id) == Money(0, "CNY")
    await stage.passes(timedelta(days=1))
    assert await escrow.balance(payment.merchant_id) == stage.price
    late = await escrow.release(payment, numbered(payment, "L"), stage.price)
    assert (late.status, late.reason) == ("failed", Reason.BAD_REQUEST)


async def has(stage: WechatPayStage, escrow: Escrow) -> str:
    """The seller, with 88.88 that he may withdraw."""
    payment = await held(stage)
    await escrow.release(payment, numbered(payment, "L"), stage.price)
    return payment.merchant_id


async def test_a_withdrawal_arrives_once(stage: WechatPayStage, escrow: Escrow) -> None:
    owner, reference, amount = await has(stage, escrow), "W0000000000000000001", REST
    assert (await escrow.withdraw_query(owner, reference)).status == "unknown"
    for _ in range(2):
        assert (await escrow.withdraw(owner, reference, amount)).status == "pending"
    await stage.passes(timedelta(minutes=1))
    answer = await escrow.withdraw_query(owner, reference)
    assert (answer.status, answer.amount, answer.reason) == ("done", amount, None)
    assert answer.gateway_no and answer.at
    with pytest.raises(Conflict):
        await escrow.withdraw(owner, reference, Money(1, "CNY"))
    assert await escrow.balance(owner) == Money(888, "CNY")
    more = await escrow.withdraw(owner, "W0000000000000000002", amount)
    assert (more.status, more.reason) == ("failed", Reason.SELLER_FUNDS)


async def test_a_withdrawal_fails_or_comes_back_days_later(
    stage: WechatPayStage, escrow: Escrow
) -> None:
    owner = await has(stage, escrow)
    await trouble(stage, "withdraw", fail=1)
    await escrow.withdraw(owner, "W0000000000000000003", REST)
    await stage.passes(timedelta(minutes=1))
    failed = await escrow.withdraw_query(owner, "W0000000000000000003")
    assert (failed.status, failed.said) == ("failed", "卡号错误")
    await trouble(stage, "withdraw", refund=1)
    await escrow.withdraw(owner, "W0000000000000000004", REST)
    await stage.passes(timedelta(minutes=1))
    assert (await escrow.withdraw_query(owner, "W0000000000000000004")).status == "done"
    assert await escrow.balance(owner) == Money(888, "CNY")
    await stage.passes(timedelta(days=2))
    returned = await escrow.withdraw_query(owner, "W0000000000000000004")
    assert (returned.status, returned.reason) == ("returned", Reason.BUYER_ACCOUNT)
    assert await escrow.balance(owner) == stage.price


@pytest.mark.parametrize("fault", ["system_error", "timeout", "malformed", "busy", "fail"])
async def test_a_withdrawal_whose_answer_was_lost_is_made_once(
    stage: WechatPayStage, escrow: Escrow, fault: str
) -> None:
    owner = await has(stage, escrow)
    await trouble(stage, "gateway", **{fault: 1, "timeout_seconds": 0})
    try:
        await escrow.withdraw(owner, "W0000000000000000005", REST)
    except GatewayError as failure:
        assert failure.retryable
    assert (await escrow.withdraw(owner, "W0000000000000000005", REST)).status == "pending"
    assert await escrow.balance(owner) == Money(888, "CNY")


async def test_a_card_that_takes_nothing(stage: WechatPayStage, escrow: Escrow) -> None:
    stage.held_for = await stage.admits("6222020200112230003")
    owner = await has(stage, escrow)
    await escrow.withdraw(owner, "W0000000000000000006", REST)
    await stage.passes(timedelta(minutes=1))
    assert (await escrow.withdraw_query(owner, "W0000000000000000006")).status == "failed"
