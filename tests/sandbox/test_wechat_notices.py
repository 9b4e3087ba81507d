"""WeChat's notices: signed, sealed, repeated on the real schedule, and bent when told so."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.conftest import Program
from tests.sandbox.wechat_ear import Ear, listening
from tests.sandbox.wechat_merchant import WechatMerchant

REFUNDS = "/v3/refund/domestic/refunds"
SECONDS = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)


@pytest.fixture(scope="module")
def wechat(program: Program) -> WechatMerchant:
    """A merchant of his own."""
    return WechatMerchant(program, "Gao's stall")


@pytest.fixture
def ear() -> Iterator[Ear]:
    """Where the merchant hears."""
    with listening() as found:
        yield found


def told(sandbox: Program, number: str) -> list[dict[str, Any]]:
    """What the sandbox says it sent about a payment."""
    found: list[dict[str, Any]] = sandbox.get(f"/control/wechat_pay/trades/{number}/notices")
    return found


def settled(sandbox: Program, number: str) -> dict[str, Any]:
    """The first notice of a payment, once its last attempt has been answered."""
    while True:
        notice = told(sandbox, number)[0]
        sent = notice["attempts"]
        if sent and all(attempt["answer"] is not None for attempt in sent):
            return notice


def test_a_payment_is_told_once_signed_and_sealed(
    sandbox: Program, wechat: WechatMerchant, ear: Ear
) -> None:
    number = wechat.paid(8888, ear.url)
    ((headers, body),) = ear.hear(1)
    assert wechat.genuine(headers, body)
    assert json.loads(body)["event_type"] == "TRANSACTION.SUCCESS"
    inside = wechat.opened(body)
    assert (inside["out_trade_no"], inside["amount"]["total"]) == (number, 8888)
    assert (inside["appid"], inside["mchid"]) == (wechat.appid, wechat.mchid)
    assert settled(sandbox, number)["state"] == "delivered"
    sandbox.jump(days=2)
    assert told(sandbox, number)[0]["sends"] == len(ear.heard) == 1


def test_sixteen_sends_follow_the_schedule_until_it_was_heard(
    sandbox: Program, wechat: WechatMerchant, ear: Ear
) -> None:
    ear.status = 500
    number = wechat.paid(100, ear.url)
    for count, seconds in enumerate(SECONDS, 1):
        ear.hear(count)
        settled(sandbox, number)
        sandbox.jump(seconds=seconds - 5)
        assert len(ear.heard) == count
        sandbox.jump(seconds=5)
    heard = ear.hear(16)
    assert len({json.loads(body)["id"] for _, body in heard}) == 1
    assert settled(sandbox, number)["state"] == "given_up"


def test_a_clock_that_jumps_before_the_answer_sends_nothing_twice(
    sandbox: Program, wechat: WechatMerchant, ear: Ear
) -> None:
    ear.answers.clear()
    number = wechat.paid(100, ear.url)
    ear.hear(1)
    sandbox.jump(seconds=20)
    sandbox.jump(seconds=20)
    ear.answers.set()
    assert settled(sandbox, number)["state"] == "delivered"
    sandbox.jump(days=2)
    assert told(sandbox, number)[0]["sends"] == len(ear.heard) == 1


def test_what_is_asked_for_again_before_the_answer_is_sent_again(
    sandbox: Program, wechat: WechatMerchant, ear: Ear
) -> None:
    ear.answers.clear()
    number = wechat.paid(100, ear.url)
    ear.hear(1)
    sandbox.post(f"/control/wechat_pay/trades/{number}/resend")
    ear.answers.set()
    ear.hear(2)


def test_the_status_outranks_the_body(sandbox: Program, wechat: WechatMerchant, ear: Ear) -> None:
    ear.status = 204
    assert settled(sandbox, wechat.paid(100, ear.url))["state"] == "delivered"


def test_a_refund_is_told_where_it_was_asked_for(
    sandbox: Program, wechat: WechatMerchant, ear: Ear
) -> None:
    number = wechat.paid(1000)
    wechat.ask("POST", REFUNDS, wechat.back(number, 1000, 300, notify_url=ear.url))
    ((headers, body),) = ear.hear(1)
    assert wechat.genuine(headers, body)
    inside = wechat.opened(body)
    assert json.loads(body)["event_type"] == "REFUND.SUCCESS"
    assert (inside["out_refund_no"], inside["amount"]["refund"]) == (f"F{number}", 300)


def test_a_refund_can_be_told_before_its_payment(
    sandbox: Program, wechat: WechatMerchant, ear: Ear
) -> None:
    sandbox.faults(wechat_pay={"notify": {"reorder": True}})
    number = wechat.paid(1000, ear.url)
    wechat.ask("POST", REFUNDS, wechat.back(number, 1000, 1000, notify_url=ear.url))
    events = [json.loads(body)["event_type"] for _, body in ear.hear(2)]
    assert events == ["REFUND.SUCCESS", "TRANSACTION.SUCCESS"]


def test_notices_come_doubled_forged_old_and_wrong(
    sandbox: Program, wechat: WechatMerchant, ear: Ear
) -> None:
    sandbox.faults(wechat_pay={"notify": {"copies": 2, "forge": 1, "amount": "1", "appid": "wx9"}})
    wechat.paid(1000, ear.url)
    heard = ear.hear(2)
    assert sorted(wechat.genuine(headers, body) for headers, body in heard) == [False, True]
    inside = wechat.opened(heard[0][1])
    assert (inside["amount"]["total"], inside["appid"]) == (1, "wx9")
    sandbox.post("/control/faults/clear")
    sandbox.faults(wechat_pay={"notify": {"old": 1, "mchid": "1"}})
    wechat.paid(1000, ear.url)
    headers, body = ear.hear(3)[2]
    assert wechat.genuine(headers, body) and wechat.opened(body)["mchid"] == "1"
    late = wechat.now().timestamp() - int(headers["Wechatpay-Timestamp"])
    assert late > 300


def test_a_probe_comes_beside_the_notice_and_ends_nothing(
    sandbox: Program, wechat: WechatMerchant, ear: Ear
) -> None:
    sandbox.faults(wechat_pay={"notify": {"probe": 1}})
    wechat.paid(1000, ear.url)
    heard = ear.hear(2)
    probes = [
        headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/") for headers, _ in heard
    ]
    assert sorted(probes) == [False, True]


def test_a_lost_notice_is_sent_again_by_hand_and_a_late_one_waits(
    sandbox: Program, wechat: WechatMerchant, ear: Ear
) -> None:
    sandbox.faults(wechat_pay={"notify": {"drop": 1}})
    number = wechat.paid(1000, ear.url)
    assert settled(sandbox, number)["attempts"][0]["twist"] == "dropped"
    assert sandbox.post(f"/control/wechat_pay/trades/{number}/resend") == {"notices": 1}
    ear.hear(1)
    sandbox.faults(wechat_pay={"notify": {"delay_seconds": 3600}})
    late = wechat.paid(1000, ear.url)
    assert told(sandbox, late)[0]["sends"] == 0
    sandbox.jump(minutes=60)
    ear.hear(2)
