"""What WeChat pushes: believed when it is WeChat's, of now, sealed for us and about us."""

import json
from typing import Any

import pytest

from littleshop.money import Money
from littleshop.pay.gateways.contract import Notice, NoticeRefused
from littleshop.pay.gateways.wechat_pay import WechatPay, open_rail
from tests.pay.gateways.conftest import StillClock
from tests.pay.gateways.small_alipay import key_of
from tests.pay.gateways.small_wechat_pay import MCHID, SmallWechatPay
from tests.pay.gateways.test_wechat_pay_calls import PAID, REFERENCE, wechat

__all__ = ["wechat"]
PAYMENT = "TRANSACTION.SUCCESS"
BACK: dict[str, Any] = {
    "mchid": MCHID,
    "transaction_id": PAID["transaction_id"],
    "out_trade_no": REFERENCE,
    "out_refund_no": "F0000000000000000001",
    "refund_status": "SUCCESS",
    "success_time": "2026-11-22T18:00:03+08:00",
    "amount": {"total": 8888, "refund": 3000},
}
HELD: dict[str, Any] = {
    "combine_appid": PAID["appid"],
    "combine_mchid": MCHID,
    "combine_out_trade_no": f"C{REFERENCE}",
    "sub_orders": [
        {**PAID, "sub_mchid": "1900000109", "amount": {"total_amount": 8888, "currency": "CNY"}}
    ],
}


@pytest.fixture
def rail(wechat: SmallWechatPay) -> WechatPay:
    """Our client; nothing is called."""
    return open_rail(wechat.rail, StillClock(), wechat.transport())


def parse(
    rail: WechatPay, small: SmallWechatPay, event: str, content: dict[str, Any], **headers: str
) -> Notice | None:
    """A notice of this event, as our client reads it."""
    body = small.notice(event, content)
    return rail.parse_notice(small.headers(body, **headers), body)


def test_a_payment_is_told(rail: WechatPay, wechat: SmallWechatPay) -> None:
    for content in (PAID, HELD):
        notice = parse(rail, wechat, PAYMENT, content)
        assert notice is not None
        assert (notice.kind, notice.reference) == ("paid", REFERENCE)
        assert notice.amount == Money(8888, "CNY")  # not what the payer paid after a coupon
        assert notice.gateway_trade_no == PAID["transaction_id"]
        assert notice.notice_id == "EV-2026112218000000001"


@pytest.mark.parametrize("event", ["REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"])
def test_whatever_became_of_a_refund_is_to_be_asked(
    rail: WechatPay, wechat: SmallWechatPay, event: str
) -> None:
    notice = parse(rail, wechat, event, BACK)
    assert notice is not None
    assert (notice.kind, notice.refund_reference) == ("refunded", "F0000000000000000001")
    assert notice.amount == Money(3000, "CNY")
    held = {**BACK, "sp_mchid": MCHID, "sub_mchid": "1900000109"}
    del held["mchid"]
    assert parse(rail, wechat, event, held) is not None


@pytest.mark.parametrize("event", ["MCHTRANSFER.BILL.FINISHED", "PROFITSHARING", "COUPON.USE"])
def test_what_is_of_no_payment_is_nothing_to_us(
    rail: WechatPay, wechat: SmallWechatPay, event: str
) -> None:
    assert parse(rail, wechat, event, {"mchid": MCHID}) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"appid": "wx9"}, "app"),
        ({"mchid": "1900000009"}, "seller"),
        ({"trade_state": "NOTPAY"}, "malformed"),
        ({"out_trade_no": ""}, "malformed"),
        ({"amount": {"total": "8888"}}, "malformed"),
        ({"amount": {"total": -1}}, "malformed"),
        ({"success_time": "yesterday"}, "malformed"),
        ({"transaction_id": None}, "malformed"),
    ],
)
def test_a_payment_of_others_or_of_nothing_is_refused(
    rail: WechatPay, wechat: SmallWechatPay, change: dict[str, Any], why: str
) -> None:
    with pytest.raises(NoticeRefused) as told:
        parse(rail, wechat, PAYMENT, {**PAID, **change})
    assert told.value.why == why


def test_a_notice_that_names_two_merchants_is_refused(
    rail: WechatPay, wechat: SmallWechatPay
) -> None:
    with pytest.raises(NoticeRefused, match="seller"):
        parse(rail, wechat, PAYMENT, {**PAID, "sp_mchid": "1900000009"})


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"signature": "WECHATPAY/SIGNTEST/AAAA"}, "signature"),
        ({"signature": "AAAA"}, "signature"),
        ({"signature": "茶"}, "signature"),
        ({"timestamp": "1795340699"}, "old"),
        ({"timestamp": "1795341999"}, "old"),
        ({"timestamp": "now"}, "signature"),
        ({"timestamp": "-1"}, "signature"),
        ({"nonce": "another"}, "signature"),
        ({"serial": "A1"}, "unknown_key"),
        ({"serial": "PUB_KEY_ID_9"}, "unknown_key"),
        ({"serial": ""}, "unknown_key"),
    ],
)
def test_a_notice_is_believed_only_as_it_was_signed(
    rail: WechatPay, wechat: SmallWechatPay, headers: dict[str, str], why: str
) -> None:
    with pytest.raises(NoticeRefused) as told:
        parse(rail, wechat, PAYMENT, PAID, **headers)
    assert told.value.why == why


def test_a_probe_is_refused_whatever_it_carries(rail: WechatPay, wechat: SmallWechatPay) -> None:
    body = wechat.notice(PAYMENT, PAID)
    good = wechat.headers(body)["Wechatpay-Signature"]
    with pytest.raises(NoticeRefused):
        parse(rail, wechat, PAYMENT, PAID, signature=f"WECHATPAY/SIGNTEST/{good}")


def test_a_notice_signed_by_a_stranger_is_refused(rail: WechatPay, wechat: SmallWechatPay) -> None:
    wechat.key = key_of("stranger")
    with pytest.raises(NoticeRefused, match="signature"):
        parse(rail, wechat, PAYMENT, PAID)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"\xff", b'{"resource":{}}', b'{"event_type":"TRANSACTION.SUCCESS"}'],
)
def test_what_cannot_be_read_is_refused(
    rail: WechatPay, wechat: SmallWechatPay, body: bytes
) -> None:
    signed = wechat.headers(body.decode("utf-8", "ignore").encode())
    with pytest.raises(NoticeRefused):
        rail.parse_notice(signed, body)


def test_a_notice_sealed_for_another_merchant_is_not_ours(
    rail: WechatPay, wechat: SmallWechatPay
) -> None:
    told = json.loads(wechat.notice(PAYMENT, PAID))
    told["resource"]["nonce"] = "000000000000"
    body = json.dumps(told).encode()
    with pytest.raises(NoticeRefused, match="seller"):
        rail.parse_notice(wechat.headers(body), body)


async def test_a_key_we_lack_is_fetched_and_the_notice_read_again(wechat: SmallWechatPay) -> None:
    wechat.issues(0xA1)
    rail = open_rail(wechat.certified, StillClock(), wechat.transport())
    with pytest.raises(NoticeRefused, match="unknown_key"):
        parse(rail, wechat, PAYMENT, PAID)
    await rail.refresh_keys()
    assert parse(rail, wechat, PAYMENT, PAID) is not None
    await rail.disconnect()


def test_a_notice_may_not_be_endless(rail: WechatPay, wechat: SmallWechatPay) -> None:
    with pytest.raises(NoticeRefused, match="malformed"):
        parse(rail, wechat, PAYMENT, {**PAID, "attach": "x" * 70_000})
