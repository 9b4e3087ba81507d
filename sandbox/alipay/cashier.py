"""The cashier a person presses: pay, or leave without paying. Works without JavaScript."""

from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.alipay import apps, holding, notices, trades
from sandbox.alipay.keys import GatewayKeys, sign, signed_text
from sandbox.clock import beijing, stamp
from sandbox.pages import problem, render
from sandbox.store import Row
from sandbox.world import World, world_of, yuan


async def scan(request: Request) -> Response:
    """GET /alipay/qr/{trade_no}: a scanned QR code opens its trade."""
    trade = _trade(request)
    if trade is None:
        return problem(request, "ACQ.TRADE_NOT_EXIST", "交易不存在", 404)
    trades.open_(world_of(request), trade["trade_no"])
    return RedirectResponse(f"/alipay/cashier/{trade['trade_no']}", 303)


async def show(request: Request) -> Response:
    """GET /alipay/cashier/{trade_no}: amount, payee, subject, two buttons."""
    world, trade = world_of(request), _trade(request)
    if trade is None or trade["status"] in {"UNOPENED", "VOID"}:
        return problem(request, "ACQ.TRADE_NOT_EXIST", "交易不存在", 404)
    app = apps.find(world, trade["app_id"])
    assert app is not None
    minutes = int(trades.left_until(world, trade).total_seconds() // 60) + 1
    return render(
        request,
        "cashier.html",
        forms_to=_origins(trade),
        trade=trade,
        payee=app["name"],
        amount=yuan(trade["total_minor"]),
        refunded=yuan(trade["refunded_minor"]) if trade["refunded_minor"] else None,
        minutes=minutes if minutes <= 120 else None,
        until=beijing(trade["expires_at"]),
        back=_back(world, trade),
    )


async def pay(request: Request) -> Response:
    """POST .../pay: the money moves once; then back to the shop, or the receipt."""
    world, trade = world_of(request), _trade(request)
    if trade is None:
        return problem(request, "ACQ.TRADE_NOT_EXIST", "交易不存在", 404)
    settled = pay_now(world, trade["trade_no"])
    if settled["paid_at"] is None:
        return RedirectResponse(f"/alipay/cashier/{trade['trade_no']}", 303)
    back = _back(world, settled)
    return RedirectResponse(back or f"/alipay/cashier/{trade['trade_no']}", 303)


def pay_now(world: World, trade_no: str) -> Row:
    """Pay as the person pressing; the merchant is told by the press that moved it."""
    with world.store.transaction():
        trades.open_(world, trade_no)
        moved = trades.pay(world, trade_no)
        trade = trades.current(world, trade_no)
        if moved:
            holding.paid(world, trade)
            notices.announce(world, trade, "pay")
    return trade


async def leave(request: Request) -> Response:
    """POST .../leave: back to where the shop wants those who did not pay."""
    trade = _trade(request)
    if trade is None:
        return problem(request, "ACQ.TRADE_NOT_EXIST", "交易不存在", 404)
    if trade["quit_url"]:
        return RedirectResponse(trade["quit_url"], 303)
    back = _back(world_of(request), trade) if trade["paid_at"] else trade["return_url"]
    again = f"/alipay/cashier/{trade['trade_no']}"
    return render(request, "left.html", again=again, back=back)


def _trade(request: Request) -> Row | None:
    world, trade_no = world_of(request), request.path_params["trade_no"]
    if not world.store.one("select 1 from alipay_trades where trade_no = ?", trade_no):
        return None
    return trades.current(world, trade_no)


def _origins(trade: Row) -> str:
    """Where the cashier's forms may end: a browser holds redirects to form-action too."""
    found = set()
    for url in (trade["return_url"], trade["quit_url"]):
        if url:
            parts = urlsplit(url)
            found.add(f"{parts.scheme}://{parts.netloc}")
    return " ".join(sorted(found))


def _back(world: World, trade: Row) -> str | None:
    """The signed browser return of a paid trade, or None. For display only."""
    if not trade["return_url"] or trade["paid_at"] is None:
        return None
    app = apps.find(world, trade["app_id"])
    assert app is not None
    params = {
        "charset": "utf-8",
        "out_trade_no": trade["out_trade_no"],
        "method": trade["method"] + ".return",
        "total_amount": yuan(trade["total_minor"]),
        "trade_no": trade["trade_no"],
        "auth_app_id": app["app_id"],
        "version": "1.0",
        "app_id": app["app_id"],
        "seller_id": app["seller_id"],
        "timestamp": beijing(stamp(world.clock.now())),
        "sign_type": "RSA2",
    }
    key = GatewayKeys(world.store).private
    params["sign"] = sign(key, signed_text(params, notices.LEFT_OUT))
    joint = "&" if urlsplit(trade["return_url"]).query else "?"
    return f"{trade['return_url']}{joint}{urlencode(params)}"
