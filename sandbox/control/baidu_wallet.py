"""The control API of Baidu Wallet."""

from starlette.requests import Request

from sandbox.baidu_wallet import books, cashier, merchants, notices, trades
from sandbox.bank import incomes
from sandbox.control.api import NotFound
from sandbox.store import Row
from sandbox.world import World


def merchant(world: World, _request: Request, told: dict[str, object]) -> object:
    """POST /control/baidu_wallet/merchants {"name"}"""
    name = told.get("name", "shop")
    if not isinstance(name, str) or not 0 < len(name) <= 100:
        raise ValueError("name is text")
    answer = merchants.register(world, name)
    incomes.pair(world)
    return answer


def _trade(world: World, request: Request) -> Row:
    row = world.store.one(
        "select bfb_order_no from baidu_trades where order_no = ? and ? in ('', sp_no)"
        " order by created_at desc, rowid desc limit 1",
        request.path_params["order_no"],
        request.query_params.get("sp_no", ""),
    )
    if row is None:
        raise NotFound("no such trade (the buyer has not opened the cashier)")
    return trades.current(world, row["bfb_order_no"])


def trade(world: World, request: Request, _told: dict[str, object]) -> object:
    """GET /control/baidu_wallet/trades/{order_no}"""
    return books.trade(world, _trade(world, request))


def pay(world: World, request: Request, _told: dict[str, object]) -> object:
    """POST .../pay: as the person pressing; the answer says how the trade stands now."""
    return books.trade(world, cashier.pay_now(world, _trade(world, request)["bfb_order_no"]))


def resend(world: World, request: Request, _told: dict[str, object]) -> object:
    """POST .../resend: every notice of the trade once more, now."""
    row = _trade(world, request)
    return {"notices": notices.SENDER.resend(world, row["sp_no"], row["order_no"])}


def told_of(world: World, request: Request, _told: dict[str, object]) -> object:
    """GET or POST .../notices: what was sent and what was answered."""
    return books.notices(world, _trade(world, request))
