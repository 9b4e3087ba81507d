"""Asynchronous notices: signed, repeated on the real schedule, and bent when told so."""

from typing import Any

from tests.sandbox.conftest import Program, Shop
from tests.sandbox.merchant import Merchant


def told(sandbox: Program, number: str) -> list[dict[str, Any]]:
    """What the sandbox says it sent about a trade."""
    notices: list[dict[str, Any]] = sandbox.get(f"/control/alipay/trades/{number}/notices")
    return notices


def test_a_payment_is_told_once_and_signed(
    sandbox: Program, merchant: Merchant, shop: Shop
) -> None:
    number = merchant.paid("88.88", shop.url + "/hear?x=1")
    [form] = shop.hear(1)
    assert merchant.genuine(form)
    assert form["out_trade_no"] == number and form["total_amount"] == "88.88"
    assert form["trade_status"] == "TRADE_SUCCESS" and form["gmt_payment"]
    assert (form["app_id"], form["seller_id"]) == (
        merchant.app["app_id"],
        merchant.app["seller_id"],
    )
    assert until_settled(sandbox, number)["state"] == "delivered"
    sandbox.jump(days=2)
    assert told(sandbox, number)[0]["sends"] == len(shop.heard) == 1


def until_settled(sandbox: Program, number: str) -> dict[str, Any]:
    """The first notice of a trade, once its last attempt has been answered."""
    while True:
        notice = told(sandbox, number)[0]
        if all(attempt["answer"] is not None for attempt in notice["attempts"]):
            return notice


def test_eight_sends_follow_the_schedule_until_success_is_heard(
    sandbox: Program, merchant: Merchant, shop: Shop
) -> None:
    shop.answer = b"success\n"  # not the seven bytes
    number = merchant.paid("1.00", shop.url)
    for count, minutes in enumerate((4, 10, 10, 60, 120, 360, 900), 1):
        shop.hear(count)
        until_settled(sandbox, number)
        sandbox.jump(minutes=minutes - 1)
        assert len(shop.heard) == count
        sandbox.jump(minutes=1)
    forms = shop.hear(8)
    assert len({form["notify_id"] for form in forms}) == 1
    assert all(merchant.genuine(form) for form in forms)
    assert until_settled(sandbox, number)["state"] == "given_up"


def test_a_refund_is_told_with_its_number(sandbox: Program, merchant: Merchant, shop: Shop) -> None:
    number = merchant.paid("10.00", shop.url)
    shop.hear(1)
    merchant.refund(number, "3.00", "R1")
    form = shop.hear(2)[1]
    assert merchant.genuine(form)
    assert (form["refund_fee"], form["out_biz_no"]) == ("3.00", "R1")
    assert form["trade_status"] == "TRADE_SUCCESS"


def test_a_refund_can_be_told_before_its_payment(
    sandbox: Program, merchant: Merchant, shop: Shop
) -> None:
    sandbox.faults(alipay={"notify": {"reorder": True}})
    number = merchant.paid("10.00", shop.url)
    merchant.refund(number, "10.00", "R1")
    first, second = shop.hear(2)
    assert "refund_fee" in first and "refund_fee" not in second


def test_notices_come_doubled_forged_wrong_and_old(
    sandbox: Program, merchant: Merchant, shop: Shop
) -> None:
    sandbox.faults(alipay={"notify": {"copies": 2, "forge": 1, "amount": "0.01"}})
    merchant.paid("10.00", shop.url)
    first, second = shop.hear(2)
    assert first == second and first["total_amount"] == "0.01"
    assert not merchant.genuine(first)
    sandbox.faults(alipay={"notify": {"copies": 1, "amount": None, "old": True}})
    merchant.paid("10.00", shop.url)
    old = shop.hear(3)[2]
    assert merchant.genuine(old) and old["notify_time"] < old["gmt_payment"]


def test_a_lost_notice_can_be_sent_again_by_hand(
    sandbox: Program, merchant: Merchant, shop: Shop
) -> None:
    sandbox.faults(alipay={"notify": {"drop": 1}})
    number = merchant.paid("10.00", shop.url)
    assert until_settled_twist(sandbox, number) == "dropped"
    assert shop.heard == []
    assert sandbox.post(f"/control/alipay/trades/{number}/resend") == {"notices": 1}
    assert merchant.genuine(shop.hear(1)[0])


def until_settled_twist(sandbox: Program, number: str) -> str:
    """What was done to the first attempt, once there is one."""
    while True:
        for attempt in told(sandbox, number)[0]["attempts"]:
            return str(attempt["twist"])


def test_a_late_notice_waits_for_the_sandbox_clock(
    sandbox: Program, merchant: Merchant, shop: Shop
) -> None:
    sandbox.faults(alipay={"notify": {"delay_seconds": 3600}})
    number = merchant.paid("10.00", shop.url)
    assert told(sandbox, number)[0]["sends"] == 0
    sandbox.jump(minutes=60)
    shop.hear(1)


def test_the_end_of_the_refund_window_is_told(
    sandbox: Program, merchant: Merchant, shop: Shop
) -> None:
    number = merchant.paid("10.00", shop.url)
    shop.hear(1)
    sandbox.jump(days=91)
    count = 2  # our answer to the first may not be written yet: then it comes once more before
    while shop.hear(count)[-1]["trade_status"] != "TRADE_FINISHED":
        count += 1
    assert merchant.refund(number, "1.00", "R")["sub_code"] == "ACQ.TRADE_HAS_FINISHED"


def test_an_absent_merchant_is_written_down(sandbox: Program, merchant: Merchant) -> None:
    number = merchant.paid("10.00", "http://127.0.0.1:9/nobody")
    while not (sent := told(sandbox, number)[0]["attempts"]) or sent[0]["answer"] is None:
        pass
    assert sent[0]["status"] is None and "Refused" in sent[0]["answer"]
