"""WeChat Pay's answers become ours, and an answer that is not WeChat's is not believed."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay.gateways.contract import Declined, How, PaymentState, PayRequest, Reason
from littleshop.pay.gateways.wechat_pay import WechatPay, open_rail, plain
from tests.pay.gateways.conftest import StillClock, asked, giving_back
from tests.pay.gateways.small_alipay import key_of
from tests.pay.gateways.small_wechat_pay import APPID, MCHID, SmallWechatPay

REFERENCE = "R0000000000000000001"
ORDER = "/v3/pay/transactions"
QUERY = f"GET {ORDER}/out-trade-no/{REFERENCE}?mchid={MCHID}"
CLOSE = f"POST {ORDER}/out-trade-no/{REFERENCE}/close"
COMBINED = f"GET /v3/combine-transactions/out-trade-no/C{REFERENCE}"
PAID: dict[str, Any] = {
    "appid": APPID,
    "mchid": MCHID,
    "out_trade_no": REFERENCE,
    "transaction_id": "4200000001202611220000000001",
    "trade_state": "SUCCESS",
    "success_time": "2026-11-22T18:00:03+08:00",
    "amount": {"total": 8888, "payer_total": 8000, "currency": "CNY", "payer_currency": "CNY"},
}
REFUNDED: dict[str, Any] = {
    "refund_id": "50300000012026112200000000000000",
    "out_refund_no": "F0000000000000000001",
    "out_trade_no": REFERENCE,
    "status": "SUCCESS",
    "amount": {"total": 8888, "refund": 1000, "currency": "CNY"},
}


def no(status: int, code: str, message: str = "不行") -> tuple[int, dict[str, Any]]:
    """WeChat's no."""
    return status, {"code": code, "message": message}


@pytest.fixture
def wechat() -> SmallWechatPay:
    """The other side of the wire."""
    return SmallWechatPay()


@pytest_asyncio.fixture
async def rail(wechat: SmallWechatPay) -> AsyncIterator[WechatPay]:
    """Our client, wired to the small WeChat Pay."""
    found = open_rail(wechat.rail, StillClock(), wechat.transport())
    yield found
    await found.disconnect()


@pytest_asyncio.fixture
async def platform(wechat: SmallWechatPay) -> AsyncIterator[WechatPay]:
    """The same for a merchant that may hold money."""
    found = open_rail({**wechat.rail, "ecommerce": True}, StillClock(), wechat.transport())
    yield found
    await found.disconnect()


def wanted(how: How, **changes: Any) -> PayRequest:
    """A request for 88.88 by this way."""
    request = asked(how, "茶\x00/😀 一壶")
    told = {"openid": "oUpF8uMuAJO", "client_ip": "203.0.113.7", **changes}
    return msgspec.structs.replace(request, **told)


async def test_inside_wechat_the_page_gets_what_it_hands_to_the_bridge(
    rail: WechatPay, wechat: SmallWechatPay
) -> None:
    wechat.answers[f"POST {ORDER}/jsapi"] = (200, {"prepay_id": "wx22180000abc"})
    told = (await rail.pay(wanted(How.JSAPI))).invoke or {}
    assert (told["appId"], told["package"]) == (APPID, "prepay_id=wx22180000abc")
    assert (told["timeStamp"], told["signType"]) == (str(int(wechat.now.timestamp())), "RSA")
    text = f"{APPID}\n{told['timeStamp']}\n{told['nonceStr']}\nprepay_id=wx22180000abc\n"
    key, given = key_of("merchant").public_key(), base64.b64decode(told["paySign"])
    key.verify(given, text.encode(), padding.PKCS1v15(), hashes.SHA256())
    content = wechat.content()
    assert content["payer"] == {"openid": "oUpF8uMuAJO"}
    assert content["amount"] == {"total": 8888, "currency": "CNY"}
    assert content["time_expire"] == "2026-11-22T18:30:00+08:00"
    assert (content["description"], content["out_trade_no"]) == ("茶 / 一壶", REFERENCE)


async def test_a_phone_is_sent_to_wechat_and_knows_the_way_back(
    rail: WechatPay, wechat: SmallWechatPay
) -> None:
    wechat.answers[f"POST {ORDER}/h5"] = (200, {"h5_url": "https://wx.test/pay?prepay_id=wx1"})
    url = (await rail.pay(wanted(How.WAP))).redirect_url or ""
    query = parse_qs(urlsplit(url).query)
    assert query == {"prepay_id": ["wx1"], "redirect_url": [wanted(How.WAP).return_url]}
    scene = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}
    assert wechat.content()["scene_info"] == scene


async def test_a_desk_gets_a_code_to_draw(rail: WechatPay, wechat: SmallWechatPay) -> None:
    code = "weixin://wxpay/bizpayurl?pr=JyC91EIz1"
    wechat.answers[f"POST {ORDER}/native"] = (200, {"code_url": code})
    assert (await rail.pay(wanted(How.QR, client_ip=None))).code_url == code


@pytest.mark.parametrize(
    ("how", "change"),
    [
        (How.JSAPI, {"openid": None}),
        (How.WAP, {"client_ip": None}),
        (How.PAGE, {}),
        (How.QR, {"held_for": "1900000109"}),
    ],
)
async def test_what_it_lacks_is_told_before_a_call(
    rail: WechatPay, wechat: SmallWechatPay, how: How, change: dict[str, Any]
) -> None:
    with pytest.raises(Declined) as told:
        await rail.pay(wanted(how, **change))
    assert not told.value.retryable and wechat.heard == []


async def test_held_money_is_one_sub_order_of_a_combined_order(
    platform: WechatPay, wechat: SmallWechatPay
) -> None:
    wechat.answers["POST /v3/combine-transactions/jsapi"] = (200, {"prepay_id": "wx1"})
    await platform.pay(wanted(How.JSAPI, held_for="1900000109"))
    content = wechat.content()
    assert content["combine_out_trade_no"] == f"C{REFERENCE}"
    assert content["combine_payer_info"] == {"openid": "oUpF8uMuAJO"}
    (order,) = content["sub_orders"]
    assert (order["mchid"], order["sub_mchid"]) == (MCHID, "1900000109")
    assert (order["out_trade_no"], order["amount"]["total_amount"]) == (REFERENCE, 8888)
    assert order["settle_info"] == {"profit_sharing": True}


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("NOTPAY", PaymentState.PENDING),
        ("USERPAYING", PaymentState.PENDING),
        ("SUCCESS", PaymentState.PAID),
        ("REFUND", PaymentState.PAID),
        ("CLOSED", PaymentState.CLOSED),
        ("REVOKED", PaymentState.CLOSED),
        ("PAYERROR", PaymentState.FAILED),
    ],
)
async def test_a_query_speaks_our_words(
    rail: WechatPay, wechat: SmallWechatPay, told: str, state: PaymentState
) -> None:
    wechat.answers[QUERY] = (200, {**PAID, "trade_state": told})
    found = await rail.query(REFERENCE)
    assert (found.state, found.amount) == (state, Money(8888, "CNY"))
    assert found.paid_at == datetime(2026, 11, 22, 10, 0, 3, tzinfo=UTC)


async def test_an_order_nobody_made_is_created(rail: WechatPay, wechat: SmallWechatPay) -> None:
    wechat.answers[QUERY] = no(404, "ORDER_NOT_EXIST")
    assert (await rail.query(REFERENCE)).state is PaymentState.CREATED


async def test_a_platform_asks_for_held_money_first(
    platform: WechatPay, wechat: SmallWechatPay
) -> None:
    order = {**PAID, "sub_mchid": "1900000109", "amount": {"total_amount": 8888}}
    fields = {"combine_mchid": MCHID, "combine_out_trade_no": f"C{REFERENCE}"}
    wechat.answers[COMBINED] = (200, {**fields, "sub_orders": [order]})
    assert (await platform.query(REFERENCE)).state is PaymentState.PAID
    wechat.answers["POST /v3/ecommerce/refunds/apply"] = (200, REFUNDED)
    assert (await platform.refund(giving_back())).status == "done"
    assert wechat.content()["sub_mchid"] == "1900000109"
    wechat.answers[COMBINED] = no(404, "ORDER_NOT_EXIST")
    wechat.answers[QUERY] = (200, PAID)
    assert (await platform.query(REFERENCE)).state is PaymentState.PAID


def raw(body: bytes, status: int = 200, **headers: str) -> Callable[[], httpx.Response]:
    """These very bytes."""
    return lambda: httpx.Response(status, content=body, headers=headers)


def forged(small: SmallWechatPay) -> httpx.Response:
    body = json.dumps(PAID).encode()
    small.key = key_of("stranger")
    return httpx.Response(200, content=body, headers=small.headers(body))


def tampered(small: SmallWechatPay) -> httpx.Response:
    body = json.dumps(PAID).encode()
    return httpx.Response(200, content=body.replace(b"8888", b"8887"), headers=small.headers(body))


def unsigned(small: SmallWechatPay) -> httpx.Response:
    return httpx.Response(200, json=PAID)


def old(small: SmallWechatPay) -> httpx.Response:
    body = json.dumps(PAID).encode()
    stamp = str(int(small.now.timestamp()) - 301)
    return httpx.Response(200, content=body, headers=small.headers(body, timestamp=stamp))


def forged_no(small: SmallWechatPay) -> httpx.Response:
    body = json.dumps({"code": "ORDER_NOT_EXIST"}).encode()
    small.key = key_of("stranger")
    return httpx.Response(404, content=body, headers=small.headers(body))


def another_trade(small: SmallWechatPay) -> httpx.Response:
    body = json.dumps({**PAID, "out_trade_no": "R9"}).encode()
    return httpx.Response(200, content=body, headers=small.headers(body))


def another_merchant(small: SmallWechatPay) -> httpx.Response:
    body = json.dumps({**PAID, "mchid": "1900000009"}).encode()
    return httpx.Response(200, content=body, headers=small.headers(body))


def strange_state(small: SmallWechatPay) -> httpx.Response:
    body = json.dumps({**PAID, "trade_state": "MELTED"}).encode()
    return httpx.Response(200, content=body, headers=small.headers(body))


def half_a_sum(small: SmallWechatPay) -> httpx.Response:
    body = json.dumps({**PAID, "amount": {"total": 88.5}}).encode()
    return httpx.Response(200, content=body, headers=small.headers(body))


def deep(small: SmallWechatPay) -> httpx.Response:
    body = b"[" * 100_000
    return httpx.Response(200, content=body, headers=small.headers(body))


@pytest.mark.parametrize(
    "answer",
    [
        forged,
        tampered,
        unsigned,
        old,
        forged_no,
        another_trade,
        another_merchant,
        strange_state,
        half_a_sum,
        deep,
        lambda small: httpx.Response(404, content=b"<html>nginx</html>"),
        lambda small: httpx.Response(502, content=b"<html>busy</html>"),
        lambda small: httpx.Response(400, content='{"code":'.encode("gbk")),
    ],
)
async def test_an_answer_that_is_not_wechats_is_asked_for_again(
    rail: WechatPay, wechat: SmallWechatPay, answer: Callable[[SmallWechatPay], httpx.Response]
) -> None:
    wechat.answers[QUERY] = lambda: answer(wechat)
    with pytest.raises(GatewayError) as told:
        await rail.query(REFERENCE)
    assert told.value.retryable


@pytest.mark.parametrize(
    ("answer", "reason", "again"),
    [
        (no(400, "PARAM_ERROR"), Reason.BAD_REQUEST, False),
        (no(401, "SIGN_ERROR", "错误的签名"), Reason.BAD_SIGNATURE, False),
        (no(401, "SIGN_ERROR", "timestamp与当前时间相差过大"), Reason.UNKNOWN, True),
        (no(403, "NO_AUTH"), Reason.NOT_ALLOWED, False),
        (no(400, "APPID_MCHID_NOT_MATCH"), Reason.NOT_ALLOWED, False),
        (no(429, "FREQUENCY_LIMITED"), Reason.UNKNOWN, True),
        (no(500, "SYSTEM_ERROR"), Reason.UNKNOWN, True),
        (no(503, "SOMETHING_NEW"), Reason.UNKNOWN, True),
        (no(400, "SOMETHING_NEW"), Reason.OTHER, False),
    ],
)
async def test_foreign_codes_map_to_our_list(
    rail: WechatPay,
    wechat: SmallWechatPay,
    answer: tuple[int, dict[str, Any]],
    reason: Reason,
    again: bool,
) -> None:
    wechat.answers[QUERY] = answer
    with pytest.raises(Declined) as told:
        await rail.query(REFERENCE)
    assert (told.value.reason, told.value.retryable) == (reason, again)


async def test_an_unsigned_complaint_about_our_key_is_told_to_the_operator(
    rail: WechatPay, wechat: SmallWechatPay
) -> None:
    body = json.dumps({"code": "SIGN_ERROR", "message": "商户证书序列号有误"}).encode()
    wechat.answers[QUERY] = raw(body, 401)
    with pytest.raises(Declined) as told:
        await rail.query(REFERENCE)
    assert told.value.reason is Reason.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("answer", "after", "state"),
    [
        ((204, {}), None, PaymentState.CLOSED),
        (no(404, "ORDER_NOT_EXIST"), None, PaymentState.CREATED),
        (no(400, "ORDERPAID"), PAID, PaymentState.PAID),
        (no(400, "ORDER_CLOSED"), {**PAID, "trade_state": "CLOSED"}, PaymentState.CLOSED),
        (no(202, "USERPAYING"), {**PAID, "trade_state": "USERPAYING"}, PaymentState.PENDING),
    ],
)
async def test_closing_says_what_the_trade_is_now(
    rail: WechatPay,
    wechat: SmallWechatPay,
    answer: tuple[int, dict[str, Any]],
    after: dict[str, Any] | None,
    state: PaymentState,
) -> None:
    wechat.answers[CLOSE] = answer
    wechat.answers[QUERY] = (200, after or {})
    assert await rail.close(REFERENCE) is state
    assert wechat.content(0) == {"mchid": MCHID}


async def test_no_secret_is_ever_shown(rail: WechatPay, wechat: SmallWechatPay) -> None:
    pem = wechat.rail["private_key"]
    message = f"{pem} {wechat.rail['apiv3_key']} {'A' * 344}"
    wechat.answers[QUERY] = no(400, "PARAM_ERROR", message)
    with pytest.raises(GatewayError) as told:
        await rail.query(REFERENCE)
    shown = f"{told.value!r} {told.value.__cause__} {rail!r} {rail.scrub(message)}"
    for secret in (pem.splitlines()[1], wechat.rail["apiv3_key"], "AAAA"):
        assert secret not in shown


def test_a_title_is_cut_at_a_whole_character() -> None:
    assert plain("茶" * 50, 127) == "茶" * 42
    assert plain(" 一\n二\t😀 ", 127) == "一 二"
