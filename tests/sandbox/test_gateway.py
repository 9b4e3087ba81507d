"""The payment gateway: what it lets in, what it answers, and what it does with money."""

import io
import json
import zipfile
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.sandbox.conftest import Program
from tests.sandbox.merchant import BEIJING, Merchant

QUERY = "alipay.trade.query"


@pytest.mark.parametrize("who", ["merchant", "certified"])
def test_a_trade_begins_when_the_buyer_opens_the_cashier(
    sandbox: Program, who: str, request: pytest.FixtureRequest
) -> None:
    merchant: Merchant = request.getfixturevalue(who)
    number, address = merchant.wap("88.88")
    unknown = merchant.call(QUERY, {"out_trade_no": number})
    assert (unknown["code"], unknown["sub_code"]) == ("40004", "ACQ.TRADE_NOT_EXIST")
    page = sandbox.client.get(address, follow_redirects=True)
    assert "88.88" in page.text and "<b>cup</b>" not in page.text
    assert merchant.call(QUERY, {"out_trade_no": number})["trade_status"] == "WAIT_BUYER_PAY"


def test_a_person_pays_and_is_sent_back_with_a_signed_address(
    sandbox: Program, merchant: Merchant
) -> None:
    number, address = merchant.wap("12.30")
    page = sandbox.client.get(address, follow_redirects=True)
    assert "form-action 'self' http://127.0.0.1:9" in page.headers["content-security-policy"]
    assert "script" not in page.text
    for _ in range(2):  # pressed twice
        back = sandbox.client.post(page.url.path + "/pay")
        assert back.status_code == 303
        sent = dict(parse_qsl(urlsplit(back.headers["location"]).query))
        assert sent.pop("order") == "7"
        assert sent["out_trade_no"] == number and sent["total_amount"] == "12.30"
        assert merchant.genuine(sent)
    now = merchant.call(QUERY, {"out_trade_no": number})
    assert now["trade_status"] == "TRADE_SUCCESS"


def test_a_person_leaves_and_nothing_is_taken(sandbox: Program, merchant: Merchant) -> None:
    number, address = merchant.wap("5.00", quit_url="http://127.0.0.1:9/cart")
    page = sandbox.client.get(address, follow_redirects=True)
    away = sandbox.client.post(page.url.path + "/leave")
    assert away.headers["location"] == "http://127.0.0.1:9/cart"
    assert merchant.call(QUERY, {"out_trade_no": number})["trade_status"] == "WAIT_BUYER_PAY"


def test_another_site_cannot_press_pay(sandbox: Program, merchant: Merchant) -> None:
    _, address = merchant.wap("5.00")
    page = sandbox.client.get(address, follow_redirects=True)
    pressed = sandbox.client.post(page.url.path + "/pay", headers={"Sec-Fetch-Site": "cross-site"})
    assert pressed.status_code == 403


def test_the_cashier_speaks_chinese_to_those_who_prefer_it(
    sandbox: Program, merchant: Merchant
) -> None:
    _, address = merchant.wap("5.00")
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
    page = sandbox.client.get(address, follow_redirects=True, headers=chinese)
    assert "沙箱收银台" in page.text and 'lang="zh-CN"' in page.text


@pytest.mark.parametrize(
    ("changed", "sub_code"),
    [
        ({"biz_content": '{"out_trade_no":"OTHER"}'}, "isv.invalid-signature"),
        ({"sign": "AAAA"}, "isv.invalid-signature"),
        ({"charset": "gbk"}, "isv.invalid-charset"),
        ({"sign_type": "RSA"}, "isv.invalid-sign-type"),
        ({"app_id": "2021000000000000"}, "isv.invalid-app-id"),
        ({"timestamp": ""}, "isv.missing-timestamp"),
    ],
)
def test_a_tampered_request_is_refused(
    sandbox: Program, merchant: Merchant, changed: dict[str, str], sub_code: str
) -> None:
    params = merchant.params(QUERY, {"out_trade_no": "X"}) | changed
    answer = sandbox.client.post("/alipay/gateway.do", data=params)
    assert merchant.read(answer.text, QUERY)["sub_code"] == sub_code


def test_an_old_request_and_a_wrong_certificate_are_refused(
    sandbox: Program, merchant: Merchant, certified: Merchant
) -> None:
    old = (datetime.now(BEIJING) - timedelta(minutes=20)).strftime("%Y-%m-%d %H:%M:%S")
    late = merchant.call(QUERY, {"out_trade_no": "X"}, timestamp=old)
    assert late["sub_code"] == "isv.invalid-timestamp"
    wrong = certified.call(QUERY, {"out_trade_no": "X"}, app_cert_sn="0" * 32)
    assert wrong["sub_code"] == "isv.invalid-app-cert-sn"


def test_refunds_move_money_once_and_never_more_than_was_paid(
    sandbox: Program, merchant: Merchant
) -> None:
    number = merchant.paid("10.00")
    first = merchant.refund(number, "4.00", "R1")
    assert (first["fund_change"], first["refund_fee"]) == ("Y", "4.00")
    again = merchant.refund(number, "4.00", "R1")
    assert (again["fund_change"], again["refund_fee"]) == ("N", "4.00")
    other = merchant.refund(number, "5.00", "R1")
    assert other["sub_code"] == "ACQ.DISCORDANT_REPEAT_REQUEST"
    assert merchant.refund(number, "6.01", "R2")["sub_code"] == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    assert merchant.refund(number, "6.00", "R2")["refund_fee"] == "10.00"
    assert merchant.call(QUERY, {"out_trade_no": number})["trade_status"] == "TRADE_CLOSED"
    asked = {"out_trade_no": number, "out_request_no": "R2"}
    found = merchant.call("alipay.trade.fastpay.refund.query", asked)
    assert (found["refund_status"], found["refund_amount"]) == ("REFUND_SUCCESS", "6.00")
    asked["out_request_no"] = "R3"
    absent = merchant.call("alipay.trade.fastpay.refund.query", asked)
    assert absent["code"] == "10000" and "refund_status" not in absent


def test_a_fault_in_a_refused_call_strikes_as_often_as_was_said(
    sandbox: Program, merchant: Merchant
) -> None:
    number = merchant.paid("10.00")
    sandbox.faults(alipay={"gateway": {"no_balance": 1}})
    assert merchant.refund(number, "4.00", "R1")["sub_code"] == "ACQ.SELLER_BALANCE_NOT_ENOUGH"
    assert merchant.refund(number, "4.00", "R1")["fund_change"] == "Y"


def test_closing_and_paying_exclude_each_other(sandbox: Program, merchant: Merchant) -> None:
    number, address = merchant.wap("3.00")
    sandbox.client.get(address)
    named = {"out_trade_no": number}
    assert merchant.refund(number, "3.00", "R")["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    assert merchant.call("alipay.trade.close", named)["code"] == "10000"
    late = sandbox.post(f"/control/alipay/trades/{number}/pay")
    assert (late["status"], late["paid_at"]) == ("TRADE_CLOSED", None)
    paid = merchant.paid("3.00")
    refused = merchant.call("alipay.trade.close", {"out_trade_no": paid})
    assert refused["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    undone = merchant.call("alipay.trade.cancel", {"out_trade_no": paid})
    assert undone["action"] == "refund"


def test_an_order_ends_at_its_time_by_the_sandbox_clock(
    sandbox: Program, merchant: Merchant
) -> None:
    until = (datetime.now(BEIJING) + timedelta(minutes=30)).strftime("%Y-%m-%d %H:%M:%S")
    number, address = merchant.wap("3.00", time_expire=until)
    sandbox.client.get(address)
    sandbox.jump(minutes=31)
    assert merchant.call(QUERY, {"out_trade_no": number})["trade_status"] == "TRADE_CLOSED"
    assert sandbox.post(f"/control/alipay/trades/{number}/pay")["paid_at"] is None


def test_a_scanned_code_opens_a_cashier(sandbox: Program, merchant: Merchant) -> None:
    biz = {"out_trade_no": "QR" + merchant.app["app_id"], "total_amount": "1", "subject": "tea"}
    code = merchant.call("alipay.trade.precreate", biz)["qr_code"]
    named = {"out_trade_no": biz["out_trade_no"]}
    assert merchant.call(QUERY, named)["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    page = sandbox.client.get(code, follow_redirects=True)
    sandbox.client.post(page.url.path + "/pay")
    assert merchant.call(QUERY, named)["trade_status"] == "TRADE_SUCCESS"
    again = merchant.call("alipay.trade.precreate", biz)
    assert again["sub_code"] == "ACQ.TRADE_HAS_SUCCESS"


def test_the_money_moves_though_the_answer_is_lost(sandbox: Program, merchant: Merchant) -> None:
    number = merchant.paid("9.00")
    gateway = {"timeout": 1, "timeout_seconds": 0, "method": "alipay.trade.refund"}
    sandbox.faults(alipay={"gateway": gateway})
    with pytest.raises(httpx.RemoteProtocolError):
        merchant.refund(number, "2.00", "R1")
    assert merchant.refund(number, "2.00", "R1")["fund_change"] == "N"
    sandbox.faults(alipay={"gateway": {"system_error": 1}})
    assert merchant.refund(number, "3.00", "R2")["sub_code"] == "ACQ.SYSTEM_ERROR"
    sandbox.faults(alipay={"gateway": {"malformed": 1}})
    with pytest.raises(json.JSONDecodeError):
        merchant.refund(number, "4.00", "R3")
    books = sandbox.get(f"/control/alipay/trades/{number}")
    assert books["refunded_minor"] == 900 and len(books["refunds"]) == 3


def test_a_server_error_comes_before_any_money(sandbox: Program, merchant: Merchant) -> None:
    number = merchant.paid("9.00")
    sandbox.faults(alipay={"gateway": {"fail": 1}})
    params = merchant.params(
        "alipay.trade.refund",
        {"out_trade_no": number, "refund_amount": "9.00", "out_request_no": "R"},
    )
    assert sandbox.client.post("/alipay/gateway.do", data=params).status_code == 500
    assert merchant.refund(number, "9.00", "R")["fund_change"] == "Y"


def test_braces_and_escaped_slashes_stay_verifiable(sandbox: Program, merchant: Merchant) -> None:
    number = merchant.paid("9.00")
    sandbox.faults(alipay={"gateway": {"awkward": True}})
    params = merchant.params(QUERY, {"out_trade_no": number})
    text = sandbox.client.post("/alipay/gateway.do", data=params).text
    assert "\\/" in text and "}" in merchant.read(text, QUERY)["store_name"]


def test_new_gateway_keys_take_over_in_the_middle_of_a_run(
    sandbox: Program, merchant: Merchant, certified: Merchant
) -> None:
    fresh = sandbox.post("/control/alipay/keys/rotate")
    with pytest.raises(AssertionError):
        merchant.call(QUERY, {"out_trade_no": "X"})
    merchant.app["alipay_public_key"] = fresh["alipay_public_key"]
    certified.app |= fresh
    assert merchant.call(QUERY, {"out_trade_no": "X"})["code"] == "40004"
    assert certified.call(QUERY, {"out_trade_no": "X"})["code"] == "40004"


def test_the_bill_of_a_closed_day_lists_payments_and_refunds(
    sandbox: Program, merchant: Merchant
) -> None:
    number = merchant.paid("20.00")
    merchant.refund(number, "5.00", "BILL")
    day = datetime.now(BEIJING).date().isoformat()
    method = "alipay.data.dataservice.bill.downloadurl.query"
    biz = {"bill_type": "trade", "bill_date": day}
    assert merchant.call(method, biz)["sub_code"] == "isp.bill_not_exist"
    sandbox.jump(days=1)
    link = merchant.call(method, biz)["bill_download_url"]
    with zipfile.ZipFile(io.BytesIO(sandbox.client.get(link).content)) as archive:
        text = archive.read(archive.namelist()[0]).decode("gbk")
    lines = [line.split(",") for line in text.splitlines() if number in line]
    assert [line[12] for line in lines] == ["20.00", "-5.00"]
    sandbox.jump(seconds=31)
    assert sandbox.client.get(link).status_code == 404
