"""Notices by GET: what is told, when it is told again, and what goes wrong on the way.

The schedule is ours (none was found): at once, then after 1m, 5m, 10m, 30m, 1h and 6h, until a
page comes back whose head holds <meta name="VIP_BFB_PAYMENT" content="BAIFUBAO">.
"""

import json
from datetime import timedelta

from sandbox.baidu_wallet import merchants
from sandbox.clock import BEIJING, unstamp
from sandbox.notices import Copy, Sender
from sandbox.store import Row
from sandbox.world import World

WAITS = [timedelta(minutes=m) for m in (1, 5, 10, 30, 60, 360)]
HEARD = '<meta name="VIP_BFB_PAYMENT" content="BAIFUBAO">'


def digits_of(text: str) -> str:
    """A stamp as Baidu writes times: Beijing's, digits only."""
    return unstamp(text).astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def payment(trade: Row) -> dict[str, str]:
    """What notices and queries say of a payment, without its state."""
    paid = {"pay_time": digits_of(trade["paid_at"])} if trade["paid_at"] else {}
    return {
        "sp_no": trade["sp_no"],
        "order_no": trade["order_no"],
        "bfb_order_no": trade["bfb_order_no"],
        "bfb_order_create_time": digits_of(trade["created_at"]),
        **paid,
        "pay_type": "2",
        "unit_amount": "",
        "total_amount": str(trade["total_minor"]),
        "fee_amount": str(trade["fee_minor"]),
        "currency": "1",
        "buyer_sp_username": "顾客",
    }


def fields_of(trade: Row) -> dict[str, str]:
    """What a notice of a payment and the way back through the browser say."""
    fixed = {"pay_result": "1", "input_charset": "1", "version": "2", "extra": ""}
    return {**payment(trade), **fixed, "sign_method": trade["sign_method"]}


def announce(world: World, trade: Row) -> None:
    """Tell the merchant about a payment."""
    _write(world, trade, "pay", trade["notify_url"], fields_of(trade))


def announce_refund(world: World, trade: Row, number: str, minor: int, url: str | None) -> None:
    """Tell the merchant about a refund, where the refund asked for it."""
    if not url:
        return
    fields = {
        "bfb_order_no": trade["bfb_order_no"],
        "cashback_amount": str(minor),
        "order_no": trade["order_no"],
        "ret_code": "1",
        "ret_detail": "退款成功",
        "sp_no": trade["sp_no"],
        "sp_refund_no": number,
        "sign_method": trade["sign_method"],
    }
    _write(world, trade, "refund", url, fields)


def _write(world: World, trade: Row, kind: str, url: str, fields: dict[str, str]) -> None:
    told = {
        "sp_no": trade["sp_no"],
        "order_no": trade["order_no"],
        "kind": kind,
        "url": url,
        "fields": json.dumps(fields, ensure_ascii=False),
    }
    SENDER.write(world, told, of_payment=kind == "pay")


def _copies(world: World, notice: Row, count: int) -> list[Copy]:
    query = _query(world, notice)
    return [Copy(f"{notice['url']}?{query}", {"query": query}, {}, None)] * count


def _query(world: World, notice: Row) -> str:
    """The signed query to send, bent by whatever faults strike."""
    merchant = merchants.find(world, notice["sp_no"])
    assert merchant is not None
    fields: dict[str, str] = json.loads(notice["fields"])
    wrong = world.faults.word("baidu_wallet.notify.amount")
    if wrong is not None and "total_amount" in fields:
        fields["total_amount"] = wrong
    forged = world.faults.strikes("baidu_wallet.notify.forge")
    fields["sign"] = merchants.sign(fields, "0" * 32 if forged else merchant["key"])
    return merchants.query(fields)


SENDER = Sender(
    rail="baidu_wallet",
    notices="baidu_notices",
    attempts="baidu_attempts",
    owner=("sp_no", "order_no"),
    waits=WAITS,
    copies=_copies,
    dropped={"query": "(never sent)"},
    heard=lambda status, text: status == 200 and HEARD in text,
)
