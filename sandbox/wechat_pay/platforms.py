"""What a platform may call beside paying: sellers, shares, releases, withdrawals, transfers."""

from datetime import datetime

from sandbox.clock import stamp, unstamp
from sandbox.store import Row
from sandbox.wechat_pay import holding, media, pockets, sellers, transfers, withdrawals
from sandbox.wechat_pay.keys import rfc3339
from sandbox.wechat_pay.methods import Answer, Call, Fields, route
from sandbox.wechat_pay.orders import Denied, wrong

SAID = {
    "CHECKING": "资料校验中",
    "NEED_SIGN": "待签约",
    "FINISH": "完成",
    "REJECTED": "已驳回",
}


def _platform(call: Call) -> Row:
    """The calling merchant, when it is a platform. Raises Denied."""
    if not call.merchant["ecommerce"]:
        raise Denied(403, "NO_AUTH", "商户号未开通电商收付通")
    return call.merchant


def upload(call: Call) -> Answer:
    """POST /v3/merchant/media/upload"""
    if call.upload is None:
        raise wrong("缺少file")
    return 200, {"media_id": media.keep(call.world, call.mchid, call.upload)}


def apply(call: Call) -> Answer:
    """POST /v3/ecommerce/applyments/"""
    found = sellers.apply(call.world, _platform(call), call.body(), call.sealed_by)
    return 200, {
        "applyment_id": int(found["applyment_id"]),
        "out_request_no": found["out_request_no"],
    }


def applyment(call: Call) -> Answer:
    """GET /v3/ecommerce/applyments/out-request-no/{number}"""
    found = sellers.of_number(call.world, call.mchid, call.named["number"])
    if found is None:
        raise Denied(404, "RESOURCE_NOT_EXISTS", "申请单不存在")
    fields: Fields = {
        "applyment_state": found["state"],
        "applyment_state_desc": SAID[found["state"]],
        "out_request_no": found["out_request_no"],
        "applyment_id": int(found["applyment_id"]),
    }
    if found["state"] == "NEED_SIGN":
        fields["sign_url"] = f"{call.world.public_url}/wechat/sign/{found['applyment_id']}"
    if found["state"] == "REJECTED":
        why = {"param_name": "account_info", "reject_reason": found["refusal"]}
        fields["audit_detail"] = [why]
    if found["sub_mchid"]:
        fields["sub_mchid"] = found["sub_mchid"]
    return 200, fields


def split(call: Call) -> Answer:
    """POST /v3/ecommerce/profitsharing/orders"""
    return 200, _split(call, holding.split(call.world, _platform(call), call.body()))


def split_query(call: Call) -> Answer:
    """GET /v3/ecommerce/profitsharing/orders?sub_mchid&transaction_id&out_order_no"""
    found = holding.of_number(call.world, call.mchid, call.query.get("out_order_no", ""))
    named = (call.query.get("sub_mchid"), call.query.get("transaction_id"))
    if found is None or (found["sub_mchid"], found["transaction_id"]) != named:
        raise Denied(404, "RESOURCE_NOT_EXISTS", "分账单不存在")
    return 200, _split(call, found)


def unsplit(call: Call) -> Answer:
    """GET /v3/ecommerce/profitsharing/orders/{payment}/amounts"""
    left = holding.unsplit(call.world, _platform(call), call.named["payment"])
    return 200, {"transaction_id": call.named["payment"], "unsplit_amount": left}


def _split(call: Call, found: Row) -> Fields:
    done = found["due_at"] <= stamp(call.world.clock.now())
    fields = _named(found) | {"status": "FINISHED" if done else "PROCESSING"}
    if found["kind"] == "finish":
        told = {"finish_amount": found["amount_minor"], "finish_description": found["description"]}
        return fields | (told if done else {})
    receiver: Fields = {
        "type": "MERCHANT_ID",
        "receiver_account": found["mchid"],
        "amount": found["amount_minor"],
        "description": found["description"],
        "result": found["result"] if done else "PENDING",
        "detail_id": f"36{found['order_id']}",
        "finish_time": _at(found["due_at"] if done else found["made_at"]),
    }
    if done and found["result"] == "CLOSED":
        receiver["fail_reason"] = "ACCOUNT_ABNORMAL"
    return fields | {"receivers": [receiver]}


def _named(found: Row) -> Fields:
    names = ("sub_mchid", "transaction_id", "out_order_no", "order_id")
    return {name: found[name] for name in names}


def finish(call: Call) -> Answer:
    """POST /v3/ecommerce/profitsharing/finish-order"""
    return 200, _named(holding.finish(call.world, _platform(call), call.body()))


def give_back(call: Call) -> Answer:
    """POST /v3/ecommerce/profitsharing/returnorders"""
    return 200, _return(call, *holding.give_back(call.world, _platform(call), call.body()))


def return_query(call: Call) -> Answer:
    """GET /v3/ecommerce/profitsharing/returnorders?sub_mchid&out_order_no&out_return_no"""
    done = holding.return_of(call.world, call.mchid, call.query.get("out_return_no", ""))
    taken = holding.of_number(call.world, call.mchid, call.query.get("out_order_no", ""))
    if done is None or taken is None or done["order_id"] != taken["order_id"]:
        raise Denied(404, "RESOURCE_NOT_EXISTS", "回退单不存在")
    return 200, _return(call, done, taken)


def _return(call: Call, done: Row, taken: Row) -> Fields:
    return {
        "sub_mchid": taken["sub_mchid"],
        "order_id": taken["order_id"],
        "out_order_no": taken["out_order_no"],
        "out_return_no": done["out_return_no"],
        "return_no": done["return_no"],
        "return_mchid": call.mchid,
        "amount": done["amount_minor"],
        "result": "SUCCESS",
        "finish_time": _at(done["made_at"]),
    }


def balance(call: Call) -> Answer:
    """GET /v3/ecommerce/fund/balance/{seller}"""
    seller = sellers.admitted(call.world, call.mchid, call.named["seller"])["sub_mchid"]
    return 200, {
        "sub_mchid": seller,
        "account_type": "BASIC",
        "available_amount": pockets.balance(call.world, seller, "available"),
        "pending_amount": pockets.balance(call.world, seller, "frozen"),
    }


def withdraw(call: Call) -> Answer:
    """POST /v3/ecommerce/fund/withdraw"""
    found = withdrawals.withdraw(call.world, _platform(call), call.body())
    names = ("sub_mchid", "withdraw_id", "out_request_no")
    return 200, {name: found[name] for name in names}


def withdraw_query(call: Call) -> Answer:
    """GET /v3/ecommerce/fund/withdraw/out-request-no/{number}?sub_mchid"""
    found = withdrawals.of_number(call.world, call.mchid, call.named["number"])
    if found is None or found["sub_mchid"] != call.query.get("sub_mchid"):
        raise Denied(404, "RESOURCE_NOT_EXISTS", "提现单不存在")
    names = ("sub_mchid", "withdraw_id", "out_request_no", "status")
    fields: Fields = {name: found[name] for name in names} | {
        "sp_mchid": call.mchid,
        "amount": found["amount_minor"],
        "create_time": _at(found["made_at"]),
        "update_time": _at(found["changed_at"]),
    }
    if found["status"] in ("FAIL", "REFUND"):
        fields["reason"] = found["reason"]
    return 200, fields


def transfer(call: Call) -> Answer:
    """POST /v3/fund-app/mch-transfer/transfer-bills"""
    found = transfers.begin(call.world, call.merchant, call.body(), call.sealed_by)
    fields = _transfer(found)
    if found["state"] == "WAIT_USER_CONFIRM":
        fields["package_info"] = found["package"]
    return 200, fields


def transfer_query(call: Call) -> Answer:
    """GET /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{number}"""
    found = transfers.of_number(call.world, call.mchid, call.named["number"])
    if found is None:
        raise Denied(404, "NOT_FOUND", "记录不存在")
    return 200, _transfer(found) | {
        "mch_id": call.mchid,
        "appid": call.merchant["appid"],
        "openid": found["openid"],
        "transfer_amount": found["amount_minor"],
        "transfer_remark": found["remark"],
        "update_time": _at(found["changed_at"]),
    }


def _transfer(found: Row) -> Fields:
    fields: Fields = {
        "out_bill_no": found["out_bill_no"],
        "transfer_bill_no": found["transfer_bill_no"],
        "create_time": _at(found["made_at"]),
        "state": found["state"],
    }
    if found["fail_reason"]:
        fields["fail_reason"] = found["fail_reason"]
    return fields


def own_balance(call: Call) -> Answer:
    """GET /v3/merchant/fund/balance/{account}"""
    pocket = {"OPERATION": "operation", "BASIC": "basic"}.get(call.named["account"])
    if pocket is None:
        raise wrong("account_type不正确")
    return 200, {"available_amount": pockets.balance(call.world, call.mchid, pocket)}


def _at(text: str) -> str:
    at: datetime = unstamp(text)
    return rfc3339(at)


METHODS = [
    route("POST", "merchant/media/upload", upload),
    route("POST", "ecommerce/applyments/", apply),
    route("GET", "ecommerce/applyments/out-request-no/{number}", applyment),
    route("POST", "ecommerce/profitsharing/orders", split),
    route("GET", "ecommerce/profitsharing/orders", split_query),
    route("GET", "ecommerce/profitsharing/orders/{payment}/amounts", unsplit),
    route("POST", "ecommerce/profitsharing/finish-order", finish),
    route("POST", "ecommerce/profitsharing/returnorders", give_back),
    route("GET", "ecommerce/profitsharing/returnorders", return_query),
    route("GET", "ecommerce/fund/balance/{seller}", balance),
    route("POST", "ecommerce/fund/withdraw", withdraw),
    route("GET", "ecommerce/fund/withdraw/out-request-no/{number}", withdraw_query),
    route("POST", "fund-app/mch-transfer/transfer-bills", transfer),
    route("GET", "fund-app/mch-transfer/transfer-bills/out-bill-no/{number}", transfer_query),
    route("GET", "merchant/fund/balance/{account}", own_balance),
]
