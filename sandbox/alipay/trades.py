"""Trades and refunds: what the gateway believes about money. Pure bookkeeping."""

from datetime import datetime, timedelta

from sandbox.clock import BEIJING, stamp, unstamp
from sandbox.store import Row
from sandbox.world import World, digits

REFUND_WINDOW = timedelta(days=90)


class Denied(Exception):
    """The gateway's no: a code, a sub_code and words for the merchant."""

    def __init__(self, sub_code: str, words: str, code: str = "40004") -> None:
        super().__init__(sub_code)
        self.code = code
        self.sub_code = sub_code
        self.words = words


def find(world: World, app_id: str, biz: dict[str, object]) -> Row:
    """The trade named by trade_no or out_trade_no, brought up to date. Raises Denied."""
    trade = world.store.one(
        "select * from alipay_trades where app_id = ?"
        " and case when ? <> '' then trade_no = ? else out_trade_no = ? end",
        app_id,
        *([str(biz.get("trade_no") or "")] * 2),
        str(biz.get("out_trade_no") or ""),
    )
    if trade is None or trade["status"] in {"UNOPENED", "VOID"}:
        raise Denied("ACQ.TRADE_NOT_EXIST", "交易不存在")
    return current(world, trade["trade_no"])


def current(world: World, trade_no: str) -> Row:
    """A trade as it is now: closed when its time is over, finished after 90 days."""
    now = world.clock.now()
    world.store.run(
        "update alipay_trades set status = 'TRADE_CLOSED', closed_at = expires_at"
        " where trade_no = ? and status = 'WAIT_BUYER_PAY' and expires_at <= ?",
        trade_no,
        stamp(now),
    )
    trade = world.store.one("select * from alipay_trades where trade_no = ?", trade_no)
    assert trade is not None
    return trade


def finish_old(world: World) -> list[Row]:
    """Trades whose refund window ends now become TRADE_FINISHED; returns them."""
    limit = stamp(world.clock.now() - REFUND_WINDOW)
    due = world.store.all(
        "select trade_no from alipay_trades where status = 'TRADE_SUCCESS' and paid_at <= ?",
        limit,
    )
    for row in due:
        world.store.run(
            "update alipay_trades set status = 'TRADE_FINISHED' where trade_no = ?",
            row["trade_no"],
        )
    return [current(world, row["trade_no"]) for row in due]


def create(
    world: World, app: Row, method: str, params: dict[str, str], wanted: dict[str, object]
) -> Row:
    """The trade for an order, made on first sight. Raises Denied when it cannot be paid.

    `wanted` holds out_trade_no, subject, total_minor, expires_at (datetime or None),
    quit_url, passback_params and status.
    """
    known = world.store.one(
        "select * from alipay_trades where app_id = ? and out_trade_no = ?",
        app["app_id"],
        str(wanted["out_trade_no"]),
    )
    if known is not None:
        return _again(world, known, wanted)
    now = world.clock.now()
    expires = wanted["expires_at"]
    if isinstance(expires, datetime) and expires <= now:
        raise Denied("ACQ.TRADE_HAS_CLOSE", "订单已超过支付时间")
    trade_no = now.astimezone(BEIJING).strftime("%Y%m%d") + "22001" + digits(15)
    world.store.run(
        "insert into alipay_trades (trade_no, app_id, out_trade_no, method, subject,"
        " total_minor, status, notify_url, return_url, quit_url, passback_params, created_at,"
        " expires_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        trade_no,
        app["app_id"],
        str(wanted["out_trade_no"]),
        method,
        str(wanted["subject"]),
        int(str(wanted["total_minor"])),
        str(wanted["status"]),
        params.get("notify_url"),
        params.get("return_url"),
        _text(wanted["quit_url"]),
        _text(wanted["passback_params"]),
        stamp(now),
        stamp(expires) if isinstance(expires, datetime) else stamp(now + timedelta(days=15)),
    )
    _hold(world, app, trade_no, wanted)
    return current(world, trade_no)


def _hold(world: World, app: Row, trade_no: str, wanted: dict[str, object]) -> None:
    """Keep for whom a trade is held. Raises Denied when he is nobody of this platform's."""
    smid = _text(wanted["smid"])
    if smid is None:
        return
    if not world.store.one(
        "select 1 from alipay_sellers where app_id = ? and smid = ?", app["app_id"], smid
    ):
        raise Denied("ACQ.INVALID_PARAMETER", "二级商户不存在或与平台无受理关系")
    world.store.run(
        "insert into alipay_held (trade_no, smid, days) values (?, ?, ?)",
        trade_no,
        smid,
        int(str(wanted["days"])),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _again(world: World, known: Row, wanted: dict[str, object]) -> Row:
    known = current(world, known["trade_no"])
    if known["status"] in {"TRADE_SUCCESS", "TRADE_FINISHED"}:
        raise Denied("ACQ.TRADE_HAS_SUCCESS", "交易已被支付")
    if known["status"] in {"TRADE_CLOSED", "VOID"}:
        raise Denied("ACQ.TRADE_HAS_CLOSE", "交易已经关闭")
    if known["total_minor"] != wanted["total_minor"]:
        raise Denied("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改")
    held = world.store.one("select smid from alipay_held where trade_no = ?", known["trade_no"])
    if (held["smid"] if held else None) != wanted["smid"]:
        raise Denied("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改")
    if wanted["status"] == "WAIT_BUYER_PAY":
        return open_(world, known["trade_no"])
    return known


def open_(world: World, trade_no: str) -> Row:
    """The buyer sees the cashier: an unopened trade begins to exist."""
    world.store.run(
        "update alipay_trades set status = 'WAIT_BUYER_PAY'"
        " where trade_no = ? and status = 'UNOPENED'",
        trade_no,
    )
    return current(world, trade_no)


def pay(world: World, trade_no: str) -> bool:
    """The buyer pays; True for the one press that moved the money."""
    current(world, trade_no)
    bps = world.faults.number("alipay.fee_bps")
    paid = world.store.run(
        "update alipay_trades set status = 'TRADE_SUCCESS', paid_at = ?,"
        " fee_minor = (total_minor * ? + 5000) / 10000"
        " where trade_no = ? and status = 'WAIT_BUYER_PAY'",
        stamp(world.clock.now()),
        bps,
        trade_no,
    )
    return paid == 1


def close(world: World, trade: Row) -> None:
    """The merchant closes an unpaid trade. Raises Denied."""
    closed = world.store.run(
        "update alipay_trades set status = 'TRADE_CLOSED', closed_at = ?"
        " where trade_no = ? and status = 'WAIT_BUYER_PAY'",
        stamp(world.clock.now()),
        trade["trade_no"],
    )
    if not closed:
        raise Denied("ACQ.TRADE_STATUS_ERROR", "交易状态不合法")


def refund(world: World, trade: Row, request_no: str, minor: int, reason: str | None) -> bool:
    """Give money back once per request_no; True when it moved now. Raises Denied."""
    known = refund_of(world, trade, request_no)
    if known is not None:
        if known["amount_minor"] != minor:
            raise Denied("ACQ.DISCORDANT_REPEAT_REQUEST", "重复请求的退款金额不一致")
        return False
    if trade["status"] == "TRADE_FINISHED":
        raise Denied("ACQ.TRADE_HAS_FINISHED", "交易已完结，不允许退款")
    if trade["status"] == "WAIT_BUYER_PAY" or trade["paid_at"] is None:
        raise Denied("ACQ.TRADE_STATUS_ERROR", "交易状态不合法")
    if trade["refunded_minor"] + minor > trade["total_minor"]:
        raise Denied("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限")
    if world.faults.strikes("alipay.gateway.no_balance"):
        raise Denied("ACQ.SELLER_BALANCE_NOT_ENOUGH", "商户的支付宝账户中无足够的资金进行退款")
    now = stamp(world.clock.now())
    with world.store.transaction():
        world.store.run(
            "insert into alipay_refunds (app_id, out_trade_no, out_request_no, amount_minor,"
            " reason, refunded_at) values (?, ?, ?, ?, ?, ?)",
            trade["app_id"],
            trade["out_trade_no"],
            request_no,
            minor,
            reason,
            now,
        )
        world.store.run(
            "update alipay_trades set refunded_minor = refunded_minor + ?,"
            " status = case when refunded_minor + ? = total_minor then 'TRADE_CLOSED'"
            " else status end,"
            " closed_at = case when refunded_minor + ? = total_minor then ? else closed_at end"
            " where trade_no = ?",
            minor,
            minor,
            minor,
            now,
            trade["trade_no"],
        )
    return True


def refund_of(world: World, trade: Row, request_no: str) -> Row | None:
    """One refund by its number, or None."""
    return world.store.one(
        "select * from alipay_refunds where app_id = ? and out_trade_no = ? and out_request_no = ?",
        trade["app_id"],
        trade["out_trade_no"],
        request_no,
    )


def left_until(world: World, trade: Row) -> timedelta:
    """How long the buyer may still pay; the clock is the sandbox's."""
    return unstamp(trade["expires_at"]) - world.clock.now()
