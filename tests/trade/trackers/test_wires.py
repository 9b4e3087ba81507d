"""Both services are spoken with as they say: what is signed how, and what their codes mean."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest

from littleshop.errors import GatewayError
from littleshop.trade import trackers
from littleshop.trade.carriers import CARRIERS
from littleshop.trade.trackers import Asked, PushRefused, Unfollowed
from littleshop.trade.trackers.kdniao import Kdniao
from littleshop.trade.trackers.kuaidi100 import Kuaidi100
from littleshop.wires import Wire

SETTINGS = {
    "base_url": "http://127.0.0.1:1", "customer": "CUST", "key": "the-key", "salt": "the-salt",
    "business_id": "1237100",
}  # fmt: skip


def parcel(carrier: str = "sf", number: str = "SF1408223100671") -> Asked:
    url = "https://shop.test/callbacks/courier/1-abc"
    return Asked(CARRIERS[carrier], number, "2046", url, "1-abc")


class Other:
    """The other end of the wire."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.forms: list[dict[str, str]] = []
        self.paths: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        found = parse_qs(request.content.decode(), keep_blank_values=True)
        self.forms.append({name: values[0] for name, values in found.items()})
        self.paths.append(request.url.path)
        return httpx.Response(200, json=self.answers.pop(0))

    def wire(self) -> Wire:
        secrets = ["the-key", "the-salt"]
        transport = httpx.MockTransport(self)
        return Wire("courier", SETTINGS["base_url"], secrets=secrets, transport=transport)


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


async def test_kuaidi100_is_asked_with_param_key_and_customer_signed_in_capitals() -> None:
    rows = [
        {"ftime": "2026-11-24 12:00:00", "context": "已签收", "statusCode": "301"},
        {"time": "2026-11-23 10:00:00", "context": "在柜子里", "statusCode": "501"},
        {"time": "2026-11-23 09:00:00", "context": "已揽收", "status": "揽收"},
        {"time": "not a time", "context": "?"},
    ]
    said = {"status": "200", "state": "3", "nu": "SF1408223100671", "data": rows}
    other = Other(said, {"result": False, "returnCode": "500", "message": "查询无结果"})
    rail = Kuaidi100(SETTINGS, other.wire())
    told = await rail.query(parcel())
    [form], [path] = other.forms, other.paths
    assert path == "/poll/query.do"
    assert form["sign"] == md5(f"{form['param']}the-keyCUST").upper()
    assert json.loads(form["param"])["com"] == "shunfeng"
    assert json.loads(form["param"])["phone"] == "2046"
    assert told is not None
    assert [each.state for each in told.scans] == ["picked_up", "at_station", "delivered"]
    # Beijing's wall, whatever this machine thinks of time zones
    assert told.scans[-1].at == datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
    assert await rail.query(parcel()) is None  # nobody knows yet
    assert await rail.query(parcel("other")) is None
    await rail.disconnect()


async def test_kuaidi100_is_subscribed_to_once_and_says_what_it_will_never_follow() -> None:
    other = Other(
        {"result": True, "returnCode": "200"},
        {"result": False, "returnCode": "501", "message": "重复订阅"},
        {"result": False, "returnCode": "701", "message": "拒绝订阅的快递公司"},
        {"result": False, "returnCode": "600", "message": "您不是合法的订阅者 the-key"},
    )
    rail = Kuaidi100(SETTINGS, other.wire())
    await rail.subscribe(parcel())
    await rail.subscribe(parcel("other", "ABC12345678"))
    told, unknown = (json.loads(form["param"]) for form in other.forms)
    assert (other.forms[0]["schema"], other.paths[0]) == ("json", "/poll")
    assert (told["company"], told["key"]) == ("shunfeng", "the-key")
    assert told["parameters"]["callbackurl"].endswith("/callbacks/courier/1-abc")
    assert (told["parameters"]["salt"], told["parameters"]["phone"]) == ("the-salt", "2046")
    assert (unknown["company"], unknown["parameters"]["autoCom"]) == ("", "1")
    assert "phone" not in unknown["parameters"]
    with pytest.raises(Unfollowed):
        await rail.subscribe(parcel())
    with pytest.raises(GatewayError) as no:
        await rail.subscribe(parcel())
    assert not no.value.retryable
    assert "the-key" not in str(no.value)
    await rail.disconnect()


def pushed(param: str, salt: str) -> bytes:
    return urlencode({"param": param, "sign": md5(param + salt).upper()}).encode()


async def test_a_push_of_kuaidi100_is_believed_for_its_salt_alone() -> None:
    rail = Kuaidi100(SETTINGS, Other().wire())
    result = {"nu": "SF1408223100671", "state": "4", "data": [
        {"time": "2026-11-24 12:00:00", "context": "退件\u0000已签收"}]}  # fmt: skip
    param = json.dumps({"status": "shutdown", "lastResult": result}, ensure_ascii=False)
    [told] = rail.parse_push(pushed(param, "the-salt"))
    assert told.over
    assert (told.scans[0].state, told.scans[0].words) == ("returned", "退件 已签收")
    for bad in (
        pushed(param, "another"),
        pushed("[" * 5000, "the-salt"),
        b"param=1",
        b"\xff\xfe",
        b"param=1&sign=2&sign=3",
    ):
        with pytest.raises(PushRefused):
            rail.parse_push(bad)
    assert rail.parse_push(pushed('{"lastResult": "nonsense"}', "the-salt"))[0].scans == ()
    assert json.loads(rail.answer(datetime.now(UTC), heard=True))["returnCode"] == "200"
    await rail.disconnect()


async def test_kdniao_is_signed_with_the_base64_of_a_hexadecimal_md5() -> None:
    traces = [
        {"AcceptTime": "2026-11-23 09:00:00", "AcceptStation": "已揽收", "Action": "1"},
        {"AcceptTime": "2026-11-24 12:00:00", "AcceptStation": "已放入快递柜"},
    ]
    said = {"Success": True, "State": "2", "StateEx": "211", "Traces": traces}
    other = Other(
        said | {"LogisticCode": "SF1408223100671"},
        {"Success": True},
        {"Success": False, "Reason": "没有这个快递公司"},
        {"Success": False, "Reason": "数据签名不正确"},
    )
    rail = Kdniao(SETTINGS, other.wire())
    told = await rail.query(parcel())
    form = other.forms[0]
    expected = base64.b64encode(md5(f"{form['RequestData']}the-key").encode()).decode()
    assert (form["DataSign"], form["RequestType"], form["DataType"]) == (expected, "1002", "2")
    asked = {"ShipperCode": "SF", "LogisticCode": "SF1408223100671", "CustomerName": "2046"}
    assert json.loads(form["RequestData"]) == asked
    assert told is not None
    assert [each.state for each in told.scans] == ["picked_up", "at_station"]
    await rail.subscribe(parcel("yto", "YT1408223100222"))
    form = other.forms[1]
    assert form["RequestType"] == "1008"
    assert json.loads(form["RequestData"])["Callback"] == "1-abc"
    assert not rail.follows(CARRIERS["other"])
    with pytest.raises(Unfollowed):
        await rail.subscribe(parcel())
    with pytest.raises(GatewayError):  # it is about us: somebody has to look
        await rail.subscribe(parcel())
    await rail.disconnect()


async def test_a_push_of_kdniao_brings_our_token_back() -> None:
    rail = Kdniao(SETTINGS, Other().wire())
    trace = {"AcceptTime": "2026-11-24 12:00:00", "AcceptStation": "已签收"}
    one = {"LogisticCode": "YT1408223100222", "State": "3", "Traces": [trace], "Callback": "1-abc"}
    told = {"EBusinessID": "1237100", "Count": "2", "Data": [one, {**one, "Callback": ""}]}

    def push(kind: str = "101", key: str = "the-key", **change: object) -> bytes:
        text = json.dumps({**told, **change}, ensure_ascii=False)
        sign = base64.b64encode(md5(f"{text}{key}").encode()).decode()
        form = {"RequestData": text, "DataSign": sign, "RequestType": kind}
        return urlencode(form).encode()

    first, second = rail.parse_push(push())
    assert (first.token, first.scans[0].state, second.token) == ("1-abc", "delivered", "")
    for bad in (push(key="another"), push(kind="107"), push(EBusinessID="7654321")):
        with pytest.raises(PushRefused):
            rail.parse_push(bad)
    assert json.loads(rail.answer(datetime.now(UTC), heard=True))["Success"] is True
    await rail.disconnect()


def test_the_rail_says_what_its_settings_lack() -> None:
    assert trackers.open({}) is None
    assert trackers.open({"courier": {"enabled": False}}) is None
    assert trackers.faults({"vendor": "kuaidi100", "base_url": "x"}).endswith("customer, key, salt")
    assert "kdniao" in trackers.faults({"vendor": "17track"})
    with pytest.raises(GatewayError):
        trackers.open({"courier": {"vendor": "kdniao", "base_url": "https://x"}})
