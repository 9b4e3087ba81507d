"""Baidu Wallet's own habits: GBK, two digests, two numberings, and answers that nobody signed."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from littleshop.config import Misconfigured
from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay import gateways
from littleshop.pay.gateways import baidu_wallet_wire as wire
from littleshop.pay.gateways.baidu_wallet import BaiduWallet, open_rail
from littleshop.pay.gateways.contract import (
    Declined,
    How,
    Notice,
    NoticeRefused,
    PaymentState,
    Reason,
)
from tests.pay.gateways.conftest import StillClock, asked, giving_back
from tests.pay.gateways.plays import back, given, paid
from tests.pay.gateways.stage_baidu_wallet import baidu_wallet
from tests.sandbox_process import Sandbox

KEY = "0123456789abcdef0123456789abcdef"
RAIL = {"sp_no": "9000100005", "key": KEY, "enabled": True}
# The published algorithm over a dummy key.
FIELDS = {
    "service_code": "1",
    "sp_no": "9000100005",
    "order_create_time": "20141122083000",
    "order_no": "WD20141122000001",
    "goods_name": "手工皂",
    "goods_desc": "手工皂 & 礼盒",
    "total_amount": "9900",
    "currency": "1",
    "return_url": "https://shop.example/notify/baidu",
    "page_url": "https://shop.example/pay/return",
    "pay_type": "2",
    "input_charset": "1",
    "version": "2",
    "sign_method": "1",
    "expire_time": "20141124083000",
}
NOTICE = {
    "sp_no": "9000100005",
    "order_no": "R0000000000000000001",
    "bfb_order_no": "2026112212345678901234567890",
    "pay_time": "20261122180005",
    "unit_amount": "",
    "total_amount": "8888",
    "currency": "1",
    "buyer_sp_username": "顾客",
    "pay_result": "1",
    "sign_method": "2",
}
PAID = {
    "query_status": "0",
    "sp_no": "9000100005",
    "order_no": "R0000000000000000001",
    "bfb_order_no": "2026112212345678901234567890",
    "pay_time": "20261122180005",
    "total_amount": "8888",
    "pay_result": "1",
}
Answers = Callable[[httpx.Request], httpx.Response]


def xml(fields: dict[str, str]) -> bytes:
    """An answer as Baidu writes it."""
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f'<?xml version="1.0" encoding="gbk"?><response>{inner}</response>'.encode("gbk")


def rail(answers: Answers | None = None, **changes: Any) -> BaiduWallet:
    """The rail against answers made by hand."""
    transport = httpx.MockTransport(answers) if answers else None
    return open_rail(RAIL | changes, StillClock(), transport)


def by_path(**told: dict[str, str] | bytes) -> Answers:
    """Answers by the last word of the path."""

    def answer(request: httpx.Request) -> httpx.Response:
        said = next(told[name] for name in told if name in request.url.path)
        return httpx.Response(200, content=said if isinstance(said, bytes) else xml(said))

    return answer


def heard(**changes: str) -> Notice | None:
    """What we make of a notice with these changes, rightly signed."""
    fields = NOTICE | changes
    method = fields["sign_method"]
    return rail().parse_notice({}, wire.query(fields, KEY, method).encode())


def test_the_digests_are_over_the_raw_gbk() -> None:
    assert wire.signature(FIELDS, KEY, "1") == "539e46ce603277ef88ebc1b5a15f7b49"
    assert wire.signature(FIELDS, KEY, "2") == "22c2b5d1341ce4702a612db8206b7de7a483a479"
    query = wire.query(FIELDS, KEY, "1")
    assert "&goods_desc=%CA%D6%B9%A4%D4%ED+%26+%C0%F1%BA%D0&" in query
    assert query.endswith("&sign=539e46ce603277ef88ebc1b5a15f7b49")


@pytest.mark.parametrize(("how", "door"), [(How.WAP, "wapdirect"), (How.PAGE, "direct")])
async def test_the_address_of_the_cashier_says_all_and_only_what_gbk_can(
    how: How, door: str
) -> None:
    answer = await rail().pay(asked(how, subject="小满的茶 🍵 & 壶\n"))
    url = urlsplit(answer.redirect_url or "")
    assert url.geturl().startswith(f"https://www.baifubao.com/api/0/pay/0/{door}?")
    fields = dict(parse_qsl(url.query, encoding="gbk", keep_blank_values=True))
    assert fields["goods_name"] == "小满的茶 & 壶"
    assert (fields["total_amount"], fields["expire_time"]) == ("8888", "20261122183000")
    assert fields["sign"] == wire.signature(fields, KEY, "2")


def test_a_notice_is_believed_whatever_the_case_of_its_signature() -> None:
    notice = heard()
    assert notice is not None and (notice.kind, notice.amount) == ("paid", Money(8888, "CNY"))
    body, _, sign = wire.query(NOTICE, KEY, "2").rpartition("=")
    loud = rail().parse_notice({}, f"{body}={sign.upper()}".encode())
    assert loud is not None and loud.notice_id == notice.notice_id


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"sign_method": "1"}, "signature"),  # the weaker digest than ours
        ({"sp_no": "9000100006"}, "seller"),
        ({"currency": "2"}, "malformed"),
        ({"total_amount": "88.88"}, "malformed"),
        ({"pay_time": "2026-11-22"}, "malformed"),
        ({"bfb_order_no": ""}, "malformed"),
    ],
)
def test_a_notice_that_is_signed_and_wrong_is_refused(changes: dict[str, str], why: str) -> None:
    with pytest.raises(NoticeRefused) as told:
        heard(**changes)
    assert told.value.why == why


def test_a_refund_that_did_not_come_about_is_nothing_to_us() -> None:
    refund = {"sp_refund_no": "F1", "cashback_amount": "100", "ret_detail": "失败"}
    assert heard(**refund, ret_code="0") is None
    done = heard(**refund, ret_code="1")
    assert done is not None and (done.kind, done.refund_reference) == ("refunded", "F1")


def test_the_answer_to_a_notice_is_the_page_that_baidu_looks_for() -> None:
    assert b'<head><meta name="VIP_BFB_PAYMENT" content="BAIFUBAO"></head>' in BaiduWallet.heard
    assert BaiduWallet.answer_type == "text/html" and b"BAIFUBAO" not in BaiduWallet.not_heard


async def test_one_means_paid_here_and_waiting_there() -> None:
    waiting = PAID | {"pay_result": "2"}
    for other, state in (
        ({"ret": "0", "pay_result": "1"}, PaymentState.PENDING),
        ({"ret": "0", "pay_result": "5"}, PaymentState.CLOSED),
        ({"ret": "0", "pay_result": "10"}, PaymentState.FAILED),
        ({"ret": "0", "pay_result": "2"}, PaymentState.PENDING),  # the sum is not known yet
        ({"ret": "1002"}, PaymentState.PENDING),
    ):
        found = rail(by_path(by_order_no=waiting, query_trans=other))
        assert (await found.query("R0000000000000000001")).state is state
    answer = await rail(by_path(by_order_no=PAID)).query("R0000000000000000001")
    assert (answer.state, answer.amount) == (PaymentState.PAID, Money(8888, "CNY"))


@pytest.mark.parametrize(
    "said",
    [
        PAID | {"sp_no": "9000100006"},
        PAID | {"order_no": "R0000000000000000002"},
        PAID | {"pay_result": "9"},
        PAID | {"total_amount": "-1"},
        b'<!DOCTYPE r [<!ENTITY a "1">]><response><query_status>0</query_status></response>',
        b"<response><query_status>0",
        b"",
    ],
)
async def test_an_answer_that_is_not_ours_or_not_readable_says_nothing(
    said: dict[str, str] | bytes,
) -> None:
    with pytest.raises(GatewayError) as told:
        await rail(by_path(by_order_no=said)).query("R0000000000000000001")
    assert told.value.retryable


async def test_a_refund_refused_for_want_of_money_says_so() -> None:
    told = by_path(
        **{
            "refund/0/query": {"ret_code": "5906"},
            "by_order_no": PAID,
            "refund": {"ret_code": "7", "ret_detail": "商户余额不足"},
        }
    )
    answer = await rail(told).refund(giving_back())
    assert (answer.status, answer.reason) == ("failed", Reason.SELLER_FUNDS)


async def test_there_are_no_bills() -> None:
    assert not BaiduWallet.has_bills
    with pytest.raises(Declined) as told:
        await rail().fetch_bill(date(2026, 11, 22))
    assert told.value.reason is Reason.NOT_ALLOWED


def test_the_rail_is_off_unless_it_is_enabled() -> None:
    off = {name: value for name, value in RAIL.items() if name != "enabled"}
    assert gateways.open({"baidu_wallet": off}, StillClock()) == {}
    assert set(gateways.open({"baidu_wallet": RAIL}, StillClock())) == {"baidu_wallet"}


@pytest.mark.parametrize("wrong", [{"sign_method": "3"}, {"sp_no": "x"}, {"key": "k"}])
def test_settings_that_cannot_be_used_stop_the_start_without_the_key(wrong: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured) as told:
        rail(**wrong)
    assert KEY not in str(told.value)


async def test_a_days_takings_arrive_as_one_lump(sandbox: Sandbox) -> None:
    async with baidu_wallet(sandbox, "2") as stage:
        name = f"merchant {stage.clock.now().timestamp()}"
        told = await sandbox.control("/control/baidu_wallet/merchants", {"name": name})
        account = await sandbox.control("/control/bank/accounts", {"name": name})
        rail_ = {**told, "base_url": f"{sandbox.url}/baidu", "enabled": True}
        await stage.gateway.disconnect()
        stage.gateway = gateways.open({"baidu_wallet": rail_}, stage.clock)["baidu_wallet"]
        stage.sp_no = str(told["sp_no"])  # type: ignore[attr-defined]
        await stage.until_noon()
        day = stage.clock.now().astimezone(stage.zone).date()
        reference = await paid(stage)
        assert (await given(stage, back(stage, reference, 3000))).status == "done"
        await stage.passes(timedelta(days=1))
        books: Any = await sandbox.read("/books.json")
        lumps = [one for one in books["bank"]["entries"] if one["account"] == account["account"]]
        assert [(one["reference"], one["amount_minor"]) for one in lumps] == [
            (f"BAIDU {day}", 8888 - 3000)
        ]
