"""Trades and refunds: what WeChat Pay believes about money. Pure bookkeeping."""

import json
import secrets
from datetime import datetime, timedelta

from sandbox.clock import BEIJING, stamp
from sandbox.store import Row
from sandbox.wechat_pay import pockets
from sandbox.wechat_pay.orders import Denied, wrong
from sandbox.world import World, digits

LINK_LIFE = timedelta(minutes=5)  # of an h5_url
REFUND_WINDOW = timedelta(days=365)
COMPARED = ("trade_type", "total_minor", "description", "notify_url", "openid", "sub_mchid")


def find(world: World, mchid: str, column: str, number: str) -> Row:
    """A merchant's trade by out_trade_no, combine_no or transaction_id, as it is now."""
    assert column in {"out_trade_no", "combine_no", "transaction_id"}
    trade = world.store.one(
        f"select transaction_id from wechat_trades where mchid = ? and {column} = ?", mchid, number
    )
    if trade is None:
        raise Denied(404, "ORDER_NOT_EXIST", "订单不存在")
    return current(world, trade["transaction_id"])


def current(world: World, transaction_id: str) -> Row:
    """A trade as it is now: closed when its time is over."""
    world.store.run(
        "update wechat_trades set status = 'CLOSED', closed_at = expires_at"
        " where transaction_id = ? and status = 'NOTPAY' and expires_at <= ?",
        transaction_id,
        stamp(world.clock.now()),
    )
    trade = world.store.one("select * from wechat_trades where transaction_id = ?", transaction_id)
    assert trade is not None
    return trade


def create(world: World, merchant: Row, wanted: dict[str, object]) -> Row:
    """The trade of an order, made on first sight; its link lives from now. Raises Denied."""
    now, expires = world.clock.now(), wanted["expires_at"]
    assert isinstance(expires, datetime)
    asked = json.dumps([*(wanted[name] for name in COMPARED), stamp(expires)])
    known = world.store.one(
        "select transaction_id, asked from wechat_trades where mchid = ? and out_trade_no = ?",
        merchant["mchid"],
        str(wanted["out_trade_no"]),
    )
    if known is not None:
        return _again(world, known, asked)
    transaction_id = "4200" + digits(6) + now.astimezone(BEIJING).strftime("%Y%m%d") + digits(10)
    values: dict[str, str | int | None] = {
        "transaction_id": transaction_id,
        "prepay_id": f"wx{now.astimezone(BEIJING):%d%H%M%S}{secrets.token_hex(12)}",
        "mchid": merchant["mchid"],
        "status": "NOTPAY",
        "asked": asked,
        "created_at": stamp(now),
        "expires_at": stamp(expires),
        "link_until": stamp(now + LINK_LIFE),
    }
    for name in ("out_trade_no", "combine_no", "attach", *COMPARED):
        value = wanted[name]
        values[name] = value if isinstance(value, int) or value is None else str(value)
    world.store.insert("wechat_trades", values)
    return current(world, transaction_id)


def _again(world: World, known: Row, asked: str) -> Row:
    trade = current(world, known["transaction_id"])
    if trade["paid_at"]:
        raise Denied(400, "ORDERPAID", "该订单已支付")
    if trade["status"] == "CLOSED":
        raise Denied(400, "ORDER_CLOSED", "该订单已关闭")
    if known["asked"] != asked:
        raise Denied(403, "OUT_TRADE_NO_USED", "201 商户订单号重复")
    world.store.run(
        "update wechat_trades set link_until = ? where transaction_id = ?",
        stamp(world.clock.now() + LINK_LIFE),
        trade["transaction_id"],
    )
    return current(world, trade["transaction_id"])


def pay(world: World, transaction_id: str) -> bool:
    """The buyer pays; True for the one press that moved the money.

    With `wechat_pay.cashier.after_close` his password was on its way when the order was closed.
    """
    trade = current(world, transaction_id)
    late = trade["status"] == "CLOSED" and world.faults.strikes("wechat_pay.cashier.after_close")
    now = world.clock.now()
    fee = (trade["total_minor"] * world.faults.number("wechat_pay.fee_bps") + 5_000) // 10_000
    paid = world.store.run(
        "update wechat_trades set status = 'SUCCESS', paid_at = ?, closed_at = null, fee_minor = ?"
        " where transaction_id = ? and paid_at is null and status in ('NOTPAY', ?)",
        stamp(now),
        fee,
        transaction_id,
        "CLOSED" if late else "NOTPAY",
    )
    if paid:
        owner, pocket, reference = _payee(trade)
        pockets.move(world, owner, pocket, trade["total_minor"] - fee, "payment", reference)
    return paid == 1


def _payee(trade: Row) -> tuple[str, str, str]:
    """Whose pocket a payment goes into, and under which reference."""
    if trade["sub_mchid"] is None:
        return trade["mchid"], "basic", trade["out_trade_no"]
    return trade["sub_mchid"], "frozen", trade["transaction_id"]


def close(world: World, trade: Row) -> None:
    """The merchant closes an unpaid trade; twice is once. Raises Denied."""
    if trade["paid_at"]:
        raise Denied(400, "ORDERPAID", "该订单已支付")
    world.store.run(
        "update wechat_trades set status = 'CLOSED', closed_at = ?"
        " where transaction_id = ? and status = 'NOTPAY'",
        stamp(world.clock.now()),
        trade["transaction_id"],
    )


def refund(world: World, trade: Row, wanted: dict[str, object]) -> Row:
    """Give money back once per out_refund_no. Raises Denied.

    `wanted` holds out_refund_no, amount_minor, total_minor, reason, notify_url, and `advanced`:
    the platform pays it for its sub-merchant, if he has too little: it is a leave, no order.
    """
    amount, number = int(str(wanted["amount_minor"])), str(wanted["out_refund_no"])
    known = refund_of(world, trade["mchid"], number)
    if known is not None:
        same = (known["amount_minor"], known["out_trade_no"]) == (amount, trade["out_trade_no"])
        if not same:
            raise Denied(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
        return known
    _may_refund(world, trade, amount, int(str(wanted["total_minor"])))
    back = _fee_back(trade, amount)
    try:
        _pay_back(world, trade, amount - back, number)
    except Denied:
        if not wanted.get("advanced"):
            raise
        pockets.move(world, trade["mchid"], "basic", back - amount, "advance", number)
    return _write_refund(world, trade, wanted, amount, back)


def _may_refund(world: World, trade: Row, amount: int, total: int) -> None:
    if trade["paid_at"] is None:
        raise Denied(400, "INVALID_REQUEST", "订单未支付，不可退款")
    if stamp(world.clock.now() - REFUND_WINDOW) > trade["paid_at"]:
        raise Denied(400, "INVALID_REQUEST", "订单已超过可退款时间")
    if total != trade["total_minor"]:
        raise wrong("订单金额与原订单不一致")
    if trade["refunded_minor"] + amount > trade["total_minor"]:
        raise wrong("累计退款金额大于支付金额")
    if world.faults.strikes("wechat_pay.refund.no_balance"):
        raise Denied(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")


def _fee_back(trade: Row, amount: int) -> int:
    """The part of the fee that goes back with this refund: over all refunds the whole fee."""
    refunded = int(trade["refunded_minor"]) + amount
    whole, total = int(trade["fee_minor"]), int(trade["total_minor"])
    return (whole * refunded + total // 2) // total - int(trade["fee_back_minor"])


def _pay_back(world: World, trade: Row, minor: int, number: str) -> None:
    """Out of the merchant's takings, or of what a sub-merchant has (frozen while it is)."""
    owner, pocket, reference = _payee(trade)
    if pocket == "frozen":
        if trade["finished_at"]:
            pocket, reference = "available", number
            there = pockets.balance(world, owner, pocket)
        else:
            there = pockets.frozen(world, owner, reference)
        if there < minor:
            raise Denied(403, "NOT_ENOUGH", "二级商户可退余额不足，请先分账回退或充值")
    else:
        reference = number
    pockets.move(world, owner, pocket, -minor, "refund", reference)


def _write_refund(
    world: World, trade: Row, wanted: dict[str, object], amount: int, back: int
) -> Row:
    abnormal = world.faults.strikes("wechat_pay.refund.abnormal")
    waits = abnormal or world.faults.strikes("wechat_pay.refund.processing")
    now = world.clock.now()
    due = now + timedelta(seconds=world.faults.number("wechat_pay.refund.after_seconds"))
    reason, url = wanted["reason"], wanted["notify_url"]
    world.store.run(
        "insert into wechat_refunds (refund_id, mchid, out_trade_no, out_refund_no, amount_minor,"
        " fee_back_minor, reason, notify_url, status, becomes, accepted_at, due_at)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, 'PROCESSING', ?, ?, ?)",
        "5030" + now.astimezone(BEIJING).strftime("%Y%m%d") + digits(14),
        trade["mchid"],
        trade["out_trade_no"],
        str(wanted["out_refund_no"]),
        amount,
        back,
        str(reason) if reason else None,
        str(url) if url else None,
        "ABNORMAL" if abnormal else "SUCCESS",
        stamp(now),
        stamp(due if waits else now),
    )
    world.store.run(
        "update wechat_trades set status = 'REFUND', refunded_minor = refunded_minor + ?,"
        " fee_back_minor = fee_back_minor + ? where transaction_id = ?",
        amount,
        back,
        trade["transaction_id"],
    )
    known = refund_of(world, trade["mchid"], str(wanted["out_refund_no"]))
    assert known is not None
    return known


def refund_of(world: World, mchid: str, out_refund_no: str) -> Row | None:
    """One refund by its number, or None."""
    return world.store.one(
        "select * from wechat_refunds where mchid = ? and out_refund_no = ?", mchid, out_refund_no
    )


def is_advanced(world: World, refund: Row) -> bool:
    """Whether the platform paid it for its sub-merchant."""
    return bool(
        world.store.one(
            "select 1 from wechat_moves where owner = ? and pocket = 'basic' and kind = 'advance'"
            " and reference = ?",
            refund["mchid"],
            refund["out_refund_no"],
        )
    )


def settle_refunds(world: World) -> list[Row]:
    """Refunds whose time has come are done (or stuck); returns those that changed."""
    now = stamp(world.clock.now())
    due = world.store.all(
        "select * from wechat_refunds where status = 'PROCESSING' and due_at <= ? order by rowid",
        now,
    )
    for row in due:
        world.store.run(
            "update wechat_refunds set status = becomes, done_at = due_at, due_at = null"
            " where refund_id = ?",
            row["refund_id"],
        )
    numbers = [(row["mchid"], row["out_refund_no"]) for row in due]
    found = [refund_of(world, mchid, number) for mchid, number in numbers]
    return [row for row in found if row is not None]


def unstick(world: World, refund: Row) -> Row:
    """An abnormal refund that the merchant had paid out another way."""
    world.store.run(
        "update wechat_refunds set status = 'SUCCESS', done_at = ?"
        " where refund_id = ? and status = 'ABNORMAL'",
        stamp(world.clock.now()),
        refund["refund_id"],
    )
    found = refund_of(world, refund["mchid"], refund["out_refund_no"])
    assert found is not None
    return found
