"""The sandbox's books, as anyone may read them: no keys, whole fen, newest last."""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.alipay import books as alipay
from sandbox.alipay import trades
from sandbox.baidu_wallet import books as baidu_wallet
from sandbox.bank import booking
from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.stripe import books as stripe
from sandbox.wechat_pay import books as wechat_pay
from sandbox.world import World, world_of


def trade(world: World, row: Row) -> dict[str, object]:
    """One trade with its refunds."""
    now = trades.current(world, row["trade_no"])
    refunds = world.store.all(
        "select out_request_no, amount_minor, reason, refunded_at from alipay_refunds"
        " where app_id = ? and out_trade_no = ? order by refunded_at, out_request_no",
        now["app_id"],
        now["out_trade_no"],
    )
    return {**dict(now), "refunds": [dict(refund) for refund in refunds]}


def notices(world: World, app_id: str, out_trade_no: str) -> list[dict[str, object]]:
    """All notices of a trade, each with its attempts."""
    rows = world.store.all(
        "select id, notify_id, kind, url, state, sends, next_at, made_at from alipay_notices"
        " where app_id = ? and out_trade_no = ? order by id",
        app_id,
        out_trade_no,
    )
    return [{**dict(row), "attempts": attempts(world, row["id"])} for row in rows]


def attempts(world: World, notice_id: int) -> list[dict[str, object]]:
    """Every send of one notice: when, the form, the twist, the answer."""
    rows = world.store.all(
        "select at, body, twist, status, answer from alipay_attempts where notice_id = ?"
        " order by id",
        notice_id,
    )
    return [{**dict(row), "body": json.loads(row["body"])} for row in rows]


def _alipay(world: World) -> dict[str, object]:
    store = world.store
    for row in store.all("select trade_no from alipay_trades where status = 'WAIT_BUYER_PAY'"):
        trades.current(world, row["trade_no"])
    apps = store.all("select app_id, seller_id, name, mode, opened_at from alipay_apps")
    return {
        "apps": [dict(row) for row in apps],
        "trades": [
            dict(row)
            for row in store.all(
                "select app_id, out_trade_no, trade_no, method, subject, total_minor,"
                " refunded_minor, fee_minor, status, created_at, expires_at, paid_at, closed_at"
                " from alipay_trades order by rowid"
            )
        ],
        "refunds": [dict(row) for row in store.all("select * from alipay_refunds order by rowid")],
        **alipay.more(world),
    }


def _bank(world: World) -> dict[str, object]:
    booking.settle_due(world)
    store = world.store
    accounts = store.all(
        "select account, name, cnaps, seller_id, opening_minor, opened_on from bank_accounts"
        " order by rowid"
    )
    days = store.all(
        "select account, value_on, sum(amount_minor) as net_minor, count(*) as entries"
        " from bank_entries group by account, value_on order by value_on, account"
    )
    return {
        "accounts": [
            {**dict(row), "balance_minor": booking.balance(world, row["account"])}
            for row in accounts
        ],
        "transfers": [dict(row) for row in store.all("select * from bank_transfers order by id")],
        "entries": [dict(row) for row in store.all("select * from bank_entries order by id")],
        "statements": [dict(row) for row in days],
    }


async def everything(request: Request) -> Response:
    """GET /books.json"""
    world = world_of(request)
    with world.store.transaction():
        booking.settle_due(world)
        books = {
            "at": stamp(world.clock.now()),
            "alipay": _alipay(world),
            "wechat_pay": wechat_pay.everything(world),
            "stripe": stripe.everything(world),
            "baidu_wallet": baidu_wallet.everything(world),
            "bank": _bank(world),
        }
    return JSONResponse(books)
