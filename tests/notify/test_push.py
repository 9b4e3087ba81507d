"""A push message can be read by the one browser it is for, and goes to push services only."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from pathlib import Path

import http_ece
import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from littleshop.errors import GatewayError, Refused
from littleshop.notify import push
from littleshop.notify.sms import Unwanted
from littleshop.wires import Wire

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "web_push.json"
AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ENDPOINT = "http://127.0.0.1:9999/push/abc"


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """A browser's side: its keys, and a push service that answers with `status`."""

    def __init__(self, status: int = 201) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"sixteen bytes ok"
        self.status = status
        self.requests: list[httpx.Request] = []

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status, headers={"location": "/m/1"})

    def read(self, request: httpx.Request) -> dict[str, str]:
        plain = http_ece.decrypt(
            request.content, private_key=self.key, auth_secret=self.auth, version="aes128gcm"
        )
        told: dict[str, str] = json.loads(plain)
        return told


def vapid_pem() -> str:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def sender(browser: Browser | None = None, *, demo: bool = True) -> push.Push:
    rail = {
        "vapid_private_key": vapid_pem(),
        "contact": "mailto:a@example.org",
        "allowed_hosts": ["127.0.0.1:9999", "push.example.org"],
    }
    wire = Wire("push", transport=httpx.MockTransport(browser)) if browser else None
    return push.Push(rail, demo=demo, wire=wire)


@pytest.mark.skipif(not VECTORS.exists(), reason="the vectors are not here")
def test_the_encryption_is_that_of_rfc_8291() -> None:
    example = json.loads(VECTORS.read_text())["rfc8291_appendix_a"]
    key = ec.derive_private_key(int.from_bytes(raw(example["as_private"]), "big"), ec.SECP256R1())
    body = push.encrypt(
        example["plaintext"].encode(),
        raw(example["ua_public"]),
        raw(example["auth_secret"]),
        salt=raw(example["salt"]),
        key=key,
    )
    assert body == raw(example["body"])


def verified(token: str, public_key: str) -> dict[str, object]:
    """The claims of an ES256 token; raises InvalidSignature."""
    signed, _, signature = token.rpartition(".")
    rs = raw(signature)
    der = encode_dss_signature(int.from_bytes(rs[:32], "big"), int.from_bytes(rs[32:], "big"))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(public_key))
    key.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    claims: dict[str, object] = json.loads(raw(signed.partition(".")[2]))
    return claims


@pytest.mark.skipif(not VECTORS.exists(), reason="the vectors are not here")
def test_the_check_used_here_accepts_the_example_of_rfc_8292() -> None:
    example = json.loads(VECTORS.read_text())["rfc8292_example"]
    assert verified(example["t"], example["k"])["aud"] == "https://push.example.net"


async def test_the_browser_reads_what_was_sent_and_knows_who_sent_it() -> None:
    browser = Browser()
    channel = sender(browser)
    told = {"title": "新订单 ¥128.00", "body": "tap", "url": "/console/orders/7"}
    assert await channel.send(ENDPOINT, browser.point, browser.auth, told, AT) == "/m/1"
    [request] = browser.requests
    assert browser.read(request) == told
    assert "新订单".encode() not in request.content
    scheme, _, rest = request.headers["authorization"].partition(" ")
    token, key = (part.strip()[2:] for part in rest.split(","))
    claims = verified(token, key)
    assert (scheme, key) == ("vapid", channel.public_key)
    assert claims["aud"] == "http://127.0.0.1:9999" and claims["sub"] == "mailto:a@example.org"
    assert claims["exp"] == int(AT.timestamp()) + 12 * 3600
    assert request.headers["ttl"] and request.headers["content-encoding"] == "aes128gcm"
    await channel.close()


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_is_gone_says_so(status: int) -> None:
    browser = Browser(status)
    with pytest.raises(Unwanted):
        await sender(browser).send(ENDPOINT, browser.point, browser.auth, {"title": "x"}, AT)


@pytest.mark.parametrize(("status", "again"), [(429, True), (500, True), (503, True), (400, False)])
async def test_a_busy_push_service_is_asked_again_a_strict_one_is_not(
    status: int, again: bool
) -> None:
    browser = Browser(status)
    with pytest.raises(GatewayError) as refusal:
        await sender(browser).send(ENDPOINT, browser.point, browser.auth, {"title": "x"}, AT)
    assert refusal.value.retryable is again


GOOD = [
    "https://fcm.googleapis.com/fcm/send/abc",
    "https://updates.push.services.mozilla.com/wpush/v2/abc",
    "https://wns2-par02p.notify.windows.com/w/?token=abc",
    "https://web.push.apple.com/QOk",
    "https://push.example.org/x",
    ENDPOINT,
]
BAD = [
    "http://fcm.googleapis.com/fcm/send/abc",
    "https://fcm.googleapis.com:8443/x",
    "https://fcm.googleapis.com@127.0.0.1/x",
    "https://me:pw@fcm.googleapis.com/x",
    "https://fcm.googleapis.com.evil.example/x",
    "https://evilnotify.windows.com.example/x",
    "https://169.254.169.254/latest",
    "http://127.0.0.1:5432/",
    "http://push.example.org/x",
    "file:///etc/passwd",
    "https://[::1",
    "",
]


@pytest.mark.parametrize("endpoint", GOOD)
def test_endpoints_of_push_services_are_welcome(endpoint: str) -> None:
    sender().check(endpoint)


@pytest.mark.parametrize("endpoint", BAD)
def test_other_addresses_are_not(endpoint: str) -> None:
    with pytest.raises(Refused, match="push_endpoint"):
        sender().check(endpoint)


def test_this_machine_is_no_push_service_in_live_mode() -> None:
    with pytest.raises(Refused):
        sender(demo=False).check(ENDPOINT)


def test_keys_that_are_no_keys_are_refused_before_they_are_kept() -> None:
    browser = Browser()
    push.check_keys(browser.point, browser.auth)
    for point, auth in ((b"\x04" + b"\x01" * 64, browser.auth), (browser.point, b"short")):
        with pytest.raises(Refused, match="push_keys"):
            push.check_keys(point, auth)
