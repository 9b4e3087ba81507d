"""WeChat Pay's counterpart: what it lets in, what it answers, what it does with money."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import Program
from tests.sandbox.wechat_merchant import INSIDE, PHONE, WechatMerchant

NATIVE = "/v3/pay/transactions/native"
BACK = "http://127.0.0.1:9/back?order=7"
REFUNDS = "/v3/refund/domestic/refunds"


@pytest.fixture(scope="module")
def wechat(program: Program) -> WechatMerchant:
    """A merchant of his own."""
    return WechatMerchant(program, "Chen's stall")


def test_a_scanned_code_is_paid_by_a_person(sandbox: Program, wechat: WechatMerchant) -> None:
    body = wechat.order(8888, "http://127.0.0.1:9/x")
    code = wechat.ask("POST", NATIVE, body)["code_url"]
    number = body["out_trade_no"]
    assert wechat.state(number) == "NOTPAY"
    page = sandbox.client.get(code, follow_redirects=True)
    assert "88.88" in page.text and "<b>cup</b>" not in page.text and "script" not in page.text
    for _ in range(2):  # pressed twice
        assert sandbox.client.post(page.url.path + "/pay").status_code == 303
    assert wechat.state(number) == "SUCCESS"
    shown = sandbox.get(f"/control/wechat_pay/trades/{number}")
    assert shown["paid_at"] and shown["openid"].startswith("o")


def test_a_phone_page_leads_to_the_cashier_and_back(
    sandbox: Program, wechat: WechatMerchant
) -> None:
    number, link = wechat.phone_order(500)
    address = httpx.URL(link).copy_add_param("redirect_url", BACK)
    came = {"Referer": "https://shop.test/", "User-Agent": PHONE}
    page = sandbox.client.get(address, headers=came, follow_redirects=True)
    assert "form-action 'self' http://127.0.0.1:9" in page.headers["content-security-policy"]
    left = sandbox.client.post(page.url.path + "/leave")
    assert left.headers["location"] == BACK and wechat.state(number) == "NOTPAY"
    paid = sandbox.client.post(page.url.path + "/pay")
    assert paid.headers["location"] == BACK and wechat.state(number) == "SUCCESS"


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"User-Agent": PHONE}, "Referer"),
        ({"User-Agent": INSIDE, "Referer": "https://shop.test/"}, "请在微信外打开订单"),
    ],
)
def test_a_phone_link_wants_a_referer_and_no_wechat(
    sandbox: Program, wechat: WechatMerchant, headers: dict[str, str], words: str
) -> None:
    _, link = wechat.phone_order(500)
    page = sandbox.client.get(link, headers=headers)
    assert page.status_code == 400 and words in page.text


def test_a_phone_link_lives_five_minutes_and_is_had_anew(
    sandbox: Program, wechat: WechatMerchant
) -> None:
    scene = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}
    body = wechat.order(500, "http://127.0.0.1:9/x", scene_info=scene)
    body["time_expire"] = (wechat.now() + timedelta(minutes=40)).isoformat()
    link = wechat.ask("POST", "/v3/pay/transactions/h5", body)["h5_url"]
    sandbox.jump(minutes=6)
    came = {"Referer": "https://shop.test/", "User-Agent": PHONE}
    assert "失效" in sandbox.client.get(link, headers=came).text
    again = wechat.ask("POST", "/v3/pay/transactions/h5", body)["h5_url"]
    assert sandbox.client.get(again, headers=came).status_code == 303


@pytest.mark.parametrize(
    "spoil",
    [
        lambda m, h: h | {"Authorization": h["Authorization"].replace("A", "B")},
        lambda m, h: h | {"Authorization": "WECHATPAY2-SHA256-RSA2048 mchid"},
        lambda m, h: h | {"Authorization": h["Authorization"].replace(m.mchid, "1600000000")},
        lambda m, h: {k: v for k, v in h.items() if k != "Authorization"},
        lambda m, h: m.headers("POST", NATIVE, b"{}", serial_no="A1"),
        lambda m, h: m.headers("POST", NATIVE, b"{}", timestamp="1595341600"),
        lambda m, h: m.headers("POST", NATIVE + "?a=1", b"{}"),
        lambda m, h: m.headers("POST", NATIVE, b"{} "),
        lambda m, h: m.headers("GET", NATIVE, b"{}"),
    ],
)
def test_a_request_that_is_not_signed_right_is_refused(
    sandbox: Program,
    wechat: WechatMerchant,
    spoil: Callable[[WechatMerchant, dict[str, str]], dict[str, str]],
) -> None:
    headers = spoil(wechat, wechat.headers("POST", NATIVE, b"{}"))
    answer = sandbox.client.post("/wechat" + NATIVE, content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
    assert "wechatpay-signature" not in answer.headers


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"appid": "wx1"}, "APPID_MCHID_NOT_MATCH"),
        ({"mchid": "1600000000"}, "PARAM_ERROR"),
        ({"out_trade_no": "12345"}, "PARAM_ERROR"),
        ({"out_trade_no": "a" * 33}, "PARAM_ERROR"),
        ({"description": ""}, "PARAM_ERROR"),
        ({"description": "x" * 128}, "PARAM_ERROR"),
        ({"amount": {"total": 0}}, "PARAM_ERROR"),
        ({"amount": {"total": "100"}}, "PARAM_ERROR"),
        ({"amount": {"total": 1.5}}, "PARAM_ERROR"),
        ({"amount": {"total": 100, "currency": "USD"}}, "PARAM_ERROR"),
        ({"notify_url": "https://shop.test/x?shop=1"}, "PARAM_ERROR"),
        ({"notify_url": "ftp://shop.test/x"}, "PARAM_ERROR"),
        ({"time_expire": "2020-01-01T00:00:00+08:00"}, "PARAM_ERROR"),
        ({"time_expire": "2030-01-01T00:00:00"}, "PARAM_ERROR"),
    ],
)
def test_an_order_that_is_wrong_is_refused(
    sandbox: Program, wechat: WechatMerchant, change: dict[str, Any], code: str
) -> None:
    order = wechat.order(100, "http://127.0.0.1:9/x") | change
    assert wechat.refused("POST", NATIVE, order) == code


def test_inside_wechat_and_on_phones_more_is_asked(
    sandbox: Program, wechat: WechatMerchant
) -> None:
    for kind, more in (
        ("jsapi", {"payer": {"openid": "oNobody"}}),
        ("h5", {"scene_info": {"payer_client_ip": "here", "h5_info": {"type": "Wap"}}}),
        ("h5", {"scene_info": {"payer_client_ip": "203.0.113.7"}}),
    ):
        order = wechat.order(100, "http://127.0.0.1:9/x", **more)
        assert wechat.refused("POST", f"/v3/pay/transactions/{kind}", order) == "PARAM_ERROR"


def test_a_number_means_one_order(sandbox: Program, wechat: WechatMerchant) -> None:
    order = wechat.order(100, "http://127.0.0.1:9/x")
    order["time_expire"] = (wechat.now() + timedelta(minutes=40)).isoformat()
    first = wechat.ask("POST", NATIVE, order)
    assert wechat.ask("POST", NATIVE, order) == first
    other = order | {"amount": {"total": 101, "currency": "CNY"}}
    assert wechat.refused("POST", NATIVE, other) == "OUT_TRADE_NO_USED"
    sandbox.post(f"/control/wechat_pay/trades/{order['out_trade_no']}/pay")
    assert wechat.refused("POST", NATIVE, order) == "ORDERPAID"


def test_unpaid_orders_close_by_call_and_by_time(sandbox: Program, wechat: WechatMerchant) -> None:
    order = wechat.order(100, "http://127.0.0.1:9/x")
    wechat.ask("POST", NATIVE, order)
    path = f"/v3/pay/transactions/out-trade-no/{order['out_trade_no']}"
    for _ in range(2):
        assert wechat.call("POST", f"{path}/close", {"mchid": wechat.mchid}).status_code == 204
    assert wechat.state(order["out_trade_no"]) == "CLOSED"
    assert wechat.refused("POST", NATIVE, order) in ("ORDER_CLOSED", "OUT_TRADE_NO_USED")
    later = wechat.order(100, "http://127.0.0.1:9/x")
    wechat.ask("POST", NATIVE, later)
    sandbox.jump(minutes=121)
    assert wechat.state(later["out_trade_no"]) == "CLOSED"
    paid = wechat.paid(100)
    path = f"/v3/pay/transactions/out-trade-no/{paid}"
    assert wechat.refused("POST", f"{path}/close", {"mchid": wechat.mchid}) == "ORDERPAID"


def test_money_goes_back_once_and_never_more_than_came(
    sandbox: Program, wechat: WechatMerchant
) -> None:
    number = wechat.paid(1000)
    body = wechat.back(number, 1000, 300)
    for _ in range(2):
        answer = wechat.ask("POST", REFUNDS, body)
        assert (answer["status"], answer["amount"]["refund"]) == ("SUCCESS", 300)
    other = body | {"amount": {"refund": 301, "total": 1000, "currency": "CNY"}}
    assert wechat.refused("POST", REFUNDS, other) == "INVALID_REQUEST"
    more = wechat.back(number, 1000, 701, out_refund_no="G1")
    assert wechat.refused("POST", REFUNDS, more) == "PARAM_ERROR"
    wrong = wechat.back(number, 999, 1, out_refund_no="G2")
    assert wechat.refused("POST", REFUNDS, wrong) == "PARAM_ERROR"
    assert wechat.state(number) == "REFUND"
    assert wechat.refused("GET", f"{REFUNDS}/G1") == "RESOURCE_NOT_EXISTS"
    unpaid = wechat.order(100, "http://127.0.0.1:9/x")
    wechat.ask("POST", NATIVE, unpaid)
    back = wechat.back(unpaid["out_trade_no"], 100, 100)
    assert wechat.refused("POST", REFUNDS, back) == "INVALID_REQUEST"


def test_refunds_may_take_time_get_stuck_or_find_no_money(
    sandbox: Program, wechat: WechatMerchant
) -> None:
    sandbox.faults(wechat_pay={"refund": {"processing": 1}})
    slow = wechat.back(wechat.paid(1000), 1000, 300)
    assert wechat.ask("POST", REFUNDS, slow)["status"] == "PROCESSING"
    sandbox.faults(wechat_pay={"refund": {"abnormal": 1}})
    stuck = wechat.back(wechat.paid(1000), 1000, 300)
    assert wechat.ask("POST", REFUNDS, stuck)["status"] == "PROCESSING"
    sandbox.jump(minutes=2)
    states = [
        wechat.ask("GET", f"{REFUNDS}/{one['out_refund_no']}")["status"] for one in (slow, stuck)
    ]
    assert states == ["SUCCESS", "ABNORMAL"]
    sandbox.post(f"/control/wechat_pay/refunds/{stuck['out_refund_no']}/unstick")
    path = f"{REFUNDS}/{stuck['out_refund_no']}"
    assert wechat.ask("GET", path)["status"] == "SUCCESS"
    sandbox.faults(wechat_pay={"refund": {"no_balance": 1}})
    poor = wechat.back(wechat.paid(1000), 1000, 300)
    assert wechat.refused("POST", REFUNDS, poor) == "NOT_ENOUGH"
    assert wechat.ask("POST", REFUNDS, poor)["status"] == "SUCCESS"


def test_the_days_net_arrives_at_the_bank_next_morning(sandbox: Program) -> None:
    wechat = WechatMerchant(sandbox, "Ding's stall")
    sandbox.faults(wechat_pay={"fee_bps": 60})
    number = wechat.paid(10_000)
    wechat.paid(5_050)
    wechat.ask("POST", REFUNDS, wechat.back(number, 10_000, 2_500))
    today = beijing_day(sandbox.get(f"/control/wechat_pay/trades/{number}")["paid_at"])
    sandbox.jump(days=2)
    books = sandbox.get("/books.json")
    lumps = [
        entry for entry in books["bank"]["entries"] if entry["account"] == wechat.account["account"]
    ]
    # fees 60 and 30 (30.3 rounded), of the first a quarter comes back with the refund
    assert [lump["amount_minor"] for lump in lumps] == [10_000 - 60 + 5_050 - 30 - 2_500 + 15]
    assert (lumps[0]["kind"], lumps[0]["reference"]) == ("wechat", f"WECHAT {today}")
    mine = [pocket for pocket in books["wechat_pay"]["pockets"] if pocket["owner"] == wechat.mchid]
    assert {pocket["pocket"]: pocket["balance_minor"] for pocket in mine}["basic"] == 0


def test_a_bill_is_fetched_signed_once_ready_and_for_thirty_seconds(sandbox: Program) -> None:
    wechat = WechatMerchant(sandbox, "Fang's stall")
    number = wechat.paid(1000)
    day = sandbox.get(f"/control/wechat_pay/trades/{number}")["paid_at"]
    path = f"/v3/bill/tradebill?bill_date={beijing_day(day)}&bill_type=ALL"
    assert wechat.refused("GET", path) == "PARAM_ERROR"
    sandbox.jump(days=2)
    link = wechat.ask("GET", path)["download_url"]
    target = link.removeprefix(f"{sandbox.url}/wechat")
    text = wechat.call("GET", target).text
    assert f"`{number}" in text and text.splitlines()[-1].startswith("`1,`10.00,`0.00")
    bare = sandbox.client.get(link, headers={"Accept": "application/json"})
    assert bare.status_code == 401
    sandbox.jump(seconds=31)
    assert wechat.refused("GET", target) == "RESOURCE_NOT_EXISTS"
    other = f"/v3/bill/tradebill?bill_date={beijing_day(day, 1)}&bill_type=ALL"
    assert wechat.refused("GET", other) in ("NO_STATEMENT_EXIST", "STATEMENT_CREATING")


def beijing_day(stamp: str, later: int = 0) -> str:
    """The Beijing day of a stamp, or one after it."""
    at = datetime.fromisoformat(stamp.replace("Z", "+00:00")) + timedelta(hours=8, days=later)
    return at.date().isoformat()


def test_a_closed_order_may_be_paid_after_all(sandbox: Program, wechat: WechatMerchant) -> None:
    order = wechat.order(100, "http://127.0.0.1:9/x")
    wechat.ask("POST", NATIVE, order)
    number = order["out_trade_no"]
    path = f"/v3/pay/transactions/out-trade-no/{number}/close"
    wechat.call("POST", path, {"mchid": wechat.mchid})
    sandbox.post(f"/control/wechat_pay/trades/{number}/pay")
    assert wechat.state(number) == "CLOSED"
    sandbox.faults(wechat_pay={"cashier": {"after_close": 1}})
    sandbox.post(f"/control/wechat_pay/trades/{number}/pay")
    assert wechat.state(number) == "SUCCESS"


def test_a_past_is_written_once(sandbox: Program, wechat: WechatMerchant) -> None:
    trade = {
        "transaction_id": "4200000000202601010000000001",
        "out_trade_no": "P0000000000000000001",
        "trade_type": "NATIVE",
        "description": "tea",
        "total_minor": 1000,
        "created_at": "2026-01-01T08:00:00.000000Z",
        "paid_at": "2026-01-01T08:00:05.000000Z",
        "refunds": [
            {
                "out_refund_no": "PF1",
                "amount_minor": 400,
                "reason": "late",
                "refunded_at": "2026-01-02T08:00:00.000000Z",
            }
        ],
    }
    told = {"mchid": wechat.mchid, "trades": [trade]}
    assert sandbox.post("/control/wechat_pay/history", told) == {"written": 2}
    assert sandbox.post("/control/wechat_pay/history", told) == {"written": 0}
    assert wechat.state("P0000000000000000001") == "REFUND"
    assert wechat.ask("GET", f"{REFUNDS}/PF1")["status"] == "SUCCESS"


def test_another_site_cannot_press_pay(sandbox: Program, wechat: WechatMerchant) -> None:
    order = wechat.order(100, "http://127.0.0.1:9/x")
    code = wechat.ask("POST", NATIVE, order)["code_url"]
    page = sandbox.client.get(code, follow_redirects=True)
    pressed = sandbox.client.post(page.url.path + "/pay", headers={"Sec-Fetch-Site": "cross-site"})
    assert pressed.status_code == 403


def test_a_merchant_chooses_a_key_of_32_bytes(sandbox: Program, wechat: WechatMerchant) -> None:
    told = {"public_key": wechat.told["public_key"], "name": "x", "apiv3_key": "a" * 16}
    answer = sandbox.client.post("/control/wechat_pay/merchants", json=told)
    assert answer.status_code == 400 and "32 bytes" in answer.text


def test_the_books_hold_no_key(sandbox: Program, wechat: WechatMerchant) -> None:
    text = json.dumps(sandbox.get("/books.json"))
    for secret in (wechat.told["apiv3_key"], wechat.told["app_secret"], "PRIVATE KEY"):
        assert secret not in text
