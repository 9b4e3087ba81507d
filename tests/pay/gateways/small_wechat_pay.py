"""A very small WeChat Pay for httpx.MockTransport: checks our signatures and signs its answers.

The whole one is the sandbox; this one lets a test say exactly which bytes come back.
"""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.pay.gateways.small_alipay import key_of, private_pem, public_pem, signature

BASE_URL = "https://api.mch.weixin.test"
MCHID = "1900000001"
APPID = "wx0000000000000001"
SERIAL = "444F4864EA9B34415000000000000000000000A1"
APIV3_KEY = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000000012026112200000001"
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
FIELD = re.compile(r'(\w+)="([^"]*)"')
Made = Callable[[], httpx.Response]


def platform_certificate(
    key: rsa.RSAPrivateKey, serial: int, starts: datetime, ends: datetime
) -> str:
    """A platform certificate over this key, valid for that span."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(starts)
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(Encoding.PEM).decode()


def sealed(text: str, kind: str, key: str = APIV3_KEY) -> dict[str, str]:
    """A text as an encrypted resource."""
    nonce = "0123456789ab"
    box = AESGCM(key.encode()).encrypt(nonce.encode(), text.encode(), kind.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(box).decode(),
        "associated_data": kind,
        "nonce": nonce,
    }


class SmallWechatPay:
    """`answers` maps "METHOD path" to (status, fields), or to a maker of a raw response.

    It signs with `key` under the name `signer`; `certificates` are what GET /v3/certificates
    lists: (serial number, PEM).
    """

    def __init__(self) -> None:
        self.key = key_of("wechat")
        self.merchant = key_of("merchant")
        self.signer = PUBLIC_KEY_ID
        self.now = NOW
        self.certificates: list[tuple[str, str]] = []
        self.answers: dict[str, tuple[int, dict[str, Any]] | Made] = {}
        self.heard: list[httpx.Request] = []

    @property
    def rail(self) -> dict[str, Any]:
        """The settings a merchant of this WeChat Pay has, in public-key mode."""
        return {
            "base_url": BASE_URL,
            "appid": APPID,
            "mchid": MCHID,
            "serial_no": SERIAL,
            "private_key": private_pem(self.merchant),
            "apiv3_key": APIV3_KEY,
            "app_secret": "0123456789abcdef0123456789abcdef",
            "public_key_id": PUBLIC_KEY_ID,
            "public_key": public_pem(self.key),
        }

    @property
    def certified(self) -> dict[str, Any]:
        """The same in certificate mode."""
        return {k: v for k, v in self.rail.items() if not k.startswith("public_key")}

    def issues(
        self, serial: int, *, whose: str = "wechat", days: tuple[int, int] = (-1, 365)
    ) -> str:
        """Sign with another certificate from now on, and list it first; its number."""
        starts, ends = (self.now + timedelta(days=count) for count in days)
        self.key, self.signer = key_of(whose), f"{serial:X}"
        pem = platform_certificate(self.key, serial, starts, ends)
        self.certificates.insert(0, (self.signer, pem))
        return self.signer

    def transport(self) -> httpx.MockTransport:
        """The network that leads here."""
        return httpx.MockTransport(self._handle)

    def content(self, at: int = -1) -> dict[str, Any]:
        """The body of a call."""
        found: dict[str, Any] = json.loads(self.heard[at].content)
        return found

    def headers(self, body: bytes, **changes: str) -> dict[str, str]:
        """What proves a body to be WeChat's."""
        stamp, nonce = str(int(self.now.timestamp())), "593BEC0C930BF1AFEB40B4A08C8FB242"
        found = {
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": self.signer,
            "Wechatpay-Signature": signature(self.key, f"{stamp}\n{nonce}\n{body.decode()}\n"),
        }
        return found | {f"Wechatpay-{name.title()}": value for name, value in changes.items()}

    def notice(self, event: str, content: dict[str, Any]) -> bytes:
        """The body of a notice."""
        kind = "transaction" if event.startswith("TRANSACTION") else "refund"
        told = {
            "id": "EV-2026112218000000001",
            "create_time": "2026-11-22T18:00:05+08:00",
            "resource_type": "encrypt-resource",
            "event_type": event,
            "summary": "支付成功",
            "resource": {"original_type": kind, **sealed(json.dumps(content), kind)},
        }
        return json.dumps(told, ensure_ascii=False).encode()

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.heard.append(request)
        self._proven(request)
        if request.url.path == "/v3/certificates":
            return self._listed()
        answer = self.answers[f"{request.method} {request.url.raw_path.decode()}"]
        if callable(answer):
            return answer()
        status, fields = answer
        body = json.dumps(fields, ensure_ascii=False).encode() if fields else b""
        return httpx.Response(status, content=body, headers=self.headers(body))

    def _listed(self) -> httpx.Response:
        if not self.certificates:
            return httpx.Response(404, json={"code": "RESOURCE_NOT_EXISTS", "message": "无证书"})
        found = [
            {"serial_no": serial, "encrypt_certificate": sealed(pem, "certificate")}
            for serial, pem in self.certificates
        ]
        body = json.dumps({"data": found}).encode()
        return httpx.Response(200, content=body, headers=self.headers(body))

    def _proven(self, request: httpx.Request) -> None:
        """Fail unless the merchant signed exactly this request."""
        scheme, _, rest = request.headers["authorization"].partition(" ")
        told = dict(FIELD.findall(rest))
        assert scheme == "WECHATPAY2-SHA256-RSA2048"
        assert (told["mchid"], told["serial_no"]) == (MCHID, SERIAL)
        assert request.headers["accept"] == "application/json"
        text = (
            f"{request.method}\n{request.url.raw_path.decode()}\n{told['timestamp']}\n"
            f"{told['nonce_str']}\n{request.content.decode()}\n"
        )
        given = base64.b64decode(told["signature"])
        self.merchant.public_key().verify(given, text.encode(), padding.PKCS1v15(), hashes.SHA256())
