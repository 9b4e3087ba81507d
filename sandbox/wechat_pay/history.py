"""What a demo did before it began: direct trades that were paid in its past, in one go."""

from datetime import datetime

from sandbox.bank import incomes
from sandbox.clock import BEIJING, stamp, unstamp
from sandbox.wechat_pay import merchants, pockets
from sandbox.world import World, digits


def write(world: World, mchid: str, trades: object) -> int:
    """Write paid trades and their refunds; how many moments were new. Raises ValueError."""
    if merchants.find(world, mchid) is None or not isinstance(trades, list):
        raise ValueError("mchid and trades are needed")
    moments = [at for trade in trades for at in _write(world, mchid, trade)]
    if moments:
        incomes.again(world, mchid, min(moments).astimezone(BEIJING).date())
    return len(moments)


def _write(world: World, mchid: str, trade: object) -> list[datetime]:
    if not isinstance(trade, dict):
        raise ValueError("a trade is an object")
    created, paid = _past(world, trade, "created_at"), _past(world, trade, "paid_at")
    total, number = _fen(trade, "total_minor"), _text(trade, "out_trade_no")
    new = world.store.run(
        "insert into wechat_trades (transaction_id, prepay_id, mchid, out_trade_no, trade_type,"
        " description, total_minor, status, notify_url, asked, created_at, expires_at, link_until,"
        " paid_at) values (?, ?, ?, ?, ?, ?, ?, 'SUCCESS', '', '', ?, ?, ?, ?)"
        " on conflict (mchid, out_trade_no) do nothing",
        _text(trade, "transaction_id"),
        "wx" + digits(30),
        mchid,
        number,
        _text(trade, "trade_type"),
        _text(trade, "description"),
        total,
        *(stamp(at) for at in (created, paid, paid, paid)),
    )
    if new:
        pockets.move(world, mchid, "basic", total, "payment", number, paid)
    refunds = trade.get("refunds", [])
    if not isinstance(refunds, list):
        raise ValueError("refunds is a list")
    return [paid] * new + [at for one in refunds for at in _refund(world, mchid, number, one)]


def _refund(world: World, mchid: str, number: str, one: object) -> list[datetime]:
    if not isinstance(one, dict):
        raise ValueError("a refund is an object")
    at, minor = _past(world, one, "refunded_at"), _fen(one, "amount_minor")
    new = world.store.run(
        "insert into wechat_refunds (refund_id, mchid, out_trade_no, out_refund_no, amount_minor,"
        " fee_back_minor, reason, status, becomes, accepted_at, done_at)"
        " values (?, ?, ?, ?, ?, 0, ?, 'SUCCESS', 'SUCCESS', ?, ?)"
        " on conflict (mchid, out_refund_no) do nothing",
        "5030" + digits(22),
        mchid,
        number,
        _text(one, "out_refund_no"),
        minor,
        _text(one, "reason"),
        stamp(at),
        stamp(at),
    )
    if new:
        world.store.run(
            "update wechat_trades set status = 'REFUND', refunded_minor = refunded_minor + ?"
            " where mchid = ? and out_trade_no = ?",
            minor,
            mchid,
            number,
        )
        pockets.move(world, mchid, "basic", -minor, "refund", _text(one, "out_refund_no"), at)
    return [at] * new


def _text(told: dict[str, object], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 256:
        raise ValueError(f"{name} is missing")
    return value


def _fen(told: dict[str, object], name: str) -> int:
    value = told.get(name)
    if type(value) is not int or value <= 0:
        raise ValueError(f"{name} is whole fen")
    return value


def _past(world: World, told: dict[str, object], name: str) -> datetime:
    at = unstamp(_text(told, name))
    if at > world.clock.now():
        raise ValueError(f"{name} is not in the past")
    return at
