"""Alipay's answers become ours, and an answer that is not Alipay's is not believed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways.alipay import Alipay
from littleshop.pay.gateways.contract import Declined, How, PaymentState, Reason
from tests.pay.gateways.conftest import asked, giving_back
from tests.pay.gateways.small_alipay import APP_ID, SmallAlipay, key_of, signature

QUERY = "alipay.trade.query"
PAID = {
    "out_trade_no": "R0000000000000000001",
    "trade_no": "2026112222001000000001",
    "trade_status": "TRADE_SUCCESS",
    "total_amount": "88.88",
    "send_pay_date": "2026-11-22 18:00:03",
}


def no(sub_code: str, code: str = "40004") -> dict[str, str]:
    """Alipay's no."""
    return {"code": code, "msg": "Business Failed", "sub_code": sub_code, "sub_msg": "不行"}


def raw(body: bytes, status: int = 200) -> Callable[[], httpx.Response]:
    """These very bytes."""
    return lambda: httpx.Response(status, content=body)


async def test_a_phone_is_sent_to_a_signed_cashier_address(
    alipay: Alipay, small: SmallAlipay
) -> None:
    answer = await alipay.pay(asked(How.WAP, "茶/一=壶 & 😀 杯\n"))
    sent = dict(parse_qsl(urlsplit(answer.redirect_url or "").query, strict_parsing=True))
    small.knows("&".join(f"{k}={sent[k]}" for k in sorted(sent) if k != "sign"), sent["sign"])
    content = json.loads(sent["biz_content"])
    assert sent["method"] == "alipay.trade.wap.pay"
    assert sent["timestamp"] == "2026-11-22 18:00:00"
    assert content["total_amount"] == "88.88"
    assert content["time_expire"] == "2026-11-22 18:30:00"
    assert content["product_code"] == "QUICK_WAP_WAY"
    assert content["subject"] == "茶 一 壶 杯"
    assert small.heard == []


async def test_a_desktop_is_sent_to_the_page_cashier(alipay: Alipay) -> None:
    answer = await alipay.pay(asked(How.PAGE))
    assert "alipay.trade.page.pay" in (answer.redirect_url or "")
    assert "FAST_INSTANT_TRADE_PAY" in (answer.redirect_url or "")


async def test_a_code_to_draw_comes_from_precreate(alipay: Alipay, small: SmallAlipay) -> None:
    small.answers["alipay.trade.precreate"] = {"qr_code": "https://qr.alipay.test/x"}
    assert (await alipay.pay(asked(How.QR))).code_url == "https://qr.alipay.test/x"
    assert small.heard[0]["app_id"] == APP_ID


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("WAIT_BUYER_PAY", PaymentState.PENDING),
        ("TRADE_SUCCESS", PaymentState.PAID),
        ("TRADE_FINISHED", PaymentState.PAID),
        ("TRADE_CLOSED", PaymentState.CLOSED),
    ],
)
async def test_a_query_speaks_our_words(
    alipay: Alipay, small: SmallAlipay, status: str, state: PaymentState
) -> None:
    small.answers[QUERY] = {**PAID, "trade_status": status}
    found = await alipay.query("R0000000000000000001")
    assert found.state is state
    assert found.amount == Money(8888, "CNY")
    assert found.paid_at == datetime(2026, 11, 22, 10, 0, 3, tzinfo=UTC)


async def test_a_trade_nobody_opened_is_created(alipay: Alipay, small: SmallAlipay) -> None:
    small.answers[QUERY] = no("ACQ.TRADE_NOT_EXIST")
    assert (await alipay.query("R1")).state is PaymentState.CREATED


async def test_braces_and_escapes_inside_values_do_not_break_the_signature(
    alipay: Alipay, small: SmallAlipay
) -> None:
    inner = json.dumps({"code": "10000", **PAID, "store": 'a}"}b{', "url": "X"})
    inner = inner.replace('"X"', '"http:\\/\\/a\\/}"').replace(", ", " ,\n ")
    small.answers[QUERY] = raw(small.signed(QUERY, inner))
    assert (await alipay.query("R0000000000000000001")).state is PaymentState.PAID


def forged(small: SmallAlipay) -> bytes:
    inner = json.dumps({"code": "10000", **PAID})
    name = "alipay_trade_query_response"
    return json.dumps(
        {name: json.loads(inner), "sign": signature(key_of("stranger"), inner)}
    ).encode()


def tampered(small: SmallAlipay) -> bytes:
    inner = json.dumps({"code": "10000", **PAID})
    return small.signed(QUERY, inner).replace(b"88.88", b"00.01")


def unsigned(small: SmallAlipay) -> bytes:
    return json.dumps({"alipay_trade_query_response": {"code": "10000", **PAID}}).encode()


def unsigned_no(small: SmallAlipay) -> bytes:
    return json.dumps({"alipay_trade_query_response": no("ACQ.TRADE_NOT_EXIST")}).encode()


def another_method(small: SmallAlipay) -> bytes:
    return small.signed("alipay.trade.close", json.dumps({"code": "10000", **PAID}))


def doubled(small: SmallAlipay) -> bytes:
    good = small.signed(QUERY, json.dumps(no("ACQ.TRADE_NOT_EXIST")))
    return b'{"alipay_trade_query_response":{"code":"10000"},' + good[1:]


def another_trade(small: SmallAlipay) -> bytes:
    inner = json.dumps({"code": "10000", **PAID, "out_trade_no": "R9"})
    return small.signed(QUERY, inner)


@pytest.mark.parametrize(
    "answer",
    [
        forged,
        tampered,
        unsigned,
        unsigned_no,
        another_method,
        doubled,
        another_trade,
        lambda small: b"<html>busy</html>",
        lambda small: b"{",
        lambda small: b"[" * 100_000,
        lambda small: '{"alipay_trade_query_response":"茶"}'.encode("gbk"),
    ],
)
async def test_an_answer_that_is_not_alipays_is_asked_for_again(
    alipay: Alipay, small: SmallAlipay, answer: Callable[[SmallAlipay], bytes]
) -> None:
    small.answers[QUERY] = raw(answer(small))
    with pytest.raises(GatewayError) as told:
        await alipay.query("R0000000000000000001")
    assert told.value.retryable


@pytest.mark.parametrize(
    ("answer", "reason", "again"),
    [
        (no("ACQ.INVALID_PARAMETER"), Reason.BAD_REQUEST, False),
        (no("ACQ.SYSTEM_ERROR"), Reason.UNKNOWN, True),
        (no("isp.unknow-error", "20000"), Reason.UNKNOWN, True),
        (no("isv.invalid-signature", "40002"), Reason.BAD_SIGNATURE, False),
        (no("isv.insufficient-isv-permissions", "40006"), Reason.NOT_ALLOWED, False),
        (no("ACQ.SOMETHING_NEW"), Reason.OTHER, False),
    ],
)
async def test_foreign_codes_map_to_our_list(
    alipay: Alipay, small: SmallAlipay, answer: dict[str, str], reason: Reason, again: bool
) -> None:
    small.answers[QUERY] = answer
    with pytest.raises(Declined) as told:
        await alipay.query("R1")
    assert (told.value.reason, told.value.retryable) == (reason, again)


async def test_an_unsigned_complaint_about_our_key_is_told_to_the_operator(
    alipay: Alipay, small: SmallAlipay
) -> None:
    body = json.dumps({"error_response": no("isv.invalid-app-id", "40002")}).encode()
    small.answers[QUERY] = raw(body)
    with pytest.raises(Declined) as told:
        await alipay.query("R1")
    assert told.value.reason is Reason.NOT_ALLOWED


@pytest.mark.parametrize(
    ("answer", "after", "state"),
    [
        ({}, None, PaymentState.CLOSED),
        (no("ACQ.TRADE_NOT_EXIST"), None, PaymentState.CREATED),
        (no("ACQ.TRADE_STATUS_ERROR"), PAID, PaymentState.PAID),
        (
            no("ACQ.TRADE_STATUS_ERROR"),
            {**PAID, "trade_status": "TRADE_CLOSED"},
            PaymentState.CLOSED,
        ),
    ],
)
async def test_closing_says_what_the_trade_is_now(
    alipay: Alipay,
    small: SmallAlipay,
    answer: dict[str, str],
    after: dict[str, str] | None,
    state: PaymentState,
) -> None:
    small.answers["alipay.trade.close"] = answer
    small.answers[QUERY] = after or {}
    assert await alipay.close("R0000000000000000001") is state


DONE = {
    "refund_status": "REFUND_SUCCESS",
    "refund_amount": "10.00",
    "out_request_no": "F0000000000000000001",
}


@pytest.mark.parametrize(
    ("answer", "after", "status", "reason"),
    [
        ({"fund_change": "Y", "refund_fee": "30.00"}, None, "done", None),
        ({"fund_change": "N"}, DONE, "done", None),
        ({"fund_change": "N"}, {}, "pending", None),
        (no("ACQ.SYSTEM_ERROR"), DONE, "done", None),
        (no("ACQ.SYSTEM_ERROR"), {}, "pending", None),
        (no("ACQ.SYSTEM_ERROR"), no("ACQ.TRADE_NOT_EXIST"), "pending", None),
        (no("ACQ.TRADE_HAS_CLOSE"), DONE, "done", None),
        (no("ACQ.TRADE_HAS_CLOSE"), {}, "failed", Reason.ALREADY_CLOSED),
        (no("ACQ.TRADE_NOT_EXIST"), None, "failed", Reason.NOT_CREATED),
        (no("ACQ.SELLER_BALANCE_NOT_ENOUGH"), None, "failed", Reason.SELLER_FUNDS),
        (no("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"), {}, "failed", Reason.AMOUNT),
        (no("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"), DONE, "done", None),
        (no("ACQ.TRADE_STATUS_ERROR"), {}, "failed", Reason.WRONG_STATE),
        (no("ACQ.TRADE_STATUS_ERROR"), DONE, "done", None),
    ],
)
async def test_a_refund_is_done_only_when_funds_moved(
    alipay: Alipay,
    small: SmallAlipay,
    answer: dict[str, str],
    after: dict[str, str] | None,
    status: str,
    reason: Reason | None,
) -> None:
    small.answers["alipay.trade.refund"] = answer
    small.answers["alipay.trade.fastpay.refund.query"] = after or {}
    found = await alipay.refund(giving_back())
    assert (found.status, found.reason) == (status, reason)
    assert found.status != "done" or found.amount == Money(1000, "CNY")
    assert {call["method"] for call in small.heard[1:]} == (
        {"alipay.trade.fastpay.refund.query"} if after is not None else set()
    )
    assert small.content(0)["out_request_no"] == "F0000000000000000001"


async def test_the_same_refund_with_another_sum_is_a_conflict(
    alipay: Alipay, small: SmallAlipay
) -> None:
    small.answers["alipay.trade.refund"] = no("ACQ.DISCORDANT_REPEAT_REQUEST")
    with pytest.raises(Conflict):
        await alipay.refund(giving_back())
    small.answers["alipay.trade.fastpay.refund.query"] = DONE
    with pytest.raises(Conflict):
        await alipay.refund_query(giving_back(999))


@pytest.mark.parametrize("status", [500, 502, 429])
async def test_a_gateway_that_fails_is_asked_again(
    alipay: Alipay, small: SmallAlipay, status: int
) -> None:
    small.answers[QUERY] = raw(b"oops", status)
    with pytest.raises(GatewayError) as told:
        await alipay.query("R1")
    assert told.value.retryable


async def test_no_secret_is_ever_shown(alipay: Alipay, small: SmallAlipay) -> None:
    pem = small.rail["private_key"]
    secret = pem.splitlines()[1]
    small.answers[QUERY] = raw(("sign=" + "A" * 80 + pem).encode(), 400)
    with pytest.raises(GatewayError) as told:
        await alipay.query("R1")
    shown = f"{told.value!r} {told.value.__cause__} {alipay!r} {alipay._calls.keys!r}"
    scrub = alipay._calls.scrub
    shown += f" {alipay._settings!r} {scrub(pem)} {scrub('sign: ' + 'B' * 40)}"
    assert secret not in shown
    assert "BBBB" not in shown
