"""Notices: what is told, when it is told again, and what goes wrong on the way (PROTOCOLS 1.3).

A notice keeps its id over all sends: at once, then after 15s, 15s, 30s, 3m, 10m, 20m, 30m, 30m,
30m, 60m, 3h, 3h, 3h, 6h and 6h by the sandbox's clock, until 200 or 204 comes back. The status
outranks the body: 200 with {"code":"FAIL"} ends it too.
"""

import json
import secrets
from datetime import timedelta

from sandbox.alipay.keys import new_private_key
from sandbox.clock import unstamp
from sandbox.notices import JSON, Copy, Sender
from sandbox.store import Row
from sandbox.wechat_pay import merchants, trades, views
from sandbox.wechat_pay.keys import rfc3339, sealed, sign_headers
from sandbox.world import World

SECONDS = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
WAITS = [timedelta(seconds=seconds) for seconds in SECONDS]
OLD_SECONDS = 600
SUMS = ("total", "total_amount", "payer_total", "payer_amount")


def announce(world: World, trade: Row) -> None:
    """Tell the merchant about a payment."""
    merchant = _merchant(world, trade["mchid"])
    held = trade["sub_mchid"] is not None
    view = views.combined(merchant, trade) if held else views.direct(merchant, trade)
    _write(world, trade, "pay", "TRANSACTION.SUCCESS", "支付成功", trade["notify_url"], view)


def settle_refunds(world: World) -> None:
    """Decide the refunds that have fallen due, and tell the merchants."""
    announce_refunds(world, trades.settle_refunds(world))


def announce_refunds(world: World, refunds: list[Row]) -> None:
    """Tell the merchants what became of refunds, those who want to know."""
    for refund in refunds:
        if not refund["notify_url"]:
            continue
        merchant = _merchant(world, refund["mchid"])
        trade = trades.find(world, refund["mchid"], "out_trade_no", refund["out_trade_no"])
        view = views.refunded(merchant, trade, refund)
        event = f"REFUND.{refund['status']}"
        _write(world, trade, "refund", event, "退款结果", refund["notify_url"], view)


def _merchant(world: World, mchid: str) -> Row:
    merchant = merchants.find(world, mchid)
    assert merchant is not None
    return merchant


def _write(
    world: World,
    trade: Row,
    kind: str,
    event: str,
    summary: str,
    url: str,
    view: dict[str, object],
) -> None:
    told = {
        "event_id": f"EV-{world.clock.now():%Y%m%d%H%M%S}{secrets.token_hex(8)}",
        "mchid": trade["mchid"],
        "out_trade_no": trade["out_trade_no"],
        "kind": kind,
        "event_type": event,
        "summary": summary,
        "original_type": "transaction" if kind == "pay" else "refund",
        "url": url,
        "resource": json.dumps(view, ensure_ascii=False),
    }
    SENDER.write(world, told, of_payment=kind == "pay")


def _copies(world: World, notice: Row, count: int) -> list[Copy]:
    merchant = _merchant(world, notice["mchid"])
    body, twists = _body(world, merchant, notice)
    probes = world.faults.strikes("wechat_pay.notify.probe")
    copies = [_copy(world, merchant, notice, body, twists) for _ in range(count)]
    return [_probe(world, merchant, notice, body), *copies] if probes else copies


def _body(world: World, merchant: Row, notice: Row) -> tuple[bytes, list[str]]:
    """The envelope around the sealed resource, bent by whatever faults strike; their names."""
    view: dict[str, object] = json.loads(notice["resource"])
    twists = []
    for name in ("amount", "appid", "mchid"):
        wrong = world.faults.word(f"wechat_pay.notify.{name}")
        if wrong is not None:
            _bend(view, name, wrong)
            twists.append(name)
    text = json.dumps(view, ensure_ascii=False)
    envelope = {
        "id": notice["event_id"],
        "create_time": rfc3339(unstamp(notice["made_at"])),
        "resource_type": "encrypt-resource",
        "event_type": notice["event_type"],
        "summary": notice["summary"],
        "resource": {
            "original_type": notice["original_type"],
            **sealed(merchant["apiv3_key"], notice["original_type"], text),
        },
    }
    return json.dumps(envelope, ensure_ascii=False).encode(), twists


def _bend(view: dict[str, object], name: str, wrong: str) -> None:
    """Say something false: another appid or mchid, or another sum in fen."""
    if name != "amount":
        for field in (name, f"combine_{name}", f"sp_{name}"):
            if field in view:
                view[field] = wrong
        return
    orders = view.get("sub_orders")
    amount = (orders[0] if isinstance(orders, list) else view)["amount"]
    assert isinstance(amount, dict)
    amount |= {field: int(wrong) for field in SUMS if field in amount}


def _probe(world: World, merchant: Row, notice: Row, body: bytes) -> Copy:
    """WeChat tries out whether signatures are checked; this one must be refused."""
    headers = sign_headers(world, merchant, body)
    headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"][19:]
    return _post(notice, headers, body, "probe", counts=False)


def _copy(world: World, merchant: Row, notice: Row, body: bytes, twists: list[str]) -> Copy:
    key, late = None, 0
    if world.faults.strikes("wechat_pay.notify.forge"):
        key = new_private_key()
        twists = [*twists, "forged"]
    if world.faults.strikes("wechat_pay.notify.old"):
        late = OLD_SECONDS
        twists = [*twists, "old"]
    headers = sign_headers(world, merchant, body, key, late)
    return _post(notice, headers, body, " ".join(twists))


def _post(
    notice: Row, headers: dict[str, str], body: bytes, twist: str, counts: bool = True
) -> Copy:
    told = {"headers": json.dumps(headers), "body": body.decode(), "twist": twist}
    return Copy(notice["url"], told, JSON | headers, body, counts)


SENDER = Sender(
    rail="wechat_pay",
    notices="wechat_notices",
    attempts="wechat_attempts",
    owner=("mchid", "out_trade_no"),
    waits=WAITS,
    copies=_copies,
    dropped={"headers": "{}", "body": "", "twist": "dropped", "answer": "(never sent)"},
    heard=lambda status, _: status in (200, 204),
    due=("select min(due_at) from wechat_refunds",),
)
