"""WeChat's daily bill: fetched from WeChat alone, checked, and every row read or kept aside."""

import hashlib
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import wechat_pay_bills
from littleshop.pay.gateways.contract import Bill, BillNotReady
from littleshop.pay.gateways.wechat_pay import open_rail
from littleshop.pay.gateways.wechat_pay_calls import open_calls
from tests.pay.gateways.conftest import StillClock
from tests.pay.gateways.small_wechat_pay import APPID, BASE_URL, MCHID, SmallWechatPay
from tests.pay.gateways.test_wechat_pay_calls import no, raw, wechat

__all__ = ["wechat"]
DAY = date(2026, 11, 21)
OFFER = "GET /v3/bill/tradebill?bill_date=2026-11-21&bill_type=ALL"
FILE = "GET /v3/billdownload/file?token=a%2Bb"
HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
TOTALS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)


def row(**changes: str) -> str:
    """A payment of 88.88 with a fee of 0.53, or whatever is changed."""
    cells = dict.fromkeys(HEAD.split(","), "")
    cells |= {
        "交易时间": "2026-11-21 18:00:03",
        "公众账号ID": APPID,
        "商户号": MCHID,
        "微信订单号": "4200000001202611210000000001",
        "商户订单号": "R0000000000000000001",
        "交易状态": "SUCCESS",
        "货币种类": "CNY",
        "商户退款单号": "0",
        "商品名称": '一壶茶, 两只"杯"',
        "手续费": "0.53000",
        "订单金额": "88.88",
        "申请退款金额": "0.00",
        **changes,
    }
    return ",".join(f"`{cell}" for cell in cells.values())


def refund(**changes: str) -> str:
    """A refund of 10.00 that gives back 0.06 of the fee."""
    told = {"交易状态": "REFUND", "退款状态": "SUCCESS", "商户退款单号": "F1", "订单金额": "0.00"}
    return row(**{**told, "申请退款金额": "10.00", "手续费": "-0.06000", **changes})


def bill(*rows: str, totals: str | None = None) -> bytes:
    """A whole bill with the totals of one payment and one refund, or others."""
    sums = totals or f"`{len(rows)},`88.88,`10.00,`0.00,`0.47000,`88.88,`10.00"
    return "\r\n".join([HEAD, *rows, TOTALS, sums, ""]).encode()


def read(content: bytes) -> Bill:
    """The bill as our client reads it."""
    settings = open_calls(SmallWechatPay().rail, StillClock()).settings
    return wechat_pay_bills.read(settings, DAY, content)


def test_payments_and_refunds_are_read() -> None:
    found = read(bill(row(), refund()))
    paid, back = found.rows
    assert found.unread == () and len(found.sha256) == 64
    assert (paid.kind, paid.amount, paid.fee) == ("payment", Money(8888, "CNY"), Money(53, "CNY"))
    assert paid.at == datetime(2026, 11, 21, 10, 0, 3, tzinfo=UTC)
    assert (back.kind, back.refund_reference) == ("refund", "F1")
    assert (back.amount, back.fee) == (Money(1000, "CNY"), Money(-6, "CNY"))


@pytest.mark.parametrize(
    "strange",
    [
        row(交易状态="REVOKED"),
        row(商户号="1900000009"),
        row(公众账号ID="wx9"),
        row(货币种类="HKD"),
        row(手续费="0.53200"),
        row(订单金额="88,88"),
        row(订单金额="-88.88"),
        row(商户订单号=""),
        row(交易时间="2026-11-22 00:00:00"),
        row(交易时间="soon"),
        refund(退款状态="FAIL"),
        refund(商户退款单号="0"),
        refund(申请退款金额="0.00"),
        "`only,`four,`cells,`here",
    ],
)
def test_a_row_that_is_not_understood_is_kept_aside(strange: str) -> None:
    found = read(bill(row(), strange, refund()))
    assert (len(found.rows), len(found.unread)) == (2, 1)
    assert found.unread[0].startswith(strange[:40])


@pytest.mark.parametrize(
    "totals",
    [
        "`3,`88.88,`10.00,`0.00,`0.47000,`88.88,`10.00",
        "`2,`88.88,`10.00,`0.00,`0.47000,`88.89,`10.00",
        "`2,`88.88,`10.00,`0.00,`0.47000,`88.88,`10.01",
        "`2,`88.88,`10.00,`0.00,`0.48000,`88.88,`10.00",
        "`two",
    ],
)
def test_totals_that_disagree_are_told(totals: str) -> None:
    found = read(bill(row(), refund(), totals=totals))
    assert len(found.rows) == 2
    assert found.unread[0].startswith("totals: ")


def test_a_bill_that_was_cut_is_told() -> None:
    found = read(f"{HEAD}\n{row()}\n".encode())
    assert found.unread == ("no totals",)
    with pytest.raises(GatewayError):
        read(b"\xff\xfe")


def offers(small: SmallWechatPay, url: str, content: bytes, **changes: Any) -> None:
    """WeChat offers this file at this address."""
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    told = {"hash_type": "SHA1", "hash_value": digest, "download_url": url, **changes}
    small.answers[OFFER] = (200, told)
    small.answers[FILE] = raw(content)


async def test_the_file_is_fetched_signed_and_checked(wechat: SmallWechatPay) -> None:
    rail = open_rail(wechat.rail, StillClock(), wechat.transport())
    offers(wechat, f"{BASE_URL}/v3/billdownload/file?token=a%2Bb", bill(row(), refund()))
    assert len((await rail.fetch_bill(DAY)).rows) == 2
    assert "authorization" in wechat.heard[-1].headers
    for wrong in ({"hash_value": "00"}, {"hash_type": "MD5"}):
        offers(wechat, f"{BASE_URL}/v3/billdownload/file?token=a%2Bb", bill(row()), **wrong)
        with pytest.raises(GatewayError) as told:
            await rail.fetch_bill(DAY)
        assert told.value.retryable
    await rail.disconnect()


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/v3/billdownload/file?token=a%2Bb",
        "http://api.mch.weixin.test/v3/billdownload/file?token=a%2Bb",
        "https://api.mch.weixin.test:8443/v3/billdownload/file?token=a%2Bb",
        "https://api.mch.weixin.test@evil.test/v3/billdownload/file?token=a%2Bb",
        "https://evil@api.mch.weixin.test/v3/billdownload/file?token=a%2Bb",
        "https://api.mch.weixin.test/other",
        "https://api.mch.weixin.qq.com/v3/billdownload/file?token=a%2Bb",
        "file:///etc/passwd",
        "not an address",
        "",
    ],
)
async def test_a_file_of_another_host_is_never_fetched(wechat: SmallWechatPay, url: str) -> None:
    rail = open_rail(wechat.rail, StillClock(), wechat.transport())
    offers(wechat, url, bill(row()))
    with pytest.raises(GatewayError):
        await rail.fetch_bill(DAY)
    assert len(wechat.heard) == 1
    await rail.disconnect()


async def test_the_spare_host_is_wechat_too_but_its_own_is_asked() -> None:
    asked: list[httpx.Request] = []
    small = SmallWechatPay()
    live = {**small.rail, "base_url": "https://api.mch.weixin.qq.com"}

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return small._handle(request)

    rail = open_rail(live, StillClock(), httpx.MockTransport(answer))
    spare = "https://api2.mch.weixin.qq.com/v3/billdownload/file?token=a%2Bb"
    offers(small, spare, bill(row(), refund()))
    assert len((await rail.fetch_bill(DAY)).rows) == 2
    assert {request.url.host for request in asked} == {"api.mch.weixin.qq.com"}
    await rail.disconnect()


async def test_a_day_without_trades_has_an_empty_bill_once_it_would_be_there(
    wechat: SmallWechatPay,
) -> None:
    rail = open_rail(wechat.rail, StillClock(), wechat.transport())
    wechat.answers[OFFER] = no(400, "NO_STATEMENT_EXIST")
    assert (await rail.fetch_bill(DAY)).rows == ()
    wechat.answers[OFFER] = no(400, "STATEMENT_CREATING")
    with pytest.raises(BillNotReady):
        await rail.fetch_bill(DAY)
    with pytest.raises(BillNotReady):
        await rail.fetch_bill(date(2026, 11, 22))
    await rail.disconnect()
