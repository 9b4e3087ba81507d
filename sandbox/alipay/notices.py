"""Asynchronous notices: what is told, when it is told again, and what goes wrong on the way.

A notice keeps its notify_id over all sends (PROTOCOLS 2.3): at once, then after 4m, 10m,
10m, 1h, 2h, 6h and 15h by the sandbox's clock, until the body `success` comes back.
"""

import json
import secrets
from datetime import timedelta
from urllib.parse import urlencode

from sandbox.alipay import apps, trades
from sandbox.alipay.keys import GatewayKeys, new_private_key, sign, signed_text
from sandbox.clock import beijing, stamp
from sandbox.notices import Copy, Sender
from sandbox.store import Row
from sandbox.world import World, yuan

WAITS = [timedelta(minutes=m) for m in (4, 10, 10, 60, 120, 360, 900)]
LEFT_OUT = frozenset({"sign", "sign_type"})
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def announce(world: World, trade: Row, kind: str, extra: dict[str, str] | None = None) -> None:
    """Tell the merchant about a payment, a refund or the end of the refund window."""
    if not trade["notify_url"]:
        return
    fields = _fields(world, trade) | (extra or {})
    told = {
        "notify_id": world.clock.now().strftime("%Y%m%d") + secrets.token_hex(13),
        "app_id": trade["app_id"],
        "out_trade_no": trade["out_trade_no"],
        "kind": kind,
        "url": trade["notify_url"],
        "fields": json.dumps(fields, ensure_ascii=False),
    }
    SENDER.write(world, told, of_payment=kind == "pay")


def _fields(world: World, trade: Row) -> dict[str, str]:
    app = apps.find(world, trade["app_id"])
    assert app is not None
    total = yuan(trade["total_minor"])
    fields = {
        "notify_type": "trade_status_sync",
        "app_id": app["app_id"],
        "auth_app_id": app["app_id"],
        "charset": "utf-8",
        "version": "1.0",
        "out_trade_no": trade["out_trade_no"],
        "trade_no": trade["trade_no"],
        "trade_status": trade["status"],
        "subject": trade["subject"],
        "total_amount": total,
        "receipt_amount": total,
        "buyer_pay_amount": total,
        "invoice_amount": total,
        "point_amount": "0.00",
        "seller_id": app["seller_id"],
        "buyer_id": "2088000000000001",
        "buyer_logon_id": "137******01",
        "gmt_create": beijing(trade["created_at"]),
        "fund_bill_list": json.dumps([{"amount": total, "fundChannel": "ALIPAYACCOUNT"}]),
    }
    if trade["paid_at"]:
        fields["gmt_payment"] = beijing(trade["paid_at"])
    if trade["status"] == "TRADE_CLOSED" and trade["closed_at"]:
        fields["gmt_close"] = beijing(trade["closed_at"])
    if trade["passback_params"]:
        fields["passback_params"] = trade["passback_params"]
    return fields


def announce_refund(world: World, trade: Row, request_no: str) -> None:
    """Tell the merchant about one refund: refund_fee is the sum of all so far."""
    done = trades.refund_of(world, trade, request_no)
    assert done is not None
    extra = {
        "refund_fee": yuan(trade["refunded_minor"]),
        "gmt_refund": beijing(done["refunded_at"]) + ".000",
        "out_biz_no": request_no,
    }
    announce(world, trade, "refund", extra)


def finish_old(world: World) -> None:
    """Tell the merchants whose refund window has ended."""
    for trade in trades.finish_old(world):
        announce(world, trade, "finished")


def _copies(world: World, notice: Row, count: int) -> list[Copy]:
    params, twist = _twisted(world, notice)
    told = {"body": json.dumps(params, ensure_ascii=False), "twist": twist}
    return [Copy(notice["url"], told, FORM, urlencode(params).encode())] * count


def _twisted(world: World, notice: Row) -> tuple[dict[str, str], str]:
    """The signed form to send, bent by whatever faults strike, and their names."""
    faults = world.faults
    params: dict[str, str] = json.loads(notice["fields"])
    twists = []
    at = world.clock.now()
    if faults.strikes("alipay.notify.old"):
        at -= timedelta(days=3)
        twists.append("old")
    params |= {"notify_id": notice["notify_id"], "notify_time": beijing(stamp(at))}
    for name, field in (("amount", "total_amount"), ("app_id", "app_id")):
        wrong = faults.word(f"alipay.notify.{name}")
        if wrong is not None:
            params[field] = wrong
            twists.append(name)
    key = GatewayKeys(world.store).private
    if faults.strikes("alipay.notify.forge"):
        key = new_private_key()
        twists.append("forged")
    params["sign_type"] = "RSA2"
    params["sign"] = sign(key, signed_text(params, LEFT_OUT))
    return params, " ".join(twists)


SENDER = Sender(
    rail="alipay",
    notices="alipay_notices",
    attempts="alipay_attempts",
    owner=("app_id", "out_trade_no"),
    waits=WAITS,
    copies=_copies,
    dropped={"body": "{}", "twist": "dropped", "answer": "(never sent)"},
    heard=lambda status, text: status == 200 and text == "success",
)
