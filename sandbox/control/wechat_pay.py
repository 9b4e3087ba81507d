"""The control API of WeChat Pay."""

import json

from starlette.requests import Request

from sandbox.bank import incomes
from sandbox.control.api import NotFound
from sandbox.store import Row
from sandbox.wechat_pay import (
    books,
    cashier,
    history,
    merchants,
    notices,
    sellers,
    trades,
    transfers,
)
from sandbox.wechat_pay.keys import PlatformKeys
from sandbox.world import World


def merchant(world: World, _request: Request, told: dict[str, object]) -> object:
    """POST /control/wechat_pay/merchants"""
    answer = merchants.register(world, told)
    incomes.pair(world)
    return answer


def rotate(world: World, _request: Request, _told: dict[str, object]) -> object:
    """POST /control/wechat_pay/certificates/rotate: another platform certificate signs."""
    return {"serial_nos": [one["serial_no"] for one in PlatformKeys(world.store).rotate()]}


def _trade(world: World, request: Request) -> Row:
    row = world.store.one(
        "select transaction_id from wechat_trades where out_trade_no = ? and ? in ('', mchid)"
        " order by created_at desc, rowid desc limit 1",
        request.path_params["out_trade_no"],
        request.query_params.get("mchid", ""),
    )
    if row is None:
        raise NotFound("no such trade")
    return trades.current(world, row["transaction_id"])


def trade(world: World, request: Request, _told: dict[str, object]) -> object:
    """GET /control/wechat_pay/trades/{out_trade_no}"""
    return books.trade(world, _trade(world, request))


def pay(world: World, request: Request, _told: dict[str, object]) -> object:
    """POST .../pay: as the person pressing; the answer says how the trade stands now."""
    return books.trade(world, cashier.pay_now(world, _trade(world, request)["transaction_id"]))


def resend(world: World, request: Request, _told: dict[str, object]) -> object:
    """POST .../resend: every notice of the trade once more, now."""
    row = _trade(world, request)
    return {"notices": notices.SENDER.resend(world, row["mchid"], row["out_trade_no"])}


def told_of(world: World, request: Request, _told: dict[str, object]) -> object:
    """GET or POST .../notices: what was sent and what was answered."""
    row = _trade(world, request)
    sent = world.store.all(
        "select id, event_id, kind, event_type, url, state, sends, next_at, made_at"
        " from wechat_notices where mchid = ? and out_trade_no = ? order by id",
        row["mchid"],
        row["out_trade_no"],
    )
    return [{**dict(notice), "attempts": _attempts(world, notice["id"])} for notice in sent]


def _attempts(world: World, notice_id: int) -> list[dict[str, object]]:
    rows = world.store.all(
        "select at, headers, body, twist, status, answer from wechat_attempts"
        " where notice_id = ? order by id",
        notice_id,
    )
    return [{**dict(row), "headers": json.loads(row["headers"])} for row in rows]


def unstick(world: World, request: Request, _told: dict[str, object]) -> object:
    """POST /control/wechat_pay/refunds/{out_refund_no}/unstick: an abnormal refund is paid out."""
    row = world.store.one(
        "select mchid, out_refund_no from wechat_refunds where out_refund_no = ?"
        " order by rowid desc limit 1",
        request.path_params["out_refund_no"],
    )
    refund = trades.refund_of(world, row["mchid"], row["out_refund_no"]) if row else None
    if refund is None or refund["status"] != "ABNORMAL":
        raise NotFound("no such abnormal refund")
    done = trades.unstick(world, refund)
    notices.announce_refunds(world, [done])
    return dict(done)


def past(world: World, _request: Request, told: dict[str, object]) -> object:
    """POST /control/wechat_pay/history {"mchid", "trades": [...]}: paid trades of the past.

    A trade is {"transaction_id", "out_trade_no", "trade_type", "description", "total_minor",
    "created_at", "paid_at", "refunds": [{"out_refund_no", "amount_minor", "reason",
    "refunded_at"}]}; times are UTC stamps, sums fen. What is known is left alone, nothing is
    announced. Raises ValueError.
    """
    return {"written": history.write(world, str(told.get("mchid")), told.get("trades"))}


def sign(world: World, request: Request, _told: dict[str, object]) -> object:
    """POST /control/wechat_pay/applyments/{out_request_no}/sign: as the seller who agrees."""
    row = world.store.one(
        "select mchid, out_request_no from wechat_applyments where out_request_no = ?"
        " order by rowid desc limit 1",
        request.path_params["out_request_no"],
    )
    if row is None:
        raise NotFound("no such application")
    found = sellers.of_number(world, row["mchid"], row["out_request_no"])
    assert found is not None
    sellers.sign(world, found)
    found = sellers.of_number(world, row["mchid"], row["out_request_no"])
    assert found is not None
    return {"state": found["state"], "sub_mchid": found["sub_mchid"]}


def confirm(world: World, request: Request, _told: dict[str, object]) -> object:
    """POST /control/wechat_pay/transfers/{out_bill_no}/confirm: as the person who gets it."""
    row = world.store.one(
        "select * from wechat_transfers where out_bill_no = ? order by rowid desc limit 1",
        request.path_params["out_bill_no"],
    )
    if row is None:
        raise NotFound("no such transfer")
    transfers.confirm(world, row)
    found = transfers.of_number(world, row["mchid"], row["out_bill_no"])
    assert found is not None
    return {"state": found["state"], "fail_reason": found["fail_reason"]}
