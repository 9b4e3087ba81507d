"""SMS, identity, courier and push, spoken with code of the test's own."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import http_ece
import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tests.sandbox.conftest import Program


class Sender:
    """An SMS customer."""

    def __init__(self, sandbox: Program) -> None:
        self.sandbox = sandbox
        self.key = sandbox.post("/control/sms/keys")

    def send(self, phone: str, nonce: str = "", **changed: str) -> httpx.Response:
        """SendSms, signed by ACS3-HMAC-SHA256; `changed` bends headers after signing."""
        form = {
            "PhoneNumbers": phone,
            "SignName": "littleshop",
            "TemplateCode": "SMS_1",
            "TemplateParam": json.dumps({"code": "482913"}),
        }
        body = urlencode(form).encode()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "host": httpx.URL(self.sandbox.url).netloc.decode(),
            "x-acs-action": "SendSms",
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
            "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": nonce or secrets.token_hex(16),
            "x-acs-version": "2017-05-25",
        }
        names = ";".join(sorted(headers))
        listed = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        digest = headers["x-acs-content-sha256"]
        canonical = f"POST\n/sms/aliyun\n\n{listed}\n{names}\n{digest}"
        text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        secret = self.key["access_key_secret"].encode()
        signature = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
        headers["authorization"] = (
            f"ACS3-HMAC-SHA256 Credential={self.key['access_key_id']},"
            f"SignedHeaders={names},Signature={signature}"
        )
        headers |= changed
        return self.sandbox.client.post("/sms/aliyun", content=body, headers=headers)


def test_a_code_arrives_in_the_inbox_of_its_phone(sandbox: Program) -> None:
    sender, phone = Sender(sandbox), f"138{secrets.randbelow(10**8):08d}"
    assert sender.send("+86" + phone).json()["Code"] == "OK"
    [message] = sandbox.get(f"/inbox.json?phone={phone}")
    assert (message["phone"], message["code"]) == (phone, "482913")
    page = sandbox.client.get("/inbox", params={"phone": phone})
    assert "482913" in page.text and 'http-equiv="refresh"' in page.text
    template = {"code": "SMS_1", "text": "您的验证码是${code}，5分钟内有效。"}
    sandbox.post("/control/sms/templates", template)
    sender.send(phone)
    newest = sandbox.get(f"/inbox.json?phone=%2B86{phone}")[0]
    assert newest["text"] == "【littleshop】您的验证码是482913，5分钟内有效。"


def test_the_sms_vendor_refuses_what_is_not_signed_or_too_much(sandbox: Program) -> None:
    sender = Sender(sandbox)
    bent = sender.send("13800000000", **{"x-acs-version": "2017-05-26"})
    assert bent.json()["Code"] == "SignatureDoesNotMatch"
    nonce = secrets.token_hex(8)
    assert sender.send("13800000000", nonce=nonce).json()["Code"] == "OK"
    assert sender.send("13800000000", nonce=nonce).json()["Code"] == "SignatureNonceUsed"
    sandbox.faults(sms={"limit": 1})
    limited = sender.send("13800000000")
    assert (limited.status_code, limited.json()["Code"]) == (
        200,
        "isv.BUSINESS_LIMIT_CONTROL",
    )
    assert sender.send("12").json()["Code"] == "isv.MOBILE_NUMBER_ILLEGAL"


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"name": "陈小满"}, None),
        ({"name": "名字不符"}, "name"),
        ({"name": "陈小满", "id_number": "110105194912310021"}, "no_such_number"),
        ({"name": "陈小满", "card_number": "6222021234560005"}, "card"),
        ({"name": "陈小满", "phone": "13800000005"}, "phone"),
    ],
)
def test_the_authority_says_which_fact_does_not_fit(
    sandbox: Program, asked: dict[str, str], reason: str | None
) -> None:
    key = sandbox.post("/control/identity/keys")["key"]
    body = json.dumps({"id_number": "11010519491231002X", **asked}).encode()
    signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Identity-Signature": signature}
    answer = sandbox.client.post("/identity/verify", content=body, headers=headers)
    assert answer.json() == {"match": reason is None, "reason": reason}
    forged = {"X-Identity-Signature": "0" * 64}
    assert sandbox.client.post("/identity/verify", content=body, headers=forged).status_code == 401


def test_a_parcel_travels_by_the_sandbox_clock(sandbox: Program) -> None:
    key = sandbox.post("/control/courier/keys")

    def ask(number: str, carrier: str = "yuantong") -> Any:
        param = json.dumps({"com": carrier, "num": number})
        text = f"{param}{key['key']}{key['customer']}"
        sign = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
        form = {"customer": key["customer"], "param": param, "sign": sign}
        return sandbox.client.post("/courier/kuaidi100/poll/query.do", data=form).json()

    number = f"YT{secrets.randbelow(10**11):011d}77"
    assert ask(number)["state"] == "1"
    sandbox.jump(minutes=23 * 60)
    assert ask(number)["state"] == "5"
    sandbox.jump(minutes=5 * 60)
    signed = ask(number)
    assert (signed["state"], signed["ischeck"], len(signed["data"])) == ("3", "1", 5)
    assert ask("YT0000000000000")["result"] is False
    assert ask("SF123456789012", "shunfeng")["returnCode"] == "408"
    key["key"] = "another"
    assert ask(number)["returnCode"] == "503"


def encode(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Pusher:
    """A web push sender."""

    def __init__(self, sandbox: Program) -> None:
        self.sandbox = sandbox
        self.key = ec.generate_private_key(ec.SECP256R1())

    def send(self, endpoint: str, body: bytes, **claims: Any) -> int:
        """Send an encrypted body; returns the status."""
        told = {
            "aud": self.sandbox.url,
            "exp": int(time.time()) + 3600,
            "sub": "mailto:a@b.invalid",
        } | claims
        head = encode(b'{"typ":"JWT","alg":"ES256"}') + "." + encode(json.dumps(told).encode())
        der = self.key.sign(head.encode(), ec.ECDSA(hashes.SHA256()))
        signature = b"".join(n.to_bytes(32, "big") for n in utils.decode_dss_signature(der))
        headers = {
            "Authorization": f"vapid t={head}.{encode(signature)}, k={encode(point(self.key))}",
            "TTL": "60",
            "Content-Encoding": "aes128gcm",
        }
        return self.sandbox.client.post(endpoint, content=body, headers=headers).status_code


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The raw public point."""
    return key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def sealed(subscription: dict[str, Any], text: str) -> bytes:
    """A message encrypted for a subscription."""
    keys = {k: base64.urlsafe_b64decode(v + "==") for k, v in subscription["keys"].items()}
    return bytes(
        http_ece.encrypt(
            text.encode(),
            salt=os.urandom(16),
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=keys["p256dh"],
            auth_secret=keys["auth"],
            version="aes128gcm",
        )
    )


def test_a_push_is_verified_and_really_decrypted(sandbox: Program) -> None:
    pusher, there = Pusher(sandbox), sandbox.post("/push/subscriptions")
    endpoint = there["endpoint"]
    assert pusher.send(endpoint, sealed(there, '{"title":"新订单"}')) == 201
    assert [m["text"] for m in sandbox.get(endpoint[len(sandbox.url) :] + ".json")] == [
        '{"title":"新订单"}'
    ]
    other = sandbox.post("/push/subscriptions")
    assert pusher.send(endpoint, sealed(other, "not for you")) == 400
    good = sealed(there, "x")
    assert pusher.send(endpoint, good, aud="https://elsewhere.invalid") == 403
    assert pusher.send(endpoint, good, exp=int(time.time()) - 60) == 403
    assert pusher.send(endpoint, good, exp=int(time.time()) + 2 * 86400) == 403
    assert Pusher(sandbox).send(endpoint, good) == 403  # another server's key
    assert pusher.send(endpoint + "x", good) == 404
    sandbox.faults(push={"gone": 1})
    assert [pusher.send(endpoint, good) for _ in range(2)] == [410, 410]
