"""What each call of WeChat Pay does: the call in, status and fields out."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from sandbox.clock import stamp, unstamp
from sandbox.store import Row
from sandbox.wechat_pay import abnormal, bills, media, notices, orders, trades, views
from sandbox.wechat_pay.keys import PlatformKeys, rfc3339, sealed, validity
from sandbox.wechat_pay.orders import Denied, wrong
from sandbox.world import World

Fields = dict[str, object]


@dataclass(frozen=True)
class Call:
    """One proven call: whose, what its path names, its query and body, and who may unseal it."""

    world: World
    merchant: Row
    named: dict[str, str]
    query: dict[str, str]
    content: bytes
    sealed_by: str
    upload: media.Upload | None = None

    @property
    def mchid(self) -> str:
        """The calling merchant."""
        return str(self.merchant["mchid"])

    def body(self) -> Fields:
        """The body as an object. Raises Denied."""
        return orders.read(self.content)


Answer = tuple[int, Fields | bytes | None]
Method = Callable[[Call], Answer]


def certificates(call: Call) -> Answer:
    """GET /v3/certificates: the platform's certificates, sealed for this merchant."""
    if call.merchant["mode"] == "key":
        raise Denied(404, "RESOURCE_NOT_EXISTS", "无可用的平台证书，请使用微信支付公钥")
    keys = PlatformKeys(call.world.store)
    key = call.merchant["apiv3_key"]
    return 200, {
        "data": [
            {
                "serial_no": one["serial_no"],
                "effective_time": rfc3339(validity(one["pem"])[0]),
                "expire_time": rfc3339(validity(one["pem"])[1]),
                "encrypt_certificate": sealed(key, "certificate", one["pem"]),
            }
            for one in keys.certificates()
        ]
    }


def order(call: Call) -> Answer:
    """POST /v3/pay/transactions/{kind}: a direct merchant's order."""
    kind = call.named["kind"]
    return _ordered(call, kind, orders.direct(call.world, call.merchant, kind, call.body()))


def combined_order(call: Call) -> Answer:
    """POST /v3/combine-transactions/{kind}: a payment to be held for a sub-merchant."""
    kind = call.named["kind"]
    wanted = orders.combined(call.world, call.merchant, kind, call.body())
    return _ordered(call, kind, wanted)


def _ordered(call: Call, kind: str, wanted: Fields) -> Answer:
    trade = trades.create(call.world, call.merchant, wanted)
    prepay_id, here = trade["prepay_id"], f"{call.world.public_url}/wechat"
    if kind == "native":
        return 200, {"code_url": f"{here}/qr/{prepay_id}"}
    if kind == "h5":
        query = urlencode({"prepay_id": prepay_id, "package": trade["transaction_id"][-10:]})
        return 200, {"h5_url": f"{here}/h5?{query}"}
    return 200, {"prepay_id": prepay_id}


def query(call: Call) -> Answer:
    """GET /v3/pay/transactions/out-trade-no/{number}"""
    if call.query.get("mchid") != call.mchid:
        raise wrong("mchid不正确")
    trade = trades.find(call.world, call.mchid, "out_trade_no", call.named["number"])
    if trade["sub_mchid"] is not None:
        raise Denied(404, "ORDER_NOT_EXIST", "订单不存在")
    return 200, views.direct(call.merchant, trade)


def combined_query(call: Call) -> Answer:
    """GET /v3/combine-transactions/out-trade-no/{number}"""
    trade = trades.find(call.world, call.mchid, "combine_no", call.named["number"])
    return 200, views.combined(call.merchant, trade)


def close(call: Call) -> Answer:
    """POST /v3/pay/transactions/out-trade-no/{number}/close"""
    if call.body().get("mchid") != call.mchid:
        raise wrong("mchid不正确")
    trade = trades.find(call.world, call.mchid, "out_trade_no", call.named["number"])
    if trade["sub_mchid"] is not None:
        raise Denied(404, "ORDER_NOT_EXIST", "订单不存在")
    trades.close(call.world, trade)
    return 204, None


def combined_close(call: Call) -> Answer:
    """POST /v3/combine-transactions/out-trade-no/{number}/close"""
    body = call.body()
    trade = trades.find(call.world, call.mchid, "combine_no", call.named["number"])
    named = {
        "mchid": call.mchid,
        "out_trade_no": trade["out_trade_no"],
        "sub_mchid": trade["sub_mchid"],
    }
    if body.get("combine_appid") != call.merchant["appid"] or body.get("sub_orders") != [named]:
        raise wrong("sub_orders与下单时不一致")
    trades.close(call.world, trade)
    return 204, None


def refund(call: Call) -> Answer:
    """POST /v3/refund/domestic/refunds"""
    body = call.body()
    trade = _of_body(call, body)
    if trade["sub_mchid"] is not None:
        raise Denied(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    return _refunded(call, trade, body)


def held_refund(call: Call) -> Answer:
    """POST /v3/ecommerce/refunds/apply: out of what a sub-merchant has."""
    body = call.body()
    if body.get("sp_appid") != call.merchant["appid"]:
        raise wrong("sp_appid不正确")
    trade = _of_body(call, body)
    if trade["sub_mchid"] is None or trade["sub_mchid"] != body.get("sub_mchid"):
        raise Denied(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    return _refunded(call, trade, body)


def _of_body(call: Call, body: Fields) -> Row:
    names = [name for name in ("transaction_id", "out_trade_no") if body.get(name)]
    if len(names) != 1:
        raise wrong("transaction_id和out_trade_no须二选一")
    try:
        return trades.find(call.world, call.mchid, names[0], str(body[names[0]]))
    except Denied as no:
        raise Denied(404, "RESOURCE_NOT_EXISTS", "订单不存在") from no


def _refunded(call: Call, trade: Row, body: Fields) -> Answer:
    amount = body.get("amount")
    if not isinstance(amount, dict) or amount.get("currency", "CNY") != "CNY":
        raise wrong("amount不正确")
    number, reason = str(body.get("out_refund_no") or ""), str(body.get("reason") or "")
    if not 1 <= len(number) <= 64 or len(reason.encode()) > 80:
        raise wrong("out_refund_no或reason不正确")
    url = body.get("notify_url")
    wanted: Fields = {
        "out_refund_no": number,
        "amount_minor": orders.minor(amount, "refund"),
        "total_minor": orders.minor(amount, "total"),
        "reason": reason or None,
        "notify_url": orders.notify_url(url) if url else None,
        "advanced": body.get("refund_account") == "REFUND_SOURCE_PARTNER_ADVANCE",
    }
    trades.refund(call.world, trade, wanted)
    notices.settle_refunds(call.world)
    return _refund_state(call, number)


def refund_query(call: Call) -> Answer:
    """GET /v3/refund/domestic/refunds/{number}, GET /v3/ecommerce/refunds/out-refund-no/{number}"""
    notices.settle_refunds(call.world)
    return _refund_state(call, call.named["number"], call.query.get("sub_mchid"))


def abnormal_refund(call: Call) -> Answer:
    """POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund, /v3/ecommerce/..."""
    notices.settle_refunds(call.world)
    body = call.body()
    found = trades.refund_of(call.world, call.mchid, str(body.get("out_refund_no")))
    if found is None or found["refund_id"] != call.named["number"]:
        raise Denied(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    abnormal.redirect(call.world, found, body, call.sealed_by)
    sub_mchid = body.get("sub_mchid")
    return _refund_state(call, found["out_refund_no"], str(sub_mchid) if sub_mchid else None)


def _refund_state(call: Call, number: str, sub_mchid: str | None = None) -> Answer:
    done = trades.refund_of(call.world, call.mchid, number)
    if done is None:
        raise Denied(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    trade = trades.find(call.world, call.mchid, "out_trade_no", done["out_trade_no"])
    if sub_mchid is not None and sub_mchid != trade["sub_mchid"]:
        raise Denied(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    fields: Fields = {
        "refund_id": done["refund_id"],
        "out_refund_no": number,
        "transaction_id": trade["transaction_id"],
        "out_trade_no": trade["out_trade_no"],
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": rfc3339(unstamp(done["accepted_at"])),
        "status": done["status"],
        "funds_account": "UNSETTLED",
        "amount": {
            "total": trade["total_minor"],
            "refund": done["amount_minor"],
            "payer_total": trade["total_minor"],
            "payer_refund": done["amount_minor"],
            "settlement_refund": done["amount_minor"],
            "settlement_total": trade["total_minor"],
            "discount_refund": 0,
            "currency": "CNY",
        },
    }
    if trade["sub_mchid"] is not None:
        payer = "PARTNER_ADVANCE" if trades.is_advanced(call.world, done) else "SUB_MERCHANT"
        fields["refund_account"] = f"REFUND_SOURCE_{payer}"
    if done["status"] == "SUCCESS":
        fields["success_time"] = rfc3339(unstamp(done["done_at"]))
    return 200, fields


def bill(call: Call) -> Answer:
    """GET /v3/bill/tradebill: where to fetch a day's bill, for thirty seconds."""
    if call.query.get("bill_type", "ALL") != "ALL" or "tar_type" in call.query:
        raise wrong("只支持bill_type=ALL，不压缩")
    world = call.world
    digest, token = bills.offer(world, call.merchant, call.query.get("bill_date", ""))
    past = f"/at/{stamp(world.clock.now())}" if world.clock.is_past else ""
    link = f"{world.own_url}{past}/wechat/v3/billdownload/file?token={quote(token)}"
    return 200, {"hash_type": "SHA1", "hash_value": digest, "download_url": link}


def bill_file(call: Call) -> Answer:
    """GET /v3/billdownload/file?token="""
    return 200, bills.content(call.world, call.mchid, call.query.get("token", ""))


def route(verb: str, path: str, act: Method) -> tuple[str, re.Pattern[str], Method]:
    """An entry of the table of calls: `{name}` in the path is one piece of it."""
    return verb, re.compile("/v3/" + re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)), act


KINDS = r"(?P<kind>jsapi|h5|native)"
METHODS = [
    route("GET", "certificates", certificates),
    route("POST", f"pay/transactions/{KINDS}", order),
    route("GET", "pay/transactions/out-trade-no/{number}", query),
    route("POST", "pay/transactions/out-trade-no/{number}/close", close),
    route("POST", f"combine-transactions/{KINDS}", combined_order),
    route("GET", "combine-transactions/out-trade-no/{number}", combined_query),
    route("POST", "combine-transactions/out-trade-no/{number}/close", combined_close),
    route("POST", "refund/domestic/refunds", refund),
    route("GET", "refund/domestic/refunds/{number}", refund_query),
    route("POST", "refund/domestic/refunds/{number}/apply-abnormal-refund", abnormal_refund),
    route("POST", "ecommerce/refunds/{number}/apply-abnormal-refund", abnormal_refund),
    route("POST", "ecommerce/refunds/apply", held_refund),
    route("GET", "ecommerce/refunds/out-refund-no/{number}", refund_query),
    route("GET", "bill/tradebill", bill),
    route("GET", "billdownload/file", bill_file),
]
