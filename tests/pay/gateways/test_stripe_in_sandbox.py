"""Stripe's own days, beside those of every rail: three calls make a page, and any may be lost."""

import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
import pytest_asyncio

from littleshop.clock import SHANGHAI
from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay import gateways
from littleshop.pay.gateways.contract import Declined, NoticeRefused, PaymentState, Reason
from tests import sandbox_process
from tests.pay.gateways.plays import asked, back, given, opened, paid, state
from tests.pay.gateways.stage_stripe import StripeStage, stripe

CALLS_OF_PAY = ["POST products", "POST checkout/sessions", "POST products/R"]


@pytest_asyncio.fixture
async def stage(sandbox: sandbox_process.Sandbox) -> AsyncIterator[StripeStage]:
    """A fresh account; every fault is undone afterwards."""
    async with stripe(sandbox) as found:
        yield found


async def faults(stage: StripeStage, **part: object) -> None:
    """Let these faults strike."""
    await stage.sandbox.control("/control/faults", {"stripe": part})


async def sessions(stage: StripeStage) -> list[str]:
    """The references of all sessions of this account."""
    books = await stage.sandbox.read("/books.json")
    found = books["stripe"]["sessions"]
    return [one["reference"] for one in found if one["account"] == stage.account]


@pytest.mark.parametrize("call", CALLS_OF_PAY)
@pytest.mark.parametrize("fault", ["fail", "timeout", "malformed"])
async def test_a_page_half_made_is_made_once(stage: StripeStage, call: str, fault: str) -> None:
    request = asked(stage)
    await faults(stage, api={fault: 1, "timeout_seconds": 0, "call": call})
    with pytest.raises(GatewayError) as told:
        await stage.gateway.pay(request)
    assert told.value.retryable
    await stage.passes(timedelta(seconds=90))
    first = await stage.gateway.pay(request)
    assert await stage.gateway.pay(request) == first
    assert await sessions(stage) == [request.reference]
    assert await stage.opens(first) and await stage.pays(request.reference)


async def test_a_kept_500_of_stripes_passes_with_the_time(stage: StripeStage) -> None:
    request = msgspec.structs.replace(
        asked(stage), expires_at=stage.clock.now() + timedelta(minutes=20)
    )
    await faults(stage, api={"system_error": 1, "call": "POST checkout/sessions"})
    for _ in range(2):  # the same key: Stripe gives the same 500 again
        with pytest.raises(GatewayError):
            await stage.gateway.pay(request)
    assert await state(stage, request.reference) is PaymentState.CREATED
    await stage.passes(timedelta(minutes=6))
    assert await stage.opens(await stage.gateway.pay(request))
    assert await stage.pays(request.reference)
    assert await state(stage, request.reference) is PaymentState.PAID


@pytest.mark.parametrize("fault", ["timeout", "malformed", "system_error"])
@pytest.mark.parametrize("later", [timedelta(), timedelta(hours=25)])
async def test_a_refund_unheard_is_made_once_even_when_its_key_is_forgotten(
    stage: StripeStage, fault: str, later: timedelta
) -> None:
    reference = await paid(stage)
    await faults(stage, api={fault: 1, "timeout_seconds": 0, "call": "POST refunds"})
    request = back(stage, reference, 5000)
    with pytest.raises(GatewayError):
        await stage.gateway.refund(request)
    assert await stage.given_back(reference) == 5000
    await stage.passes(later)
    assert (await stage.gateway.refund(request)).status == "done"
    with pytest.raises(Conflict):
        await stage.gateway.refund(back(stage, reference, 3888))
    assert await stage.given_back(reference) == 5000


async def test_what_was_paid_or_closed_has_no_page_any_more(stage: StripeStage) -> None:
    for end, reason in (
        (stage.pays, Reason.ALREADY_PAID),
        (stage.gateway.close, Reason.ALREADY_CLOSED),
    ):
        request = asked(stage)
        await stage.gateway.pay(request)
        await end(request.reference)
        with pytest.raises(Declined) as told:
            await stage.gateway.pay(request)
        assert told.value.reason is reason


async def test_a_page_ends_by_itself_and_says_so(stage: StripeStage) -> None:
    request = msgspec.structs.replace(
        asked(stage), expires_at=stage.clock.now() + timedelta(minutes=5)
    )
    await stage.gateway.pay(request)
    await stage.passes(timedelta(minutes=29))
    assert await state(stage, request.reference) is PaymentState.PENDING  # half an hour at least
    await stage.passes(timedelta(minutes=7))
    notice = await stage.hears()
    assert (notice.kind, notice.reference) == ("closed", request.reference)
    assert await state(stage, request.reference) is PaymentState.CLOSED
    assert not await stage.pays(request.reference)


async def test_a_refused_card_is_no_end(stage: StripeStage) -> None:
    reference = await opened(stage)
    refused = await stage.acts(reference, "/pay", card="pm_card_chargeDeclined")
    assert not refused["moved"]
    assert await state(stage, reference) is PaymentState.PENDING
    assert await stage.pays(reference)
    assert await state(stage, reference) is PaymentState.PAID


@pytest.mark.parametrize(
    ("good", "kind", "after"),
    [(True, "paid", PaymentState.PAID), (False, "closed", PaymentState.FAILED)],
)
async def test_a_slow_way_of_paying_is_waited_for(
    stage: StripeStage, good: bool, kind: str, after: PaymentState
) -> None:
    await faults(stage, checkout={"processing": 1})
    reference = await opened(stage)
    await stage.acts(reference, "/pay")
    assert await state(stage, reference) is PaymentState.PENDING
    assert (await stage.hears()).kind == "pending"
    assert await stage.gateway.close(reference) is PaymentState.PENDING
    assert (await stage.gateway.refund(back(stage, reference, 1))).reason is Reason.WRONG_STATE
    await stage.acts(reference, "/settle", good=good)
    assert (await stage.hears()).kind == kind
    assert await state(stage, reference) is after


async def test_the_time_of_a_payment_does_not_move_with_later_events(stage: StripeStage) -> None:
    reference = await paid(stage)
    at = (await stage.gateway.query(reference)).paid_at
    await stage.passes(timedelta(hours=3))
    await given(stage, back(stage, reference, 100))
    assert (await stage.gateway.query(reference)).paid_at == at


async def test_two_webhook_secrets_are_valid_while_one_is_changed(stage: StripeStage) -> None:
    old = stage.gateway
    told = await stage.sandbox.control("/control/stripe/webhooks/roll", {"account": stage.account})
    both = [told["webhook_secret"], *stage.rail["webhook_secrets"]]
    fresh = gateways.open({"stripe": {**stage.rail, "webhook_secrets": both[:1]}}, stage.clock)
    changing = gateways.open({"stripe": {**stage.rail, "webhook_secrets": both}}, stage.clock)
    await paid(stage)
    sent = await stage.sent()
    for gateway in (old, fresh["stripe"], changing["stripe"]):
        assert gateway.parse_notice(sent.headers, sent.body) is not None
    await stage.passes(timedelta(hours=25))
    await paid(stage)
    sent = await stage.sent()
    for gateway in (fresh["stripe"], changing["stripe"]):
        assert gateway.parse_notice(sent.headers, sent.body) is not None
    with pytest.raises(NoticeRefused):
        old.parse_notice(sent.headers, sent.body)
    for gateway in (fresh["stripe"], changing["stripe"]):
        await gateway.disconnect()


async def test_another_sum_or_currency_is_told_as_it_came(stage: StripeStage) -> None:
    await faults(stage, notify={"amount": "1", "currency": "eur"})
    reference = await paid(stage)
    notice = await stage.hears()
    assert (notice.reference, notice.amount) == (reference, Money(1, "EUR"))


async def test_refund_before_payment_is_no_second_payment(stage: StripeStage) -> None:
    await faults(stage, notify={"reorder": True})
    reference = await paid(stage)
    await given(stage, back(stage, reference, 8888))
    assert [(await stage.hears()).kind, (await stage.hears()).kind] == ["refunded", "paid"]
    assert await state(stage, reference) is PaymentState.PAID


@pytest.mark.parametrize("won", [True, False])
async def test_a_dispute_is_told_and_decided(stage: StripeStage, won: bool) -> None:
    await stage.until_noon()
    day = stage.clock.now().astimezone(SHANGHAI).date()
    reference = await paid(stage)
    first = await stage.hears()
    await stage.acts(reference, "/dispute")
    notice = await stage.hears()
    assert (notice.kind, notice.amount) == ("disputed", stage.price)
    assert (notice.reference, notice.gateway_trade_no) == ("", first.gateway_trade_no)
    refused = await stage.gateway.refund(back(stage, reference, 1))
    assert (refused.status, refused.reason) == ("failed", Reason.WRONG_STATE)
    await stage.acts(reference, "/dispute/close", won=won)
    assert (await stage.hears()).kind == ("dispute_won" if won else "dispute_lost")
    await stage.passes(timedelta(days=1))
    bill = await stage.gateway.fetch_bill(day)
    assert [row.kind for row in bill.rows] == ["payment"]
    assert len(bill.unread) == (2 if won else 1)
    assert all(line.startswith("adjustment txn_") for line in bill.unread)


async def test_a_slow_refund_is_pending_until_it_is_done(stage: StripeStage) -> None:
    reference = await paid(stage)
    await faults(stage, refund={"pending": 1, "after_seconds": 3600})
    request = back(stage, reference, 100)
    assert (await stage.gateway.refund(request)).status == "pending"
    assert (await stage.gateway.refund_query(request)).status == "pending"
    assert (await stage.hears()).kind == "paid"
    await stage.passes(timedelta(minutes=61))
    assert (await stage.hears()).kind == "refunded"
    assert (await stage.gateway.refund(request)).status == "done"
    assert await stage.given_back(reference) == 100


async def test_a_refund_may_fail_days_after_it_was_done(stage: StripeStage) -> None:
    reference = await paid(stage)
    request = back(stage, reference, 100)
    await given(stage, request)
    assert [(await stage.hears()).kind, (await stage.hears()).kind] == ["paid", "refunded"]
    await stage.passes(timedelta(days=3))
    made = (await stage.payment(reference))["refunds"][0]["id"]
    await stage.sandbox.control(f"/control/stripe/refunds/{made}/fail")
    notice = await stage.hears()
    assert (notice.kind, notice.refund_reference) == ("refund_failed", request.refund_reference)
    answer = await stage.gateway.refund_query(request)
    assert (answer.status, answer.reason) == ("failed", Reason.BUYER_ACCOUNT)


async def test_a_balance_too_small_fails_the_refund(stage: StripeStage) -> None:
    reference = await paid(stage)
    await faults(stage, refund={"no_balance": 1})
    answer = await stage.gateway.refund(back(stage, reference, 100))
    assert (answer.status, answer.reason) == ("failed", Reason.SELLER_FUNDS)


async def test_fees_are_in_the_bill_and_payouts_are_not(stage: StripeStage) -> None:
    await stage.until_noon()
    day = stage.clock.now().astimezone(SHANGHAI).date()
    await faults(stage, fee_bps=290)
    await paid(stage)
    await stage.sandbox.control("/control/stripe/payouts", {"account": stage.account})
    await stage.passes(timedelta(days=1))
    bill = await stage.gateway.fetch_bill(day)
    assert [(row.fee, row.amount) for row in bill.rows] == [(Money(258, "USD"), stage.price)]
    assert bill.unread == ()


async def test_a_sum_that_stripe_does_not_charge_is_declined(stage: StripeStage) -> None:
    request = msgspec.structs.replace(asked(stage), amount=Money(49, "USD"))
    with pytest.raises(Declined) as told:
        await stage.gateway.pay(request)
    assert told.value.reason is Reason.AMOUNT


async def test_money_for_others_is_not_held_here(stage: StripeStage) -> None:
    request = msgspec.structs.replace(asked(stage), held_for="seller")
    with pytest.raises(Declined) as told:
        await stage.gateway.pay(request)
    assert told.value.reason is Reason.NOT_ALLOWED


async def test_a_wrong_key_is_told_to_the_operator(stage: StripeStage) -> None:
    wrong = "sk_test_" + "w" * 40
    gateway = gateways.open({"stripe": {**stage.rail, "secret_key": wrong}}, stage.clock)["stripe"]
    with pytest.raises(Declined) as told:
        await gateway.query("R1")
    assert told.value.reason is Reason.NOT_ALLOWED and wrong not in str(told.value)
    await gateway.disconnect()


def test_the_sdk_is_loaded_by_the_first_call_only() -> None:
    program = """
import sys
from littleshop.clock import Clock
from littleshop.pay import gateways
rail = {"base_url": "https://api.stripe.com", "secret_key": "sk_test_abcdef",
        "webhook_secrets": ["whsec_abcdef"], "currencies": ["USD"]}
gateway = gateways.open({"stripe": rail}, Clock())["stripe"]
try:
    gateway.parse_notice({"stripe-signature": "t=1,v1=00"}, b"{}")
except gateways.NoticeRefused:
    pass
assert "stripe" not in sys.modules and "requests" not in sys.modules
gateway._calls
assert "stripe" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
