"""What Alipay posts to us: believed only when it is Alipay's, ours, and whole."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

import pytest

from littleshop.money import Money
from littleshop.pay.gateways.alipay import Alipay, open_rail
from littleshop.pay.gateways.contract import NoticeRefused
from tests.pay.gateways.conftest import StillClock
from tests.pay.gateways.small_alipay import SmallAlipay, key_of, private_pem, public_pem


def test_a_payment_is_heard(alipay: Alipay, small: SmallAlipay) -> None:
    body = small.notice()
    notice = alipay.parse_notice({}, body)
    assert notice.kind == "paid"
    assert notice.reference == "R0000000000000000001"
    assert notice.amount == Money(8888, "CNY")
    assert notice.at == datetime(2026, 11, 22, 2, 0, 3, tzinfo=UTC)
    assert notice.raw == body.decode()
    assert alipay.heard == b"success"


def test_the_same_notice_sent_again_has_the_same_number(alipay: Alipay, small: SmallAlipay) -> None:
    first = alipay.parse_notice({}, small.notice())
    again = alipay.parse_notice({}, small.notice(notify_time="2026-11-22 10:04:05"))
    assert first.notice_id == again.notice_id


@pytest.mark.parametrize(
    ("changes", "kind", "minor"),
    [
        ({"refund_fee": "0.00"}, "paid", 8888),
        ({"refund_fee": "10.00", "gmt_refund": "2026-11-22 11:00:00.123"}, "refunded", 1000),
        ({"trade_status": "TRADE_CLOSED", "refund_fee": "88.88"}, "refunded", 8888),
        ({"trade_status": "TRADE_CLOSED", "gmt_payment": None}, "closed", 8888),
        ({"trade_status": "TRADE_FINISHED"}, "finished", 8888),
        ({"trade_status": "WAIT_BUYER_PAY", "gmt_payment": None}, "pending", 8888),
    ],
)
def test_only_a_payment_is_a_payment(
    alipay: Alipay, small: SmallAlipay, changes: dict[str, str | None], kind: str, minor: int
) -> None:
    notice = alipay.parse_notice({}, small.notice(out_biz_no="F1", **changes))
    assert (notice.kind, notice.amount.minor) == (kind, minor)
    assert notice.refund_reference == ("F1" if kind == "refunded" else None)


@pytest.mark.parametrize("name", ["total_amount", "out_trade_no", "trade_status", "notify_id"])
def test_a_tampered_notice_is_refused(alipay: Alipay, small: SmallAlipay, name: str) -> None:
    form = dict(parse_qsl(small.notice().decode()))
    with pytest.raises(NoticeRefused) as told:
        alipay.parse_notice({}, urlencode({**form, name: form[name] + "1"}).encode())
    assert told.value.why == "signature"


def test_a_notice_signed_by_somebody_else_is_refused(alipay: Alipay, small: SmallAlipay) -> None:
    small.key = key_of("stranger")
    with pytest.raises(NoticeRefused) as told:
        alipay.parse_notice({}, small.notice())
    assert told.value.why == "signature"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"app_id": "2021000000000009"}, "app"),
        ({"app_id": None}, "app"),
        ({"seller_id": "2088000000000009"}, "seller"),
        ({"seller_id": None}, "seller"),
        ({"notify_time": "2026-11-19 10:00:05"}, "old"),
        ({"notify_time": "2026-11-25 10:00:05"}, "old"),
        ({"notify_time": None}, "malformed"),
        ({"total_amount": "1e3"}, "malformed"),
        ({"total_amount": "-1.00"}, "malformed"),
        ({"total_amount": "１.00"}, "malformed"),
        ({"out_trade_no": ""}, "malformed"),
        ({"notify_id": None}, "malformed"),
        ({"gmt_payment": "yesterday"}, "malformed"),
        ({"trade_status": "TRADE_ODD"}, "malformed"),
        ({"notify_type": "servicemarket_order_notify"}, "malformed"),
    ],
)
def test_a_signed_notice_must_still_be_ours_and_whole(
    alipay: Alipay, small: SmallAlipay, changes: dict[str, str | None], why: str
) -> None:
    with pytest.raises(NoticeRefused) as told:
        alipay.parse_notice({}, small.notice(**changes))
    assert told.value.why == why


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"\xff\xfe",
        b"a=%ff&sign=x",
        b"sign=x&" + b"&".join(b"k%d=v" % number for number in range(200)),
        b"a=" + b"x" * 100_000,
    ],
)
def test_rubbish_is_refused(alipay: Alipay, body: bytes) -> None:
    with pytest.raises(NoticeRefused):
        alipay.parse_notice({}, body)


def test_a_value_given_twice_is_refused(alipay: Alipay, small: SmallAlipay) -> None:
    with pytest.raises(NoticeRefused):
        alipay.parse_notice({}, small.notice() + b"&total_amount=0.01")


def test_an_old_signature_kind_is_refused(alipay: Alipay, small: SmallAlipay) -> None:
    with pytest.raises(NoticeRefused):
        alipay.parse_notice({}, small.notice().replace(b"sign_type=RSA2", b"sign_type=RSA"))


def test_a_notice_of_one_shop_is_nothing_to_another(small: SmallAlipay) -> None:
    stranger = key_of("stranger")
    rail = {
        **small.rail,
        "app_id": "2021000000000009",
        "private_key": private_pem(stranger),
        "alipay_public_key": public_pem(small.key),
    }
    with pytest.raises(NoticeRefused) as told:
        open_rail(rail, StillClock()).parse_notice({}, small.notice())
    assert told.value.why == "app"
