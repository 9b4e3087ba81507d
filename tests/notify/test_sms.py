"""An SMS is signed as the vendor's own example, and its answer is read with care."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from littleshop.errors import GatewayError
from littleshop.notify import sms
from littleshop.wires import Wire

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "sms.json"
AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
RAIL = {
    "vendor": "aliyun",
    "base_url": "http://127.0.0.1:1/sms/aliyun",
    "access_key_id": "key-id",
    "access_key_secret": "very-secret-key",
    "sign_name": "小店",
}


class Vendor:
    """The other end of the wire: keeps what came and answers what it is told to."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answers.pop(0)

    def sms(self) -> sms.Sms:
        transport = httpx.MockTransport(self)
        wire = Wire("sms", RAIL["base_url"], secrets=["very-secret-key"], transport=transport)
        return sms.Sms(RAIL, wire)


def said(code: str, message: str = "") -> httpx.Response:
    return httpx.Response(200, json={"Code": code, "Message": message, "BizId": "biz-1"})


async def send(vendor: Vendor, phone: str = "+8613800002046") -> str:
    channel = vendor.sms()
    try:
        return await channel.send(
            phone, "code", "zh-CN", {"code": "123456", "minutes": "5"}, out_id="our-id", at=AT
        )
    finally:
        await channel.close()


@pytest.mark.skipif(not VECTORS.exists(), reason="the vectors are not here")
def test_the_signature_is_that_of_the_vendors_example() -> None:
    example = json.loads(VECTORS.read_text())["aliyun_acs3"]
    header = sms.authorization(
        example["access_key_id"],
        example["access_key_secret"],
        example["method"],
        example["uri"],
        example["query"],
        example["headers"],
    )
    assert header.endswith(f"Signature={example['signature']}")


async def test_phone_and_code_travel_in_the_body_and_never_in_the_address() -> None:
    vendor = Vendor(said("OK"))
    assert await send(vendor) == "biz-1"
    [request] = vendor.requests
    assert str(request.url) == "http://127.0.0.1:1/sms/aliyun"
    form = parse_qs(request.content.decode())
    assert form["PhoneNumbers"] == ["13800002046"]
    assert form["TemplateCode"] == ["LITTLESHOP_CODE_ZH_CN"]
    assert json.loads(form["TemplateParam"][0]) == {"code": "123456", "minutes": "5"}
    assert form["OutId"] == ["our-id"]


async def test_the_signature_covers_the_body_and_every_header_it_names() -> None:
    vendor = Vendor(said("OK"))
    await send(vendor)
    [request] = vendor.requests
    given = request.headers["authorization"]
    names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "content-type", "x-acs-action", "x-acs-date"} <= set(names)
    hashed = hashlib.sha256(request.content).hexdigest()
    assert request.headers["x-acs-content-sha256"] == hashed
    headers = {name: request.headers[name] for name in names}
    again = sms.authorization(
        "key-id", RAIL["access_key_secret"], "POST", request.url.path, {}, headers
    )
    assert again == given


async def test_a_number_abroad_keeps_its_country() -> None:
    vendor = Vendor(said("OK"))
    await send(vendor, "+447700900123")
    assert parse_qs(vendor.requests[0].content.decode())["PhoneNumbers"] == ["447700900123"]


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        (said("isv.BUSINESS_LIMIT_CONTROL"), True),
        (said("isp.SYSTEM_ERROR"), True),
        (said("isv.SMS_SIGNATURE_ILLEGAL"), False),
        (httpx.Response(400, json={"Code": "SignatureDoesNotMatch"}), False),
        (httpx.Response(503, text="busy"), True),
        (httpx.Response(200, text="<html>"), True),
        (httpx.Response(200, json=["OK"]), True),
    ],
)
async def test_only_the_code_ok_is_success(answer: httpx.Response, again: bool) -> None:
    with pytest.raises(GatewayError) as refusal:
        await send(Vendor(answer))
    assert refusal.value.retryable is again


async def test_a_number_that_takes_nothing_is_not_the_operators_trouble() -> None:
    with pytest.raises(sms.Unwanted):
        await send(Vendor(said("isv.MOBILE_NUMBER_ILLEGAL")))


async def test_an_error_shows_neither_the_number_nor_our_secret() -> None:
    answer = said("isv.DENY", "13800002046 +8613800002046 very-secret-key")
    with pytest.raises(GatewayError) as refusal:
        await send(Vendor(answer))
    told = str(refusal.value)
    assert "13800002046" not in told and "very-secret-key" not in told
    assert "138 **** 2046" in told
