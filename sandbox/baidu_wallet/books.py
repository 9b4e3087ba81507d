"""The books of Baidu Wallet, as anyone may read them: no keys, whole fen, oldest first."""

from sandbox.baidu_wallet import trades
from sandbox.store import Row
from sandbox.world import World

SHOWN = (
    "sp_no, order_no, bfb_order_no, goods_name, total_minor, refunded_minor, fee_minor, status,"
    " created_at, expires_at, paid_at"
)


def trade(world: World, row: Row) -> dict[str, object]:
    """One trade with its refunds."""
    refunds = world.store.all(
        "select sp_refund_no, amount_minor, refunded_at from baidu_refunds"
        " where sp_no = ? and order_no = ? order by rowid",
        row["sp_no"],
        row["order_no"],
    )
    shown = {name: row[name] for name in SHOWN.split(", ")}
    return {**shown, "refunds": [dict(refund) for refund in refunds]}


def everything(world: World) -> dict[str, object]:
    """Baidu Wallet's part of /books.json."""
    store = world.store
    for row in store.all("select bfb_order_no from baidu_trades where status = 'WAITING'"):
        trades.current(world, row["bfb_order_no"])
    return {
        "merchants": _rows(world, "select sp_no, name, opened_at from baidu_merchants"),
        "trades": _rows(world, f"select {SHOWN} from baidu_trades"),
        "refunds": _rows(world, "select * from baidu_refunds"),
    }


def notices(world: World, row: Row) -> list[dict[str, object]]:
    """All notices of a trade, each with its attempts."""
    sent = world.store.all(
        "select id, kind, url, state, sends, next_at, made_at from baidu_notices"
        " where sp_no = ? and order_no = ? order by id",
        row["sp_no"],
        row["order_no"],
    )
    told = "select at, query, status, answer from baidu_attempts where notice_id = ? order by id"
    return [
        {**dict(one), "attempts": [dict(each) for each in world.store.all(told, one["id"])]}
        for one in sent
    ]


def _rows(world: World, select: str) -> list[dict[str, object]]:
    return [dict(row) for row in world.store.all(f"{select} order by rowid")]
