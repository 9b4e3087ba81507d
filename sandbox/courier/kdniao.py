"""KDNiao's wire: one address, a RequestType, a DataSign (PROTOCOLS 8.2)."""

import base64
import hashlib
import hmac
import json
import secrets
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.clock import beijing, stamp
from sandbox.courier import ways
from sandbox.courier.followers import subscribed
from sandbox.store import Row
from sandbox.world import World, digits, world_of

CODES = {
    "got": ("1", "1"), "way": ("2", "2"), "near": ("2", "202"), "station": ("2", "211"),
    "signed": ("3", "3"), "trouble": ("4", "4"), "refused": ("4", "4"), "back": ("4", "404"),
    "returned": ("4", "404"),
}  # fmt: skip


def new_account(world: World, push_url: str) -> dict[str, str]:
    """A fresh account; news go to its one address."""
    answer = {"business_id": digits(7), "key": secrets.token_hex(16)}
    world.store.run(
        "insert into courier_birds (business_id, key, push_url) values (?, ?, ?)",
        *answer.values(),
        push_url,
    )
    return answer


def sign(text: str, key: str) -> str:
    """base64 of the hexadecimal MD5."""
    digest = hashlib.md5(f"{text}{key}".encode(), usedforsecurity=False).hexdigest()
    return base64.b64encode(digest.encode()).decode()


def _no(business_id: str, reason: str) -> Response:
    return JSONResponse({"EBusinessID": business_id, "Success": False, "Reason": reason})


async def handle(request: Request) -> Response:
    """POST /courier/kdniao/Ebusiness/EbusinessOrderHandle.aspx"""
    world = world_of(request)
    async with request.form() as form:
        params = {name: str(value) for name, value in form.items()}
    text, business_id = params.get("RequestData", ""), params.get("EBusinessID", "")
    row = world.store.one("select * from courier_birds where business_id = ?", business_id)
    if row is None:
        return _no(business_id, "非法的商户ID")
    wanted = sign(text, row["key"])
    if not hmac.compare_digest(wanted.encode(), params.get("DataSign", "").encode()):
        return _no(business_id, "数据签名不正确")
    if world.faults.strikes("courier.fail"):
        return Response("busy", 503)
    try:
        asked = json.loads(text)
        carrier, number = str(asked["ShipperCode"]), str(asked["LogisticCode"])
    except (ValueError, KeyError, TypeError):
        return _no(business_id, "请求内容格式不正确")
    if carrier == "SF" and len(str(asked.get("CustomerName") or "")) != 4:
        return _no(business_id, "顺丰单号需要手机尾号")
    if not carrier or not ways.is_known(number):
        return _no(business_id, "没有这个快递公司或单号")
    if params.get("RequestType") in ("1008", "8008"):
        return _subscribe(world, row, carrier, number, str(asked.get("Callback") or ""))
    if params.get("RequestType") in ("1002", "8001"):
        return _query(world, business_id, carrier, number)
    return _no(business_id, "没有这个指令的权限")


def _subscribe(world: World, account: Row, carrier: str, number: str, token: str) -> Response:
    """Twice is once, with the later Callback."""
    told = {"account": account["business_id"], "carrier": carrier, "number": number}
    more = {"url": account["push_url"], "salt": "", "token": token}
    subscribed(world, "kdniao", told | more)
    answer = {"EBusinessID": account["business_id"], "Success": True, "Reason": ""}
    return JSONResponse({**answer, "UpdateTime": beijing(stamp(world.clock.now()))})


def _query(world: World, business_id: str, carrier: str, number: str) -> Response:
    with world.store.transaction():
        ways.begin(world, number)
    scans = ways.so_far(world, number)
    return JSONResponse({"EBusinessID": business_id, **_result(carrier, number, scans)})


def _result(carrier: str, number: str, scans: list[Row]) -> dict[str, object]:
    state, more = CODES[scans[0]["state"]] if scans else ("0", "0")
    return {
        "ShipperCode": carrier,
        "LogisticCode": number,
        "Success": True,
        "Reason": "" if scans else "暂无轨迹信息",
        "State": state,
        "StateEx": more,
        "Traces": [
            {
                "AcceptTime": beijing(scan["at"]),
                "AcceptStation": scan["words"],
                "Action": CODES[scan["state"]][1],
                "Remark": "",
            }
            for scan in reversed(scans)
        ],
    }


def body(world: World, subscription: Row, scans: list[Row], *, forged: bool) -> str:
    """A push: RequestType 101 with one parcel in it."""
    account = world.store.one(
        "select * from courier_birds where business_id = ?", subscription["account"]
    )
    assert account is not None
    result = _result(subscription["carrier"], subscription["number"], scans)
    told = {
        "PushTime": beijing(stamp(world.clock.now())),
        "EBusinessID": account["business_id"],
        "Count": "1",
        "Data": [
            {
                "EBusinessID": account["business_id"],
                **result,
                "Callback": subscription["token"],
            }
        ],
    }
    text = json.dumps(told, ensure_ascii=False)
    key = secrets.token_hex(16) if forged else account["key"]
    return urlencode({"RequestData": text, "DataSign": sign(text, key), "RequestType": "101"})
