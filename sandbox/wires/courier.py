"""Courier tracking, compatible with Kuaidi100's query (PROTOCOLS 8.2).

A parcel's story begins when it is first asked about and goes on by the sandbox's clock;
the last digits of the number choose the story (README).
"""

import hashlib
import hmac
import json
import secrets
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.clock import BEIJING, stamp, unstamp
from sandbox.world import World, digits, world_of

Step = tuple[int, str, str]  # hours after the first question, state, words
START: list[Step] = [
    (0, "1", "【杭州市】快件已揽收"),
    (3, "0", "【杭州市】快件已发往下一站"),
    (14, "0", "【本地转运中心】快件已到达"),
]
USUAL: list[Step] = [
    *START,
    (22, "5", "快递员正在派送，请保持电话畅通"),
    (26, "3", "已签收，感谢使用"),
]
TROUBLE: list[Step] = [*START, (22, "2", "地址不详，正在联系收件人")]
REFUSED: list[Step] = [
    *START,
    (22, "5", "快递员正在派送，请保持电话畅通"),
    (26, "14", "收件人拒收"),
    (30, "6", "快件正在退回"),
    (60, "4", "退件已签收"),
]


def new_key(world: World) -> dict[str, str]:
    """A fresh customer number and key."""
    answer = {"customer": digits(12), "key": secrets.token_hex(8)}
    world.store.run("insert into courier_keys (customer, key) values (?, ?)", *answer.values())
    return answer


def _no(code: str, words: str) -> Response:
    return JSONResponse({"result": False, "returnCode": code, "message": words})


async def query(request: Request) -> Response:
    """POST /courier/kuaidi100/poll/query.do: where a parcel is."""
    world = world_of(request)
    async with request.form() as form:
        params = {name: str(value) for name, value in form.items()}
    text = params.get("param", "")
    row = world.store.one(
        "select key from courier_keys where customer = ?", params.get("customer", "")
    )
    if row is None:
        return _no("601", "POLL:KEY已过期")
    wanted = hashlib.md5(f"{text}{row['key']}{params['customer']}".encode(), usedforsecurity=False)
    if not hmac.compare_digest(
        wanted.hexdigest().upper().encode(), params.get("sign", "").encode()
    ):
        return _no("503", "验证签名失败")
    if world.faults.strikes("courier.fail"):
        return _no("500", "服务器错误")
    try:
        asked = json.loads(text)
        carrier, number = str(asked["com"]), str(asked["num"])
    except (ValueError, KeyError, TypeError):
        return _no("400", "提交的数据不完整")
    if carrier == "shunfeng" and len(str(asked.get("phone") or "")) < 4:
        return _no("408", "电话号码校验异常")
    if number.endswith("000") or not 6 <= len(number) <= 32:
        return _no("500", "查询无结果，请隔段时间再查")
    return JSONResponse(_story(world, carrier, number))


def _story(world: World, carrier: str, number: str) -> dict[str, object]:
    now = world.clock.now()
    world.store.run(
        "insert into courier_parcels (carrier, number, first_asked_at) values (?, ?, ?)"
        " on conflict do nothing",
        carrier,
        number,
        stamp(now),
    )
    row = world.store.one(
        "select first_asked_at from courier_parcels where carrier = ? and number = ?",
        carrier,
        number,
    )
    assert row is not None
    began = unstamp(row["first_asked_at"])
    steps = {"002": TROUBLE, "014": REFUSED}.get(number[-3:], USUAL)
    past = [step for step in steps if began + timedelta(hours=step[0]) <= now] or steps[:1]
    events = [
        {
            "time": (began + timedelta(hours=hours)).astimezone(BEIJING)
            .strftime("%Y-%m-%d %H:%M:%S"),
            "context": words,
            "status": state,
        }
        for hours, state, words in reversed(past)
    ]  # fmt: skip
    for event in events:
        event["ftime"] = event["time"]
    state = past[-1][1]
    return {
        "message": "ok",
        "nu": number,
        "ischeck": "1" if state in {"3", "4"} else "0",
        "com": carrier,
        "status": "200",
        "state": state,
        "condition": "F00",
        "data": events,
    }
