"""Kuaidi100's wire: subscribe, query, and what is pushed (PROTOCOLS 8.2)."""

import hashlib
import hmac
import json
import secrets
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.clock import beijing
from sandbox.courier import ways
from sandbox.courier.followers import subscribed
from sandbox.store import Row
from sandbox.world import World, digits, world_of

CODES = {
    "got": ("1", "103", "揽收"), "way": ("0", "1002", "在途"), "near": ("5", "5", "派件"),
    "station": ("5", "501", "派件"), "signed": ("3", "301", "签收"),
    "trouble": ("2", "204", "疑难"), "refused": ("14", "14", "拒签"),
    "back": ("6", "6", "退回"), "returned": ("4", "4", "退签"),
}  # fmt: skip


def new_key(world: World) -> dict[str, str]:
    """A fresh customer number and key."""
    answer = {"customer": digits(12), "key": secrets.token_hex(8)}
    world.store.run("insert into courier_keys (customer, key) values (?, ?)", *answer.values())
    return answer


def signed(text: str) -> str:
    """Upper case MD5, which signs everything here."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def _no(code: str, words: str) -> Response:
    return JSONResponse({"result": False, "returnCode": code, "message": words})


async def _form(request: Request) -> dict[str, str]:
    async with request.form() as form:
        return {name: str(value) for name, value in form.items()}


async def query(request: Request) -> Response:
    """POST /courier/kuaidi100/poll/query.do: where a parcel is."""
    world, params = world_of(request), await _form(request)
    text, customer = params.get("param", ""), params.get("customer", "")
    row = world.store.one("select key from courier_keys where customer = ?", customer)
    if row is None:
        return _no("601", "POLL:KEY已过期")
    wanted = signed(f"{text}{row['key']}{customer}")
    if not hmac.compare_digest(wanted.encode(), params.get("sign", "").encode()):
        return _no("503", "验证签名失败")
    if world.faults.strikes("courier.fail"):
        return _no("502", "服务器繁忙")
    try:
        asked = json.loads(text)
        carrier, number = str(asked["com"]), str(asked["num"])
    except (ValueError, KeyError, TypeError):
        return _no("400", "提交的数据不完整")
    if carrier == "shunfeng" and len(str(asked.get("phone") or "")) < 4:
        return _no("408", "电话号码校验异常")
    if number.endswith("000") or not ways.is_known(number):
        return _no("500", "查询无结果，请隔段时间再查")
    with world.store.transaction():
        ways.begin(world, number)
    full = str(asked.get("resultv2") or "") in ("4", "5", "6", "7", "8")
    scans = ways.so_far(world, number)
    return JSONResponse(_result(carrier, number, scans, full=full))


def _result(carrier: str, number: str, scans: list[Row], *, full: bool = True) -> dict[str, object]:
    """What a query answers and a push holds; old contracts (not `full`) know fewer fields."""
    rows = []
    for scan in scans:
        code, advanced, name = CODES[scan["state"]]
        at = beijing(scan["at"])
        more = {"statusCode": advanced, "status": name, "areaName": ""} if full else {}
        rows.append({"time": at, "ftime": at, "context": scan["words"], "status": code, **more})
    state = CODES[scans[0]["state"]][0] if scans else "0"
    return {
        "message": "ok",
        "nu": number,
        "ischeck": "1" if state in {"3", "4"} else "0",
        "com": carrier,
        "status": "200",
        "state": state,
        "condition": "F00",
        "data": rows,
    }


async def poll(request: Request) -> Response:
    """POST /courier/kuaidi100/poll: follow a parcel and push its news."""
    world, params = world_of(request), await _form(request)
    try:
        asked = json.loads(params.get("param", ""))
        number, key, more = str(asked["number"]), str(asked["key"]), asked["parameters"]
        url, salt = str(more["callbackurl"]), str(more.get("salt") or "")
        carrier = str(asked.get("company") or ("auto" if more.get("autoCom") == "1" else ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return _no("700", "订阅方的订阅数据存在错误")
    row = world.store.one("select customer from courier_keys where key = ?", key)
    if row is None or params.get("schema") != "json":
        return _no("600", "您不是合法的订阅者")
    if world.faults.strikes("courier.fail"):
        return _no("500", "服务器错误")
    if not carrier or not ways.is_known(number) or not url.startswith("http"):
        return _no("700", "订阅方的订阅数据存在错误")
    if carrier == "shunfeng" and len(str(more.get("phone") or "")) < 4:
        return _no("700", "顺丰单号缺少收寄件人电话")
    told = {"account": row["customer"], "carrier": carrier, "number": number}
    if not subscribed(world, "kuaidi100", told | {"url": url, "salt": salt, "token": ""}):
        return _no("501", "重复订阅")
    return JSONResponse({"result": True, "returnCode": "200", "message": "提交成功"})


def body(subscription: Row, scans: list[Row], *, forged: bool) -> str:
    """A push: `param` and its signature under the subscriber's salt."""
    over = bool(scans) and scans[0]["state"] in ways.OVER
    result = _result(subscription["carrier"], subscription["number"], scans)
    told = {
        "status": "shutdown" if over else "polling",
        "billstatus": "check" if over else "got",
        "message": "",
        "lastResult": result,
    }
    param = json.dumps(told, ensure_ascii=False)
    salt = secrets.token_hex(8) if forged else subscription["salt"]
    return urlencode({"sign": signed(param + salt), "param": param})
