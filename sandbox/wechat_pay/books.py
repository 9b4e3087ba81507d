"""The books of WeChat Pay, as anyone may read them."""

from sandbox.store import Row
from sandbox.wechat_pay import pockets, settling, trades
from sandbox.world import World

HIDDEN = {"asked", "notify_url", "back_url", "link_until"}


def trade(world: World, row: Row) -> dict[str, object]:
    """One trade with its refunds."""
    refunds = world.store.all(
        "select out_refund_no, amount_minor, reason, status, accepted_at, done_at"
        " from wechat_refunds where mchid = ? and out_trade_no = ? order by rowid",
        row["mchid"],
        row["out_trade_no"],
    )
    shown = {name: row[name] for name in row.keys() if name not in HIDDEN}  # noqa: SIM118
    return {**shown, "refunds": [dict(refund) for refund in refunds]}


def everything(world: World) -> dict[str, object]:
    """WeChat's part of /books.json: no keys, whole fen, oldest first."""
    settling.settle_due(world)
    store = world.store
    for row in store.all("select transaction_id from wechat_trades where status = 'NOTPAY'"):
        trades.current(world, row["transaction_id"])
    owners = store.all("select distinct owner, pocket from wechat_moves order by owner, pocket")
    return {
        "merchants": _rows(
            world, "select mchid, appid, name, mode, ecommerce, opened_at from wechat_merchants"
        ),
        "trades": [
            {name: row[name] for name in row.keys() if name not in HIDDEN}  # noqa: SIM118
            for row in store.all("select * from wechat_trades order by rowid")
        ],
        "refunds": _rows(world, "select * from wechat_refunds"),
        "redirects": _rows(world, "select * from wechat_redirects"),
        "applyments": _rows(
            world,
            "select applyment_id, mchid, out_request_no, shop_name, state, sub_mchid, made_at"
            " from wechat_applyments",
        ),
        "splits": _rows(world, "select * from wechat_splits"),
        "returns": _rows(world, "select * from wechat_returns"),
        "withdrawals": _rows(world, "select * from wechat_withdrawals"),
        "transfers": _rows(
            world,
            "select transfer_bill_no, mchid, out_bill_no, openid, amount_minor, state,"
            " fail_reason, made_at, changed_at from wechat_transfers",
        ),
        "moves": _rows(world, "select * from wechat_moves"),
        "pockets": [
            {**dict(row), "balance_minor": pockets.balance(world, row["owner"], row["pocket"])}
            for row in owners
        ],
    }


def _rows(world: World, select: str) -> list[dict[str, object]]:
    return [dict(row) for row in world.store.all(f"{select} order by rowid")]
