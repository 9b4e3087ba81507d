"""Bad days at WeChat Pay, played by the sandbox: nothing is lost, nothing is believed too soon."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay import gateways
from littleshop.pay.gateways import wechat_openid
from littleshop.pay.gateways.contract import (
    BuyerCard,
    Declined,
    How,
    NoticeRefused,
    PaymentState,
    Reason,
    Redirecting,
)
from tests.pay.gateways.plays import asked, back, given, opened, paid, state
from tests.pay.gateways.stage_wechat_pay import WechatPayStage, wechat_pay
from tests.sandbox_process import Sandbox


@pytest_asyncio.fixture(params=["key", "cert"])
async def stage(request: pytest.FixtureRequest, sandbox: Sandbox) -> AsyncIterator[WechatPayStage]:
    """A merchant of his own, by public key and by certificates."""
    async with wechat_pay(sandbox, request.param) as found:
        assert isinstance(found, WechatPayStage)
        yield found


async def trouble(stage: WechatPayStage, part: str, **faults: object) -> None:
    """Let these faults of a part strike."""
    await stage.sandbox.control("/control/faults", {"wechat_pay": {part: faults}})


async def test_an_answer_signed_by_a_stranger_is_not_believed(stage: WechatPayStage) -> None:
    reference = await paid(stage)
    await trouble(stage, "gateway", forge=1)
    with pytest.raises(GatewayError, match="not signed") as told:
        await stage.gateway.query(reference)
    assert told.value.retryable
    assert await state(stage, reference) is PaymentState.PAID


async def test_awkward_values_are_read(stage: WechatPayStage) -> None:
    reference = await paid(stage)
    await trouble(stage, "gateway", awkward=True)
    assert await state(stage, reference) is PaymentState.PAID


async def test_a_refund_whose_answer_was_a_system_error_is_found(stage: WechatPayStage) -> None:
    reference = await paid(stage)
    await trouble(stage, "gateway", system_error=1, path="/refund/")
    answer = await stage.gateway.refund(back(stage, reference, 8888))
    assert (answer.status, answer.amount) == ("done", stage.price)
    assert await stage.given_back(reference) == 8888


async def test_a_payment_may_arrive_after_we_closed_it(stage: WechatPayStage) -> None:
    reference = await opened(stage)
    assert await stage.gateway.close(reference) is PaymentState.CLOSED
    await trouble(stage, "cashier", after_close=1)
    assert await stage.pays(reference)
    notice = await stage.hears()
    assert (notice.kind, notice.reference, notice.amount) == ("paid", reference, stage.price)
    assert await stage.gateway.close(reference) is PaymentState.PAID


@pytest.mark.parametrize(
    ("fault", "why"), [({"appid": "wx9"}, "app"), ({"mchid": "1600000009"}, "seller")]
)
async def test_a_notice_about_others_is_refused(
    stage: WechatPayStage, fault: dict[str, object], why: str
) -> None:
    await trouble(stage, "notify", **fault)
    await paid(stage)
    sent = await stage.sent()
    with pytest.raises(NoticeRefused) as told:
        stage.gateway.parse_notice(sent.headers, sent.body)
    assert told.value.why == why


async def test_a_wrong_sum_is_told_as_it_came(stage: WechatPayStage) -> None:
    await trouble(stage, "notify", amount="1")
    reference = await paid(stage)
    notice = await stage.hears()
    assert (notice.reference, notice.amount) == (reference, Money(1, "CNY"))
    assert (await stage.gateway.query(reference)).amount == stage.price


async def test_a_probe_is_refused_and_the_real_notice_is_not(stage: WechatPayStage) -> None:
    await trouble(stage, "notify", probe=1)
    await paid(stage)
    refused = 0
    for _ in range(2):
        sent = await stage.sent()
        try:
            assert stage.gateway.parse_notice(sent.headers, sent.body) is not None
        except NoticeRefused as no:
            assert no.why == "signature"
            refused += 1
    assert refused == 1


async def test_refund_before_payment_is_no_second_payment(stage: WechatPayStage) -> None:
    await trouble(stage, "notify", reorder=True)
    reference = await paid(stage)
    await given(stage, back(stage, reference, 8888))
    first, second = await stage.hears(), await stage.hears()
    assert [first.kind, second.kind] == ["refunded", "paid"]
    assert first.refund_reference == "F" + reference[1:]
    # fully given back, it was paid all the same: WeChat's REFUND never says how much
    assert await state(stage, reference) is PaymentState.PAID


async def test_a_slow_refund_is_pending_until_it_is_done(stage: WechatPayStage) -> None:
    reference = await paid(stage)
    await trouble(stage, "refund", processing=1)
    request = back(stage, reference, 3000)
    assert (await stage.gateway.refund(request)).status == "pending"
    assert (await stage.gateway.refund(request)).status == "pending"
    await stage.passes(timedelta(minutes=2))
    assert (await stage.gateway.refund_query(request)).status == "done"


async def test_a_stuck_refund_is_told_as_failed_and_as_done_when_mended(
    stage: WechatPayStage,
) -> None:
    reference = await paid(stage)
    await stage.hears()
    await trouble(stage, "refund", abnormal=1)
    request = back(stage, reference, 3000)
    assert (await stage.gateway.refund(request)).status == "pending"
    await stage.passes(timedelta(minutes=2))
    answer = await stage.gateway.refund_query(request)
    assert (answer.status, answer.reason) == ("failed", Reason.BUYER_ACCOUNT)
    assert (await stage.hears()).kind == "refunded"
    path = f"/control/wechat_pay/refunds/{request.refund_reference}/unstick"
    await stage.sandbox.control(path)
    assert (await stage.gateway.refund_query(request)).status == "done"


@pytest.mark.parametrize("card", [BuyerCard("6222020200112230099", "王小宁", "ICBC"), None])
async def test_a_stuck_refund_goes_to_another_card_or_to_us(
    stage: WechatPayStage, card: BuyerCard | None
) -> None:
    request = back(stage, await paid(stage), 3000)
    await trouble(stage, "refund", abnormal=1)
    await given(stage, request)
    rail = stage.gateway
    assert isinstance(rail, Redirecting)
    with pytest.raises(Declined):
        await rail.redirect_refund(request, BuyerCard("6222020200112230099", "王小宁", "HXB"))
    assert (await rail.redirect_refund(request, card)).status == "pending"
    assert (await rail.redirect_refund(request, card)).status == "pending"  # the same once more
    await stage.passes(timedelta(minutes=2))
    assert (await rail.refund_query(request)).status == "done"
    sent = (await stage.sandbox.read("/books.json"))["wechat_pay"]["redirects"][-1]
    assert (sent["bank_type"], sent["tail"]) == (("ICBC_DEBIT", "0099") if card else ("", ""))


async def test_a_refund_without_money_is_made_later_by_the_same_number(
    stage: WechatPayStage,
) -> None:
    reference = await paid(stage)
    await trouble(stage, "refund", no_balance=1)
    request = back(stage, reference, 3000)
    answer = await stage.gateway.refund(request)
    assert (answer.status, answer.reason) == ("failed", Reason.SELLER_FUNDS)
    assert (await stage.gateway.refund(request)).status == "done"
    assert await stage.given_back(reference) == 3000


async def test_a_year_later_nothing_goes_back(stage: WechatPayStage) -> None:
    reference = await paid(stage)
    await stage.passes(timedelta(days=366))
    answer = await stage.gateway.refund(back(stage, reference, 3000))
    assert (answer.status, answer.reason) == ("failed", Reason.BAD_REQUEST)


async def test_fees_are_taken_and_given_back_in_the_bill(stage: WechatPayStage) -> None:
    await stage.sandbox.control("/control/faults", {"wechat_pay": {"fee_bps": 60}})
    await stage.until_noon()
    day = stage.clock.now().astimezone(stage.zone).date()
    reference = await paid(stage)
    for mark, minor in (("F", 3000), ("G", 5888)):
        await given(stage, back(stage, reference, minor, mark))
    await stage.passes(timedelta(days=1))
    bill = await stage.gateway.fetch_bill(day)
    assert sorted(row.fee.minor for row in bill.rows) == [-35, -18, 53]
    assert bill.unread == ()


async def test_a_bill_that_is_not_what_was_announced_is_fetched_again(
    stage: WechatPayStage,
) -> None:
    await stage.until_noon()
    day = stage.clock.now().astimezone(stage.zone).date()
    await paid(stage)
    await stage.passes(timedelta(days=1))
    await trouble(stage, "bill", corrupt=1)
    with pytest.raises(GatewayError) as told:
        await stage.gateway.fetch_bill(day)
    assert told.value.retryable
    assert len((await stage.gateway.fetch_bill(day)).rows) == 1


async def test_another_certificate_signs_from_now_on(sandbox: Sandbox) -> None:
    async with wechat_pay(sandbox, "cert") as stage:
        reference = await paid(stage)
        await stage.hears()
        await stage.passes(timedelta(minutes=2))
        await sandbox.control("/control/wechat_pay/certificates/rotate")
        assert await state(stage, reference) is PaymentState.PAID
        await stage.passes(timedelta(minutes=2))
        await sandbox.control("/control/wechat_pay/certificates/rotate")
        await stage.send_again(reference)
        sent = await stage.sent()
        with pytest.raises(NoticeRefused, match="unknown_key"):
            stage.gateway.parse_notice(sent.headers, sent.body)
        await stage.gateway.refresh_keys()
        assert stage.gateway.parse_notice(sent.headers, sent.body) is not None


async def test_a_phone_link_is_of_no_use_inside_wechat(stage: WechatPayStage) -> None:
    answer = await stage.gateway.pay(asked(stage, How.WAP))
    async with stage.browser() as browser:
        inside = {"user-agent": "Mozilla/5.0 MicroMessenger/8.0"}
        page = await browser.get(answer.redirect_url or "", headers=inside)
    assert page.status_code == 400 and "请在微信外打开订单" in page.text


async def test_somebody_else_cannot_pay_inside_wechat(stage: WechatPayStage) -> None:
    answer = await stage.gateway.pay(asked(stage, How.JSAPI))
    stage.person = "f" * 32
    assert not await stage.opens(answer)


async def test_the_login_is_busy_or_the_code_was_used(stage: WechatPayStage) -> None:
    await trouble(stage, "login", busy=1)
    with pytest.raises(Declined) as busy:
        await stage.signs_in()
    assert busy.value.retryable
    login = wechat_openid.open_login(stage.rail)
    with pytest.raises(Declined) as used:
        await login.openid("0" * 32)
    assert used.value.reason is Reason.BAD_REQUEST
    await login.disconnect()


async def test_a_wrong_key_of_ours_is_told_to_the_operator(stage: WechatPayStage) -> None:
    rail = {**stage.rail, "serial_no": "A1"}
    wrong = gateways.open({"wechat_pay": rail}, stage.clock)["wechat_pay"]
    with pytest.raises(Declined) as told:
        await wrong.query("R0000000000000000001")
    assert (told.value.reason, told.value.retryable) == (Reason.BAD_SIGNATURE, False)
    await wrong.disconnect()


async def test_a_clock_that_is_wrong_for_a_moment_is_no_verdict(stage: WechatPayStage) -> None:
    reference = await paid(stage)
    stage.clock.offset += timedelta(minutes=10)
    with pytest.raises(GatewayError) as told:
        await stage.gateway.query(reference)
    assert told.value.retryable
    stage.clock.offset -= timedelta(minutes=10)
    assert await state(stage, reference) is PaymentState.PAID


async def test_a_wire_of_the_past_answers_as_it_did_then(stage: WechatPayStage) -> None:
    reference = await opened(stage)
    at = stage.clock.now()
    await stage.passes(timedelta(hours=3))
    then = f"{stage.sandbox.url}/at/{at:%Y-%m-%dT%H:%M:%S.%fZ}/wechat"
    now_closed = await state(stage, reference)
    stage.clock.offset -= timedelta(hours=3)
    rail = gateways.open({"wechat_pay": {**stage.rail, "base_url": then}}, stage.clock)
    assert (await rail["wechat_pay"].query("R9999999999999999999")).state is PaymentState.CREATED
    assert now_closed is PaymentState.CLOSED
    await rail["wechat_pay"].disconnect()
