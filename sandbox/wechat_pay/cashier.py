"""The cashier a person presses: from a phone page, a scanned code, or inside WeChat."""

from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.alipay.keys import verify
from sandbox.clock import beijing, stamp, unstamp
from sandbox.pages import problem, render
from sandbox.store import Row
from sandbox.wechat_pay import login, merchants, notices, trades
from sandbox.world import World, world_of, yuan

CALL_LIFE = timedelta(minutes=5)  # of the parameters with which a page calls the cashier
NOT_THERE = ("ORDER_NOT_EXIST", "订单不存在")


async def phone(request: Request) -> Response:
    """GET /wechat/h5: the link of a phone page. It wants a browser, a referer and hurries."""
    world, trade = world_of(request), _trade(request, request.query_params.get("prepay_id", ""))
    if trade is None or trade["trade_type"] != "MWEB":
        return problem(request, *NOT_THERE, 404)
    if "MicroMessenger/" in request.headers.get("user-agent", ""):
        return problem(request, "H5_IN_WECHAT", "请在微信外打开订单，进行支付")
    if not request.headers.get("referer"):
        return problem(request, "H5_REFERER", "商家参数格式有误（缺少Referer），请联系商家解决")
    if trade["link_until"] <= stamp(world.clock.now()):
        return problem(request, "H5_EXPIRED", "支付链接已失效，请返回商家重新发起支付")
    return _enter(world, trade, request.query_params.get("redirect_url"))


async def scan(request: Request) -> Response:
    """GET /wechat/qr/{prepay_id}: a scanned code opens its payment."""
    trade = _trade(request, request.path_params["prepay_id"])
    if trade is None or trade["trade_type"] != "NATIVE":
        return problem(request, *NOT_THERE, 404)
    return _enter(world_of(request), trade, None)


async def inside(request: Request) -> Response:
    """GET /wechat/jsapi: what a page inside WeChat handed to getBrandWCPayRequest."""
    world, told = world_of(request), request.query_params
    merchant = merchants.of_app(world, told.get("appId", ""))
    package = told.get("package", "")
    trade = _trade(request, package.removeprefix("prepay_id="))
    if merchant is None or trade is None or trade["mchid"] != merchant["mchid"]:
        return problem(request, *NOT_THERE, 404)
    names = ("appId", "timeStamp", "nonceStr", "package")
    text = "".join(f"{told.get(name, '')}\n" for name in names)
    signed = verify(merchant["public_key"], text, told.get("paySign", ""))
    if told.get("signType") != "RSA" or not signed or trade["trade_type"] != "JSAPI":
        return problem(request, "PAY_SIGN", "支付验证签名失败")
    if _is_old(world, told.get("timeStamp", "")):
        return problem(request, "PAY_SIGN", "调起支付的时间已过")
    openid = login.openid_of(world, merchant["appid"], login.person_of(request))
    if openid != trade["openid"]:
        return problem(request, "OPENID_MISMATCH", "下单账号与支付账号不一致，请核实后再支付")
    return _enter(world, trade, told.get("back"))


def _is_old(world: World, text: str) -> bool:
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        return True
    return abs(world.clock.now().timestamp() - int(text)) > CALL_LIFE.total_seconds()


def _enter(world: World, trade: Row, back: str | None) -> Response:
    """On to the cashier, which will lead back to where the shop wants."""
    if back and urlsplit(back).scheme in {"http", "https"} and len(back) <= 2000:
        world.store.run(
            "update wechat_trades set back_url = ? where transaction_id = ?",
            back,
            trade["transaction_id"],
        )
    return RedirectResponse(f"/wechat/cashier/{trade['prepay_id']}", 303)


async def show(request: Request) -> Response:
    """GET /wechat/cashier/{prepay_id}: amount, payee, subject, two buttons."""
    world, trade = world_of(request), _trade(request)
    if trade is None:
        return problem(request, *NOT_THERE, 404)
    merchant = merchants.find(world, trade["mchid"])
    assert merchant is not None
    left = unstamp(trade["expires_at"]) - world.clock.now()
    minutes = int(left.total_seconds() // 60) + 1
    return render(
        request,
        "wechat_cashier.html",
        forms_to=origin(trade["back_url"]),
        trade=trade,
        payee=merchant["name"],
        amount=yuan(trade["total_minor"]),
        refunded=yuan(trade["refunded_minor"]) if trade["refunded_minor"] else None,
        minutes=minutes if minutes <= 120 else None,
        until=beijing(trade["expires_at"]),
        back=_back(trade, "ok" if trade["paid_at"] else "cancel"),
        may_pay=trade["status"] == "NOTPAY" or _slips_through(world, trade),
    )


def _slips_through(world: World, trade: Row) -> bool:
    late = world.faults.get("wechat_pay.cashier.after_close")
    return bool(late) and trade["status"] == "CLOSED"


async def pay(request: Request) -> Response:
    """POST .../pay: the money moves once; then back to the shop, or the receipt."""
    world, trade = world_of(request), _trade(request)
    if trade is None:
        return problem(request, *NOT_THERE, 404)
    person = login.person_of(request)
    settled = pay_now(world, trade["transaction_id"], person)
    here = f"/wechat/cashier/{trade['prepay_id']}"
    paid = settled["paid_at"] is not None
    answer = RedirectResponse((_back(settled, "ok") if paid else None) or here, 303)
    login.remember(answer, person)
    return answer


def pay_now(world: World, transaction_id: str, person: str = "0" * 32) -> Row:
    """Pay as the person pressing; the merchant is told by the press that moved the money."""
    with world.store.transaction():
        moved = trades.pay(world, transaction_id)
        trade = trades.current(world, transaction_id)
        if moved:
            merchant = merchants.find(world, trade["mchid"])
            assert merchant is not None
            world.store.run(
                "update wechat_trades set openid = coalesce(openid, ?) where transaction_id = ?",
                login.openid_of(world, merchant["appid"], person),
                transaction_id,
            )
            trade = trades.current(world, transaction_id)
            notices.announce(world, trade)
    return trade


async def leave(request: Request) -> Response:
    """POST .../leave: back to where the shop wants people, paid or not."""
    trade = _trade(request)
    if trade is None:
        return problem(request, *NOT_THERE, 404)
    back = _back(trade, "ok" if trade["paid_at"] else "cancel")
    if back:
        return RedirectResponse(back, 303)
    again = f"/wechat/cashier/{trade['prepay_id']}"
    return render(request, "left.html", again=again, back=None)


def _back(trade: Row, ended: str) -> str | None:
    """Where the cashier leads back to; a page inside WeChat is told how it ended (bridge.js)."""
    inside = trade["back_url"] and trade["trade_type"] == "JSAPI"
    return f"{trade['back_url']}#wechat={ended}" if inside else trade["back_url"]


def _trade(request: Request, prepay_id: str | None = None) -> Row | None:
    world = world_of(request)
    number = request.path_params["prepay_id"] if prepay_id is None else prepay_id
    row = world.store.one("select transaction_id from wechat_trades where prepay_id = ?", number)
    return trades.current(world, row["transaction_id"]) if row else None


def origin(url: str | None) -> str:
    """Where the cashier's forms may end: a browser holds redirects to form-action too."""
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
