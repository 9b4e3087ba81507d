"""A very small Alipay for httpx.MockTransport: it checks our signatures and signs its answers.

The whole one is the sandbox; this one lets a test say exactly which bytes come back.
"""

import base64
import functools
import json
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

BASE_URL = "https://openapi.alipay.test/gateway.do"
APP_ID = "2021000000000001"
SELLER_ID = "2088000000000001"


@functools.cache
def key_of(whose: str) -> rsa.RSAPrivateKey:
    """A key pair for one side of the wire, made once."""
    assert whose
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """The private half as PKCS#8 PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    """The public half as PEM."""
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signature(key: rsa.RSAPrivateKey, text: str) -> str:
    """RSA2 in base64."""
    return base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


class SmallAlipay:
    """`answers` maps a method to its fields, or to raw bytes when the test wants those."""

    def __init__(self) -> None:
        self.key = key_of("alipay")
        self.merchant = key_of("merchant")
        self.answers: dict[str, dict[str, str] | Callable[[], httpx.Response]] = {}
        self.heard: list[dict[str, str]] = []

    @property
    def rail(self) -> dict[str, str]:
        """The settings a merchant of this Alipay has."""
        return {
            "base_url": BASE_URL,
            "app_id": APP_ID,
            "seller_id": SELLER_ID,
            "private_key": private_pem(self.merchant),
            "alipay_public_key": public_pem(self.key),
        }

    def transport(self) -> httpx.MockTransport:
        """The network that leads here."""
        return httpx.MockTransport(self._handle)

    def knows(self, text: str, given: str) -> None:
        """Fail unless the merchant signed the text."""
        self.merchant.public_key().verify(
            base64.b64decode(given), text.encode(), padding.PKCS1v15(), hashes.SHA256()
        )

    def content(self, at: int = -1) -> dict[str, str]:
        """biz_content of a call."""
        found: dict[str, str] = json.loads(self.heard[at]["biz_content"])
        return found

    def signed(self, method: str, inner: str) -> bytes:
        """A whole answer around the raw text of the inner value."""
        name = method.replace(".", "_") + "_response"
        return f'{{"{name}":{inner},"sign":"{signature(self.key, inner)}"}}'.encode()

    def notice(self, **changes: str | None) -> bytes:
        """A signed notice of a payment of 88.88; None leaves a field out."""
        fields: dict[str, str | None] = {
            "notify_type": "trade_status_sync",
            "notify_id": "2026112200222100000000000000000001",
            "notify_time": "2026-11-22 10:00:05",
            "app_id": APP_ID,
            "seller_id": SELLER_ID,
            "charset": "utf-8",
            "out_trade_no": "R0000000000000000001",
            "trade_no": "2026112222001000000001",
            "trade_status": "TRADE_SUCCESS",
            "total_amount": "88.88",
            "gmt_payment": "2026-11-22 10:00:03",
            "subject": "茶 {一壶} \\/ & =",
            **changes,
        }
        sent = {name: value for name, value in fields.items() if value is not None}
        text = "&".join(f"{name}={sent[name]}" for name in sorted(sent))
        return urlencode({**sent, "sign": signature(self.key, text), "sign_type": "RSA2"}).encode()

    def _handle(self, request: httpx.Request) -> httpx.Response:
        sent = dict(request.url.params) | dict(parse_qsl(request.content.decode()))
        self.heard.append(sent)
        text = "&".join(f"{name}={sent[name]}" for name in sorted(sent) if name != "sign")
        self.knows(text, sent["sign"])
        answer = self.answers[sent["method"]]
        if callable(answer):
            return answer()
        inner = json.dumps({"code": "10000", "msg": "Success", **answer})
        return httpx.Response(200, content=self.signed(sent["method"], inner))
