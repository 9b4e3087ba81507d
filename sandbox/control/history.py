"""What a demo did before it began: trades that were paid in its past, written in one go.

The trades get into the same tables as those of the cashier, so that queries, refunds, bills, the
bank's lumps and the books know no difference. Nothing of it is announced: it was, then.
"""

from datetime import datetime

from starlette.requests import Request

from sandbox.bank import booking
from sandbox.clock import BEIJING, stamp, unstamp
from sandbox.world import World


def alipay(world: World, _request: Request, told: dict[str, object]) -> object:
    """POST /control/alipay/history {"app_id", "trades": [...]}: paid trades of the past.

    A trade is {"trade_no", "out_trade_no", "method", "subject", "total_minor", "created_at",
    "paid_at", "refunds": [{"out_request_no", "amount_minor", "reason", "refunded_at"}]}; times
    are UTC stamps, sums fen. What is known already is left alone. Raises ValueError.
    """
    app_id, trades = told.get("app_id"), told.get("trades")
    app = world.store.one("select * from alipay_apps where app_id = ?", str(app_id))
    if app is None or not isinstance(trades, list):
        raise ValueError("app_id and trades are needed")
    moments = [at for trade in trades for at in _write(world, str(app_id), trade)]
    if moments:
        booking.book_again(world, app["seller_id"], min(moments).astimezone(BEIJING).date())
    return {"written": len(moments)}


def _write(world: World, app_id: str, trade: object) -> list[datetime]:
    """Write a trade and its refunds; the moments of what was new."""
    if not isinstance(trade, dict):
        raise ValueError("a trade is an object")
    created, paid = _past(world, trade, "created_at"), _past(world, trade, "paid_at")
    total = _fen(trade, "total_minor")
    new = world.store.run(
        "insert into alipay_trades (trade_no, app_id, out_trade_no, method, subject, total_minor,"
        " status, created_at, expires_at, paid_at) values (?, ?, ?, ?, ?, ?, 'TRADE_SUCCESS', ?,"
        " ?, ?) on conflict (app_id, out_trade_no) do nothing",
        _text(trade, "trade_no"),
        app_id,
        _text(trade, "out_trade_no"),
        _text(trade, "method"),
        _text(trade, "subject"),
        total,
        stamp(created),
        stamp(paid),
        stamp(paid),
    )
    moments = [paid] * new
    refunds = trade.get("refunds", [])
    if not isinstance(refunds, list):
        raise ValueError("refunds is a list")
    return moments + [at for one in refunds for at in _refund(world, app_id, trade, one)]


def _refund(world: World, app_id: str, trade: dict[str, object], one: object) -> list[datetime]:
    if not isinstance(one, dict):
        raise ValueError("a refund is an object")
    at, minor = _past(world, one, "refunded_at"), _fen(one, "amount_minor")
    new = world.store.run(
        "insert into alipay_refunds (app_id, out_trade_no, out_request_no, amount_minor, reason,"
        " refunded_at) values (?, ?, ?, ?, ?, ?)"
        " on conflict (app_id, out_trade_no, out_request_no) do nothing",
        app_id,
        _text(trade, "out_trade_no"),
        _text(one, "out_request_no"),
        minor,
        _text(one, "reason"),
        stamp(at),
    )
    if new:
        world.store.run(
            "update alipay_trades set refunded_minor = refunded_minor + ?,"
            " status = case when refunded_minor + ? = total_minor then 'TRADE_CLOSED'"
            " else status end,"
            " closed_at = case when refunded_minor + ? = total_minor then ? else closed_at end"
            " where app_id = ? and out_trade_no = ?",
            minor,
            minor,
            minor,
            stamp(at),
            app_id,
            _text(trade, "out_trade_no"),
        )
    return [at] * new


def _text(told: dict[str, object], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 256:
        raise ValueError(f"{name} is missing")
    return value


def _fen(told: dict[str, object], name: str) -> int:
    value = told.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} is whole fen")
    return value


def _past(world: World, told: dict[str, object], name: str) -> datetime:
    at = unstamp(_text(told, name))
    if at > world.clock.now():
        raise ValueError(f"{name} is not in the past")
    return at
