"""The cashier a person presses: pay, or leave without paying. Works without JavaScript."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.baidu_wallet import merchants, notices, trades
from sandbox.clock import beijing, unstamp
from sandbox.pages import problem, render
from sandbox.store import Row
from sandbox.world import World, world_of, yuan

NOT_THERE = ("1002", "订单不存在")


async def show(request: Request) -> Response:
    """GET /baidu/cashier/{bfb_order_no}: amount, payee, subject, two buttons."""
    world, trade = world_of(request), _trade(request)
    if trade is None:
        return problem(request, *NOT_THERE, 404)
    merchant = merchants.find(world, trade["sp_no"])
    assert merchant is not None
    left = unstamp(trade["expires_at"]) - world.clock.now()
    minutes = int(left.total_seconds() // 60) + 1
    return render(
        request,
        "baidu_cashier.html",
        forms_to=_origin(trade["page_url"]),
        trade=trade,
        payee=merchant["name"],
        amount=yuan(trade["total_minor"]),
        refunded=yuan(trade["refunded_minor"]) if trade["refunded_minor"] else None,
        minutes=minutes if minutes <= 120 else None,
        until=beijing(trade["expires_at"]),
        back=_back(world, trade) or trade["page_url"],
    )


async def pay(request: Request) -> Response:
    """POST .../pay: the money moves once; then back to the shop, or the receipt."""
    world, trade = world_of(request), _trade(request)
    if trade is None:
        return problem(request, *NOT_THERE, 404)
    settled = pay_now(world, trade["bfb_order_no"])
    here = f"/baidu/cashier/{trade['bfb_order_no']}"
    return RedirectResponse(_back(world, settled) or here, 303)


def pay_now(world: World, bfb_order_no: str) -> Row:
    """Pay as the person pressing; the merchant is told by the press that moved the money."""
    with world.store.transaction():
        moved = trades.pay(world, bfb_order_no)
        trade = trades.current(world, bfb_order_no)
        if moved:
            notices.announce(world, trade)
    return trade


async def leave(request: Request) -> Response:
    """POST .../leave: back to the shop's page, paid or not."""
    trade = _trade(request)
    if trade is None:
        return problem(request, *NOT_THERE, 404)
    back = _back(world_of(request), trade) or trade["page_url"]
    if back:
        return RedirectResponse(back, 303)
    again = f"/baidu/cashier/{trade['bfb_order_no']}"
    return render(request, "left.html", again=again, back=None)


def _trade(request: Request) -> Row | None:
    world, number = world_of(request), request.path_params["bfb_order_no"]
    if not world.store.one("select 1 from baidu_trades where bfb_order_no = ?", number):
        return None
    return trades.current(world, number)


def _origin(url: str | None) -> str:
    """Where the cashier's forms may end: a browser holds redirects to form-action too."""
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _back(world: World, trade: Row) -> str | None:
    """The signed way back of a paid trade, or None. For display only."""
    merchant = merchants.find(world, trade["sp_no"])
    if not trade["page_url"] or trade["paid_at"] is None or merchant is None:
        return None
    fields = notices.fields_of(trade)
    fields["sign"] = merchants.sign(fields, merchant["key"])
    joint = "&" if urlsplit(trade["page_url"]).query else "?"
    return f"{trade['page_url']}{joint}{merchants.query(fields)}"
