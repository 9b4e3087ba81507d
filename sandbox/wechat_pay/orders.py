"""Reading the body of an order: what a merchant may ask for, strictly (PROTOCOLS 1.2)."""

import ipaddress
import json
import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sandbox.store import Row
from sandbox.world import World

Body = dict[str, object]
NUMBER = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
LIFE = timedelta(hours=2)
TYPES = {"jsapi": "JSAPI", "h5": "MWEB", "native": "NATIVE"}


class Denied(Exception):
    """WeChat's no: an HTTP status, a code and words for the merchant."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.words = words


def wrong(words: str) -> Denied:
    """The no to a parameter."""
    return Denied(400, "PARAM_ERROR", words)


def read(content: bytes) -> Body:
    """A body as an object. Raises Denied."""
    try:
        body = json.loads(content or b"{}")
    except ValueError as broken:
        raise wrong("请求体不是JSON") from broken
    if not isinstance(body, dict):
        raise wrong("请求体不是JSON对象")
    return body


def direct(world: World, merchant: Row, kind: str, body: Body) -> dict[str, object]:
    """What `trades.create` needs, out of a direct merchant's order. Raises Denied."""
    _is_his(merchant, body, "appid", "mchid")
    wanted = _order(world, body, "total") | {"combine_no": None, "sub_mchid": None}
    return wanted | _around(world, merchant, kind, body, "payer")


def combined(world: World, merchant: Row, kind: str, body: Body) -> dict[str, object]:
    """The same out of a combined order; this sandbox takes a single sub-order. Raises Denied."""
    if not merchant["ecommerce"]:
        raise Denied(403, "NO_AUTH", "商户号未开通电商收付通")
    _is_his(merchant, body, "combine_appid", "combine_mchid")
    orders = body.get("sub_orders")
    if not isinstance(orders, list) or len(orders) != 1 or not isinstance(orders[0], dict):
        raise wrong("sub_orders须为一个子单")
    order: Body = orders[0]
    if order.get("mchid") != merchant["mchid"]:
        raise wrong("子单mchid不正确")
    text(order, "attach", 128)
    settle = order.get("settle_info")
    if not isinstance(settle, dict) or settle.get("profit_sharing") is not True:
        raise wrong("须指定settle_info.profit_sharing")
    seller = text(order, "sub_mchid", 32)
    if not world.store.one(
        "select 1 from wechat_applyments where mchid = ? and sub_mchid = ?",
        merchant["mchid"],
        seller,
    ):
        raise Denied(403, "NO_AUTH", "商户号与二级商户无受理关系")
    wanted = _order(world, {**body, **order}, "total_amount")
    return wanted | {
        "combine_no": number(body, "combine_out_trade_no"),
        "sub_mchid": seller,
        **_around(world, merchant, kind, body, "combine_payer_info"),
    }


def _is_his(merchant: Row, body: Body, app: str, mchid: str) -> None:
    if body.get(mchid) != merchant["mchid"]:
        raise wrong(f"{mchid}不正确")
    if body.get(app) != merchant["appid"]:
        raise Denied(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")


def _order(world: World, body: Body, total: str) -> dict[str, object]:
    amount = body.get("amount")
    if not isinstance(amount, dict) or amount.get("currency", "CNY") != "CNY":
        raise wrong("amount不正确")
    attach = body.get("attach")
    return {
        "out_trade_no": number(body, "out_trade_no"),
        "description": text(body, "description", 127),
        "attach": str(attach) if attach else None,
        "total_minor": minor(amount, total),
        "expires_at": _expiry(world, body.get("time_expire")),
    }


def _around(world: World, merchant: Row, kind: str, body: Body, payer: str) -> dict[str, object]:
    """Who pays and where he is told of: the same for both kinds of orders."""
    openid = None
    if kind == "jsapi":
        person = body.get(payer)
        openid = person.get("openid") if isinstance(person, dict) else None
        if not world.store.one(
            "select 1 from wechat_people where appid = ? and openid = ?",
            merchant["appid"],
            str(openid),
        ):
            raise wrong("无效的openid")
    if kind == "h5":
        _scene(body.get("scene_info"))
    return {
        "trade_type": TYPES[kind],
        "openid": openid,
        "notify_url": notify_url(body.get("notify_url")),
    }


def _scene(scene: object) -> None:
    info = scene.get("h5_info") if isinstance(scene, dict) else None
    if not isinstance(scene, dict) or not isinstance(info, dict):
        raise wrong("H5支付须有scene_info.h5_info")
    if info.get("type") not in {"iOS", "Android", "Wap"}:
        raise wrong("h5_info.type不正确")
    try:
        ipaddress.ip_address(str(scene.get("payer_client_ip")))
    except ValueError as broken:
        raise wrong("payer_client_ip不正确") from broken


def _expiry(world: World, told: object) -> datetime:
    now = world.clock.now()
    if told is None:
        return now + LIFE
    try:
        at = datetime.fromisoformat(str(told))
    except ValueError as broken:
        raise wrong("time_expire不正确") from broken
    if at.tzinfo is None or at <= now:
        raise wrong("time_expire不正确或已过期")
    return at


def number(body: Body, name: str) -> str:
    """A merchant's number: 6 to 32 signs. Raises Denied."""
    value = body.get(name)
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        raise wrong(f"{name}不正确")
    return value


def text(body: Body, name: str, longest: int) -> str:
    """A required text. Raises Denied."""
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise wrong(f"{name}不正确")
    return value


def minor(body: Body, name: str) -> int:
    """A required sum in fen. Raises Denied."""
    value = body.get(name)
    if type(value) is not int or not 1 <= value <= 10_000_000_000:
        raise wrong(f"{name}金额不正确")
    return value


def notify_url(told: object) -> str:
    """Where a merchant wants to be told: http(s), without a query. Raises Denied."""
    parts = urlsplit(str(told or ""))
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(str(told)) > 255:
        raise wrong("notify_url不正确")
    if parts.query or parts.fragment:
        raise wrong("notify_url不能携带参数")
    return str(told)
