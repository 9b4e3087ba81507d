"""A merchant's side of WeChat Pay's wire, written from the protocol, not from the sandbox."""

import base64
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from tests.sandbox.conftest import Program

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)"
INSIDE = f"{PHONE} MicroMessenger/8.0.50"
OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)


class WechatMerchant:
    """Signs requests, verifies answers and notices; in public-key mode."""

    def __init__(self, program: "Program", name: str, **told: Any) -> None:
        self.program = program
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.account = program.post("/control/bank/accounts", {"name": name})
        asked = {"public_key": public.decode(), "name": name, **told}
        self.told: dict[str, Any] = program.post("/control/wechat_pay/merchants", asked)
        self.mchid, self.appid = self.told["mchid"], self.told["appid"]

    def now(self) -> datetime:
        """The sandbox's present."""
        offset = self.program.get("/control/clock")["offset_seconds"]
        return datetime.now(UTC) + timedelta(seconds=offset)

    def sign(self, text: str) -> str:
        """SHA256withRSA, base64."""
        raw = self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(raw).decode()

    def headers(self, method: str, path: str, body: bytes, **changes: str) -> dict[str, str]:
        """What proves a request to be this merchant's; `changes` are of the signed parts."""
        parts = {
            "mchid": self.mchid,
            "nonce_str": secrets.token_hex(16),
            "timestamp": str(int(self.now().timestamp())),
            "serial_no": self.told["serial_no"],
            **changes,
        }
        text = f"{method}\n/wechat{path}\n{parts['timestamp']}\n{parts['nonce_str']}\n"
        parts.setdefault("signature", self.sign(f"{text}{body.decode()}\n"))
        joined = ",".join(f'{name}="{value}"' for name, value in parts.items())
        return {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "a stall",
            "Authorization": f"WECHATPAY2-SHA256-RSA2048 {joined}",
        }

    def call(
        self, method: str, path: str, content: dict[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """Ask; `headers` are added to the request's own."""
        body = b"" if content is None else json.dumps(content, ensure_ascii=False).encode()
        signed = {**self.headers(method, path, body), **headers}
        return self.program.client.request(
            method, f"/wechat{path}", content=body or None, headers=signed
        )

    def ask(
        self, method: str, path: str, content: dict[str, Any] | None = None, **headers: str
    ) -> dict[str, Any]:
        """The fields of a good answer, which WeChat has signed."""
        answer = self.call(method, path, content, **headers)
        assert answer.is_success, answer.text
        assert self.genuine(dict(answer.headers), answer.content)
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def refused(self, method: str, path: str, content: dict[str, Any] | None = None) -> str:
        """The code of a no."""
        answer = self.call(method, path, content)
        assert not answer.is_success, answer.text
        return str(answer.json()["code"])

    def genuine(self, headers: dict[str, str], body: bytes) -> bool:
        """Whether WeChat's public key signed these bytes."""
        told = {name.lower(): value for name, value in headers.items()}
        text = f"{told['wechatpay-timestamp']}\n{told['wechatpay-nonce']}\n".encode() + body + b"\n"
        key = serialization.load_pem_public_key(self.told["public_key"].encode())
        assert isinstance(key, rsa.RSAPublicKey)
        assert told["wechatpay-serial"] == self.told["public_key_id"]
        try:
            given = base64.b64decode(told["wechatpay-signature"])
            key.verify(given, text, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True

    def opened(self, body: bytes) -> dict[str, Any]:
        """What is inside a notice."""
        resource = json.loads(body)["resource"]
        box = AESGCM(self.told["apiv3_key"].encode())
        text = box.decrypt(
            resource["nonce"].encode(),
            base64.b64decode(resource["ciphertext"]),
            resource["associated_data"].encode(),
        )
        found: dict[str, Any] = json.loads(text)
        return found

    def sealed(self, text: str) -> str:
        """Personal data, for WeChat's public key alone."""
        key = serialization.load_pem_public_key(self.told["public_key"].encode())
        assert isinstance(key, rsa.RSAPublicKey)
        return base64.b64encode(key.encrypt(text.encode(), OAEP)).decode()

    def order(self, total: int, notify_url: str, **more: Any) -> dict[str, Any]:
        """The body of an order."""
        return {
            "appid": self.appid,
            "mchid": self.mchid,
            "description": "手工杯 <b>cup</b>",
            "out_trade_no": secrets.token_hex(10).upper(),
            "notify_url": notify_url,
            "amount": {"total": total, "currency": "CNY"},
            **more,
        }

    def phone_order(self, total: int, notify_url: str = "http://127.0.0.1:9/x") -> tuple[str, str]:
        """(out_trade_no, h5_url) of a phone page's order."""
        scene = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}
        body = self.order(total, notify_url, scene_info=scene)
        return body["out_trade_no"], self.ask("POST", "/v3/pay/transactions/h5", body)["h5_url"]

    def paid(self, total: int, notify_url: str = "http://127.0.0.1:9/x") -> str:
        """A payment that a buyer has made; its out_trade_no."""
        body = self.order(total, notify_url)
        self.ask("POST", "/v3/pay/transactions/native", body)
        self.program.post(f"/control/wechat_pay/trades/{body['out_trade_no']}/pay")
        return str(body["out_trade_no"])

    def state(self, number: str) -> str:
        """trade_state of a payment."""
        path = f"/v3/pay/transactions/out-trade-no/{number}?mchid={self.mchid}"
        return str(self.ask("GET", path)["trade_state"])

    def back(self, number: str, total: int, minor: int, **more: Any) -> dict[str, Any]:
        """The body of a refund."""
        return {
            "out_trade_no": number,
            "out_refund_no": f"F{number}",
            "amount": {"refund": minor, "total": total, "currency": "CNY"},
            **more,
        }
