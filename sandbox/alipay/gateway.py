"""POST/GET /alipay/gateway.do: check everything, act once, answer signed (PROTOCOLS 2.1)."""

import json
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from sandbox.alipay import apps, orders, trades
from sandbox.alipay.keys import GatewayKeys, sign, signed_text, verify
from sandbox.alipay.methods import METHODS, PAGES
from sandbox.alipay.trades import Denied
from sandbox.clock import from_beijing
from sandbox.pages import problem
from sandbox.store import Row
from sandbox.world import Silence, World, world_of

SKEW = timedelta(minutes=15)
MESSAGES = {
    "10000": "Success",
    "20000": "Service Currently Unavailable",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40004": "Business Failed",
    "40006": "Insufficient Permissions",
}


async def gateway(request: Request) -> Response | ASGIApp:
    """The one door for every method, for servers and for browsers."""
    world = world_of(request)
    try:
        params = await _params(request)
    except Denied as no:
        return _signed(world, None, "", _refusal(no))
    method = params.get("method", "")
    if method in PAGES:
        return _open_cashier(world, request, params)
    if _here(world, method) and world.faults.strikes("alipay.gateway.fail"):
        return PlainTextResponse("Internal Server Error\n", 500)
    if _here(world, method) and world.faults.strikes("alipay.gateway.busy"):
        return PlainTextResponse("Too Many Requests\n", 429)
    # even a refusal names the certificate that signs it, for whoever works with certificates
    claimed = apps.find(world, params.get("app_id", ""))
    try:
        app = _checked(world, params)
        if method not in METHODS:
            raise Denied("isv.invalid-method", "不存在的方法名", "40002")
        with world.store.transaction():
            fields = METHODS[method](world, app, params)
        answer: dict[str, object] = {"code": "10000", "msg": "Success", **fields}
    except Denied as no:
        answer = _refusal(no)
    return _perhaps_broken(world, claimed, method, answer)


async def _params(request: Request) -> dict[str, str]:
    pairs = list(request.query_params.multi_items())
    if request.method == "POST":
        async with request.form() as form:
            pairs += [(name, str(value)) for name, value in form.multi_items()]
    params = dict(pairs)
    if len(params) != len(pairs):
        raise Denied("isv.invalid-parameter", "参数重复", "40002")
    return params


def _checked(world: World, params: dict[str, str]) -> Row:
    """The application behind a request that is right in every respect. Raises Denied."""
    for name in ("app_id", "method", "charset", "sign_type", "sign", "timestamp", "version"):
        if not params.get(name):
            raise Denied(f"isv.missing-{name.replace('_', '-')}", f"缺少参数{name}", "40001")
    app = apps.find(world, params["app_id"])
    if app is None:
        raise Denied("isv.invalid-app-id", "无效的AppID参数", "40002")
    wanted = {"sign_type": "RSA2", "version": "1.0", "charset": "utf-8", "format": "json"}
    for name, value in wanted.items():
        if params.get(name, value).lower() != value.lower():
            raise Denied(f"isv.invalid-{name.replace('_', '-')}", f"{name}不正确", "40002")
    text = signed_text(params, frozenset({"sign"}))
    if not verify(app["public_key"], text, params["sign"]):
        raise Denied("isv.invalid-signature", "无效签名", "40002")
    _check_certificates(world, app, params)
    _check_time(world, params["timestamp"])
    for name in ("notify_url", "return_url"):
        if params.get(name):
            orders.check_url(name, params[name])
    return app


def _check_certificates(world: World, app: Row, params: dict[str, str]) -> None:
    if app["mode"] == "key":
        if params.get("app_cert_sn") or params.get("alipay_root_cert_sn"):
            raise Denied("isv.invalid-app-cert-sn", "应用未启用公钥证书", "40002")
        return
    if params.get("app_cert_sn") != app["app_cert_sn"]:
        raise Denied("isv.invalid-app-cert-sn", "应用公钥证书SN不匹配", "40002")
    if params.get("alipay_root_cert_sn") != GatewayKeys(world.store).root_sn:
        raise Denied("isv.invalid-alipay-root-cert-sn", "支付宝根证书SN不匹配", "40002")


def _check_time(world: World, text: str) -> None:
    try:
        at = from_beijing(text)
    except ValueError as broken:
        raise Denied("isv.invalid-timestamp", "非法的时间戳参数", "40002") from broken
    if abs(at - world.clock.now()) > SKEW:
        raise Denied("isv.invalid-timestamp", "时间戳超出允许范围", "40002")


def _open_cashier(world: World, request: Request, params: dict[str, str]) -> Response:
    """wap.pay and page.pay: the trade begins here, and the buyer sees the cashier."""
    try:
        app = _checked(world, params)
        biz = orders.read(params.get("biz_content", ""))
        method = params["method"]
        wanted = orders.wanted(biz, method, world.clock.now(), "WAIT_BUYER_PAY")
        trade = trades.create(world, app, method, params, wanted)
    except Denied as no:
        return problem(request, no.sub_code, no.words)
    return RedirectResponse(f"/alipay/cashier/{trade['trade_no']}", 303)


def _refusal(no: Denied) -> dict[str, object]:
    return {
        "code": no.code,
        "msg": MESSAGES[no.code],
        "sub_code": no.sub_code,
        "sub_msg": no.words,
    }


def _here(world: World, method: str) -> bool:
    """Whether the gateway's faults are meant for this method."""
    return world.faults.word("alipay.gateway.method") in {None, method}


def _perhaps_broken(
    world: World, app: Row | None, method: str, answer: dict[str, object]
) -> Response | ASGIApp:
    """The honest answer, unless a fault strikes; by now the money has moved."""
    faults = world.faults
    if not _here(world, method):
        return _signed(world, app, method, answer)
    if faults.strikes("alipay.gateway.timeout"):
        return Silence(faults.number("alipay.gateway.timeout_seconds"))
    if faults.strikes("alipay.gateway.malformed"):
        body = bytes(_signed(world, app, method, answer).body)
        return Response(body[: len(body) // 2], media_type="text/html;charset=utf-8")
    if faults.strikes("alipay.gateway.system_error"):
        answer = _refusal(Denied("ACQ.SYSTEM_ERROR", "系统错误"))
    if faults.strikes("alipay.gateway.awkward"):
        answer = {"store_name": '小店}"{/一号', **answer}
    return _signed(world, app, method, answer)


def _signed(world: World, app: Row | None, method: str, answer: dict[str, object]) -> Response:
    """The answer under its method's name, signed over the raw inner text."""
    keys = GatewayKeys(world.store)
    inner = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    if "store_name" in answer:
        inner = inner.replace("/", "\\/")
    name = method.replace(".", "_") + "_response" if method in METHODS else "error_response"
    tail: dict[str, str] = {"sign": sign(keys.private, inner)}
    if app is not None and app["mode"] == "cert":
        tail["alipay_cert_sn"] = keys.cert_sn
    text = f'{{"{name}":{inner},{json.dumps(tail, separators=(",", ":"))[1:]}'
    return Response(text, media_type="text/html;charset=utf-8")
