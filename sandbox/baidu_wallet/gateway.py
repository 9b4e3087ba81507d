"""Every call and the two cashier addresses: GET, GBK, one shared key (PROTOCOLS 3.1)."""

import re
from datetime import datetime
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from sandbox.alipay import orders
from sandbox.alipay.trades import Denied as Unfit
from sandbox.baidu_wallet import merchants, notices, trades
from sandbox.baidu_wallet.trades import Denied
from sandbox.clock import BEIJING
from sandbox.pages import problem
from sandbox.store import Row
from sandbox.world import Silence, World, world_of

Fields = dict[str, str]
OK = "0"
NUMBER = {"order_no": re.compile(r"[0-9A-Za-z]{1,20}"), "sp_refund_no": re.compile(r"\w{1,21}")}
# The same states under the numbers of the two families of queries.
BY_ORDER_NO = {"WAITING": "2", "CLOSED": "2", "PAID": "1"}
BY_TRANSACTION = {"WAITING": "1", "CLOSED": "5", "PAID": "2"}


async def open_cashier(request: Request) -> Response:
    """GET /baidu/api/0/pay/0/wapdirect, direct (and /0 with a login): the trade begins here."""
    world = world_of(request)
    try:
        fields, _ = _checked(world, request)
        trade = _opened(world, fields)
    except Denied as no:
        return problem(request, no.code, no.words)
    return RedirectResponse(f"/baidu/cashier/{trade['bfb_order_no']}", 303)


def _opened(world: World, fields: Fields) -> Row:
    for name in ("order_create_time", "goods_name", "return_url", "pay_type"):
        if not fields.get(name):
            raise Denied("5801", f"缺少参数{name}")
    fixed = {"service_code": "1", "currency": "1", "input_charset": "1", "version": "2"}
    if any(fields.get(name) != value for name, value in fixed.items()):
        raise Denied("5802", "参数不正确")
    if "?" in fields["return_url"] or len(fields["goods_name"].encode("gbk")) > 128:
        raise Denied("5802", "return_url或goods_name不正确")
    for name in ("return_url", "page_url"):
        try:
            orders.check_url(name, fields.get(name) or fields["return_url"])
        except Unfit as no:
            raise Denied("5802", f"{name}不正确") from no
    _moment(fields["order_create_time"])
    until = _moment(fields["expire_time"]) if fields.get("expire_time") else None
    return trades.open_(world, fields, _minor(fields, "total_amount"), until)


async def call(request: Request) -> Response | ASGIApp:
    """GET of a query, a cancellation, a refund or a refund's query: XML in GBK, unsigned."""
    world, faults = world_of(request), world_of(request).faults
    if faults.strikes("baidu_wallet.gateway.fail"):
        return PlainTextResponse("Internal Server Error\n", 500)
    if faults.strikes("baidu_wallet.gateway.busy"):
        return PlainTextResponse("Too Many Requests\n", 429)
    act, name = ACTS[request.url.path.removeprefix("/baidu/")]
    try:
        fields, merchant = _checked(world, request)
        with world.store.transaction():
            told = act(world, merchant, fields)
    except Denied as no:
        told = {name: no.code, "ret_detail": no.words}
    if faults.strikes("baidu_wallet.gateway.timeout"):
        return Silence(faults.number("baidu_wallet.gateway.timeout_seconds"))
    body = _xml(told)
    if faults.strikes("baidu_wallet.gateway.malformed"):
        body = body[: len(body) // 2]
    return Response(body, media_type="text/xml;charset=gbk")


def _checked(world: World, request: Request) -> tuple[Fields, Row]:
    """The fields of a request that its merchant signed. Raises Denied."""
    try:
        query = request.scope["query_string"].decode("ascii")
        pairs = parse_qsl(query, keep_blank_values=True, encoding="gbk", errors="strict")
    except ValueError as broken:
        raise Denied("5802", "参数编码不正确") from broken
    fields = dict(pairs)
    for name in ("sp_no", "order_no", "sign_method", "sign"):
        if not fields.get(name):
            raise Denied("5801", f"缺少参数{name}")
    if fields["sign_method"] not in merchants.DIGESTS or len(fields) != len(pairs):
        raise Denied("5803", "签名方法不正确")
    merchant = merchants.find(world, fields["sp_no"])
    if merchant is None or not merchants.is_signed(fields, merchant["key"]):
        raise Denied("5804", "签名不正确")
    for name, shape in NUMBER.items():
        if name in fields and not shape.fullmatch(fields[name]):
            raise Denied("5802", f"{name}不正确")
    return fields, merchant


def _minor(fields: Fields, name: str) -> int:
    text = fields.get(name, "")
    if not re.fullmatch(r"[1-9][0-9]{0,10}", text):
        raise Denied("5802", f"{name}不正确")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    except ValueError as broken:
        raise Denied("5802", "时间不正确") from broken


def _trade(world: World, fields: Fields, unknown: str) -> Row:
    trade = trades.find(world, fields["sp_no"], fields["order_no"])
    if trade is None:
        raise Denied(unknown, "订单不存在")
    return trade


def _query(world: World, merchant: Row, fields: Fields) -> Fields:
    trade = _trade(world, fields, "1002")
    state = "3" if trade["refunded_minor"] else BY_ORDER_NO[trade["status"]]
    return {"query_status": OK, **notices.payment(trade), "pay_result": state}


def _transaction(world: World, merchant: Row, fields: Fields) -> Fields:
    trade = _trade(world, fields, "1002")
    state = "3" if trade["refunded_minor"] else BY_TRANSACTION[trade["status"]]
    return {"ret": OK, **notices.payment(trade), "pay_result": state}


def _cancel(world: World, merchant: Row, fields: Fields) -> Fields:
    trades.close(world, _trade(world, fields, "1002"))
    return {"ret": OK}


def _refund(world: World, merchant: Row, fields: Fields) -> Fields:
    trade = _trade(world, fields, "1002")
    minor, number = _minor(fields, "cashback_amount"), fields.get("sp_refund_no", "")
    if not number or fields.get("service_code") != "2" or fields.get("currency") != "1":
        raise Denied("5802", "参数不正确")
    if trades.refund(world, trade, number, minor):
        notices.announce_refund(world, trade, number, minor, fields.get("return_url"))
    return {"ret_code": "1", **_given(trade, number, minor), "ret_detail": "退款成功"}


def _given(trade: Row, number: str, minor: int) -> Fields:
    return {
        "bfb_order_no": trade["bfb_order_no"],
        "sp_no": trade["sp_no"],
        "order_no": trade["order_no"],
        "sp_refund_no": number,
        "cashback_amount": str(minor),
    }


def _refund_query(world: World, merchant: Row, fields: Fields) -> Fields:
    """One refund by its number, or the sum of all of an order."""
    trade = _trade(world, fields, "1002")
    number = fields.get("sp_refund_no", "")
    minor = trade["refunded_minor"]
    if number:
        known = trades.refund_of(world, merchant["sp_no"], number)
        minor = known["amount_minor"] if known and known["order_no"] == trade["order_no"] else 0
    if not minor:
        raise Denied("5906", "退款不存在")
    return {"ret_code": "1", **_given(trade, number, minor), "ret_details": "退款成功"}


def _xml(fields: Fields) -> bytes:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    text = f'<?xml version="1.0" encoding="gbk"?><response>{inner}</response>'
    return text.encode("gbk", "replace")


ACTS = {
    "api/0/query/0/pay_result_by_order_no": (_query, "query_status"),
    "o2o/0/b2c/0/api/0/query_trans/0": (_transaction, "ret"),
    "api/0/cancel": (_cancel, "ret"),
    "api/0/refund": (_refund, "ret_code"),
    "api/0/refund/0/query": (_refund_query, "ret_code"),
}
