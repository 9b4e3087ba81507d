"""Trades and refunds: what Baidu Wallet believes about money. Pure bookkeeping."""

from datetime import datetime, timedelta

from sandbox.clock import BEIJING, stamp
from sandbox.store import Row
from sandbox.world import World, digits

LIFE = timedelta(days=2)


class Denied(Exception):
    """A no: a code and words. The codes of refunds are ours, nobody published theirs."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(code)
        self.code = code
        self.words = words


def find(world: World, sp_no: str, order_no: str) -> Row | None:
    """The trade of a merchant's number, brought up to date; None when it was never opened."""
    row = world.store.one(
        "select bfb_order_no from baidu_trades where sp_no = ? and order_no = ?", sp_no, order_no
    )
    return current(world, row["bfb_order_no"]) if row else None


def current(world: World, bfb_order_no: str) -> Row:
    """A trade as it is now: closed when its time is over."""
    world.store.run(
        "update baidu_trades set status = 'CLOSED'"
        " where bfb_order_no = ? and status = 'WAITING' and expires_at <= ?",
        bfb_order_no,
        stamp(world.clock.now()),
    )
    trade = world.store.one("select * from baidu_trades where bfb_order_no = ?", bfb_order_no)
    assert trade is not None
    return trade


def open_(world: World, fields: dict[str, str], total_minor: int, until: datetime | None) -> Row:
    """The trade of a merchant's order, made on first sight. Raises Denied."""
    known = find(world, fields["sp_no"], fields["order_no"])
    if known is not None:
        if known["total_minor"] != total_minor:
            raise Denied("5802", "订单金额与之前不一致")
        return known
    now = world.clock.now()
    if until is not None and until <= now:
        raise Denied("5802", "订单已过期")
    number = now.astimezone(BEIJING).strftime("%Y%m%d") + digits(20)
    world.store.run(
        "insert into baidu_trades (bfb_order_no, sp_no, order_no, goods_name, total_minor,"
        " status, sign_method, notify_url, page_url, created_at, expires_at)"
        " values (?, ?, ?, ?, ?, 'WAITING', ?, ?, ?, ?, ?)",
        number,
        fields["sp_no"],
        fields["order_no"],
        fields["goods_name"],
        total_minor,
        fields["sign_method"],
        fields["return_url"],
        fields.get("page_url"),
        stamp(now),
        stamp(until or now + LIFE),
    )
    return current(world, number)


def pay(world: World, bfb_order_no: str) -> bool:
    """The buyer pays; True for the one press that moved the money."""
    current(world, bfb_order_no)
    paid = world.store.run(
        "update baidu_trades set status = 'PAID', paid_at = ?,"
        " fee_minor = (total_minor * ? + 5000) / 10000"
        " where bfb_order_no = ? and status = 'WAITING'",
        stamp(world.clock.now()),
        world.faults.number("baidu_wallet.fee_bps"),
        bfb_order_no,
    )
    return paid == 1


def close(world: World, trade: Row) -> None:
    """The merchant cancels an unpaid trade. Raises Denied."""
    if trade["status"] == "PAID":
        raise Denied("5901", "订单已支付，不能取消")
    world.store.run(
        "update baidu_trades set status = 'CLOSED' where bfb_order_no = ?", trade["bfb_order_no"]
    )


def refund(world: World, trade: Row, number: str, minor: int) -> bool:
    """Give money back once per number; True when it moved now. Raises Denied."""
    known = refund_of(world, trade["sp_no"], number)
    if known is not None:
        if (known["amount_minor"], known["order_no"]) != (minor, trade["order_no"]):
            raise Denied("5902", "退款流水号重复")
        return False
    if trade["status"] != "PAID":
        raise Denied("5903", "订单未支付，不能退款")
    if trade["refunded_minor"] + minor > trade["total_minor"]:
        raise Denied("5904", "退款金额超过可退金额")
    if world.faults.strikes("baidu_wallet.refund.no_balance"):
        raise Denied("5905", "商户余额不足")
    with world.store.transaction():
        world.store.run(
            "insert into baidu_refunds (sp_no, order_no, sp_refund_no, amount_minor, refunded_at)"
            " values (?, ?, ?, ?, ?)",
            trade["sp_no"],
            trade["order_no"],
            number,
            minor,
            stamp(world.clock.now()),
        )
        world.store.run(
            "update baidu_trades set refunded_minor = refunded_minor + ? where bfb_order_no = ?",
            minor,
            trade["bfb_order_no"],
        )
    return True


def refund_of(world: World, sp_no: str, number: str) -> Row | None:
    """One refund by its number, or None."""
    return world.store.one(
        "select * from baidu_refunds where sp_no = ? and sp_refund_no = ?", sp_no, number
    )


def takings(world: World, sp_no: str, start: str, end: str) -> int:
    """What a span brought: payments without their fees, less refunds."""
    took = world.store.number(
        "select coalesce(sum(total_minor - fee_minor), 0) from baidu_trades"
        " where sp_no = ? and paid_at >= ? and paid_at < ?",
        sp_no,
        start,
        end,
    )
    return took - world.store.number(
        "select coalesce(sum(amount_minor), 0) from baidu_refunds"
        " where sp_no = ? and refunded_at >= ? and refunded_at < ?",
        sp_no,
        start,
        end,
    )
