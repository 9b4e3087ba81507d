"""Alipay for platforms: what the sandbox lets in, and where the money is afterwards."""

import secrets
from typing import Any

import pytest

from tests.sandbox.conftest import Program
from tests.sandbox.merchant import Merchant

CREATE = "ant.merchant.expand.indirect.zft.quickcreate"
CONFIRM = "alipay.trade.settle.confirm"
SETTLE = "alipay.trade.order.settle"


@pytest.fixture(scope="module")
def platform(program: Program) -> Merchant:
    """A platform with a bank account."""
    return Merchant(program, "Chen's market", "cert", zft=True)


@pytest.fixture(scope="module")
def smid(program: Program, platform: Merchant) -> str:
    """A seller of the platform's."""
    number = f"S{secrets.token_hex(8)}"
    answer = platform.call(CREATE, application(number))
    assert answer["code"] == "10000", answer
    told = program.post(f"/control/alipay/sellers/{number}/sign")
    return str(told["smid"])


def application(number: str) -> dict[str, Any]:
    """Somebody wants to sell."""
    return {
        "external_id": number,
        "name": "王小满",
        "alias_name": "小满的茶",
        "mcc": "5331",
        "contact_infos": [{"name": "王小满", "mobile": "13800138000"}],
        "service": ["wap支付"],
        "sites": [{"site_type": "01", "site_url": "https://shop.test/", "site_name": "小满的茶"}],
        "binding_alipay_logon_id": "13800138000",
        "alipay_logon_id": "13800138000",
        "default_settle_rule": {
            "default_settle_type": "alipayAccount",
            "default_settle_target": "13800138000",
        },
    }


def detail(amount: str) -> dict[str, Any]:
    """settle_info of that sum."""
    return {"settle_detail_infos": [{"trans_in_type": "defaultSettle", "amount": amount}]}


def held(program: Program, platform: Merchant, smid: str, total: str = "10.00") -> str:
    """The trade_no of a payment that is held for the seller."""
    info = {**detail(total), "settle_period_time": "7d"}
    merchant = {"merchant_id": smid}
    number, address = platform.wap(total, settle_info=info, sub_merchant=merchant)
    assert program.client.get(address).status_code == 303
    return str(program.post(f"/control/alipay/trades/{number}/pay")["trade_no"])


def confirmed(platform: Merchant, trade_no: str, amount: str, number: str) -> dict[str, Any]:
    """Ask to settle."""
    asked = {"trade_no": trade_no, "out_request_no": number, "settle_info": detail(amount)}
    return platform.call(CONFIRM, asked)


def test_more_than_is_left_is_not_settled_nor_twice(
    sandbox: Program, platform: Merchant, smid: str
) -> None:
    trade = held(sandbox, platform, smid)
    assert confirmed(platform, trade, "10.01", "L1")["sub_code"] == "ACQ.INVALID_PARAMETER"
    asked = {"trade_no": trade, "refund_amount": "4.00", "out_request_no": "R1"}
    assert platform.call("alipay.trade.refund", asked)["fund_change"] == "Y"
    assert confirmed(platform, trade, "10.00", "L1")["sub_code"] == "ACQ.INVALID_PARAMETER"
    for _ in range(2):
        assert confirmed(platform, trade, "6.00", "L1")["settle_amount"] == "6.00"
    assert confirmed(platform, trade, "6.00", "L2")["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    again = {**asked, "refund_amount": "1.00", "out_request_no": "R2"}
    assert platform.call("alipay.trade.refund", again)["sub_code"] == "ACQ.INVALID_PARAMETER"
    named = {**again, "related_settle_confirm_no": "L1"}
    assert platform.call("alipay.trade.refund", named)["fund_change"] == "Y"


def test_nobody_else_settles(sandbox: Program, platform: Merchant, smid: str) -> None:
    trade = held(sandbox, platform, smid)
    plain = Merchant(sandbox, "Deng's stall", "key")
    asked = {"trade_no": trade, "out_request_no": "L3", "settle_info": detail("10.00")}
    assert plain.call(CONFIRM, asked)["sub_code"] == "isv.insufficient-isv-permissions"
    other = Merchant(sandbox, "Er's market", "key", zft=True)
    assert other.call(CONFIRM, asked)["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    params = platform.params(CONFIRM, asked) | {"biz_content": "{}"}
    answer = sandbox.client.post("/alipay/gateway.do", data=params)
    assert platform.read(answer.text, CONFIRM)["sub_code"] == "isv.invalid-signature"
    unknown = {"merchant_id": "2088000000000000"}
    info = {**detail("10.00"), "settle_period_time": "7d"}
    _, address = platform.wap("10.00", settle_info=info, sub_merchant=unknown)
    assert sandbox.client.get(address).status_code == 400


def test_a_share_comes_after_settling_and_arrives_at_the_bank(
    sandbox: Program, platform: Merchant, smid: str
) -> None:
    trade = held(sandbox, platform, smid)
    royalty = {"trans_in": platform.app["seller_id"], "trans_in_type": "userId", "amount": "1.00"}
    asked = {"trade_no": trade, "out_request_no": "S1", "royalty_parameters": [royalty]}
    assert platform.call(SETTLE, asked)["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    confirmed(platform, trade, "10.00", "L4")
    assert platform.call(SETTLE, asked)["sub_code"] == "ACQ.TRADE_SETTLE_ERROR"
    sandbox.jump(seconds=31)
    assert platform.call(SETTLE, asked)["settle_no"]
    sandbox.jump(days=2)
    entries = [
        row["amount_minor"]
        for row in sandbox.get("/books.json")["bank"]["entries"]
        if row["account"] == platform.account["account"]
    ]
    assert entries == [100]  # held payments and their refunds are not the platform's


def test_the_control_page_decides_and_sends_back(sandbox: Program, platform: Merchant) -> None:
    sandbox.faults(alipay={"admission": {"after_seconds": 3600}})
    platform.call(CREATE, application("S-page-1"))
    platform.call(CREATE, application("S-page-2"))
    page = sandbox.client.get("/control").text
    assert page.count("/control/page/alipay/sellers/") >= 4
    for number, act in (("S-page-1", "admit"), ("S-page-2", "refuse"), ("nobody", "admit")):
        done = sandbox.client.post(f"/control/page/alipay/sellers/{number}/{act}")
        assert done.status_code == (404 if number == "nobody" else 303)
    sellers = {
        row["external_id"]: row["status"] for row in sandbox.get("/books.json")["alipay"]["sellers"]
    }
    assert (sellers["S-page-1"], sellers["S-page-2"]) == ("99", "-1")
    paid = {
        "out_biz_no": "P1",
        "trans_amount": "5.00",
        "product_code": "TRANS_ACCOUNT_NO_PWD",
        "biz_scene": "DIRECT_TRANSFER",
        "order_title": "payout",
        "payee_info": {
            "identity": "13800138000",
            "identity_type": "ALIPAY_LOGON_ID",
            "name": "王小满",
        },
    }
    order_id = platform.call("alipay.fund.trans.uni.transfer", paid)["order_id"]
    path = f"/control/page/alipay/transfers/{order_id}"
    assert f'action="{path}"' in sandbox.client.get("/control").text
    assert [sandbox.client.post(path).status_code for _ in range(2)] == [303, 404]
