"""Refunds at WeChat Pay: done only when it says so, and one number means one sum."""

from typing import Any

import pytest

from littleshop.errors import Conflict
from littleshop.money import Money
from littleshop.pay.gateways.contract import Reason
from littleshop.pay.gateways.wechat_pay import WechatPay, open_rail
from tests.pay.gateways.conftest import StillClock, giving_back
from tests.pay.gateways.small_wechat_pay import SmallWechatPay
from tests.pay.gateways.test_wechat_pay_calls import PAID, QUERY, REFUNDED, no, rail, wechat

__all__ = ["rail", "wechat"]
REFUND = "POST /v3/refund/domestic/refunds"
REFUND_QUERY = "GET /v3/refund/domestic/refunds/F0000000000000000001"


@pytest.mark.parametrize(
    ("answer", "after", "status", "reason"),
    [
        ((200, REFUNDED), None, "done", None),
        ((200, {**REFUNDED, "status": "PROCESSING"}), None, "pending", None),
        ((200, {**REFUNDED, "status": "ABNORMAL"}), None, "failed", Reason.BUYER_ACCOUNT),
        ((200, {**REFUNDED, "status": "CLOSED"}), None, "failed", Reason.ALREADY_CLOSED),
        (no(500, "SYSTEM_ERROR"), (200, REFUNDED), "done", None),
        (no(500, "SYSTEM_ERROR"), no(404, "RESOURCE_NOT_EXISTS"), "pending", None),
        (no(403, "NOT_ENOUGH"), no(404, "RESOURCE_NOT_EXISTS"), "failed", Reason.SELLER_FUNDS),
        (no(403, "NOT_ENOUGH"), (200, REFUNDED), "done", None),
        (no(403, "NO_AUTH"), None, "failed", Reason.NOT_ALLOWED),
        (
            no(404, "RESOURCE_NOT_EXISTS"),
            no(404, "RESOURCE_NOT_EXISTS"),
            "failed",
            Reason.NOT_CREATED,
        ),
        (no(400, "INVALID_REQUEST"), (200, REFUNDED), "done", None),
        (
            no(400, "PARAM_ERROR", "退款金额大于支付金额"),
            no(404, "RESOURCE_NOT_EXISTS"),
            "failed",
            Reason.AMOUNT,
        ),
        (
            no(400, "PARAM_ERROR", "reason不正确"),
            no(404, "RESOURCE_NOT_EXISTS"),
            "failed",
            Reason.BAD_REQUEST,
        ),
    ],
)
async def test_a_refund_is_done_only_when_wechat_says_so(
    rail: WechatPay,
    wechat: SmallWechatPay,
    answer: tuple[int, dict[str, Any]],
    after: tuple[int, dict[str, Any]] | None,
    status: str,
    reason: Reason | None,
) -> None:
    wechat.answers[REFUND] = answer
    wechat.answers[QUERY] = (200, PAID)
    if after is not None:
        wechat.answers[REFUND_QUERY] = after
    found = await rail.refund(giving_back())
    assert (found.status, found.reason) == (status, reason)
    assert found.status != "done" or found.amount == Money(1000, "CNY")
    amount = {"refund": 1000, "total": 8888, "currency": "CNY"}
    assert wechat.content(0)["amount"] == amount
    assert "notify_url" not in wechat.content(0)


async def test_the_same_refund_with_another_sum_is_a_conflict(
    rail: WechatPay, wechat: SmallWechatPay
) -> None:
    wechat.answers[REFUND] = no(400, "INVALID_REQUEST", "退款金额与之前请求不一致")
    wechat.answers[REFUND_QUERY] = (200, REFUNDED)
    with pytest.raises(Conflict):
        await rail.refund(giving_back(999))
    with pytest.raises(Conflict):
        await rail.refund_query(giving_back(999))


async def test_refunds_are_told_where_the_settings_say(wechat: SmallWechatPay) -> None:
    settings = {**wechat.rail, "refund_notify_url": "https://shop.test/callbacks/wechat_pay"}
    rail = open_rail(settings, StillClock(), wechat.transport())
    wechat.answers[REFUND] = (200, REFUNDED)
    await rail.refund(giving_back())
    assert wechat.content()["notify_url"] == "https://shop.test/callbacks/wechat_pay"
    await rail.disconnect()
