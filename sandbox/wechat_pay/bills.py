"""The day's trade bill: text with a backtick before every cell, totals in the last line."""

import hashlib
import secrets
from datetime import date, datetime, time, timedelta

from sandbox.alipay.bills import bounds
from sandbox.clock import BEIJING, beijing, stamp
from sandbox.store import Row
from sandbox.wechat_pay.orders import Denied, wrong
from sandbox.world import World, digits, yuan

READY = time(10, 0)
COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
TOTALS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)


def offer(world: World, merchant: Row, day: str) -> tuple[str, str]:
    """(SHA1, token) of the bill of a day that is over, from ten o'clock on. Raises Denied."""
    try:
        bill_on = date.fromisoformat(day)
    except ValueError as broken:
        raise wrong("bill_date不正确") from broken
    now = world.clock.now()
    if bill_on >= now.astimezone(BEIJING).date():
        raise wrong("账单日期须早于今天")
    if now < datetime.combine(bill_on + timedelta(days=1), READY, BEIJING):
        raise Denied(400, "STATEMENT_CREATING", "账单生成中，请稍后再试")
    text = written(world, merchant, bill_on)
    if text is None:
        raise Denied(400, "NO_STATEMENT_EXIST", "账单文件不存在")
    token, content = secrets.token_urlsafe(24), text.encode()
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    if world.faults.strikes("wechat_pay.bill.corrupt"):
        content = content[:-2]
    world.store.run(
        "insert into wechat_bills (token, mchid, content, expires_at) values (?, ?, ?, ?)",
        token,
        merchant["mchid"],
        content,
        stamp(now + timedelta(seconds=30)),
    )
    return digest, token


def content(world: World, mchid: str, token: str) -> bytes:
    """The offered file, while the offer stands. Raises Denied."""
    offered = world.store.one(
        "select content from wechat_bills where token = ? and mchid = ? and expires_at > ?",
        token,
        mchid,
        stamp(world.clock.now()),
    )
    if offered is None:
        raise Denied(404, "RESOURCE_NOT_EXISTS", "账单下载地址已失效")
    return bytes(offered["content"])


def written(world: World, merchant: Row, day: date) -> str | None:
    """The bill of one Beijing day, None when nothing happened on it."""
    start, end = bounds(day)
    rows = [_payment(merchant, row) for row in _payments(world, merchant["mchid"], start, end)]
    rows += [_refund(merchant, row) for row in _refunds(world, merchant["mchid"], start, end)]
    if not rows:
        return None
    rows = _planted(world, rows)
    lines = [",".join(f"`{cell}" for cell in _cells(row)) for row in rows]
    return "\n".join([COLUMNS, *lines, TOTALS, _totals(rows)]) + "\n"


Line = dict[str, str | int]


def _planted(world: World, rows: list[Line]) -> list[Line]:
    """The rows with whatever difference is planted in this copy; the totals agree with them."""
    strikes = world.faults.strikes
    first, last = rows[0], rows[-1]
    if strikes("wechat_pay.bill.missing"):
        return rows[:-1]
    if strikes("wechat_pay.bill.amount"):
        return [{**first, "paid": int(first["paid"]) + 1}, *rows[1:]]
    if strikes("wechat_pay.bill.extra"):
        stranger = {"transaction_id": "4200" + digits(24), "number": "X" + digits(19)}
        return [*rows, {**first, **stranger}]
    if strikes("wechat_pay.bill.unknown"):
        return [*rows, {**last, "state": "REVOKED"}]
    return rows


def _payments(world: World, mchid: str, start: str, end: str) -> list[Row]:
    return world.store.all(
        "select * from wechat_trades where mchid = ? and paid_at >= ? and paid_at < ?"
        " order by paid_at, transaction_id",
        mchid,
        start,
        end,
    )


def _refunds(world: World, mchid: str, start: str, end: str) -> list[Row]:
    return world.store.all(
        "select t.*, r.refund_id, r.out_refund_no, r.amount_minor, r.fee_back_minor as back_minor,"
        " r.status as refund_status, r.accepted_at from wechat_refunds r"
        " join wechat_trades t using (mchid, out_trade_no)"
        " where mchid = ? and accepted_at >= ? and accepted_at < ?"
        " order by accepted_at, refund_id",
        mchid,
        start,
        end,
    )


def _payment(merchant: Row, row: Row) -> Line:
    return _line(merchant, row) | {
        "at": beijing(row["paid_at"]),
        "state": "SUCCESS",
        "paid": row["total_minor"],
        "fee": row["fee_minor"],
    }


def _refund(merchant: Row, row: Row) -> Line:
    return _line(merchant, row) | {
        "at": beijing(row["accepted_at"]),
        "state": "REFUND",
        "refund_id": row["refund_id"],
        "refund_no": row["out_refund_no"],
        "refund_state": row["refund_status"] if row["refund_status"] == "SUCCESS" else "PROCESSING",
        "back": row["amount_minor"],
        "fee": -row["back_minor"],
    }


def _line(merchant: Row, row: Row) -> Line:
    return {
        "appid": merchant["appid"],
        "mchid": merchant["mchid"],
        "sub_mchid": row["sub_mchid"] or "0",
        "transaction_id": row["transaction_id"],
        "number": row["out_trade_no"],
        "openid": row["openid"] or "",
        "type": row["trade_type"],
        "what": row["description"],
        "attach": row["attach"] or "",
        "refund_id": "0",
        "refund_no": "0",
        "refund_state": "",
        "paid": 0,
        "back": 0,
        "fee": 0,
    }


def _cells(row: Line) -> list[str]:
    paid, back = yuan(int(row["paid"])), yuan(int(row["back"]))
    head = [row["at"], row["appid"], row["mchid"], row["sub_mchid"], "", row["transaction_id"]]
    who = [row["number"], row["openid"], row["type"], row["state"], "OTHERS", "CNY", paid, "0.00"]
    way = "ORIGINAL" if row["refund_state"] else ""
    gone = [row["refund_id"], row["refund_no"], back, "0.00", way, row["refund_state"]]
    fee = yuan(int(row["fee"])) + "000"
    return [
        str(cell)
        for cell in [*head, *who, *gone, row["what"], row["attach"], fee, "0.60%", paid, back, ""]
    ]


def _totals(rows: list[Line]) -> str:
    paid, back, fee = (sum(int(row[name]) for row in rows) for name in ("paid", "back", "fee"))
    sums = [yuan(paid), yuan(back), "0.00", yuan(fee) + "000", yuan(paid), yuan(back)]
    return ",".join(f"`{cell}" for cell in [str(len(rows)), *sums])
