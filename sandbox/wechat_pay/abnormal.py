"""Refunds that got stuck (ABNORMAL): sent on to the buyer's debit card, or to the merchant."""

import re
from datetime import timedelta

from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.wechat_pay.keys import PlatformKeys, Unreadable
from sandbox.wechat_pay.orders import Body, Denied, text, wrong
from sandbox.world import World

CARD = re.compile(r"\d{12,19}")
BANK_TYPE = re.compile(r"[A-Z]{2,8}_DEBIT")


def redirect(world: World, refund: Row, body: Body, sealed_by: str) -> None:
    """The refund is on its way again, once. Raises Denied."""
    kind = body.get("type")
    if kind not in ("USER_BANK_CARD", "MERCHANT_BANK_CARD"):
        raise wrong("type不正确")
    if refund["status"] != "ABNORMAL":
        raise Denied(400, "INVALID_REQUEST", "退款单状态不是退款异常")
    bank, tail = "", ""
    if kind == "USER_BANK_CARD":
        bank = text(body, "bank_type", 32)
        number = _unsealed(world, sealed_by, body, "bank_account")
        _unsealed(world, sealed_by, body, "real_name")
        if not BANK_TYPE.fullmatch(bank) or not CARD.fullmatch(number):
            raise wrong("bank_type或bank_account不正确")
        tail = number[-4:]
    now = world.clock.now()
    due = now + timedelta(seconds=world.faults.number("wechat_pay.refund.after_seconds"))
    again = world.faults.strikes("wechat_pay.refund.abnormal")
    world.store.run(
        "update wechat_refunds set status = 'PROCESSING', becomes = ?, due_at = ?"
        " where refund_id = ?",
        "ABNORMAL" if again else "SUCCESS",
        stamp(due),
        refund["refund_id"],
    )
    world.store.run(
        "insert into wechat_redirects (refund_id, kind, bank_type, tail, at)"
        " values (?, ?, ?, ?, ?)",
        refund["refund_id"],
        kind,
        bank,
        tail,
        stamp(now),
    )


def _unsealed(world: World, sealed_by: str, body: Body, name: str) -> str:
    try:
        return PlatformKeys(world.store).open(sealed_by, text(body, name, 4096))
    except Unreadable as no:
        raise wrong(f"{name}敏感信息解密失败，请检查Wechatpay-Serial") from no
